# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of pods that are not ready, read from their logs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..constants import CONTAINER_PROVISION, CONTAINER_REPLICATION
from ..kube.pod import PodView
from ..kube.port import Diagnostics
from ..wait import Clock

__all__ = ["Progress"]

# A cluster without data is ready by then, and no log is read.
_PATIENCE_SECONDS = 10.0
_INTERVAL_SECONDS = 2.0
# A log line of lib-clone.sh: time, collection, `cloning from 10.0.0.7: 312 of 1024 MiB`.
_LINE = re.compile(r"^\S+ \[kubemysql\] (?P<text>.*)$")
_ARRIVED = re.compile(r": (?P<mebibytes>\d+)(?: of \d+)? MiB\b")


class Progress:
    """Watches a rollout. ``lines`` holds the last log line of each pod that is not ready."""

    def __init__(self, diagnostics: Diagnostics, clock: Clock) -> None:
        self._diagnostics = diagnostics
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
        lines = {pod.name: self._last_line(pod) for pod in pods}
        self.lines = {name: line for name, line in lines.items() if line}
        for name, line in self.lines.items():
            arrived = _ARRIVED.search(line)
            if arrived is not None:
                self._most[name] = max(self._most.get(name, 0), int(arrived["mebibytes"]))

    def _last_line(self, pod: PodView) -> str:
        if pod.obstacle is not None:
            return str(pod.obstacle)
        container = next(filter(pod.runs, (CONTAINER_PROVISION, CONTAINER_REPLICATION)), None)
        if container is None:
            return ""
        line = _LINE.match(self._diagnostics.log(pod.name, container, 1).strip())
        return line["text"] if line else ""
