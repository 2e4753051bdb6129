# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts as the page shows them: the condition of each instance, and findings in groups."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...module_utils.results.types import FindingResult, InstanceResult

__all__ = ["SYMBOLS", "Condition", "Group", "condition_of", "groups"]

Condition = t.Literal["ok", "warning", "trouble", "unreachable"]

# Colours and shapes have the same meaning.
SYMBOLS: Mapping[str, str] = {
    "ok": "\u2713",
    "warning": "!",
    "trouble": "\u2715",
    "unreachable": "\u2205",
    "critical": "\u2715",
    "unknown": "?",
    "ignored": "\u2013",
    "healthy": "\u2713",
    "degraded": "!",
    "failed": "\u2715",
    "lost": "\u2205",
    "incomplete": "\u2026",
    "offline": "\u2013",
}

_WORST_FIRST = ("critical", "unknown", "warning", "ok")


@dataclass(frozen=True)
class Group:
    """Everything that was found of one kind. ``cases`` are findings as the facts have them."""

    code: str
    severity: str
    ignored: bool
    remedy: str
    cases: tuple[FindingResult, ...]


def condition_of(instance: InstanceResult, findings: Sequence[FindingResult]) -> Condition:
    """The condition of an instance, from its findings that are not ignored."""
    if not instance["reachable"]:
        return "unreachable"
    severities = {each["severity"] for each in findings if each["instance"] == instance["name"] and not each["ignored"]}
    if severities & {"critical", "unknown"}:
        return "trouble"
    return "warning" if "warning" in severities else "ok"


def groups(findings: Sequence[FindingResult]) -> list[Group]:
    """One group for each kind, worst first, ignored ones last; else in the order in which they were found."""
    kinds: dict[str, list[FindingResult]] = {}
    for finding in findings:
        kinds.setdefault(finding["code"], []).append(finding)
    found = [_group(code, tuple(cases)) for code, cases in kinds.items()]
    return sorted(found, key=lambda group: (group.ignored, _WORST_FIRST.index(group.severity)))


def _group(code: str, cases: tuple[FindingResult, ...]) -> Group:
    first = cases[0]
    return Group(code, first["severity"], first["ignored"], first["remedy"], cases)
