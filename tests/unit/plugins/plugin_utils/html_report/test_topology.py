# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replicas and their sources in the drawing."""

from __future__ import annotations

import re

from ansible_collections.kubemysql.replication.plugins.plugin_utils.html_report.topology import topology_section
from report_facts import Facts, degraded, healthy, twelve
from unit.html_tree import Node, parse


def drawing_of(facts: Facts) -> Node:
    return parse(topology_section(facts)).one("svg")


def boxes(facts: Facts) -> list[tuple[str, int]]:
    """Names from top to bottom, and how far from the left."""
    found = drawing_of(facts).all("g", "box")
    assert sorted(int(box.one("rect").attributes["y"]) for box in found) == [2 + 68 * row for row in range(len(found))]
    return [(box.one("title").text, int(box.one("rect").attributes["x"])) for box in found]


def following(**sources: str | None) -> Facts:
    """A cluster of mysql-0 and so on, each with a source."""
    facts = healthy()
    for instance, source in zip(facts["instances"], sources.values(), strict=True):
        instance["source"] = f"{source}.mysql:3306" if source else None
    return facts


def test_replicas_are_below_the_primary() -> None:
    assert boxes(healthy()) == [("mysql-0", 2), ("mysql-1", 50), ("mysql-2", 50)]


def test_the_primary_is_on_top_whatever_it_is_called() -> None:
    facts = following(zero="mysql-2", one="mysql-2", two=None) | {"primary": "mysql-2"}
    assert boxes(facts) == [("mysql-2", 2), ("mysql-0", 50), ("mysql-1", 50)]


def test_a_chain() -> None:
    assert boxes(following(zero=None, one="mysql-2", two="mysql-0")) == [("mysql-0", 2), ("mysql-2", 50), ("mysql-1", 98)]


def test_a_ring_and_a_primary_that_follows() -> None:
    assert boxes(following(zero="mysql-1", one="mysql-0", two="mysql-2")) == [("mysql-0", 2), ("mysql-1", 50), ("mysql-2", 2)]
    ring = following(zero="mysql-1", one="mysql-2", two="mysql-0") | {"primary": None}
    assert sorted(name for name, _x in boxes(ring)) == ["mysql-0", "mysql-1", "mysql-2"]


def test_a_source_that_is_no_instance_has_no_arrow() -> None:
    facts = following(zero=None, one="elsewhere", two="mysql-0")
    assert boxes(facts) == [("mysql-0", 2), ("mysql-2", 50), ("mysql-1", 2)]
    assert len(drawing_of(facts).all("path", "head")) == 1


def test_arrows_say_whether_replication_runs() -> None:
    drawing = drawing_of(degraded())
    # One unreachable instance says nothing of its source.
    assert (len(drawing.all("g", "runs")), len(drawing.all("g", "broken"))) == (2, 1)


def test_a_dozen_with_long_names_fit() -> None:
    facts = twelve()
    found = boxes(facts)
    assert len(found) == 12
    assert facts["primary"] is not None
    assert dict(found)[f"{facts['primary'][:-1]}4"] == 98
    drawing = drawing_of(facts)
    _left, _top, width, height = map(int, drawing.attributes["viewbox"].split())
    for box in drawing.all("rect"):
        x, y, wide, high = (int(box.attributes[name]) for name in ("x", "y", "width", "height"))
        assert x + wide <= width and y + high <= height
    names = [each.text for each in drawing.all("text", "name")]
    assert len(set(names)) == 12
    assert all(len(name) <= 28 and re.search(r"-\d+$", name) for name in names)
