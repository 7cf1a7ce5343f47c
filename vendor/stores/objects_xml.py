"""Answers of S3 calls on objects, read strictly and by element name; and what of a key XML can carry."""

from typing import Self
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from vendor.errors import StoreRefused


class S3Answer:
    """A parsed answer.  Namespaces differ between stores and are not looked at."""

    def __init__(self, root: Element) -> None:
        self._root = root

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Parse an answer.  Raises StoreRefused for what is not XML, or declares entities."""
        try:
            return cls(fromstring(body, forbid_dtd=True))
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            raise StoreRefused("The store's answer is not XML.") from None

    def text(self, name: str) -> str | None:
        """Return the text of the one child of this name; None where there is none, or it is empty."""
        return next((child.text for child in self._root if _local(child) == name and child.text), None)

    def texts(self, parent: str, name: str) -> list[str]:
        """Return the texts of `name` in every child `parent`."""
        return [
            inner.text or ""
            for child in self._root
            if _local(child) == parent
            for inner in child
            if _local(inner) == name
        ]


def fits_xml(text: str) -> bool:
    """Say whether XML 1.0 carries this text unchanged."""
    return all(" " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one >= "\U00010000" for one in text)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
