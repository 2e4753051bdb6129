# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The topology as a drawing: the primary on top, below it the replicas under their sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...module_utils.results.types import HealthResult, InstanceResult
from .formatting import lag
from .markup import Child, Markup, element
from .view_model import SYMBOLS, Condition, condition_of

__all__ = ["topology_section"]

# In units of the drawing, which is as wide as the page lets it be.
_BOX_WIDTH, _BOX_HEIGHT, _GAP, _INDENT = 300, 54, 14, 48
_MARGIN = 2
_NAME_LENGTH = 28


@dataclass(frozen=True)
class Box:
    """An instance in its place. ``parent`` is the row of its source's box; None if it has no source in the cluster."""

    instance: InstanceResult
    condition: Condition
    row: int
    depth: int
    parent: int | None

    @property
    def x(self) -> int:
        return _MARGIN + self.depth * _INDENT

    @property
    def y(self) -> int:
        return _MARGIN + self.row * (_BOX_HEIGHT + _GAP)


def topology_section(facts: HealthResult) -> Markup:
    boxes = _arrange(facts)
    drawing = _drawing(boxes) if boxes else element("p", "There is no instance.", class_="nothing")
    explained = any(box.parent is not None for box in boxes)
    legend = element("p", "A solid arrow is replication that runs, a broken one is replication that does not.", class_="small")
    return element("section", element("h2", "Topology"), drawing, legend if explained else None, class_="topology")


def _arrange(facts: HealthResult) -> list[Box]:
    """The primary and its replicas, direct or not; then the other instances."""
    boxes: dict[str, Box] = {}
    for instance, parent in _walk(facts):
        above = boxes[parent] if parent is not None else None
        boxes[instance["name"]] = Box(
            instance=instance,
            condition=condition_of(instance, facts["findings"]),
            row=len(boxes),
            depth=above.depth + 1 if above else 0,
            parent=above.row if above else None,
        )
    return list(boxes.values())


def _walk(facts: HealthResult) -> Iterator[tuple[InstanceResult, str | None]]:
    """Each instance once, after its source, with the source's name; without it if that is no instance, or in a ring."""
    instances = {each["name"]: each for each in facts["instances"]}
    sources = {name: _source_name(each) for name, each in instances.items()}
    sources |= {name: None for name in instances if name == facts["primary"]}
    left = dict.fromkeys(instances)

    def follow(name: str, parent: str | None) -> Iterator[tuple[InstanceResult, str | None]]:
        del left[name]
        yield instances[name], parent
        for other in [each for each in left if sources[each] == name]:
            if other in left:
                yield from follow(other, name)

    roots = sorted(instances, key=lambda name: (name != facts["primary"], sources[name] in instances))
    for root in roots:
        if root in left:
            yield from follow(root, None)


def _source_name(instance: InstanceResult) -> str | None:
    """The pod's name is the first label of the host that it is reached by."""
    return instance["source"].partition(":")[0].partition(".")[0] if instance["source"] else None


def _drawing(boxes: list[Box]) -> Markup:
    width = _BOX_WIDTH + max(box.x for box in boxes) + _MARGIN
    height = boxes[-1].y + _BOX_HEIGHT + _MARGIN
    arrows = [_arrow(box, boxes[box.parent]) for box in boxes if box.parent is not None]
    return element(
        "svg",
        element("title", "Topology"),
        element("desc", " ".join(_sentence(box) for box in boxes)),
        *arrows,
        *(_box(box) for box in boxes),
        viewBox=f"0 0 {width} {height}",
        style=f"max-width: {width * 1.15:.0f}px",
        role="img",
    )


def _sentence(box: Box) -> str:
    instance = box.instance
    follows = f" and replicates from {instance['source']}" if instance["source"] else ""
    return f"{instance['name']} ({instance['role']}) is {box.condition}{follows}."


def _arrow(box: Box, source: Box) -> Markup:
    runs = box.instance["io_running"] == box.instance["sql_running"] == "yes"
    trunk, middle = source.x + _INDENT // 2, box.y + _BOX_HEIGHT // 2
    return element(
        "g",
        element("path", d=f"M{trunk} {source.y + _BOX_HEIGHT}V{middle}", class_="trunk"),
        element("path", d=f"M{trunk} {middle}H{box.x - 8}"),
        element("path", d=f"M{box.x - 1} {middle}l-10 -6v12z", class_="head"),
        class_="runs" if runs else "broken",
    )


def _box(box: Box) -> Markup:
    instance, x, y = box.instance, box.x, box.y
    parts: list[Child] = [
        element("title", instance["name"]),
        element("rect", x=str(x), y=str(y), width=str(_BOX_WIDTH), height=str(_BOX_HEIGHT), rx="8"),
        element("circle", cx=str(x + 26), cy=str(y + _BOX_HEIGHT // 2), r="13"),
        element("text", SYMBOLS[box.condition], x=str(x + 26), y=str(y + _BOX_HEIGHT // 2 + 6), class_="symbol"),
        element("text", _shortened(instance["name"]), x=str(x + 48), y=str(y + 23), class_="name"),
        element("text", _caption(box), x=str(x + 48), y=str(y + 42), class_="caption"),
    ]
    return element("g", *parts, class_=f"box {box.condition}")


def _caption(box: Box) -> str:
    parts: list[str] = [box.instance["role"], box.condition]
    if box.instance["source"]:
        parts.append(f"lag {lag(box.instance['lag_seconds'])}")
    return " \u00b7 ".join(parts)


def _shortened(name: str) -> str:
    """The end distinguishes the instances of a cluster."""
    return name if len(name) <= _NAME_LENGTH else f"{name[:10]}\u2026{name[-(_NAME_LENGTH - 11) :]}"
