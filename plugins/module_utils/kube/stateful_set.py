# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A StatefulSet as values, and how far its rollout is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .manifest import Manifest
from .pod import PodView

__all__ = ["StatefulSetView", "completion_pending", "rollout_pending"]


@dataclass(frozen=True)
class StatefulSetView:
    """One StatefulSet. Without ``observed`` the controller has not read the present specification, and ``revision``, the
    newest template, may be that of an older one. New pods may be made from the template of ``current`` until that is the
    newest, too. ``config_maps`` are those that the present specification names."""

    replicas: int
    observed: bool
    revision: str | None
    current: str | None
    config_maps: frozenset[str]

    @classmethod
    def parse(cls, live: Manifest) -> StatefulSetView:
        status = live.get("status") or {}
        observed = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
        return cls(
            replicas=int(live["spec"].get("replicas", 1)),
            observed=observed,
            revision=status.get("updateRevision"),
            current=status.get("currentRevision"),
            config_maps=_config_maps(live["spec"]["template"]["spec"]),
        )


def _config_maps(pod: Manifest) -> frozenset[str]:
    return frozenset(volume["configMap"]["name"] for volume in pod.get("volumes") or [] if "configMap" in volume)


def rollout_pending(stateful_set: StatefulSetView | None, pods: Collection[PodView]) -> str | None:
    """The condition that is missing until all ``pods`` of the StatefulSet run the newest template and are ready, or None.

    Judged by the pods: the counts in the status come later.
    """
    if stateful_set is None:
        return "the StatefulSet to exist"
    if not stateful_set.observed:
        return "the StatefulSet controller to take notice"
    wanted = stateful_set.replicas
    if len(pods) > wanted:
        return f"{len(pods) - wanted} surplus instances to end"
    newest = [pod for pod in pods if pod.revision == stateful_set.revision and not pod.terminating]
    if len(newest) < wanted:
        return f"{len(newest)} of {wanted} instances to be on the newest template"
    ready = sum(pod.ready for pod in newest)
    return f"{ready} of {wanted} instances to be ready" if ready < wanted else None


def completion_pending(stateful_set: StatefulSetView | None) -> str | None:
    """The condition that is missing until the controller makes pods from the newest template only, or None.

    That comes after the last pod is ready: until then the controller makes the pod of a lower ordinal, if that is deleted,
    from the older template. See ``newVersionedStatefulSetPod`` and ``completeRollingUpdate`` in Kubernetes.
    """
    if stateful_set is None:
        return "the StatefulSet to exist"
    done = stateful_set.observed and stateful_set.current == stateful_set.revision
    return None if done else "the StatefulSet controller to complete the rollout"
