# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod as values. Pods of the API server are parsed here and nowhere else."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..constants import CONTAINER_MYSQL
from ..times import parse_time
from .manifest import Manifest

__all__ = ["ContainerView", "Obstacle", "PodView"]

# The StatefulSet controller's label for the template that a pod was made of.
_REVISION = "controller-revision-hash"
# The kubelet has tried so often; the next try will not be different.
_HOPELESS_RESTARTS = 3
_IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
# The kubelet backs off only after the registry has refused twice.
_FIRST_REFUSAL = ("ErrImagePull", "RegistryUnavailable")
_CREATE_REASONS = ("CreateContainerConfigError", "CreateContainerError")


@dataclass(frozen=True)
class Obstacle:
    """The reason why a pod does not become ready. ``hopeless`` if waiting longer cannot help.

    ``termination_message`` is what the container left when it crashed.
    """

    pod: str
    container: str | None
    reason: str
    message: str
    hopeless: bool
    crashed: bool = False
    termination_message: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.container, self.reason, self.message)))


@dataclass(frozen=True)
class ContainerView:
    """One container. ``ended``, ``ended_at`` and ``termination_message`` are those of its last life, if it has ended before."""

    name: str
    init: bool
    running: bool
    waiting_reason: str
    waiting_message: str
    exit_code: int
    exit_reason: str
    restarts: int
    ended: bool
    ended_at: float | None
    termination_message: str

    @classmethod
    def parse(cls, status: Manifest, *, init: bool) -> ContainerView:
        state: dict[str, t.Any] = status.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
        last = (status.get("lastState") or {}).get("terminated") or {}
        return cls(
            name=status["name"],
            init=init,
            running="running" in state,
            waiting_reason=waiting.get("reason", ""),
            waiting_message=waiting.get("message", ""),
            exit_code=terminated.get("exitCode", 0),
            exit_reason=terminated.get("reason", "Error"),
            restarts=status.get("restartCount", 0),
            ended=bool(last),
            ended_at=_seconds(last.get("finishedAt")),
            termination_message=last.get("message") or terminated.get("message") or "",
        )

    def obstacle(self, pod: str) -> Obstacle | None:
        reason, message = self.waiting_reason, self.waiting_message
        if reason in _IMAGE_REASONS:
            return Obstacle(pod, self.name, reason, message, hopeless=reason not in _FIRST_REFUSAL)
        if reason in _CREATE_REASONS:
            return Obstacle(pod, self.name, reason, message, hopeless=False)
        if reason == "CrashLoopBackOff":
            hopeless = self.restarts >= _HOPELESS_RESTARTS
            left = self.termination_message
            return Obstacle(pod, self.name, reason, message, hopeless, crashed=True, termination_message=left)
        if self.exit_code:
            ended = f"ended with exit code {self.exit_code}"
            return Obstacle(pod, self.name, self.exit_reason, ended, hopeless=False, crashed=True)
        return None


@dataclass(frozen=True)
class PodView:
    """One pod. ``version`` changes with every change of the object; ``revision`` is the template it was made of.

    ``image`` and ``flavour`` are the server's, as the container mysql has them. ``config_maps``: name of a volume -> ConfigMap.
    ``not_ready`` and ``not_ready_since`` are the message and the time of the condition Ready, if that does not hold.
    """

    name: str
    version: str | None
    revision: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    terminating: bool
    ready: bool
    phase: str
    address: str | None
    node: str | None
    unschedulable: Obstacle | None
    not_ready: str
    not_ready_since: float | None
    containers: tuple[ContainerView, ...]
    image: str | None = None
    flavour: str | None = None
    config_maps: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, pod: Manifest) -> PodView:
        metadata, status = pod["metadata"], pod.get("status") or {}
        labels = metadata.get("labels") or {}
        conditions = {each["type"]: each for each in status.get("conditions") or []}
        condition = conditions.get("Ready", {})
        terminating = "deletionTimestamp" in metadata
        ready = condition.get("status") == "True" and not terminating
        name, spec = metadata["name"], pod.get("spec") or {}
        return cls(
            name=name,
            version=metadata.get("resourceVersion"),
            revision=labels.get(_REVISION),
            labels=labels,
            annotations=metadata.get("annotations") or {},
            terminating=terminating,
            ready=ready,
            phase=status.get("phase") or "",
            address=status.get("podIP"),
            node=spec.get("nodeName"),
            unschedulable=_unschedulable(name, conditions.get("PodScheduled", {})),
            not_ready=str(condition.get("message") or ""),
            not_ready_since=None if ready else _seconds(condition.get("lastTransitionTime")),
            containers=_containers(status),
            image=_server(spec).get("image"),
            flavour=next((each.get("value") for each in _server(spec).get("env") or [] if each["name"] == "FLAVOUR"), None),
            config_maps=_config_maps(spec),
        )

    @property
    def obstacle(self) -> Obstacle | None:
        """The first reason why the pod does not become ready, in the order of a pod's life; None if there is none."""
        found = (each.obstacle(self.name) for each in self.containers)
        return self.unschedulable or next(filter(None, found), None)

    @property
    def why_not_ready(self) -> str:
        """In a few words; empty if Kubernetes does not give a reason."""
        if self.terminating:
            return "it is being deleted"
        if self.obstacle is not None:
            return str(self.obstacle)
        return self.not_ready if self.started else self.phase

    @property
    def started(self) -> bool:
        """Whether the server's container runs. In a pod of another origin it may have another name."""
        own = [each for each in self.containers if not each.init]
        return any(each.running for each in [each for each in own if each.name == CONTAINER_MYSQL] or own)

    @property
    def provisioning(self) -> str | None:
        """The init container that runs."""
        return next((each.name for each in self.containers if each.init and each.running), None)

    @property
    def last_restarted(self) -> ContainerView | None:
        """The container that ended last and was started again."""
        ended = [each for each in self.containers if each.ended and not each.init]
        return max(ended, key=lambda each: (each.ended_at or 0.0, each.name), default=None)

    @property
    def restarts(self) -> int:
        """The restarts of the container that ended last."""
        return self.last_restarted.restarts if self.last_restarted else 0

    def runs(self, container: str) -> bool:
        return any(each.name == container and each.running for each in self.containers)


def _containers(status: Manifest) -> tuple[ContainerView, ...]:
    """In the order in which they are started."""
    kinds = (("initContainerStatuses", True), ("containerStatuses", False))
    return tuple(ContainerView.parse(each, init=init) for key, init in kinds for each in status.get(key) or [])


def _server(spec: Manifest) -> Manifest:
    return next((each for each in spec.get("containers") or [] if each["name"] == CONTAINER_MYSQL), {})


def _config_maps(spec: Manifest) -> dict[str, str]:
    return {each["name"]: each["configMap"]["name"] for each in spec.get("volumes") or [] if "configMap" in each}


def _unschedulable(pod: str, condition: Manifest) -> Obstacle | None:
    if condition.get("status") != "False":
        return None
    return Obstacle(pod, None, condition.get("reason", ""), condition.get("message", ""), hopeless=False)


def _seconds(text: str | None) -> float | None:
    """An RFC 3339 time of the API server as seconds since 1970."""
    return parse_time(text).timestamp() if text else None
