"""Just enough HTML for a page without a script.  Every text is escaped: there is no other way to put one in."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias

_VOID: Final = frozenset({"br", "hr", "link", "meta"})


@dataclass(frozen=True, slots=True)
class Element:
    """One element with what is in it."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    inside: tuple["Node", ...]

    def render(self) -> str:
        """Return the text of the element."""
        said = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes)
        if self.tag in _VOID:
            return f"<{self.tag}{said}>"
        return f"<{self.tag}{said}>{''.join(_render(one) for one in self.inside)}</{self.tag}>"


Node: TypeAlias = "str | Element | Iterable[Node]"


def el(tag: str, *inside: Node, **attributes: str) -> Element:
    """Return an element.  `class_` is the attribute `class`."""
    return Element(tag, tuple((name.rstrip("_"), value) for name, value in attributes.items()), inside)


def _render(node: Node) -> str:
    if isinstance(node, str):
        return escape(node, quote=False)
    if isinstance(node, Element):
        return node.render()
    return "".join(_render(one) for one in node)
