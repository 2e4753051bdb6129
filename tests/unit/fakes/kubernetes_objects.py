# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few objects of a deployed cluster that verification reads."""

from __future__ import annotations

from ansible_collections.kubemysql.replication.plugins.module_utils.health.kubernetes_state import ClusterTarget
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from unit.fakes.store import FakeObjectStore, pod

__all__ = ["NAMES", "TARGET", "claim", "deployed", "endpoints", "stateful_set", "topology"]

NAMES = Names.parse("mysql", "default")
TARGET = ClusterTarget.own(NAMES)


def stateful_set(replicas: int) -> Manifest:
    spec: Manifest = {"replicas": replicas, "template": {"spec": {}}}
    return {"kind": "StatefulSet", "metadata": {"name": "mysql", "labels": NAMES.labels}, "spec": spec}


def topology(primary: str | None = "mysql-0", *, bootstrapped: bool = True) -> Manifest:
    data = {"primary": primary} if primary else {}
    if bootstrapped:
        data["bootstrapped"] = "2026-01-01T00:00:00Z"
    return {"kind": "ConfigMap", "metadata": {"name": "mysql-topology", "labels": NAMES.labels}, "data": data}


def endpoints(name: str, *pods: str) -> Manifest:
    addresses = [{"ip": "10.0.0.1", "targetRef": {"kind": "Pod", "name": pod}} for pod in pods]
    return {"kind": "Endpoints", "metadata": {"name": name, "labels": NAMES.labels}, "subsets": [{"addresses": addresses}]}


def claim(instance: str, asked: str = "1Gi", given: str = "1Gi", *conditions: Manifest) -> Manifest:
    status = {"phase": "Bound", "capacity": {"storage": given}, "conditions": list(conditions)}
    metadata = {"name": f"data-{instance}", "labels": NAMES.selector}
    spec = {"resources": {"requests": {"storage": asked}}}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec, "status": status}


def deployed(replicas: int = 3, primary: str | None = "mysql-0", *, bootstrapped: bool = True) -> FakeObjectStore:
    """A store with everything in its place."""
    instances = NAMES.instances(replicas)
    pods = [pod(name, NAMES.labels) for name in instances]
    routed = [endpoints("mysql-primary", *filter(None, [primary])), endpoints("mysql-read", *instances)]
    claims = [claim(name) for name in instances]
    return FakeObjectStore(stateful_set(replicas), topology(primary, bootstrapped=bootstrapped), *pods, *routed, *claims)
