# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of one instance's pod, and of the session with its server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...kube.pod import PodView
from ..findings import Finding
from ..findings import FindingKind as Kind
from ..observation import ClusterObservation, InstanceObservation

__all__ = ["check"]

Findings = Iterator[Finding]
# Restarts older than this many seconds are not reported.
_RECENT = 600


def check(observation: ClusterObservation, instance: InstanceObservation) -> Findings:
    yield from _pod(observation, instance)
    yield from _acknowledgement(observation, instance)
    yield from _session(instance)
    if instance.pod is not None:
        yield from _restarts(instance.name, instance.pod, observation.now)
    if instance.name in observation.kubernetes.resizing:
        yield Finding(Kind.CLAIM_RESIZING, observation.kubernetes.resizing[instance.name], instance.name)


def _pod(observation: ClusterObservation, instance: InstanceObservation) -> Findings:
    name, pod = instance.name, instance.pod
    if name not in observation.kubernetes.expected:
        # Without a StatefulSet no pod is expected, and that has a finding of its own.
        if observation.kubernetes.wanted is not None:
            yield Finding(Kind.POD_UNEXPECTED, f"the pod {name} exists and the StatefulSet does not want it", name)
    elif pod is None:
        yield Finding(Kind.POD_MISSING, "there is no such pod", name)
    elif not pod.ready:
        why = _judged(instance) or pod.why_not_ready
        message = f"the pod is not ready{': ' if why else ''}{why}"
        yield Finding(Kind.POD_NOT_READY, message, name, pod.not_ready_since)
        if pod.provisioning is not None:
            yield Finding(Kind.PROVISIONING, f"its init container {pod.provisioning} is at work", name, pod.not_ready_since)


def _judged(instance: InstanceObservation) -> str:
    """The reason that the pod acknowledges; the kubelet only reports which container is not ready."""
    return (instance.acknowledgement.reason or "") if instance.acknowledgement else ""


def _acknowledgement(observation: ClusterObservation, instance: InstanceObservation) -> Findings:
    seen, intent = instance.acknowledgement, observation.kubernetes.intent
    if seen is not None and intent is not None and seen.intent != intent:
        message = f"the pod has read {_text(seen.intent)}, and the topology is {_text(intent)}"
        yield Finding(Kind.TOPOLOGY_NOT_ACKNOWLEDGED, message, instance.name)


def _text(intent: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(intent.items())) or "nothing"


def _session(instance: InstanceObservation) -> Findings:
    problem = instance.problem
    if problem is None:
        return
    ready = instance.pod is not None and instance.pod.ready
    kinds = {
        "unreachable": Kind.INSTANCE_UNREACHABLE,
        "access_denied": Kind.ACCESS_DENIED if ready else Kind.ACCESS_PENDING,
        "unreadable": Kind.INSTANCE_UNREADABLE,
    }
    yield Finding(kinds[problem.kind], problem.message, instance.name)


def _restarts(name: str, pod: PodView, now: float | None) -> Findings:
    """Judged by the instances' clocks; if none of them answers, other findings are more important."""
    last = pod.last_restarted
    if last is not None and last.ended_at is not None and now is not None and now - last.ended_at < _RECENT:
        message = f"its container {last.name} has been restarted, {last.restarts} time(s) in all"
        yield Finding(Kind.CONTAINER_RESTARTED, message, name, last.ended_at)
