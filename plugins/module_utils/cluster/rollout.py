# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for the pods of a StatefulSet, and saying what keeps them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..errors import WaitFailed, WaitTimeout
from ..kube.port import Evidence, Manifest, ObjectStore
from ..kube.readiness import Obstacle, obstacle_of, pod_ready, rollout_pending
from ..names import Names
from ..wait import Clock, poll

__all__ = ["Rollout", "explain", "wait_for_rollout"]

_INTERVAL = 0.25
_LOG_LINES = 12
# The controller creates all pods at once; when some are missing for longer, something refuses them.
_MISSING_POD_SECONDS = 3.0
# By a quota or a policy, and by the API server's validation, which sees a pod template's details only in the pod.
_REFUSALS = ("forbidden", "is invalid")


@dataclass(frozen=True)
class Rollout:
    """One look at the StatefulSet and its pods."""

    stateful_set: Manifest | None
    pods: tuple[Manifest, ...]

    def ready(self, pod: str) -> bool:
        return any(each["metadata"]["name"] == pod and pod_ready(each) for each in self.pods)


def look(store: ObjectStore, names: Names) -> Rollout:
    """Two requests, however many pods there are."""
    pods = sorted(store.list("Pod", names.selector), key=lambda pod: str(pod["metadata"]["name"]))
    return Rollout(store.get("StatefulSet", names.stateful_set), tuple(pods))


def wait_for_rollout(
    store: ObjectStore,
    evidence: Evidence,
    names: Names,
    *,
    timeout: float,
    clock: Clock,
    on_look: t.Callable[[Rollout], None],
) -> None:
    """Return when every pod runs the newest template and is ready.

    ``on_look`` sees every look. Raises ``WaitFailed`` as soon as a pod cannot become ready by itself, and
    ``WaitTimeout`` after ``timeout`` seconds; both name the pod, the container, the reason and its last log lines.
    """
    started = clock.now()

    def take() -> Rollout:
        rollout = look(store, names)
        on_look(rollout)
        return rollout

    def pending(rollout: Rollout) -> str | None:
        missing = rollout_pending(rollout.stateful_set)
        if missing is not None:
            _give_up_if_hopeless(evidence, names, rollout, patient=clock.now() - started < _MISSING_POD_SECONDS)
        return missing

    try:
        poll(take, pending=pending, timeout=timeout, interval=_INTERVAL, clock=clock)
    except WaitTimeout as error:
        seen = t.cast(Rollout, error.details["seen"])
        raise WaitTimeout(f"{error.message}. {explain(evidence, names, seen)}".rstrip()) from error


def _give_up_if_hopeless(evidence: Evidence, names: Names, rollout: Rollout, *, patient: bool) -> None:
    for pod in rollout.pods:
        obstacle = obstacle_of(pod)
        if obstacle is not None and obstacle.hopeless:
            raise WaitFailed(f"waiting longer cannot help: {_describe(evidence, obstacle)}")
    wanted = (rollout.stateful_set or {"spec": {"replicas": 0}})["spec"]["replicas"]
    if len(rollout.pods) < wanted and not patient:
        warnings = evidence.warnings("StatefulSet", names.stateful_set)
        refused = [event for event in warnings if any(word in event.message for word in _REFUSALS)]
        if refused:
            raise WaitFailed(f"waiting longer cannot help: the pods are refused: {refused[-1].message}")


def explain(evidence: Evidence, names: Names, rollout: Rollout) -> str:
    """What keeps the pods, in a few sentences; empty if nothing is known."""
    sentences = []
    for pod in rollout.pods:
        if pod_ready(pod):
            continue
        obstacle = obstacle_of(pod)
        name = pod["metadata"]["name"]
        sentences.append(_describe(evidence, obstacle) if obstacle else _last_warning(evidence, "Pod", name))
        sentences.append(_claim_problem(evidence, names, name))
    if not rollout.pods:
        sentences.append(_last_warning(evidence, "StatefulSet", names.stateful_set))
    return " ".join(sentence for sentence in sentences if sentence)


def _describe(evidence: Evidence, obstacle: Obstacle) -> str:
    place = f"{obstacle.pod}, container {obstacle.container}" if obstacle.container else obstacle.pod
    text = f"{place}: {obstacle.reason}: {obstacle.message}".rstrip(": ") + "."
    if obstacle.crashed and obstacle.container:
        log = evidence.log(obstacle.pod, obstacle.container, _LOG_LINES)
        log = log or evidence.log(obstacle.pod, obstacle.container, _LOG_LINES, previous=True)
        text += f" Its last log lines:\n{log.rstrip()}\n" if log else ""
    return text


def _last_warning(evidence: Evidence, kind: str, name: str) -> str:
    warnings = evidence.warnings(kind, name)
    return f"{name}: {warnings[-1].reason}: {warnings[-1].message}." if warnings else f"{name} is not ready."


def _claim_problem(evidence: Evidence, names: Names, pod: str) -> str:
    claim = names.claim_of(pod)
    warnings = evidence.warnings("PersistentVolumeClaim", claim)
    return f"Its claim {claim}: {warnings[-1].reason}: {warnings[-1].message}." if warnings else ""
