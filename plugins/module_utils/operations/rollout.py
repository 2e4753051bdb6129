# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for the pods of a StatefulSet, and describes why they are not ready."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Unreachable, WaitFailed
from ..kube.pod import Obstacle, PodView
from ..kube.port import Diagnostics, Event, ObjectStore
from ..kube.stateful_set import StatefulSetView, rollout_pending
from ..names import Names, ordinal_of
from ..state.acknowledgement import AckReader, parse_acknowledgement
from ..state.reader import read_pods, read_stateful_set
from ..state.topology import parse_topology
from ..wait import Clock
from .outcome import StalledRollout
from .progress import Progress

__all__ = ["Rollout", "RolloutWatch", "explain"]

_LOG_LINES = 12
# The controller creates all pods at once; when some are missing for longer, something refuses them.
_MISSING_POD_SECONDS = 3.0
# By a quota or a policy, and by the API server's validation, which sees a pod template's details only in the pod.
_REFUSALS = ("forbidden", "is invalid")


@dataclass(frozen=True)
class Rollout:
    """The StatefulSet and its pods at one time."""

    stateful_set: StatefulSetView | None
    pods: tuple[PodView, ...]

    def ready(self, pod: str) -> bool:
        return any(each.name == pod and each.ready for each in self.pods)

    @property
    def missing(self) -> str | None:
        return rollout_pending(self.stateful_set, self.pods)

    @property
    def stuck(self) -> tuple[PodView, ...]:
        """Pods of an older template that cannot start. The controller waits for them before it replaces them, and a
        replica on the newest template may be waiting for one of them (kubernetes/kubernetes#67250).
        """
        return tuple(pod for pod in self._by_age(newest=False) if pod.obstacle and not pod.terminating)

    @property
    def newest(self) -> tuple[PodView, ...]:
        """Pods of the newest template; none before the controller has observed it."""
        return self._by_age(newest=True)

    def _by_age(self, *, newest: bool) -> tuple[PodView, ...]:
        live = self.stateful_set
        if live is None or not live.observed:
            return ()
        return tuple(pod for pod in self.pods if (pod.revision == live.revision) is newest)


class RolloutWatch:
    """Watches the pods of one rollout, and intervenes where the controller cannot go on."""

    def __init__(self, store: ObjectStore, diagnostics: Diagnostics, read: AckReader, names: Names, clock: Clock) -> None:
        self._store = store
        self._diagnostics = diagnostics
        self._read = read
        self._names = names
        self._failures = _FailureDetector(store, diagnostics, names, clock)
        self._progress = Progress(read, clock)

    def look(self, last: Rollout) -> Rollout:
        """One request as long as nothing changes: the StatefulSet is read again only if a pod has changed since ``last``."""
        named = read_pods(self._store, self._names.selector)
        pods = tuple(named[name] for name in sorted(filter(self._names.is_instance, named), key=ordinal_of))
        known = last.stateful_set
        # A changed StatefulSet changes its pods; once its controller has observed it, nothing else does.
        if known is None or not known.observed or pods != last.pods:
            known = read_stateful_set(self._store, self._names)
        return Rollout(known, pods)

    def intervene(self, rollout: Rollout) -> None:
        """Delete pods that are stuck on an older template; the controller creates them again from the newest.

        Raises ``WaitFailed`` if a pod cannot become ready by itself, or cannot even be created.
        """
        for pod in rollout.stuck:
            self._store.delete("Pod", pod.name)
        # The next look finds new ones.
        if not rollout.stuck:
            self._failures.check(rollout)

    def progress(self, rollout: Rollout) -> int:
        """A number that grows with the rollout."""
        return self._progress.measure(rollout.pods)

    def stalled(self, message: str, rollout: Rollout) -> StalledRollout:
        """A rollout that made no progress. The message names the pod, the container, the reason and its last log lines."""
        reasons = explain(self._diagnostics, self._read, self._names, rollout)
        return StalledRollout(f"{message}. {reasons}".rstrip(), dict(self._progress.lines), self._progress.reached)


class _FailureDetector:
    """Detects rollouts that cannot succeed. Changes nothing."""

    def __init__(self, store: ObjectStore, diagnostics: Diagnostics, names: Names, clock: Clock) -> None:
        self._store = store
        self._diagnostics = diagnostics
        self._names = names
        self._clock = clock
        self._begin = clock.now()
        # Events outlive their cause, and are repeated as long as it lasts: those of the first look count when they come again.
        self._old_refusals: frozenset[Event] | None = None

    def check(self, rollout: Rollout) -> None:
        """Raise ``WaitFailed`` if a pod cannot become ready, or cannot even be created."""
        for pod in rollout.newest:
            obstacle = pod.obstacle
            if obstacle is not None and obstacle.hopeless and not self._predates_topology(obstacle):
                raise WaitFailed(f"waiting longer cannot help: {_describe(self._diagnostics, obstacle)}")
        wanted = rollout.stateful_set.replicas if rollout.stateful_set else 0
        if len(rollout.pods) < wanted:
            self._check_refusals()

    def _predates_topology(self, obstacle: Obstacle) -> bool:
        """True if the container ran under another topology. The present one may remove the cause of its crash."""
        try:
            left = parse_acknowledgement(obstacle.termination_message)
        except ValueError:
            return False
        topology = parse_topology(self._store.get("ConfigMap", self._names.topology))
        return topology is not None and not left.has_seen(topology.intent)

    def _check_refusals(self) -> None:
        warnings = self._diagnostics.warnings("StatefulSet", self._names.stateful_set)
        refusals = [event for event in warnings if any(word in event.message for word in _REFUSALS)]
        if self._old_refusals is None:
            self._old_refusals = frozenset(refusals)
        fresh = [event for event in refusals if event not in self._old_refusals]
        if fresh and self._clock.now() - self._begin >= _MISSING_POD_SECONDS:
            raise WaitFailed(f"waiting longer cannot help: the pods are refused: {fresh[-1].message}")


def explain(diagnostics: Diagnostics, read: AckReader, names: Names, rollout: Rollout) -> str:
    """The reasons why pods are not ready, in a few sentences; empty if none is known."""
    sentences = []
    for pod in rollout.pods:
        if not pod.ready:
            obstacle = pod.obstacle
            sentences.append(_describe(diagnostics, obstacle) if obstacle else _why_not_ready(diagnostics, read, pod))
            sentences.append(_claim_problem(diagnostics, names, pod.name))
    if not rollout.pods:
        sentences.append(_last_warning(diagnostics, "StatefulSet", names.stateful_set))
    return " ".join(sentence for sentence in sentences if sentence)


def _describe(diagnostics: Diagnostics, obstacle: Obstacle) -> str:
    place = f"{obstacle.pod}, container {obstacle.container}" if obstacle.container else obstacle.pod
    text = f"{place}: {obstacle.reason}: {obstacle.message}".rstrip(": ") + "."
    if obstacle.crashed and obstacle.container:
        log = diagnostics.log(obstacle.pod, obstacle.container, _LOG_LINES)
        log = log or diagnostics.log(obstacle.pod, obstacle.container, _LOG_LINES, previous=True)
        text += f" Its last log lines:\n{log.rstrip()}\n" if log else ""
    return text


def _why_not_ready(diagnostics: Diagnostics, read: AckReader, pod: PodView) -> str:
    """The pod acknowledges the reason; a probe only reports a failure."""
    try:
        reason = read(pod.name).reason
    except Unreachable:
        reason = None
    return f"{pod.name}: {reason}." if reason else _last_warning(diagnostics, "Pod", pod.name)


def _last_warning(diagnostics: Diagnostics, kind: str, name: str) -> str:
    warnings = diagnostics.warnings(kind, name)
    return f"{name}: {warnings[-1].reason}: {warnings[-1].message}." if warnings else f"{name} is not ready."


def _claim_problem(diagnostics: Diagnostics, names: Names, pod: str) -> str:
    claim = names.claim_of(pod)
    warnings = diagnostics.warnings("PersistentVolumeClaim", claim)
    return f"Its claim {claim}: {warnings[-1].reason}: {warnings[-1].message}." if warnings else ""
