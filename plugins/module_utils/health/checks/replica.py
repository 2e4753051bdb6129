# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a replica: its role, its source, its threads and its lag."""

from __future__ import annotations

from collections.abc import Iterator

from ...mysql.status import InstanceStatus, ReplicaStatus
from ...mysql.version import ServerVersion
from ..findings import Finding
from ..findings import FindingKind as Kind
from ..observation import ClusterObservation, InstanceObservation
from . import history

__all__ = ["check"]

Findings = Iterator[Finding]


def check(observation: ClusterObservation, replica: InstanceObservation, status: InstanceStatus, max_lag: float) -> Findings:
    name, channel = replica.name, replica.channel
    if not status.read_only:
        yield Finding(Kind.REPLICA_WRITABLE, "read_only is OFF on a replica", name)
    elif status.super_read_only is False:
        yield Finding(Kind.REPLICA_SUPER_READ_ONLY_OFF, "super_read_only is OFF on a replica", name)
    yield from _version(observation, name, status)
    yield from history.check(observation, name, status)
    if channel is None:
        yield Finding(Kind.REPLICA_NOT_CONFIGURED, "no replication source is configured", name)
        return
    yield from _source(observation, name, channel)
    yield from _threads(name, channel)
    yield from _lag(replica, channel, max_lag)
    if not channel.encrypted:
        yield Finding(Kind.REPLICATION_NOT_ENCRYPTED, f"the channel to {channel.source_host} is not encrypted", name)
    if not channel.auto_position:
        yield Finding(Kind.AUTO_POSITION_OFF, "the replica follows a binary log file and position", name)


def _source(observation: ClusterObservation, name: str, channel: ReplicaStatus) -> Findings:
    """The source is right if it has the primary's server_uuid; one that was never reached is judged by its host."""
    primary = observation.primary
    configured = f"{channel.source_host}:{channel.source_port}"
    if primary is not None and primary.status and primary.status.server_uuid and channel.source_uuid:
        if channel.source_uuid.lower() != primary.status.server_uuid.lower():
            message = f"the source is {configured} (server_uuid {channel.source_uuid}), not the primary {primary.name}"
            yield Finding(Kind.WRONG_SOURCE, message, name)
        return
    host = channel.source_host.partition(".")[0]
    addresses = {each.pod.address: each.name for each in observation.instances if each.pod and each.pod.address}
    instance = host if host in observation.kubernetes.instances else addresses.get(channel.source_host)
    if instance is None:
        yield Finding(Kind.SOURCE_UNKNOWN, f"the source is {configured}, which is none of the instances", name)
    elif instance != observation.primary_name:
        yield Finding(Kind.WRONG_SOURCE, f"the source is {configured}, not the primary {observation.primary_name}", name)


def _threads(name: str, channel: ReplicaStatus) -> Findings:
    yield from _receiver(name, channel)
    yield from _applier(name, channel)


def _receiver(name: str, channel: ReplicaStatus) -> Findings:
    since = channel.io_failed_at if channel.io_errno else None
    error = f"error {channel.io_errno}: {channel.io_error}" if channel.io_errno else ""
    if channel.io == "connecting":
        message = f"the receiver is connecting{': ' if error else ''}{error}"
        yield Finding(Kind.RECEIVER_CONNECTING, message, name, since)
    elif channel.io == "no":
        kind, why = (Kind.RECEIVER_FAILED, f"gave up: {error}") if error else (Kind.RECEIVER_STOPPED, "is stopped")
        yield Finding(kind, f"the receiver (IO thread) {why}", name, since)
    elif error:
        yield Finding(Kind.STALE_REPLICATION_ERROR, f"the running receiver still reports {error}", name, since)


def _applier(name: str, channel: ReplicaStatus) -> Findings:
    since = channel.sql_failed_at if channel.sql_errno else None
    error = f"error {channel.sql_errno}: {channel.sql_error}" if channel.sql_errno else ""
    if channel.sql != "yes":
        kind, why = (Kind.APPLIER_FAILED, f"gave up: {error}") if error else (Kind.APPLIER_STOPPED, "is stopped")
        yield Finding(kind, f"the applier (SQL thread) {why}", name, since)
    elif error:
        yield Finding(Kind.STALE_REPLICATION_ERROR, f"the running applier still reports {error}", name, since)


def _lag(replica: InstanceObservation, channel: ReplicaStatus, max_lag: float) -> Findings:
    """Stopped threads have no lag, and their own finding."""
    if channel.io != "yes" or channel.sql != "yes":
        return
    lag = channel.lag
    if lag is None:
        yield Finding(Kind.LAG_UNKNOWN, "the lag is unknown (NULL)", replica.name)
    elif lag > max_lag:
        yield Finding(Kind.LAG_HIGH, f"{lag:.1f} s behind, more than the {max_lag:g} s allowed", replica.name)
    # For a moment after an arrival the lag is the milliseconds that this took.
    elif replica.caught_up is False and lag < 1 and _age_of_newest(channel) > max_lag:
        message = "reports no lag, yet does not receive what the primary has committed"
        yield Finding(Kind.NOT_CAUGHT_UP, message, replica.name)


def _age_of_newest(channel: ReplicaStatus) -> float:
    """Seconds since the commit of the newest transaction received: a receiver that is behind is at most so far behind."""
    applier = channel.applier
    if applier is None or applier.last_received_at is None:
        return float("inf")
    return applier.now - applier.last_received_at


def _version(observation: ClusterObservation, name: str, status: InstanceStatus) -> Findings:
    primary = observation.primary.status if observation.primary else None
    if primary is not None and ServerVersion.parse(status.version) < ServerVersion.parse(primary.version):
        yield Finding(Kind.REPLICA_OLDER, f"the replica runs {status.version}, the primary {primary.version}", name)
