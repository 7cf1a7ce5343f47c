"""Pages by number, as MMS counts them."""

from typing import Annotated

from pydantic import Field

from vendor.doors.mms.models import Lenient


class PageQuery(Lenient):
    """Which page, and how long pages are."""

    page: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=500)] = 50

    @property
    def first(self) -> int:
        """The place of the page's first entry, counted from 0."""
        return (self.page - 1) * self.page_size

    def facts(self, total: int, retrieved: int) -> dict[str, int | bool]:
        """Return what every page says of itself.  One past the end is empty."""
        pages = max(1, -(-total // self.page_size))
        return {
            "total_count": total,
            "retrieved_count": retrieved,
            "page": self.page,
            "page_size": self.page_size,
            "total_pages": pages,
            "has_next": self.page < pages,
            "has_prev": self.page > 1,
        }
