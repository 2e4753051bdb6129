# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that were read from Kubernetes and from every instance, without any judgement."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..kube.pod import PodView
from ..mysql.status import History, InstanceStatus, ReplicaStatus
from ..state.acknowledgement import Acknowledgement

__all__ = ["ClusterObservation", "Endpoints", "InstanceObservation", "KubernetesState", "Problem"]


@dataclass(frozen=True)
class Problem:
    """The reason why an instance's status is unknown."""

    kind: t.Literal["unreachable", "access_denied", "unreadable"]
    message: str


@dataclass(frozen=True)
class Endpoints:
    """The pods that each Service leads to; None if there is no such Service."""

    primary: frozenset[str] | None = None
    read: frozenset[str] | None = None


@dataclass(frozen=True)
class KubernetesState:
    """The cluster's objects. ``wanted`` is None without a StatefulSet.

    ``intent`` holds the keys and values of the topology ConfigMap, None without one. ``acknowledged``: a deployment has
    recorded that every pod has read them.

    ``resizing`` holds, for instances whose claims are not as large as they should be, the reason. ``withheld`` holds the API
    server's messages if endpoints or claims may not be read.
    """

    expected: tuple[str, ...]
    wanted: int | None
    intent: t.Mapping[str, str] | None
    acknowledged: bool
    topology_primary: str | None
    bootstrapped: bool
    pods: t.Mapping[str, PodView]
    endpoints: Endpoints = Endpoints()
    resizing: t.Mapping[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()

    @property
    def instances(self) -> tuple[str, ...]:
        """The expected instances in order, then all other pods with the cluster's labels."""
        return self.expected + tuple(sorted(set(self.pods) - set(self.expected)))


@dataclass(frozen=True)
class InstanceObservation:
    """One instance: its status, or the problem that hid it.

    ``caught_up``: it had everything that the primary had committed when both were read, at once or within a moment; None if
    that was not checked. ``acknowledgement``: what the pod itself reports, if it was asked and answers.
    """

    name: str
    pod: PodView | None
    status: InstanceStatus | None = None
    problem: Problem | None = None
    caught_up: bool | None = None
    acknowledgement: Acknowledgement | None = None

    @property
    def channel(self) -> ReplicaStatus | None:
        """The replication channel that counts: the unnamed one, or else the first. None if there is none."""
        channels = self.status.channels if self.status else ()
        return next((channel for channel in channels if not channel.channel), channels[0] if channels else None)


@dataclass(frozen=True)
class ClusterObservation:
    """A cluster at one time.

    ``primary_history`` and ``registered``, the server_ids of the replicas that are connected to the primary, were read there
    after every replica had answered; None if they could not be.
    """

    kubernetes: KubernetesState
    instances: tuple[InstanceObservation, ...]
    primary_history: History | None = None
    registered: frozenset[int] | None = None

    @property
    def now(self) -> float | None:
        """The present time as the instances have it, in seconds since 1970; None if none of them answers."""
        return max((each.status.now for each in self.instances if each.status), default=None)

    @property
    def primary_name(self) -> str | None:
        """The primary that the topology names, or without a topology the only writable instance."""
        return self.kubernetes.topology_primary or writable_instance(self.instances)

    @property
    def primary(self) -> InstanceObservation | None:
        return next((each for each in self.instances if each.name == self.primary_name), None)

    @property
    def replicas(self) -> tuple[InstanceObservation, ...]:
        """All instances but the primary; none if the primary is unknown."""
        return () if self.primary_name is None else tuple(i for i in self.instances if i.name != self.primary_name)


def writable_instance(instances: tuple[InstanceObservation, ...]) -> str | None:
    """The one instance that accepts writes; None if there is none, or more than one."""
    writable = [each.name for each in instances if each.status and each.status.writable]
    return writable[0] if len(writable) == 1 else None
