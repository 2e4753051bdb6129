# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a cluster's objects in six parallel requests, however many instances there are."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import ApiForbidden
from ..kube.manifest import Manifest
from ..kube.port import ObjectStore
from ..kube.quantity import parse_quantity
from ..names import Names
from ..parallel import map_parallel
from ..state.reader import read_pods, read_stateful_set
from ..state.topology import parse_topology
from .observation import Endpoints, KubernetesState

__all__ = ["ClusterTarget", "read_kubernetes_state"]

_RESIZING = ("Resizing", "FileSystemResizePending")


@dataclass(frozen=True)
class ClusterTarget:
    """The cluster to observe: the labels of its pods, and its primary if there is no topology that names one."""

    names: Names
    selector: Mapping[str, str]
    primary: str | None = None

    @classmethod
    def own(cls, names: Names) -> ClusterTarget:
        """A cluster that this collection deployed."""
        return cls(names, names.selector)


def read_kubernetes_state(store: ObjectStore, target: ClusterTarget) -> KubernetesState:
    """Read the objects. A 403 on endpoints or claims is recorded; any other error is raised."""
    names, withheld = target.names, []

    def optional(request: Callable[[], t.Any], nothing: t.Any) -> t.Any:
        try:
            return request()
        except ApiForbidden as error:
            withheld.append(error.message)
            return nothing

    requests: dict[str, Callable[[], t.Any]] = {
        "stateful_set": lambda: read_stateful_set(store, names),
        "topology": lambda: store.get("ConfigMap", names.topology),
        "pods": lambda: read_pods(store, target.selector),
        "primary": lambda: optional(lambda: store.get("Endpoints", names.primary_service), None),
        "read": lambda: optional(lambda: store.get("Endpoints", names.read_service), None),
        "claims": lambda: optional(lambda: store.list("PersistentVolumeClaim", target.selector), []),
    }
    answers = map_parallel(lambda name: requests[name](), requests)
    wanted = answers["stateful_set"].replicas if answers["stateful_set"] else None
    topology = parse_topology(answers["topology"])
    return KubernetesState(
        expected=names.instances(wanted or 0),
        wanted=wanted,
        intent=None if answers["topology"] is None else _intent(answers["topology"].get("data") or {}),
        acknowledged=topology is not None and topology.acknowledged,
        topology_primary=topology.primary if topology else target.primary,
        bootstrapped=topology is not None and topology.bootstrapped is not None,
        pods=answers["pods"],
        endpoints=Endpoints(_ready_pods(answers["primary"]), _ready_pods(answers["read"])),
        resizing=_resizing(names, names.instances(wanted or 0), answers["claims"]),
        withheld=tuple(sorted(withheld)),
    )


def _intent(data: Mapping[str, str]) -> dict[str, str]:
    """As the pods read it: the first line of each value, unless that is empty."""
    lines = {key: value.partition("\n")[0].strip() for key, value in data.items()}
    return {key: line for key, line in lines.items() if line}


def _ready_pods(endpoints: Manifest | None) -> frozenset[str] | None:
    if endpoints is None:
        return None
    ready = (address for subset in endpoints.get("subsets") or [] for address in subset.get("addresses") or [])
    return frozenset((address.get("targetRef") or {}).get("name") or address["ip"] for address in ready)


def _resizing(names: Names, instances: tuple[str, ...], claims: list[Manifest]) -> dict[str, str]:
    """Why claims do not have their size yet, by instance. A claim that is not bound is an obstacle of its pod instead."""
    found = {claim["metadata"]["name"]: claim for claim in claims}
    reasons = {instance: _growth(found.get(names.claim_of(instance), {})) for instance in instances}
    return {instance: reason for instance, reason in reasons.items() if reason}


def _growth(claim: Manifest) -> str:
    status = claim.get("status") or {}
    conditions = [each for each in status.get("conditions") or [] if each["type"] in _RESIZING and each["status"] == "True"]
    if conditions:
        return f"its claim is being resized: {conditions[0]['type']}: {conditions[0].get('message', '')}".rstrip(": ")
    asked = claim.get("spec", {}).get("resources", {}).get("requests", {}).get("storage")
    given = (status.get("capacity") or {}).get("storage")
    if asked and given and parse_quantity("storage", given) < parse_quantity("storage", asked):
        return f"its claim asks for {asked} and has {given}"
    return ""
