# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTML elements as values, and the only place where text becomes HTML."""

from __future__ import annotations

import html
import typing as t

__all__ = ["Child", "Markup", "element", "show"]

_VOID = {"meta"}
# Characters that a browser does not show as they are: control characters, halves of surrogate pairs, which no file can hold,
# and the characters that turn the direction of all text after them.
_HIDDEN = {*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_SHOWN_INSTEAD = dict.fromkeys(_HIDDEN - {ord("\t"), ord("\n")}, "\ufffd")


class Markup(str):
    """Text that is HTML already. Everything else is escaped when it gets into an element."""

    __slots__ = ()


Child: t.TypeAlias = "str | None"


def show(text: str) -> Markup:
    """``text`` as HTML that shows it and does nothing else."""
    return Markup(html.escape(text.translate(_SHOWN_INSTEAD)))


def element(tag: str, /, *children: Child, **attributes: str | None) -> Markup:
    """An element; ``class_`` stands for ``class``, ``aria_label`` for ``aria-label``, and None for nothing."""
    given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    start = tag + "".join(f' {name}="{show(value)}"' for name, value in given.items())
    if tag in _VOID:
        return Markup(f"<{start}>")
    inner = "".join(child if isinstance(child, Markup) else show(child) for child in children if child is not None)
    return Markup(f"<{start}>{inner}</{tag}>")
