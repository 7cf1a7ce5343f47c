"""Vendor: short-lived keys to exactly the data you may touch."""

TYPE_CHECKING = False  # as in typing, whose import every command would pay for
if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> str:
    # Looked up when somebody asks: reading the installed packages takes a quarter of `vend --help`.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("sts-vendor")
