# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Kubernetes knows of a cluster, in six requests at the same time, however many instances there are."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..constants import CONTAINER_MYSQL
from ..errors import ApiForbidden
from ..kube.pod import is_terminating, obstacle_of, pod_ready
from ..kube.port import Manifest, ObjectStore
from ..kube.quantity import parse_quantity
from ..names import Names
from ..parallel import map_parallel
from ..state.topology import parse_topology
from ..times import parse_time
from .observation import KubernetesState, PodFacts, Routes

__all__ = ["ClusterTarget", "read_kubernetes_state"]

_RESIZING = ("Resizing", "FileSystemResizePending")


@dataclass(frozen=True)
class ClusterTarget:
    """Which cluster is looked for: the labels of its pods, and who is the primary if there is no topology to say so."""

    names: Names
    selector: Mapping[str, str]
    primary: str | None = None

    @classmethod
    def own(cls, names: Names) -> ClusterTarget:
        """A cluster that this collection deployed."""
        return cls(names, names.selector)


def read_kubernetes_state(store: ObjectStore, target: ClusterTarget) -> KubernetesState:
    """Read it. What is nobody's need, routes and claims, may be withheld; the rest raises the API server's errors."""
    names, withheld = target.names, []

    def optional(request: Callable[[], t.Any], nothing: t.Any) -> t.Any:
        try:
            return request()
        except ApiForbidden as error:
            withheld.append(error.message)
            return nothing

    requests: dict[str, Callable[[], t.Any]] = {
        "stateful_set": lambda: store.get("StatefulSet", names.stateful_set),
        "topology": lambda: store.get("ConfigMap", names.topology),
        "pods": lambda: store.list("Pod", target.selector),
        "primary": lambda: optional(lambda: store.get("Endpoints", names.primary_service), None),
        "read": lambda: optional(lambda: store.get("Endpoints", names.read_service), None),
        "claims": lambda: optional(lambda: store.list("PersistentVolumeClaim", target.selector), []),
    }
    answers = map_parallel(lambda name: requests[name](), requests)
    wanted = None if answers["stateful_set"] is None else int(answers["stateful_set"]["spec"].get("replicas", 1))
    topology = parse_topology(answers["topology"])
    return KubernetesState(
        expected=names.instances(wanted or 0),
        wanted=wanted,
        topology=answers["topology"] is not None,
        topology_primary=topology.primary if topology else target.primary,
        bootstrapped=topology is not None and topology.bootstrapped is not None,
        pods={pod["metadata"]["name"]: _pod_facts(pod) for pod in answers["pods"]},
        routes=Routes(_route(answers["primary"]), _route(answers["read"])),
        resizing=_resizing(names, names.instances(wanted or 0), answers["claims"]),
        withheld=tuple(sorted(withheld)),
    )


def _pod_facts(pod: Manifest) -> PodFacts:
    status = pod.get("status") or {}
    obstacle = obstacle_of(pod)
    if is_terminating(pod):
        words = "it is being deleted"
    elif obstacle is not None:
        words = ": ".join(filter(None, (obstacle.container, obstacle.reason, obstacle.message)))
    else:
        words = str(_ready_condition(status).get("message") or "") if _started(status) else str(status.get("phase") or "")
    return PodFacts(
        ready=pod_ready(pod),
        started=_started(status),
        obstacle=words,
        address=status.get("podIP"),
        node=(pod.get("spec") or {}).get("nodeName"),
        not_ready_since=None if pod_ready(pod) else _time(_ready_condition(status).get("lastTransitionTime")),
        provisioning=_provisioning(status),
        **_restarts(status),
    )


def _ready_condition(status: Manifest) -> Manifest:
    """In it are the kubelet's own words, such as which containers are not ready."""
    return next((each for each in status.get("conditions") or [] if each["type"] == "Ready"), {})


def _started(status: Manifest) -> bool:
    """Whether the server's container runs; other people's pods may call it something else than ours."""
    containers = status.get("containerStatuses") or []
    ours = [each for each in containers if each["name"] == CONTAINER_MYSQL] or containers
    return any("running" in (each.get("state") or {}) for each in ours)


def _provisioning(status: Manifest) -> str | None:
    containers = status.get("initContainerStatuses") or []
    return next((str(each["name"]) for each in containers if "running" in (each.get("state") or {})), None)


def _restarts(status: Manifest) -> dict[str, t.Any]:
    """Of the container that ended last: its name, how often it was restarted, and when it ended."""
    ended = [
        (_time(each["lastState"]["terminated"].get("finishedAt")) or 0.0, each["name"], each.get("restartCount", 0))
        for each in status.get("containerStatuses") or []
        if (each.get("lastState") or {}).get("terminated")
    ]
    if not ended:
        return {}
    at, name, count = max(ended)
    return {"restarts": count, "restarted": name, "restarted_at": at}


def _time(text: str | None) -> float | None:
    """An RFC 3339 time of the API server's as seconds since 1970."""
    return parse_time(text).timestamp() if text else None


def _route(endpoints: Manifest | None) -> frozenset[str] | None:
    if endpoints is None:
        return None
    ready = (address for subset in endpoints.get("subsets") or [] for address in subset.get("addresses") or [])
    return frozenset((address.get("targetRef") or {}).get("name") or address["ip"] for address in ready)


def _resizing(names: Names, instances: tuple[str, ...], claims: list[Manifest]) -> dict[str, str]:
    """What keeps claims from their size, by instance. A claim that is not bound yet is its pod's obstacle, not this."""
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
