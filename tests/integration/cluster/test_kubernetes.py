# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deviations in Kubernetes: Services that select other pods, pods and claims in a wrong state, unknown replicas."""

from __future__ import annotations

import base64
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import INTENT_ANNOTATION, REPLICATION_USER
from integration.api.rights import role
from integration.api.server import Object
from integration.cluster.deployment import Deployment, found, message
from integration.cluster.instance import Instance, Process
from pymysql.constants.COMMAND import COM_REGISTER_SLAVE
from waiting import eventually

POD_NAME = "statefulset.kubernetes.io/pod-name"


def test_healthy(cluster: Deployment) -> None:
    result = cluster.verify()
    assert result["state"] == "healthy"
    # All the pods are on the node they could be on.
    assert ("pods_on_one_node", None) in {(each["code"], each["instance"]) for each in result["findings"]}
    assert result["endpoints"] == {"primary": ["mysql-0"], "read": ["mysql-0", "mysql-1", "mysql-2"]}


@contextmanager
def selector(cluster: Deployment, service: str, value: str, mended: str | None) -> Iterator[None]:
    """Somebody edits the Service's selector, and later takes that back."""
    cluster.namespace.patch("Service", service, {"spec": {"selector": {POD_NAME: value}}})
    try:
        yield
    finally:
        cluster.namespace.patch("Service", service, {"spec": {"selector": {POD_NAME: mended}}})


def test_primary_service_misrouted(cluster: Deployment) -> None:
    with selector(cluster, "mysql-primary", "mysql-1", "mysql-0"):
        result = cluster.until({("primary_service_misrouted", None)})
        assert result["state"] == "degraded"
        assert result["endpoints"]["primary"] == ["mysql-1"]


def test_read_service_misrouted(cluster: Deployment) -> None:
    with selector(cluster, "mysql-read", "mysql-2", None):
        result = cluster.until({("read_service_misrouted", None)})
        assert result["state"] == "degraded"
        assert result["endpoints"]["read"] == ["mysql-2"]


def refresh(cluster: Deployment) -> None:
    """Any change of annotations makes the kubelet refresh what a pod has mounted."""
    for each in cluster.instances:
        cluster.namespace.patch("Pod", each.name, {"metadata": {"annotations": {"example.com/refreshed": uuid.uuid4().hex}}})


@contextmanager
def topology_edited(cluster: Deployment) -> Iterator[None]:
    """Somebody edits the topology, in a way that changes no role, and later takes that back."""
    before = cluster.namespace.live("ConfigMap", "mysql-topology")
    record = {INTENT_ANNOTATION: before["metadata"]["annotations"][INTENT_ANNOTATION]}
    # Without the record the pods are asked also when the topology is the one of before again.
    edited = {"data": {"bootstrapped": "2020-01-01T00:00:00Z"}, "metadata": {"annotations": {INTENT_ANNOTATION: None}}}
    cluster.namespace.patch("ConfigMap", "mysql-topology", edited)
    refresh(cluster)
    try:
        yield
    finally:
        cluster.namespace.patch("ConfigMap", "mysql-topology", {"data": before["data"]})
        refresh(cluster)
        cluster.until(set())
        cluster.namespace.patch("ConfigMap", "mysql-topology", {"metadata": {"annotations": record}})


def test_topology_not_acknowledged(cluster: Deployment) -> None:
    """In one pod the process that reads the topology is stopped; the port that answers in its place still runs."""
    with topology_edited(cluster), cluster[2].script("run-replication.sh").frozen():
        result = cluster.until({("topology_not_acknowledged", "mysql-2")}, patience=150)
        assert result["state"] == "degraded"
        assert "the topology is bootstrapped=2020-01-01T00:00:00Z" in message(result, "topology_not_acknowledged", "mysql-2")


def test_topology_lost(cluster: Deployment, growing_class: str) -> None:
    """The remedy takes it back from the pods."""
    before = cluster.namespace.live("ConfigMap", "mysql-topology")["data"]
    cluster.namespace.delete("ConfigMap", "mysql-topology")
    result = cluster.until({("topology_unknown", None)})
    assert (result["state"], result["primary"]) == ("degraded", "mysql-0")
    cluster.deploy(max_lag=cluster.options["max_lag"], storage_class=growing_class)
    assert cluster.namespace.live("ConfigMap", "mysql-topology")["data"] == before


@contextmanager
def provisioning_held(instance: Instance) -> Iterator[None]:
    """The scratch server that clones stands still."""

    def scratch() -> Process | None:
        servers = [each for each in instance.processes() if each.name == "mysqld" and each.scratch]
        return servers[0] if servers else None

    process = eventually(f"{instance.name} to be cloned", scratch)
    with process.frozen():
        yield


def test_provisioning(cluster: Deployment) -> None:
    replica = cluster[2]
    cluster.clone_again(replica)
    with provisioning_held(replica):
        codes = ("provisioning", "pod_not_ready", "instance_unreachable")
        result = cluster.until({(code, "mysql-2") for code in codes})
        assert result["state"] == "degraded"


def test_pod_unexpected(cluster: Deployment) -> None:
    """A pod with the cluster's labels that the StatefulSet did not make; nobody can start it."""
    labels = {key: value for key, value in cluster[0].pod["metadata"]["labels"].items() if key.startswith("app.kubernetes.io/")}
    container = {"name": "stranger", "image": "docker.io/kubemysql/none:1", "imagePullPolicy": "Never"}
    body: Object = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    cluster.namespace.create("Pod", "mysql-stranger", body)
    try:
        stranger = {("pod_unexpected", "mysql-stranger"), ("instance_unreachable", "mysql-stranger")}
        result = cluster.until(stranger)
        assert result["state"] == "degraded"
    finally:
        cluster.namespace.server.request("DELETE", cluster.namespace.path("Pod", "mysql-stranger"), {"gracePeriodSeconds": 0})
        eventually("the stranger to be gone", lambda: cluster.namespace.get("Pod", "mysql-stranger") is None)


def test_claim_resizing(cluster: Deployment) -> None:
    """The class lets claims ask for more; what gives it to them is the volume's driver, and local folders have none."""
    path = cluster.namespace.path("PersistentVolumeClaim", "data-mysql-1")
    kind = "application/merge-patch+json"
    asked = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    cluster.namespace.server.request("PATCH", path, asked, content_type=kind)
    try:
        result = cluster.until({("claim_resizing", "mysql-1")})
        assert result["state"] == "healthy"
        assert message(result, "claim_resizing", "mysql-1") == "its claim asks for 2Gi and has 1Gi"
    finally:
        # As a driver would report it in the end.
        grown = {"status": {"capacity": {"storage": "2Gi"}, "conditions": None}}
        cluster.namespace.server.request("PATCH", f"{path}/status", grown, content_type=kind)


def test_stateful_set_missing(cluster: Deployment) -> None:
    result = cluster.info(name="nobody", password="nothing")
    assert found(result) == {("stateful_set_missing", None)}
    assert result["state"] == "incomplete"


def test_rights_withheld(cluster: Deployment) -> None:
    """Without the rights on endpoints and claims they are unknown."""
    rules: list[Object] = [
        {"apiGroups": [""], "resources": ["configmaps", "secrets", "pods"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]},
    ]
    result = cluster.look(**role(cluster.namespace, "blind", *rules))
    assert found(result) == {("api_forbidden", None)}
    assert (result["state"], result["endpoints"]) == ("degraded", {"primary": None, "read": None})


def test_credentials_refused(cluster: Deployment) -> None:
    """By a ready instance they are refused for good; by one that is not ready perhaps only for now."""
    cluster[1].run("STOP REPLICA")
    try:
        refused = {("access_denied", "mysql-0"), ("access_pending", "mysql-1"), ("access_denied", "mysql-2")}
        result = cluster.until(refused | {("pod_not_ready", "mysql-1")}, password="wrong")
        assert result["state"] == "failed"
    finally:
        cluster[1].run("START REPLICA")


@contextmanager
def stranger(primary: Instance, server_id: int) -> Iterator[None]:
    """A client that registers with the primary as replicas do, and stays."""
    secret = primary.namespace.live("Secret", "mysql")["data"]["replication-password"]
    password = base64.b64decode(secret).decode()
    unverified = {"check_hostname": False, "verify_mode": "none"}
    session = pymysql.connect(host=primary.address, user=REPLICATION_USER, password=password, ssl=unverified)
    try:
        # Lengths of host, user and password, which are not told; port, rank and the source's id.
        session._execute_command(COM_REGISTER_SLAVE, struct.pack("<IBBBHII", server_id, 0, 0, 0, 3306, 0, 0))
        session._read_ok_packet()
        yield
    finally:
        session.close()


def test_registered_stranger(cluster: Deployment) -> None:
    with stranger(cluster[0], 4711):
        result = cluster.until({("unknown_replica", "mysql-0")})
        assert result["state"] == "healthy"
        assert "server_id 4711" in message(result, "unknown_replica", "mysql-0")
