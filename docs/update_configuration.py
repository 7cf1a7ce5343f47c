"""Write the table of docs/configuration.md anew from `vendor/settings.py`.

    python docs/update_configuration.py [--check]

Names, defaults and what is accepted come from the code.  What a setting is for is written in the table by hand, and
kept; a setting without it is a mistake.  With `--check` nothing is written, and the status is 1 if something would be.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from vendor.environment import PREFIX
from vendor.secret import Secret
from vendor.settings import SECRETS, Settings

PAGE = Path(__file__).with_name("configuration.md")
BEGIN, END = "<!-- settings: made by docs/update_configuration.py -->", "<!-- end of settings -->"
HEAD = ("| setting | default | accepts | what it is for |", "|---|---|---|---|")


def page(text: str) -> str:
    """Return the page with its table up to date.  Raises ValueError for one without its marks."""
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has lost a mark around its table")
    return "\n".join([before + begin, *HEAD, *rows(purposes(table)), end + after])


def purposes(table: str) -> dict[str, str]:
    """Return what the table says that each setting is for."""
    return {name: said.strip() for name, said in re.findall(r"(?m)^\| `(VENDOR_\w+)` \|.*(?<!\\)\|([^|]*)\|$", table)}


def rows(said: Mapping[str, str]) -> Iterator[str]:
    """Return the lines of the table."""
    for name, field in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        accepted = accepts(field) + (f", or a file of it in `{variable}_FILE`" if name.upper() in SECRETS else "")
        cells = (f"`{variable}`", default(field), accepted, said.get(variable, ""))
        yield "| " + " | ".join(cells) + " |"


def default(field: FieldInfo) -> str:
    """Say what is in force when nothing is set."""
    if field.is_required():
        return "required"
    if field.default is None:
        return "-"
    return f"`{field.default}`"


def accepts(field: FieldInfo) -> str:
    """Say which values are taken."""
    kind, details = _bare(field.annotation, list(field.metadata))
    if get_origin(kind) is Literal:
        return _values(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _values(member.value for member in kind)
    if kind is bool:
        return _values(("true", "false"))
    if kind is int:
        return f"{_bound(details, 'ge'):,} to {_bound(details, 'le'):,}"
    if kind is Path:
        return "path"
    if kind is Secret:
        return "secret"
    if any(getattr(getattr(each, "func", None), "__name__", "") == "_url" for each in details):
        return "http(s) URL"
    pattern = next((each.pattern for each in details if getattr(each, "pattern", None)), None)
    return "text" if pattern is None else f"`{pattern.strip('^$')}`".replace("|", r"\|")


def _bare(annotation: Any, details: list[Any]) -> tuple[Any, list[Any]]:
    """Take `| None` and `Annotated[…]` off, and collect what the latter says."""
    if hasattr(annotation, "__metadata__"):
        return _bare(annotation.__origin__, [*details, *annotation.__metadata__])
    members = [each for each in get_args(annotation) if each is not type(None)]
    if type(None) in get_args(annotation) and len(members) == 1:
        return _bare(members[0], details)
    return annotation, [more for each in details for more in (each, *getattr(each, "metadata", ()))]


def _bound(details: Iterable[Any], name: str) -> int:
    return int(next(getattr(each, name) for each in details if getattr(each, name, None) is not None))


def _values(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def main(arguments: list[str]) -> int:
    """Check or write the page; 2 if it cannot be read as what it is, or something else is asked for."""
    if set(arguments) - {"--check"}:
        sys.stderr.write(f"usage: python docs/{Path(__file__).name} [--check]\n")
        return 2
    try:
        before = PAGE.read_text("utf-8")
        after = page(before)
    except (OSError, ValueError) as problem:
        sys.stderr.write(f"{PAGE.name} cannot be updated: {problem}.\n")
        return 2
    silent = [name for name, said in purposes(after).items() if not said]
    for name in silent:
        sys.stderr.write(f"{PAGE.name}: write into the table what {name} is for\n")
    if before != after and "--check" in arguments:
        sys.stderr.write(f"{PAGE.name} is out of date; run: python docs/{Path(__file__).name}\n")
        return 1
    if before != after:
        PAGE.write_text(after, "utf-8")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
