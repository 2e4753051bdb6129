# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the primary and of the replicas that are connected to it."""

from __future__ import annotations

from collections.abc import Iterator

from ...mysql.status import InstanceStatus
from ..findings import Finding
from ..findings import FindingKind as Kind
from ..observation import ClusterObservation

__all__ = ["check"]

Findings = Iterator[Finding]
# A commit waits for its acknowledgement for milliseconds; the server reports whole seconds.
_ACKNOWLEDGED_SECONDS = 2


def check(observation: ClusterObservation, name: str, status: InstanceStatus) -> Findings:
    if not status.writable:
        which = "super_read_only" if status.super_read_only else "read_only"
        yield Finding(Kind.PRIMARY_READ_ONLY, f"the primary has {which}=ON", name)
    for channel in status.channels:
        source = f"{channel.source_host}:{channel.source_port}"
        yield Finding(Kind.PRIMARY_HAS_SOURCE, f"the primary is configured to replicate from {source}", name)
    wait = status.conditions.semi_sync_wait
    if wait is not None and wait >= _ACKNOWLEDGED_SECONDS:
        message = f"a commit has been waiting for {wait:.0f} s for a replica's acknowledgement"
        yield Finding(Kind.SEMI_SYNC_WAITING, message, name, status.now - wait)
    if observation.registered is not None:
        yield from _registered(observation, name, status, observation.registered)


def _registered(observation: ClusterObservation, name: str, primary: InstanceStatus, registered: frozenset[int]) -> Findings:
    """The replicas that the primary lists. A replica that does not receive has a finding of its own."""
    known = {each.status.server_id for each in observation.instances if each.status}
    for replica in observation.replicas:
        channel = replica.channel
        if replica.status is None or channel is None or channel.io != "yes":
            continue
        elsewhere = channel.source_uuid != primary.server_uuid
        if replica.status.server_id not in registered and not elsewhere:
            message = f"the primary {name} does not list the server_id {replica.status.server_id} among its replicas"
            yield Finding(Kind.REPLICA_NOT_REGISTERED, message, replica.name)
    hidden = any(each.status is None for each in observation.instances)
    unknown = sorted(registered - known)
    if unknown and not hidden:
        numbers = ", ".join(map(str, unknown))
        yield Finding(Kind.UNKNOWN_REPLICA, f"replicas with the server_id {numbers} are connected to the primary", name)
