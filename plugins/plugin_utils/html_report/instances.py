# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The instances, side by side; on a narrow screen, one below the other."""

from __future__ import annotations

from collections.abc import Callable

from ...module_utils.mysql.gtid import GtidSet
from ...module_utils.results.types import HealthResult, InstanceResult
from .formatting import UNKNOWN, flag, lag, percent, plural
from .markup import Child, Markup, element
from .view_model import SYMBOLS, condition_of

__all__ = ["instances_section"]


def instances_section(facts: HealthResult) -> Markup:
    heading = element("h2", "Instances")
    if not facts["instances"]:
        return element("section", heading, element("p", "There is no instance.", class_="nothing"), class_="instances")
    # The roles stay when a narrow screen's style makes blocks of the cells.
    head = element("tr", *(element("th", title, scope="col", role="columnheader") for title in _COLUMNS), role="row")
    rows = [_row(facts, instance) for instance in facts["instances"]]
    table = element(
        "table",
        element("thead", head, role="rowgroup"),
        element("tbody", *rows, role="rowgroup"),
        role="table",
        aria_label="Instances",
    )
    return element("section", heading, table, class_="instances")


def _row(facts: HealthResult, instance: InstanceResult) -> Markup:
    cells = [
        element("td", element("div", *column(facts, instance)), role="cell", data_label=title)
        for title, column in _COLUMNS.items()
    ]
    return element("tr", *cells, role="row", class_=condition_of(instance, facts["findings"]))


Cell = list[Child]


def _name(facts: HealthResult, instance: InstanceResult) -> Cell:
    condition = condition_of(instance, facts["findings"])
    badge = element("span", element("span", f"{SYMBOLS[condition]} ", aria_hidden="true"), condition, class_="badge")
    return [
        element("b", instance["name"]),
        _small(instance["role"]),
        badge,
        _small("not ready") if instance["reachable"] and not instance["ready"] else None,
        _small(instance["problem"]) if instance["problem"] else None,
    ]


def _lag(_facts: HealthResult, instance: InstanceResult) -> Cell:
    return [lag(instance["lag_seconds"]) if instance["source"] else _without_source(instance)]


def _source(_facts: HealthResult, instance: InstanceResult) -> Cell:
    if not instance["source"]:
        return [_without_source(instance)]
    encrypted = {True: "encrypted", False: "not encrypted", None: "encryption unknown"}[instance["replication_encrypted"]]
    return [
        instance["source"],
        _small(f"receiver: {instance['io_running']}"),
        _small(f"applier: {instance['sql_running']}"),
        _small(encrypted),
    ]


def _without_source(instance: InstanceResult) -> str:
    """An instance without a source, if it has answered; otherwise its source is unknown."""
    return UNKNOWN if instance["server_uuid"] is None else "\u2013"


def _gtids(facts: HealthResult, instance: InstanceResult) -> Cell:
    executed = instance["gtid_executed"]
    if executed is None:
        return [UNKNOWN]
    members = [element("code", member.strip()) for member in executed.split(",")] if executed else ["empty"]
    return [element("div", *members, class_="gtids"), _missing(facts, executed)]


def _missing(facts: HealthResult, executed: str) -> Child:
    """The number of the primary's transactions that are missing; None if either set is no MySQL GTID set."""
    of_primary = next((each["gtid_executed"] for each in facts["instances"] if each["name"] == facts["primary"]), None)
    try:
        missing = len(GtidSet.parse(of_primary or "") - GtidSet.parse(executed))
    except ValueError:
        return None
    return _small(f"{plural(missing, 'transaction')} behind the primary") if missing else None


def _server(_facts: HealthResult, instance: InstanceResult) -> Cell:
    flags = [_small(f"{name}: {flag(instance[name])}") for name in ("read_only", "super_read_only")]
    return [instance["version"] or UNKNOWN, *(flags if instance["version"] else [])]


def _pod(_facts: HealthResult, instance: InstanceResult) -> Cell:
    restarts, used = instance["restarts"], instance["volume_used_ratio"]
    return [
        instance["node"] or UNKNOWN,
        _small(f"restarts: {UNKNOWN if restarts is None else restarts}"),
        _small(f"volume: {UNKNOWN if used is None else f'{percent(used)} full'}"),
        None if used is None else _bar(used),
    ]


def _bar(share: float) -> Markup:
    return element("span", element("span", style=f"width: {percent(share)}"), class_="bar", aria_hidden="true")


def _small(text: str) -> Markup:
    return element("span", text, class_="small")


_COLUMNS: dict[str, Callable[[HealthResult, InstanceResult], Cell]] = {
    "Instance": _name,
    "Lag": _lag,
    "Source": _source,
    "GTIDs executed": _gtids,
    "Server": _server,
    "Node": _pod,
}
