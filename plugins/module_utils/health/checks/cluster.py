# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the cluster as a whole: its objects, writable instances, identities, and the endpoints of its Services."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...constants import TOPOLOGY_PRIMARY
from ...mysql.status import InstanceStatus
from ...state.acknowledgement import acknowledges
from ..findings import Finding
from ..findings import FindingKind as Kind
from ..observation import ClusterObservation

__all__ = ["check"]

Findings = Iterator[Finding]


def check(observation: ClusterObservation) -> Findings:
    yield from _kubernetes(observation)
    yield from _writable(observation)
    yield from _identity(observation)
    yield from _endpoints(observation)
    yield from _nodes(observation)


def _kubernetes(observation: ClusterObservation) -> Findings:
    state = observation.kubernetes
    if state.wanted is None:
        yield Finding(Kind.STATEFUL_SET_MISSING, "there is no StatefulSet of this name in the namespace")
    elif state.topology_primary and state.wanted and state.topology_primary not in state.expected:
        message = f"the topology names {state.topology_primary} as primary, and the instances are {', '.join(state.expected)}"
        yield Finding(Kind.PRIMARY_NOT_EXPECTED, message)
    yield from _topology(observation)
    for refusal in state.withheld:
        yield Finding(Kind.API_FORBIDDEN, refusal)


def _topology(observation: ClusterObservation) -> Findings:
    state = observation.kubernetes
    what = "there is no topology ConfigMap" if state.intent is None else "the topology ConfigMap names no primary"
    if observation.primary_name is None and observation.instances:
        yield Finding(Kind.TOPOLOGY_UNKNOWN, f"{what}, and not exactly one instance is writable")
    elif not (state.intent or {}).get(TOPOLOGY_PRIMARY) and any(map(acknowledges, state.pods.values())):
        yield Finding(Kind.TOPOLOGY_UNKNOWN, f"{what}, and the pods read their roles there")


def _writable(observation: ClusterObservation) -> Findings:
    """Writable instances. Those that the StatefulSet does not want count as well: a client may reach them."""
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


def _endpoints(observation: ClusterObservation) -> Findings:
    """Endpoints follow readiness within a moment; while waiting, the next observation finds them right."""
    endpoints, pods = observation.kubernetes.endpoints, observation.kubernetes.pods
    ready = {name for name, pod in pods.items() if pod.ready}
    if endpoints.read is not None and endpoints.read != ready:
        message = f"the read Service leads to {_names(endpoints.read)}, and ready are {_names(ready)}"
        yield Finding(Kind.READ_SERVICE_MISROUTED, message)
    primary = observation.primary_name
    if endpoints.primary is not None and primary is not None and endpoints.primary != ready & {primary}:
        message = f"the primary Service leads to {_names(endpoints.primary)}, and the primary is {primary}"
        yield Finding(Kind.PRIMARY_SERVICE_MISROUTED, f"{message}, {'ready' if primary in ready else 'not ready'}")


def _names(pods: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(pods)) or "no pod"


def _nodes(observation: ClusterObservation) -> Findings:
    nodes = [pod.node for pod in observation.kubernetes.pods.values() if pod.node]
    if len(nodes) > 1 and len(set(nodes)) == 1:
        yield Finding(Kind.PODS_ON_ONE_NODE, f"all {len(nodes)} pods are on the node {nodes[0]}")
