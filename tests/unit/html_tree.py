# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page as a parser sees it that forgives nothing: elements, what they say, and what they refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Node", "parse"]

_VOID = {"meta"}


@dataclass
class Node:
    """An element; ``children`` are elements and texts."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def shape(self) -> tuple[object, ...]:
        """The element without anything that text decides."""
        return self.tag, tuple(self.attributes), *(child.shape for child in self.children if isinstance(child, Node))

    def all(self, tag: str, class_: str = "") -> list[Node]:
        return [each for each in self.walk() if each.tag == tag and class_ in ("", *each.attributes.get("class", "").split())]

    def one(self, tag: str, class_: str = "") -> Node:
        (found,) = self.all(tag, class_)
        return found

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()


class _Strict(HTMLParser):
    """Every element is closed in its order, no attribute comes twice, and there is nothing but elements and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute of <{tag}> comes twice"
        assert all(re.fullmatch(r"[a-z-]+|x|y|viewbox|cx|cy|rx|r|d", name) for name in attributes), attributes
        node = Node(tag, attributes)
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def parse(page: str) -> Node:
    parser = _Strict()
    parser.feed(page)
    parser.close()
    (document,) = parser.open
    return document
