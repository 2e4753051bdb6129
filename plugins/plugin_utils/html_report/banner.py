# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The top of the page: the state of the cluster, and the most important numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from ...module_utils.constants import MYSQL_PORT
from ...module_utils.health.assess import STATES, State
from ...module_utils.names import Names
from ...module_utils.results.types import HealthResult
from .formatting import UNKNOWN, clock
from .markup import Child, Markup, element
from .view_model import SYMBOLS, Condition, condition_of

__all__ = ["banner"]

# More instances than this are counted and not named.
_NAMED = 3


def banner(facts: HealthResult, names: Names, looked_at: datetime) -> Markup:
    state = facts["state"]
    return element(
        "header",
        element(
            "p",
            "MySQL cluster ",
            element("b", names.cluster),
            " in namespace ",
            element("b", names.namespace),
            class_="cluster",
        ),
        element("h1", element("span", SYMBOLS[state], class_="symbol", aria_hidden="true"), state),
        element("p", _definition(state), class_="definition"),
        _numbers(facts, names, looked_at),
        class_=f"banner {state}",
    )


def _definition(state: State) -> str:
    """The definition of the state, from the code that decides it."""
    return " ".join((dict(STATES)[state].__doc__ or "").split())


def _numbers(facts: HealthResult, names: Names, looked_at: datetime) -> Markup:
    rows: list[tuple[str, list[Child]]] = [
        ("Primary", [facts["primary"] or UNKNOWN]),
        ("Instances", [_instances(facts)]),
        ("Findings", [_findings(facts)]),
        ("Looked at", [clock(looked_at)]),
        *_routes(facts, names),
    ]
    return element("dl", *(element("div", element("dt", term), element("dd", *value)) for term, value in rows))


def _routes(facts: HealthResult, names: Names) -> Iterator[tuple[str, list[Child]]]:
    """The addresses of the Services, if there are any, and the pods behind them."""
    endpoints = facts["endpoints"]
    for purpose, pods, service in (
        ("Writes", endpoints["primary"], names.primary_service),
        ("Reads", endpoints["read"], names.read_service),
    ):
        if pods is not None:
            where = f"{len(pods)} instances" if len(pods) > _NAMED else _list(pods, "no pod")
            leads = element("span", f"leads to {where}", class_="small")
            yield purpose, [f"{names.service_host(service)}:{MYSQL_PORT}", leads]


def _instances(facts: HealthResult) -> str:
    counted = Counter(condition_of(each, facts["findings"]) for each in facts["instances"])
    labels: dict[Condition, str] = {
        "unreachable": "unreachable",
        "trouble": "in trouble",
        "warning": "with a warning",
        "ok": "ok",
    }
    return _list(f"{counted[condition]} {label}" for condition, label in labels.items() if counted[condition])


def _findings(facts: HealthResult) -> str:
    counted = Counter("ignored" if each["ignored"] else each["severity"] for each in facts["findings"])
    return _list(f"{counted[kind]} {kind}" for kind in ("critical", "unknown", "warning", "ignored") if counted[kind])


def _list(parts: Iterable[str], nothing: str = "none") -> str:
    return ", ".join(parts) or nothing
