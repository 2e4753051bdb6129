# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of pods that are not ready, as they acknowledge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import Unreachable
from ..kube.pod import PodView
from ..parallel import map_parallel
from ..state.acknowledgement import AckReader
from ..wait import Clock

__all__ = ["Progress"]

# A cluster without data is ready by then, and no pod is asked.
_PATIENCE_SECONDS = 10.0
_INTERVAL_SECONDS = 2.0


class Progress:
    """Watches a rollout. ``lines`` holds, for each pod that is not ready, why that is or how far it is."""

    def __init__(self, read: AckReader, clock: Clock) -> None:
        self._ask = read
        self._clock = clock
        self._next = clock.now() + _PATIENCE_SECONDS
        self._most: dict[str, int] = {}
        self._ready = 0
        self.lines: Mapping[str, str] = {}

    def measure(self, pods: Sequence[PodView]) -> int:
        """A number that grows whenever more pods are ready, or more data have arrived in one, than ever before."""
        self._ready = max(self._ready, sum(pod.ready for pod in pods))
        if self._clock.now() >= self._next:
            self._next = self._clock.now() + _INTERVAL_SECONDS
            self._read([pod for pod in pods if not pod.ready])
        return self.reached

    @property
    def reached(self) -> int:
        """The last measure. A clone that is begun again counts only from where the one before had got to: trying for ever is
        no progress."""
        return self._ready + sum(self._most.values())

    def _read(self, pods: Sequence[PodView]) -> None:
        named = {pod.name: pod for pod in pods}
        lines = map_parallel(lambda name: self._line(named[name]), named)
        self.lines = {name: line for name, line in lines.items() if line}

    def _line(self, pod: PodView) -> str:
        if pod.obstacle is not None:
            return str(pod.obstacle)
        try:
            found = self._ask(pod.name)
        except Unreachable:
            return ""
        if found.received_mib is not None:
            self._most[pod.name] = max(self._most.get(pod.name, 0), found.received_mib)
        return found.reason or ""
