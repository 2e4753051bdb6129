# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look until the cluster is healthy, until waiting cannot help any more, or until the time is up."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import WaitFailed, WaitTimeout
from ..wait import Clock, poll
from .assess import Assessment, State, assess
from .canary import CanaryResult
from .findings import Finding
from .findings import FindingKind as Kind
from .observation import ClusterObservation

__all__ = ["Canary", "Look", "Outcome", "Patience", "Standard", "Verdict", "verify"]

Look = Callable[[], ClusterObservation]
Canary = Callable[[ClusterObservation], CanaryResult]
Outcome = t.Literal["accepted", "refused", "timeout", "hopeless"]
# Between the end of one look and the next; a look at a healthy cluster takes some ten milliseconds.
INTERVAL_SECONDS = 0.2


@dataclass(frozen=True)
class Patience:
    """For how many seconds to wait for health; 0 to look once."""

    timeout: float
    interval: float = INTERVAL_SECONDS


@dataclass(frozen=True)
class Standard:
    """What is good enough: ``max_lag`` in seconds, the states that are accepted, the findings that do not count."""

    max_lag: float
    accepted: frozenset[State] = frozenset({"healthy"})
    ignored: frozenset[Kind] = frozenset()

    def judge(self, observation: ClusterObservation, more: tuple[Finding, ...] = ()) -> Assessment:
        return assess(observation, self.max_lag, more, self.ignored)


@dataclass(frozen=True)
class Verdict:
    """The last look and how it came to an end. ``canary`` is None if it was not asked for or its turn never came."""

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
class _Seen:
    """One look."""

    observation: ClusterObservation
    assessment: Assessment
    canary: CanaryResult | None


class _Watch:
    """Looks again and again; remembers what the previous look found."""

    def __init__(self, look: Look, canary: Canary | None, standard: Standard) -> None:
        self._look = look
        self._canary = canary
        self._standard = standard
        self._needs_action_before: set[tuple[Kind, str | None]] = set()
        self.looks = 0

    def look(self, always_canary: bool) -> _Seen:
        """Observe and judge. A cluster that looks good enough must carry the canary as well."""
        self.looks += 1
        observation = self._look()
        assessment = self._standard.judge(observation)
        if self._canary is None or not (self._accepts(assessment) or always_canary):
            return _Seen(observation, assessment, None)
        canary = self._canary(observation)
        return _Seen(observation, self._standard.judge(observation, canary.findings), canary)

    def _accepts(self, assessment: Assessment) -> bool:
        return assessment.state in self._standard.accepted

    def pending(self, seen: _Seen) -> str | None:
        """What is still wrong. Raises ``WaitFailed`` for what does not mend itself, once it was seen twice in a row."""
        if self._accepts(seen.assessment):
            return None
        needs_action = {(each.kind, each.instance) for each in seen.assessment.troubles if each.kind.value.needs_action}
        if needs_action & self._needs_action_before:
            raise WaitFailed("waiting cannot help", seen=seen)
        self._needs_action_before = needs_action
        return "the cluster to be healthy"


def verify(look: Look, *, standard: Standard, patience: Patience, clock: Clock, canary: Canary | None = None) -> Verdict:
    """Wait until the cluster is good enough. Never raises because it is not: the verdict says how it ended.

    Whoever looks only once gets the canary in any case: how far a write still comes is worth knowing. Whoever waits
    gets it when all else is well, so that the wait is not drawn out by rows that cannot arrive.
    """
    watch, begin = _Watch(look, canary, standard), clock.now()
    once = patience.timeout <= 0
    outcome: Outcome = "accepted"
    try:
        seen = poll(
            lambda: watch.look(once), pending=watch.pending, timeout=patience.timeout, interval=patience.interval, clock=clock
        )
    except WaitFailed as error:
        outcome, seen = "hopeless", error.details["seen"]
    except WaitTimeout as error:
        outcome, seen = "refused" if once else "timeout", error.details["seen"]
    return Verdict(outcome, seen.observation, seen.assessment, seen.canary, watch.looks, clock.now() - begin)
