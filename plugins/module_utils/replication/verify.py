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
from .assess import Assessment, assess
from .canary import CanaryResult
from .findings import FindingKind as Kind
from .observation import ClusterObservation

__all__ = ["Canary", "Look", "Outcome", "Patience", "Verdict", "verify"]

Look = Callable[[], ClusterObservation]
Canary = Callable[[ClusterObservation], CanaryResult]
Outcome = t.Literal["healthy", "unhealthy", "timeout", "hopeless"]
# Between the end of one look and the next; a look at a healthy cluster takes some ten milliseconds.
INTERVAL_SECONDS = 0.2


@dataclass(frozen=True)
class Patience:
    """For how many seconds to wait for health; 0 to look once."""

    timeout: float
    interval: float = INTERVAL_SECONDS


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
    def healthy(self) -> bool:
        return self.outcome == "healthy"


@dataclass(frozen=True)
class _Seen:
    """One look."""

    observation: ClusterObservation
    assessment: Assessment
    canary: CanaryResult | None


class _Watch:
    """Looks again and again; remembers what the previous look found."""

    def __init__(self, look: Look, canary: Canary | None, max_lag: float) -> None:
        self._look = look
        self._canary = canary
        self._max_lag = max_lag
        self._lasting_before: set[tuple[Kind, str | None]] = set()
        self.looks = 0

    def look(self, always_canary: bool) -> _Seen:
        """Observe and judge. A cluster that looks healthy must carry the canary as well."""
        self.looks += 1
        observation = self._look()
        assessment = assess(observation, self._max_lag)
        if self._canary is None or not (assessment.healthy or always_canary):
            return _Seen(observation, assessment, None)
        canary = self._canary(observation)
        return _Seen(observation, assess(observation, self._max_lag, canary.findings), canary)

    def pending(self, seen: _Seen) -> str | None:
        """What is still wrong. Raises ``WaitFailed`` for what does not mend itself, once it was seen twice in a row."""
        if seen.assessment.healthy:
            return None
        lasting = {(each.kind, each.instance) for each in seen.assessment.findings if each.kind.value.lasting}
        if lasting & self._lasting_before:
            raise WaitFailed("waiting cannot help", seen=seen)
        self._lasting_before = lasting
        return "the cluster to be healthy"


def verify(look: Look, *, max_lag: float, patience: Patience, clock: Clock, canary: Canary | None = None) -> Verdict:
    """Wait until the cluster is healthy. Never raises because it is not: the verdict says how it ended.

    Whoever looks only once gets the canary in any case: how far a write still comes is worth knowing. Whoever waits
    gets it when all else is well, so that the wait is not drawn out by rows that cannot arrive.
    """
    watch, begin = _Watch(look, canary, max_lag), clock.now()
    once = patience.timeout <= 0
    outcome: Outcome = "healthy"
    try:
        seen = poll(
            lambda: watch.look(once), pending=watch.pending, timeout=patience.timeout, interval=patience.interval, clock=clock
        )
    except WaitFailed as error:
        outcome, seen = "hopeless", error.details["seen"]
    except WaitTimeout as error:
        outcome, seen = "unhealthy" if once else "timeout", error.details["seen"]
    return Verdict(outcome, seen.observation, seen.assessment, seen.canary, watch.looks, clock.now() - begin)
