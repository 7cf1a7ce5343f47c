"""Text from elsewhere, made safe to show."""

import re
import unicodedata

_TOKENS = re.compile(
    r"eyJ[A-Za-z0-9_=-]{6,}(?:\.[A-Za-z0-9_=-]*)*"  # JWTs
    r"|vlt_[A-Za-z0-9_-]+"  # lease tokens
    r"|(?i:bearer)\s+[^\s'\",]+"
)


def printable(text: str, limit: int = 2000) -> str:
    """Return `text` on one line without anything that could steer a terminal, bounded."""
    clean = "".join(" " if unicodedata.category(character) in _STEERING else character for character in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def without_tokens(text: str) -> str:
    """Mask everything in `text` that looks like a token: the last net under a trace for `--debug`."""
    return _TOKENS.sub("***", text)
