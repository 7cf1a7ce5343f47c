"""Lists that come in pages: how one is asked for, read, and gone through."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from vendor.client.answers import Reader
from vendor.client.calls import Call

T = TypeVar("T")
PAGE = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and what to ask for the next part with; None at the end."""

    items: Sequence[T]
    cursor: str | None

    @classmethod
    def reader(cls, member: str, read: "Callable[[Reader], T]") -> "Callable[[object], Page[T]]":
        def read_page(value: object) -> Page[T]:
            entry = Reader(value)
            return Page([read(item) for item in entry.objects(member)], entry.text_or_none("cursor"))

        return read_page


def all_pages(run: Callable[[Call[Page[T]]], Page[T]], make: Callable[[str | None], Call[Page[T]]]) -> Iterator[T]:
    """Yield every item of a list, page by page."""
    cursor: str | None = None
    while True:
        page = run(make(cursor))
        yield from page.items
        if page.cursor is None or page.cursor == cursor:
            return
        cursor = page.cursor


def page_params(cursor: str | None, which: Mapping[str, str]) -> dict[str, str]:
    """Return the query of one part of a list, picked by `which`."""
    params = {"limit": str(PAGE), **which}
    return params if cursor is None else params | {"cursor": cursor}
