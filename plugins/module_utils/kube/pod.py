# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a live object says about being ready: pure predicates over what the API answered."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from .port import Manifest

__all__ = [
    "Obstacle",
    "generation_observed",
    "is_terminating",
    "obstacle_of",
    "of_newest_template",
    "pod_ready",
    "rollout_pending",
]

# The StatefulSet controller's label for the template that a pod was made of.
_REVISION = "controller-revision-hash"

# The kubelet has tried for this often; the next try will not be different.
_HOPELESS_RESTARTS = 3


def is_terminating(pod: Manifest) -> bool:
    """Somebody has deleted the pod, and it has not ended yet."""
    return "deletionTimestamp" in pod["metadata"]


def pod_ready(pod: Manifest) -> bool:
    """The pod serves: its condition Ready is True and nobody is deleting it."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not is_terminating(pod)


def generation_observed(stateful_set: Manifest) -> bool:
    """The controller has seen the present specification, so that the status is about it."""
    noticed: int = (stateful_set.get("status") or {}).get("observedGeneration", 0)
    wanted: int = stateful_set["metadata"]["generation"]
    return noticed >= wanted


def of_newest_template(stateful_set: Manifest, pod: Manifest) -> bool:
    """The pod was made of the StatefulSet's present template; only told where ``generation_observed`` holds."""
    revision = (stateful_set.get("status") or {}).get("updateRevision")
    return bool(pod["metadata"]["labels"].get(_REVISION) == revision)


def rollout_pending(stateful_set: Manifest | None, pods: Iterable[Manifest]) -> str | None:
    """What is still missing until all pods of the StatefulSet, which ``pods`` are, run the newest template and are ready;
    None when nothing. The pods themselves are asked: what the status counts comes later.
    """
    if stateful_set is None:
        return "the StatefulSet to exist"
    if not generation_observed(stateful_set):
        return "the StatefulSet controller to take notice"
    there, wanted = list(pods), stateful_set["spec"]["replicas"]
    if len(there) > wanted:
        return f"{len(there) - wanted} surplus instances to end"
    newest = [pod for pod in there if of_newest_template(stateful_set, pod) and not is_terminating(pod)]
    if len(newest) < wanted:
        return f"{len(newest)} of {wanted} instances to be on the newest template"
    ready = sum(map(pod_ready, newest))
    return f"{ready} of {wanted} instances to be ready" if ready < wanted else None


@dataclass(frozen=True)
class Obstacle:
    """What keeps a pod from becoming ready. ``hopeless`` if waiting longer cannot help. ``crashed_at`` is an RFC 3339 time."""

    pod: str
    container: str | None
    reason: str
    message: str
    hopeless: bool
    crashed: bool = False
    crashed_at: str | None = None


def obstacle_of(pod: Manifest) -> Obstacle | None:
    """The first thing that keeps ``pod`` from becoming ready, in the order of a pod's life; None if nothing does."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Obstacle(name, None, condition.get("reason", ""), condition.get("message", ""), hopeless=False)
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        found = _container_obstacle(name, container)
        if found is not None:
            return found
    return None


def _container_obstacle(pod: str, container: Manifest) -> Obstacle | None:
    state: dict[str, t.Any] = container.get("state") or {}
    waiting, restarts = state.get("waiting") or {}, container.get("restartCount", 0)
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"):
        # The kubelet backs off only after a second refusal of the registry.
        hopeless = reason not in ("ErrImagePull", "RegistryUnavailable")
        return Obstacle(pod, container["name"], reason, message, hopeless)
    if reason in ("CreateContainerConfigError", "CreateContainerError"):
        return Obstacle(pod, container["name"], reason, message, hopeless=False)
    if reason == "CrashLoopBackOff":
        hopeless = restarts >= _HOPELESS_RESTARTS
        last = (container.get("lastState") or {}).get("terminated") or {}
        return Obstacle(pod, container["name"], reason, message, hopeless, crashed=True, crashed_at=last.get("finishedAt"))
    terminated = state.get("terminated") or {}
    if terminated.get("exitCode"):
        ended = f"ended with exit code {terminated['exitCode']}"
        return Obstacle(pod, container["name"], terminated.get("reason", "Error"), ended, hopeless=False, crashed=True)
    return None
