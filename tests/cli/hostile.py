"""Values that try to get out of their quotes."""

import random

BAD_SURROGATE = "\ud800"
FIXED = (
    "",
    "plain",
    "with blank",
    " outer blanks ",
    "'",
    "''",
    '"',
    "`id`",
    "$(id)",
    "${HOME}",
    "$HOME",
    "%PATH%",
    "!PATH!",
    "a'; id; '",
    "a' ; set -e; echo '",
    '"; id; "',
    "\\",
    "\\'",
    "'\\''",
    "\\\\'",
    "a\\",
    "a\nid\n",
    "a\r\nid",
    "trailing newline\n",
    "\t",
    "\x00",
    "\x1b[2J",
    "\x85\u2028\u2029",
    "\u2018\u2019\u201a\u201b",
    "x\u2019; Remove-Item *; \u2018",
    "é\u0301 \U0001f600",
    "\u202eevil",
    "# comment",
    "a #b ;c",
    "[section]",
    "key = value",
    "a=b=c",
    "-e",
    "--",
    "~",
    "*?[a-z]",
    "<a>&amp;</value></property>",
    "]]>",
    "${sys:user.home}",
    "a:b@c:d@e/f",
    "^&|<>()",
    "a'||char(0)||'",
    "');DROP SECRET x;--",
    "\\u0041",
    "%(x)s",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY+=",
    "$(touch escaped)",
    "`touch escaped`",
    "'; touch escaped; '",
    "\\'; touch escaped; \\'",
    "x\ntouch escaped\n",
    "(touch escaped)",
    "';touch escaped #",
    '" & echo x > escaped & "',
    '"; New-Item escaped; "',
    "%COMSPEC%&echo x>escaped",
    "!CD!&echo x>escaped",
    '^" & echo x > escaped',
    BAD_SURROGATE,
)
_ALPHABET = "ab01 '\"`$\\%!^&|;<>(){}[]*?~#=:@/,.+-\t\n\r\x00\x1b\u2018\u2019\u201cé\u2028\U0001f600"


def values(count: int = 700) -> list[str]:
    """Return the fixed values and as many random ones as it takes, the same each time.

    A fifth of them holds a NUL, which no shell can carry: 500 and more are left for those.
    """
    generator = random.Random(20261121)
    made = list(FIXED)
    while len(made) < count:
        made.append("".join(generator.choices(_ALPHABET, k=generator.randint(1, 24))))
    return made
