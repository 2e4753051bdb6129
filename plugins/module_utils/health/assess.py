# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings, and the state of the whole cluster. Pure: the same observation gives the same assessment.

A state is a predicate function whose docstring is its definition; the first that holds is the state. The documentation
is made of these docstrings.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from dataclasses import dataclass

from .checks.all import run_checks
from .findings import Finding
from .findings import FindingKind as Kind
from .observation import ClusterObservation

__all__ = ["STATES", "Assessment", "Case", "State", "assess"]

State = t.Literal["healthy", "degraded", "failed", "lost", "incomplete", "offline"]

# With one of these nothing should be written to the primary, or nothing can be.
_PRIMARY_UNUSABLE = {
    Kind.POD_MISSING,
    Kind.POD_NOT_READY,
    Kind.INSTANCE_UNREACHABLE,
    Kind.ACCESS_DENIED,
    Kind.ACCESS_PENDING,
    Kind.INSTANCE_UNREADABLE,
    Kind.PRIMARY_READ_ONLY,
    Kind.PRIMARY_HAS_SOURCE,
    Kind.INSTANCE_EMPTY,
}


@dataclass(frozen=True)
class Assessment:
    """Findings, and the state that follows from them. ``ignored`` findings do not count for the state."""

    state: State
    findings: tuple[Finding, ...]
    primary: str | None
    ignored: frozenset[Kind] = frozenset()

    @property
    def healthy(self) -> bool:
        return self.state == "healthy"

    @property
    def troubles(self) -> tuple[Finding, ...]:
        """The findings that keep the cluster from being healthy."""
        return tuple(each for each in self.findings if not each.healthy and each.kind not in self.ignored)


@dataclass(frozen=True)
class Case:
    """The input of the states' predicates."""

    observation: ClusterObservation
    findings: tuple[Finding, ...]

    @property
    def answering(self) -> bool:
        """Whether any instance answers, if only to refuse the credentials."""
        instances = self.observation.instances
        return any(each.status or (each.problem and each.problem.kind != "unreachable") for each in instances)


def is_offline(case: Case) -> bool:
    """The StatefulSet exists and wants no instance, and none is there."""
    return case.observation.kubernetes.wanted == 0 and not case.observation.instances


def is_healthy(case: Case) -> bool:
    """Every wanted instance was judged, and nothing critical and nothing unknown was found."""
    expected = case.observation.kubernetes.expected
    judged = {each.name for each in case.observation.instances if each.status is not None}
    return bool(expected) and judged >= set(expected) and all(finding.healthy for finding in case.findings)


def is_incomplete(case: Case) -> bool:
    """There is no StatefulSet, or the topology does not record yet that the cluster was completed for the first time."""
    kubernetes = case.observation.kubernetes
    return kubernetes.wanted is None or (kubernetes.intent is not None and not kubernetes.bootstrapped)


def is_degraded(case: Case) -> bool:
    """The primary is usable (its pod ready, writable, not a replica, not empty) and the only writable instance."""
    primary = case.observation.primary
    if primary is None or primary.status is None or any(f.kind is Kind.MULTIPLE_WRITABLE_INSTANCES for f in case.findings):
        return False
    return not any(f.instance == primary.name and f.kind in _PRIMARY_UNUSABLE for f in case.findings)


def is_failed(case: Case) -> bool:
    """The primary is not usable, or not the only writable instance, and at least one instance answers."""
    return not is_degraded(case) and case.answering


def is_lost(case: Case) -> bool:
    """No instance answers."""
    return not case.answering


# In the order in which they are tried.
STATES: tuple[tuple[State, Callable[[Case], bool]], ...] = (
    ("offline", is_offline),
    ("healthy", is_healthy),
    ("incomplete", is_incomplete),
    ("degraded", is_degraded),
    ("failed", is_failed),
    ("lost", is_lost),
)


def assess(
    observation: ClusterObservation, max_lag: float, more: tuple[Finding, ...] = (), ignored: frozenset[Kind] = frozenset()
) -> Assessment:
    """Judge an observation; ``more`` are findings made by other means than observing, such as the canary's."""
    findings = (*run_checks(observation, max_lag), *more)
    case = Case(observation, tuple(each for each in findings if each.kind not in ignored))
    state = next(state for state, holds in STATES if holds(case))
    return Assessment(state, findings, observation.primary_name, ignored)
