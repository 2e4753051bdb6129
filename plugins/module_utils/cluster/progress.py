# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far pods are that are not ready, as their own logs tell it, and whether that is further than ever before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..constants import CONTAINER_PROVISION, CONTAINER_REPLICATION
from ..kube.port import Evidence, Manifest
from ..kube.readiness import obstacle_of, pod_ready
from ..wait import Clock

__all__ = ["Progress"]

# A cluster without data is ready by then, and nobody has asked for a log.
_PATIENCE_SECONDS = 10.0
_INTERVAL_SECONDS = 2.0
# What lib-clone.sh logs of a clone, `cloning from 10.0.0.7: 312 of 1024 MiB`, after the time and the collection's name.
_SAID = re.compile(r"^\S+ \[kubemysql\] (?P<words>.*)$")
_ARRIVED = re.compile(r": (?P<mebibytes>\d+)(?: of \d+)? MiB\b")


class Progress:
    """Watches a rollout. ``lines`` says of each pod that is not ready what it did when it was last asked."""

    def __init__(self, evidence: Evidence, clock: Clock) -> None:
        self._evidence = evidence
        self._clock = clock
        self._next = clock.now() + _PATIENCE_SECONDS
        self._most: dict[str, int] = {}
        self._ready = 0
        self.lines: Mapping[str, str] = {}

    def measure(self, pods: Sequence[Manifest]) -> int:
        """A number that grows whenever more pods are ready, or more data have arrived in one, than ever before."""
        self._ready = max(self._ready, sum(map(pod_ready, pods)))
        if self._clock.now() >= self._next:
            self._next = self._clock.now() + _INTERVAL_SECONDS
            self._ask([pod for pod in pods if not pod_ready(pod)])
        return self.reached

    @property
    def reached(self) -> int:
        """The last measure. A clone that is begun again counts only from where the one before had got to: trying for ever is
        no progress."""
        return self._ready + sum(self._most.values())

    def _ask(self, pods: Sequence[Manifest]) -> None:
        said = {pod["metadata"]["name"]: self._last_words(pod) for pod in pods}
        self.lines = {name: words for name, words in said.items() if words}
        for name, words in self.lines.items():
            arrived = _ARRIVED.search(words)
            if arrived is not None:
                self._most[name] = max(self._most.get(name, 0), int(arrived["mebibytes"]))

    def _last_words(self, pod: Manifest) -> str:
        obstacle = obstacle_of(pod)
        if obstacle is not None:
            return ": ".join(filter(None, (obstacle.container, obstacle.reason, obstacle.message)))
        container = _at_work(pod.get("status") or {})
        if container is None:
            return ""
        said = _SAID.match(self._evidence.log(pod["metadata"]["name"], container, 1).strip())
        return said["words"] if said else ""


def _at_work(status: Manifest) -> str | None:
    """The one of our containers that has something to say."""
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    running = {each["name"] for each in containers if "running" in (each.get("state") or {})}
    return next((name for name in (CONTAINER_PROVISION, CONTAINER_REPLICATION) if name in running), None)
