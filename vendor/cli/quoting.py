"""Quote one value for one language so that it is read back as exactly that value, or refuse.

Each function takes any text.  What a language cannot carry at all (a NUL anywhere, a newline in a `cmd` line) raises
Unquotable; nothing is ever dropped, replaced or left to the reader's settings.
"""

import re
from html import escape

from vendor.client.errors import BadInput

_CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0)))) + "\u2028\u2029"
_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"  # PowerShell takes typographic quotes for quotes
_BARE = re.compile(r"[A-Za-z0-9_./:+=,@-]*", re.ASCII)


class Unquotable(BadInput):
    """A value that the chosen format cannot carry."""


def _refuse(text: str, forbidden: str, language: str) -> None:
    for character in text:
        if character in forbidden or 0xD800 <= ord(character) <= 0xDFFF:  # half of a character fits nowhere
            raise Unquotable(
                f"A value holds the character U+{ord(character):04X}, which {language} cannot carry.",
                remedy="Use another --format, for example json.",
            )


def posix(text: str) -> str:
    """Quote for sh, bash, zsh, ksh: single quotes take everything except themselves."""
    _refuse(text, "\0", "a shell")
    return "'" + text.replace("'", "'\\''") + "'"


def fish(text: str) -> str:
    """Quote for fish, where a backslash before a quote or a backslash counts inside single quotes."""
    _refuse(text, "\0", "fish")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def powershell(text: str) -> str:
    """Quote for PowerShell.  Line breaks are refused: the output is often evaluated line by line."""
    _refuse(text, _CONTROLS, "PowerShell")
    return "'" + "".join(c * 2 if c in _SINGLE_QUOTES else c for c in text) + "'"


def cmd(text: str) -> str:
    """Return a value for `set "NAME=value"` in cmd.

    Whether `%` and `!` are expanded, and `^` doubled, depends on how the line is run, so none of them can be carried.
    """
    _refuse(text, _CONTROLS + '"%!^', "a cmd line")
    return text


def dotenv(text: str) -> str:
    """Quote for a .env file.  Readers differ on everything but plain values and simple single quotes."""
    if _BARE.fullmatch(text):
        return text
    _refuse(text, _CONTROLS + "'\\$", "a .env file")  # some expand $ even in single quotes
    return f"'{text}'"


def ini(text: str) -> str:
    """Return a value for an AWS profile or an rclone section, which know no quotes at all."""
    _refuse(text, _CONTROLS, "a profile")
    if text != text.strip() or re.search(r"\s[#;]", text) or text[:1] in set("\"'`#;") or text.endswith("\\"):
        raise Unquotable("A value has outer blanks, quotes or comment signs, which a profile would lose.")
    return text


def sql(text: str) -> str:
    """Quote as an SQL string."""
    _refuse(text, _CONTROLS, "an SQL string")
    return "'" + text.replace("'", "''") + "'"


def properties(text: str) -> str:
    """Return a value for a Java properties file.  Hadoop would expand `${`, and Spark trims blanks."""
    _refuse(text, _CONTROLS, "a properties file")
    if "${" in text or text != text.strip():
        raise Unquotable("A value has ${ or outer blanks, which Spark and Hadoop would change.")
    escaped = re.sub(r"([\\=:#!])", r"\\\1", text)
    return "".join(c if ord(c) < 0x7F else _utf16_escapes(c) for c in escaped)


def xml(text: str) -> str:
    """Return the text of an XML element of a Hadoop configuration."""
    _refuse(text, _CONTROLS + "\ufffe\uffff", "XML")
    if "${" in text or text != text.strip():
        raise Unquotable("A value has ${ or outer blanks, which Hadoop would change.")
    return escape(text)


def mc_host_part(text: str) -> str:
    """Return a key for `MC_HOST_…`.  mc takes what stands between the colons literally; it decodes nothing."""
    _refuse(text, _CONTROLS + " :", "MC_HOST")
    return text


def _utf16_escapes(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
