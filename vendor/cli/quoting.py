"""Quote one value for one language so that it is read back as exactly that value, or refuse.

Each function takes any text.  Characters that a language cannot carry at all (a NUL anywhere, a newline in a `cmd`
line) raise Unquotable; nothing is ever dropped or replaced.
"""

from vendor.client.errors import BadInput


class Unquotable(BadInput):
    """A value that the chosen format cannot carry."""


def _refuse(text: str, forbidden: str, language: str) -> None:
    for character in text:
        if character in forbidden or 0xD800 <= ord(character) <= 0xDFFF:
            raise Unquotable(
                f"A value holds the character U+{ord(character):04X}, which {language} cannot carry.",
                remedy="Use another --format, for example json.",
            )


def posix(text: str) -> str:
    """Quote for sh, bash, zsh, ksh: single quotes take everything except themselves."""
    _refuse(text, "\0", "a shell")
    return "'" + text.replace("'", "'\\''") + "'"
