# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was observed to what is found. Each check is a pure function; together they name every deviation."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

from ..mysql.dialect import ServerVersion
from ..mysql.gtid import GtidSet
from ..mysql.status import InstanceStatus, ReplicaStatus
from .findings import Finding
from .findings import FindingKind as Kind
from .observation import ClusterObservation, InstanceObservation

__all__ = ["find"]

Findings = Iterator[Finding]


def find(observation: ClusterObservation, max_lag: float) -> tuple[Finding, ...]:
    """Everything that deviates, the cluster's findings first, then instance by instance. ``max_lag`` is in seconds."""
    findings = [*_layout(observation), *_writable(observation), *_identity(observation)]
    for instance in observation.instances:
        findings += _pod(observation, instance)
        findings += _session(instance)
    if observation.primary is not None and observation.primary.status is not None:
        findings += _primary(observation.primary.name, observation.primary.status)
    for replica in observation.replicas:
        if replica.status is not None:
            findings += _replica(observation, replica, replica.status, max_lag)
    order = {name: position for position, name in enumerate(observation.layout.instances)}
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: order.get(finding.instance or "", -1)))


def _layout(observation: ClusterObservation) -> Findings:
    layout = observation.layout
    if layout.wanted is None:
        yield Finding(Kind.STATEFUL_SET_MISSING, "there is no StatefulSet of this name in the namespace")
    elif layout.topology_primary and layout.wanted and layout.topology_primary not in layout.expected:
        message = f"the topology names {layout.topology_primary} as primary, and the instances are {', '.join(layout.expected)}"
        yield Finding(Kind.PRIMARY_NOT_EXPECTED, message)
    if observation.primary_name is None and observation.instances:
        what = "the topology ConfigMap names no primary" if layout.topology else "there is no topology ConfigMap"
        yield Finding(Kind.TOPOLOGY_UNKNOWN, f"{what}, and not exactly one instance is writable")


def _writable(observation: ClusterObservation) -> Findings:
    """Who accepts writes. Instances that are not wanted count as well: a client may reach them."""
    writable = [each.name for each in observation.instances if each.status and each.status.writable]
    if len(writable) > 1:
        yield Finding(Kind.MULTIPLE_WRITABLE_INSTANCES, f"{' and '.join(writable)} accept writes")
    elif not writable and observation.instances and all(each.status for each in observation.instances):
        yield Finding(Kind.NO_WRITABLE_INSTANCE, "no instance accepts writes")


def _identity(observation: ClusterObservation) -> Findings:
    attributes: tuple[tuple[Kind, str, Callable[[InstanceStatus], object]], ...] = (
        (Kind.SERVER_ID_DUPLICATE, "server_id", lambda status: status.server_id),
        (Kind.SERVER_UUID_DUPLICATE, "server_uuid", lambda status: status.server_uuid),
    )
    for kind, label, attribute in attributes:
        owners: dict[object, list[str]] = {}
        for each in observation.instances:
            if each.status and attribute(each.status) is not None:
                owners.setdefault(attribute(each.status), []).append(each.name)
        for value, names in owners.items():
            if len(names) > 1:
                yield Finding(kind, f"{' and '.join(names)} all have the {label} {value}")


def _pod(observation: ClusterObservation, instance: InstanceObservation) -> Findings:
    name, pod = instance.name, instance.pod
    if name not in observation.layout.expected:
        # Without a StatefulSet nothing is wanted, and that has been said already.
        if observation.layout.wanted is not None:
            yield Finding(Kind.POD_UNEXPECTED, f"the pod {name} exists and the StatefulSet does not want it", name)
    elif pod is None:
        yield Finding(Kind.POD_MISSING, "there is no such pod", name)
    elif not pod.ready:
        yield Finding(Kind.POD_NOT_READY, f"the pod is not ready{': ' if pod.obstacle else ''}{pod.obstacle}", name)


def _session(instance: InstanceObservation) -> Findings:
    problem = instance.problem
    if problem is None:
        return
    ready = instance.pod is not None and instance.pod.ready
    kinds = {
        "unreachable": Kind.INSTANCE_UNREACHABLE,
        "access_denied": Kind.ACCESS_DENIED if ready else Kind.ACCESS_NOT_YET,
        "unreadable": Kind.INSTANCE_UNREADABLE,
    }
    yield Finding(kinds[problem.kind], problem.message, instance.name)


def _primary(name: str, status: InstanceStatus) -> Findings:
    if not status.writable:
        which = "super_read_only" if status.super_read_only else "read_only"
        yield Finding(Kind.PRIMARY_READ_ONLY, f"the primary has {which}=ON", name)
    for channel in status.channels:
        source = f"{channel.source_host}:{channel.source_port}"
        yield Finding(Kind.PRIMARY_HAS_SOURCE, f"the primary is configured to replicate from {source}", name)
    yield from _gtid_mode(name, status)


def _gtid_mode(name: str, status: InstanceStatus) -> Findings:
    if status.gtid_mode is not None and status.gtid_mode.upper() != "ON":
        yield Finding(Kind.GTID_OFF, f"gtid_mode is {status.gtid_mode}", name)


def _replica(observation: ClusterObservation, replica: InstanceObservation, status: InstanceStatus, max_lag: float) -> Findings:
    name, channel = replica.name, replica.channel
    if not status.read_only:
        yield Finding(Kind.REPLICA_WRITABLE, "read_only is OFF on a replica", name)
    elif status.super_read_only is False:
        yield Finding(Kind.REPLICA_SUPER_READ_ONLY_OFF, "super_read_only is OFF on a replica", name)
    yield from _gtid_mode(name, status)
    yield from _version(observation, name, status)
    yield from _compared(observation, name, status)
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
    """Right is whoever has the primary's server_uuid; only a source that was never reached is judged by its name."""
    primary = observation.primary
    configured = f"{channel.source_host}:{channel.source_port}"
    if primary is not None and primary.status and primary.status.server_uuid and channel.source_uuid:
        if channel.source_uuid.lower() != primary.status.server_uuid.lower():
            message = f"the source is {configured} (server_uuid {channel.source_uuid}), not the primary {primary.name}"
            yield Finding(Kind.WRONG_SOURCE, message, name)
        return
    host = channel.source_host.partition(".")[0]
    addresses = {each.pod.address: each.name for each in observation.instances if each.pod and each.pod.address}
    instance = host if host in observation.layout.instances else addresses.get(channel.source_host)
    if instance is None:
        yield Finding(Kind.SOURCE_UNKNOWN, f"the source is {configured}, which is none of the instances", name)
    elif instance != observation.primary_name:
        yield Finding(Kind.WRONG_SOURCE, f"the source is {configured}, not the primary {observation.primary_name}", name)


def _threads(name: str, channel: ReplicaStatus) -> Findings:
    io_error = f"error {channel.io_errno}: {channel.io_error}" if channel.io_errno else ""
    sql_error = f"error {channel.sql_errno}: {channel.sql_error}" if channel.sql_errno else ""
    if channel.io == "connecting":
        yield Finding(Kind.RECEIVER_CONNECTING, f"the receiver is connecting{': ' if io_error else ''}{io_error}", name)
    elif channel.io == "no":
        kind, why = (Kind.RECEIVER_FAILED, f"gave up: {io_error}") if io_error else (Kind.RECEIVER_STOPPED, "is stopped")
        yield Finding(kind, f"the receiver (IO thread) {why}", name)
    elif io_error:
        yield Finding(Kind.ERROR_REMEMBERED, f"the running receiver still reports {io_error}", name)
    if channel.sql != "yes":
        kind, why = (Kind.APPLIER_FAILED, f"gave up: {sql_error}") if sql_error else (Kind.APPLIER_STOPPED, "is stopped")
        yield Finding(kind, f"the applier (SQL thread) {why}", name)
    elif sql_error:
        yield Finding(Kind.ERROR_REMEMBERED, f"the running applier still reports {sql_error}", name)


def _lag(replica: InstanceObservation, channel: ReplicaStatus, max_lag: float) -> Findings:
    """Stopped threads have no lag, and their own finding."""
    if channel.io != "yes" or channel.sql != "yes":
        return
    lag = channel.lag
    if lag is None:
        yield Finding(Kind.LAG_UNKNOWN, "the lag is unknown (NULL)", replica.name)
    elif lag > max_lag:
        yield Finding(Kind.LAG_HIGH, f"{lag:.1f} s behind, more than the {max_lag:g} s allowed", replica.name)
    elif replica.caught_up is False and lag == 0 and _age_of_newest(channel) > max_lag:
        message = "reports no lag, yet does not receive what the primary has committed"
        yield Finding(Kind.NOT_CAUGHT_UP, message, replica.name)


def _age_of_newest(channel: ReplicaStatus) -> float:
    """Seconds since the commit of the newest transaction received: a receiver that is behind is at most so far behind."""
    applier = channel.applier
    if applier is None or applier.last_received_at is None:
        return float("inf")
    return applier.now - applier.last_received_at


class _Sets(t.NamedTuple):
    """The sets that are compared. ``primary`` was read last, and ``uuid`` is the primary's own."""

    replica: GtidSet
    primary: GtidSet
    purged: GtidSet
    uuid: str


def _sets(observation: ClusterObservation, status: InstanceStatus) -> _Sets | str:
    """The sets, or why they cannot be compared."""
    if status.gtid_executed is None:
        return "this server has no MySQL GTIDs"
    primary = observation.primary.status if observation.primary else None
    if primary is None or primary.server_uuid is None or observation.primary_executed is None:
        return "the primary's gtid_executed could not be read after the replica's"
    try:
        texts = (status.gtid_executed, observation.primary_executed, primary.gtid_purged or "")
        replica, executed, purged = (GtidSet.parse(text) for text in texts)
    except ValueError as error:
        return str(error)
    return _Sets(replica, executed, purged, primary.server_uuid)


def _compared(observation: ClusterObservation, name: str, status: InstanceStatus) -> Findings:
    """The replica's history against the primary's."""
    sets = _sets(observation, status)
    if isinstance(sets, str):
        yield Finding(Kind.GTID_UNKNOWN, f"errant and missing transactions cannot be told: {sets}", name)
        return
    if bool(sets.replica) != bool(sets.primary):
        empty = observation.primary_name if sets.replica else name
        yield Finding(Kind.INSTANCE_EMPTY, f"{empty} has no transactions at all", empty)
        return
    # A commit reaches replicas a moment before the primary shows it, so the primary's own never count as errant.
    errant = (sets.replica - sets.primary).without_uuid(sets.uuid)
    if errant:
        message = f"{len(errant)} transaction(s) that the primary does not have: {errant}"
        yield Finding(Kind.ERRANT_TRANSACTIONS, message, name)
    purged = sets.purged - sets.replica
    if purged:
        message = f"the primary has purged {len(purged)} transaction(s) that the replica lacks: {purged}"
        yield Finding(Kind.NEEDED_BINLOGS_PURGED, message, name)


def _version(observation: ClusterObservation, name: str, status: InstanceStatus) -> Findings:
    primary = observation.primary.status if observation.primary else None
    if primary is not None and ServerVersion.parse(status.version) < ServerVersion.parse(primary.version):
        yield Finding(Kind.REPLICA_OLDER, f"the replica runs {status.version}, the primary {primary.version}", name)
