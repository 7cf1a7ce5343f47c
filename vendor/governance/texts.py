"""What people may say of users and tenants: texts without control characters, of limited length, and links to the web.

One definition for every way in, so that a state that was written by one can be read by another.
"""

import re
import unicodedata
from typing import Final

from vendor.errors import InvalidRequest

LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,500}")
TEXT: Final = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]{1,4000}")
LINK: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f]{1,2040}")
EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,190}@[^@\s\x00-\x1f\x7f]{1,190}")

FORMS: Final = {"display_name": LINE, "organization": LINE, "description": TEXT, "website": LINK, "email": EMAIL}
"""The form of everything that is said, by its name."""


def checked(name: str, value: str | None) -> str:
    """Return the stored form of what is said; an absent text is an empty one.  Raises InvalidRequest."""
    if not value:
        return ""
    if not FORMS[name].fullmatch(value) or not _encodable(value):
        raise InvalidRequest(f"{name}: too long, or with characters it cannot have.")
    return value


def usable(name: str, value: str | None) -> str:
    """Return what of a text from an identity provider can be kept: its line without what it cannot have, or nothing."""
    if not value:
        return ""
    line = "".join(character for character in value if unicodedata.category(character) not in {"Cc", "Cs"})
    line = line.strip()[:500].strip()
    return line if FORMS[name].fullmatch(line) else ""


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
