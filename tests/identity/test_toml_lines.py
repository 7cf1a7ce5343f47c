"""Lines of a TOML text: right for every way in which TOML can be written."""

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor.identity.toml_lines import Place, line_of, lines_of

TEXT = '''\
# a comment [[with]] = signs
title = "a # \\" ["      # 2
"quoted key" = 'single # ['
dotted.deep."k.ey" = 1
[table]                  # 5
list = [ 1, [2,
   3], # 7
   { a = 1, b = [ "x" ] },
]
text = """
[not.a.table]
x = 1 \\"""" # 12
other = \'\'\'it''s
\'\'\'
[[many]]                 # 15
name = 1979-05-27T07:32:00Z
[many.sub]
x = -1.5e3
[[many.items]]           # 19
y = true
[[many]]                 # 21
[[many.items]]
y = 2 # 23
[ spaced . out ]
z = {} # 25
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 2),
        (("quoted key",), 3),
        (("dotted", "deep", "k.ey"), 4),
        (("table",), 5),
        (("table", "list"), 6),
        (("table", "list", 1), 6),
        (("table", "list", 1, 1), 7),
        (("table", "list", 2), 8),
        (("table", "list", 2, "b", 0), 8),
        (("table", "text"), 10),
        (("table", "other"), 13),
        (("many",), 15),
        (("many", 0, "name"), 16),
        (("many", 0, "sub"), 17),
        (("many", 0, "items", 0), 19),
        (("many", 0, "items", 0, "y"), 20),
        (("many", 1), 21),
        (("many", 1, "items", 0, "y"), 23),
        (("spaced", "out", "z"), 25),
    ],
)
def test_everything_has_its_line(place: Place, line: int) -> None:
    assert line_of(lines_of(TEXT), place) == line


def test_what_is_not_there_has_the_line_of_what_it_belongs_to() -> None:
    assert line_of(lines_of(TEXT), ("many", 1, "missing", 3)) == 21
    assert line_of(lines_of(TEXT), ("nowhere",)) == 1


def test_every_value_of_the_document_is_found() -> None:
    assert set(places(tomllib.loads(TEXT))) <= set(lines_of(TEXT))


def test_windows_line_ends() -> None:
    assert line_of(lines_of(TEXT.replace("\n", "\r\n")), ("many", 1)) == 21


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=("Cc", "Cs")), max_size=12)


@given(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3), max_size=4))
def test_any_text_in_keys_and_values(document: dict[str, list[str]]) -> None:
    import json

    lines = [
        f"{json.dumps(key, ensure_ascii=False)} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in document.items()
    ]
    text = "\n".join(lines)
    assert tomllib.loads(text) == document
    assert [lines_of(text)[(key,)] for key in document] == list(range(1, len(document) + 1))


def places(value: object, at: Place = ()) -> Iterator[Place]:
    if at:
        yield at
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*at, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from places(item, (*at, position))
