# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observes a cluster until it is healthy, until waiting cannot help any more, or until the timeout."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..wait import Clock, poll
from .assess import Assessment, State, assess
from .canary import CanaryResult
from .findings import Finding
from .findings import FindingKind as Kind
from .observation import ClusterObservation

__all__ = ["Canary", "Criteria", "Observe", "Outcome", "Verdict", "WaitPolicy", "verify"]

Observe = Callable[[], ClusterObservation]
Canary = Callable[[ClusterObservation], CanaryResult]
Outcome = t.Literal["accepted", "refused", "timeout", "hopeless"]
# Between the end of one observation and the next; observing a healthy cluster takes some ten milliseconds.
INTERVAL_SECONDS = 0.2


@dataclass(frozen=True)
class WaitPolicy:
    """Seconds to wait for health; 0 to observe once."""

    timeout: float
    interval: float = INTERVAL_SECONDS


@dataclass(frozen=True)
class Criteria:
    """The criteria of acceptance: ``max_lag`` in seconds, the accepted states, the findings that do not count."""

    max_lag: float
    accepted: frozenset[State] = frozenset({"healthy"})
    ignored: frozenset[Kind] = frozenset()

    def judge(self, observation: ClusterObservation, more: tuple[Finding, ...] = ()) -> Assessment:
        return assess(observation, self.max_lag, more, self.ignored)


@dataclass(frozen=True)
class Verdict:
    """The last observation and why it was the last. ``canary`` is None without the option, or if it was never written."""

    outcome: Outcome
    observation: ClusterObservation
    assessment: Assessment
    canary: CanaryResult | None
    looks: int
    seconds: float

    @property
    def accepted(self) -> bool:
        return self.outcome == "accepted"


@dataclass(frozen=True)
class _Judged:
    """One observation. ``hopeless``: a finding that needs action was also found the time before."""

    observation: ClusterObservation
    assessment: Assessment
    canary: CanaryResult | None
    accepted: bool
    hopeless: bool


class _Judge:
    """Observes and judges repeatedly; remembers the findings that need action."""

    def __init__(self, observe: Observe, canary: Canary | None, criteria: Criteria) -> None:
        self._observe = observe
        self._canary = canary
        self._criteria = criteria
        self._before: set[tuple[Kind, str | None]] = set()
        self.looks = 0

    def look(self, always_canary: bool) -> _Judged:
        """Observe and judge. A cluster that meets the criteria has to replicate the canary as well."""
        self.looks += 1
        observation = self._observe()
        assessment, canary = self._criteria.judge(observation), None
        if self._canary is not None and (always_canary or self._accepts(assessment)):
            canary = self._canary(observation)
            assessment = self._criteria.judge(observation, canary.findings)
        accepted = self._accepts(assessment)
        needs_action = {(each.kind, each.instance) for each in assessment.troubles if each.kind.value.needs_action}
        hopeless = not accepted and bool(needs_action & self._before)
        self._before = needs_action
        return _Judged(observation, assessment, canary, accepted, hopeless)

    def _accepts(self, assessment: Assessment) -> bool:
        return assessment.state in self._criteria.accepted


def _pending(seen: _Judged) -> str | None:
    return None if seen.accepted or seen.hopeless else "the cluster to be healthy"


def verify(observe: Observe, *, criteria: Criteria, policy: WaitPolicy, clock: Clock, canary: Canary | None = None) -> Verdict:
    """Wait until the cluster meets the criteria. An unhealthy cluster is a verdict and no error.

    With a single observation the canary is always written: how far a write gets is part of the answer. While waiting it is
    written only when everything else is well, so that the wait is not prolonged by rows that cannot arrive.
    """
    judge, begin = _Judge(observe, canary, criteria), clock.now()
    once = policy.timeout <= 0
    look = partial(judge.look, once)
    seen = poll(look, pending=_pending, timeout=policy.timeout, interval=policy.interval, clock=clock).seen
    return Verdict(_outcome(seen, once), seen.observation, seen.assessment, seen.canary, judge.looks, clock.now() - begin)


def _outcome(seen: _Judged, once: bool) -> Outcome:
    if seen.accepted:
        return "accepted"
    if seen.hopeless:
        return "hopeless"
    return "refused" if once else "timeout"
