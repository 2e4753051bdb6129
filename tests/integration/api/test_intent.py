# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Intent and acknowledgement between the real module, a real API server and real pods."""

from __future__ import annotations

import subprocess
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import INTENT_ANNOTATION
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.session import read_acknowledgements
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.client import connect
from ansible_collections.kubemysql.replication.plugins.module_utils.options import PASSWORD_OPTIONS
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from integration.api.conftest import DORMANT, namespace_of
from integration.api.killed import KilledAfter, killable_runs
from integration.api.module import Result, run_module
from integration.api.rights import role
from integration.api.server import Namespace, Server, credentials, kubectl
from integration.api.test_documented_rights import documented_rules
from waiting import eventually, scaled

PATIENCE = scaled(120)
ALL = ("mysql-0", "mysql-1", "mysql-2")
FORGOTTEN = {"data": {"epoch": None}, "metadata": {"annotations": {INTENT_ANNOTATION: None}}}


class RunningCluster:
    """A running cluster of three instances."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        auth = KubernetesAuth.from_params(dict.fromkeys(KubernetesAuth.__dataclass_fields__) | credentials())
        self.read = read_acknowledgements(connect(auth, namespace.name, dry_run=True))
        self.deploy()

    def deploy(self, **options: t.Any) -> Result:
        result = run_module(namespace=self.namespace.name, wait_timeout=PATIENCE, **options)
        assert not result.get("failed"), result["msg"]
        return result

    @property
    def topology(self) -> dict[str, t.Any]:
        return self.namespace.live("ConfigMap", "mysql-topology")

    def forget_epoch(self) -> None:
        """Leave the topology as a release without epochs wrote it, and wait until the pods have read it."""
        self.namespace.patch("ConfigMap", "mysql-topology", FORGOTTEN)
        for name in ALL:
            # Any change of annotations makes the kubelet refresh what the pod has mounted.
            self.namespace.patch("Pod", name, {"metadata": {"annotations": {INTENT_ANNOTATION: None}}})
        eventually("the pods to read it", lambda: all(self.has_read(name, self.topology["data"]) for name in ALL), patience=150)

    def has_read(self, pod: str, intent: dict[str, str]) -> bool:
        found = self.asks(pod)
        return found is not None and found.intent == intent

    def asks(self, pod: str) -> Acknowledgement | None:
        try:
            return self.read(pod)
        except Unreachable:
            return None

    def settled(self) -> None:
        """The topology is acknowledged, and every pod has seen it and is in its role."""
        data, annotations = self.topology["data"], self.topology["metadata"]["annotations"]
        assert data["epoch"] == "1"
        delivered = {self.namespace.live("Pod", name)["metadata"]["annotations"][INTENT_ANNOTATION] for name in ALL}
        assert delivered == {annotations[INTENT_ANNOTATION]}
        for name in ALL:
            found = self.read(name)
            assert (found.intent, found.role) == (data, "primary" if name == "mysql-0" else "replica")


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[RunningCluster]:
    with namespace_of(server, "kubemysql-intent") as made:
        yield RunningCluster(made)


@pytest.fixture(scope="module")
def killed_after() -> Iterator[KilledAfter]:
    with killable_runs() as run:
        yield run


def test_every_pod_has_acknowledged_when_a_deployment_ends(cluster: RunningCluster) -> None:
    cluster.settled()
    again = cluster.deploy()
    assert not again["changed"]
    assert again.written == []


def test_a_topology_without_an_epoch_is_brought_up_to_date(cluster: RunningCluster) -> None:
    cluster.forget_epoch()
    result = cluster.deploy()
    assert [change["fields"] for change in result["changes"]] == [["data.epoch"]]
    cluster.settled()


def test_a_run_that_is_killed_after_any_write_is_completed_by_the_next(
    cluster: RunningCluster, killed_after: KilledAfter
) -> None:
    """The writes to a running cluster: the topology, an annotation of each pod, and the record of the acknowledgements."""
    options = {"namespace": cluster.namespace.name, "wait_timeout": PATIENCE}
    for writes in range(1, 7):
        cluster.forget_epoch()
        killed = killed_after(writes, **options)
        cluster.deploy()
        cluster.settled()
        assert killed == (writes <= 5)


def test_a_new_cluster_whose_run_is_killed_after_any_write(namespace: Namespace, killed_after: KilledAfter) -> None:
    """Passwords that were written once stay; the objects are in the end those of a run that nobody killed."""
    writes, killed = 0, True
    while killed:
        writes += 1
        options = {"namespace": namespace.name, "name": f"k{writes}", **DORMANT, "replicas": 1}
        killed = killed_after(writes, **options)
        before = namespace.get("Secret", f"k{writes}")
        result = run_module(**options)
        assert not result.get("failed"), result["msg"]
        assert before is None or namespace.live("Secret", f"k{writes}")["data"] == before["data"]
        assert run_module(**options).written == []
        run_module(namespace=namespace.name, name=f"k{writes}", state="absent", delete_data=True, wait=False)
    assert writes > 10


def test_of_two_runs_that_have_read_the_same_version_one_changes_nothing(
    cluster: RunningCluster, killed_after: KilledAfter
) -> None:
    """The other one does all of its work between this one's plan and its first write."""
    cluster.forget_epoch()
    options = {"namespace": cluster.namespace.name, "wait_timeout": PATIENCE}
    others: list[bool] = []

    def other_run() -> None:
        if not others:
            others.append(killed_after(1000, **options))

    second = run_module(**options, max_lag=99, before_write=other_run)
    assert others == [False]
    assert second["failed"] and "another run has changed it since" in second["msg"]
    assert not second["changed"]
    assert cluster.namespace.live("ConfigMap", "mysql-thresholds")["data"]["max_lag"] == "30"
    cluster.settled()


def test_a_pod_that_was_replaced_acknowledges_again(cluster: RunningCluster) -> None:
    uid = cluster.namespace.live("Pod", "mysql-2")["metadata"]["uid"]
    cluster.namespace.delete("Pod", "mysql-2")

    def replaced() -> bool:
        pod, found = cluster.namespace.get("Pod", "mysql-2"), cluster.asks("mysql-2")
        return pod is not None and pod["metadata"]["uid"] != uid and found is not None and found.role == "replica"

    eventually("the new pod", replaced, patience=120)
    assert cluster.read("mysql-2").intent == cluster.topology["data"]


def test_without_the_right_to_patch_pods_the_kubelet_is_waited_for(cluster: RunningCluster) -> None:
    rules = [rule for rule in documented_rules() if not (rule["resources"] == ["pods"] and rule["verbs"] == ["patch"])]
    assert len(rules) == len(documented_rules()) - 1
    cluster.forget_epoch()
    result = cluster.deploy(**role(cluster.namespace, "no-patch", *rules))
    (warning,) = result["warnings"]
    text = warning["event"]["msg"]
    assert "cannot annotate Pod" in text and "with the kubelet's next refresh" in text
    assert all(cluster.read(name).intent == cluster.topology["data"] for name in ALL)
    assert INTENT_ANNOTATION in cluster.topology["metadata"]["annotations"]


def test_a_lost_topology_is_taken_back_from_the_pods(cluster: RunningCluster) -> None:
    before, secret = cluster.topology["data"], cluster.namespace.live("Secret", "mysql")["data"]
    cluster.namespace.delete("ConfigMap", "mysql-topology")
    cluster.deploy()
    assert cluster.topology["data"] == before
    assert cluster.namespace.live("Secret", "mysql")["data"] == secret
    cluster.settled()


def test_lost_passwords_are_never_replaced_by_new_ones(cluster: RunningCluster) -> None:
    """Topology and Secret are both gone. Nothing is written before the passwords are given, by the commands of the message."""
    before, secret = cluster.topology["data"], cluster.namespace.live("Secret", "mysql")["data"]
    cluster.namespace.delete("ConfigMap", "mysql-topology")
    cluster.namespace.delete("Secret", "mysql")
    given: dict[str, str] = {}
    for option in PASSWORD_OPTIONS:
        refused = run_module(namespace=cluster.namespace.name, **given)
        assert refused["failed"] and refused["msg"].startswith(f"{option}: Secret mysql has no ")
        assert refused.written == []
        command = refused["msg"].partition("kubectl ")[2].split()
        given[option] = subprocess.run([*kubectl(), *command], check=True, capture_output=True, text=True).stdout.rstrip("\n")
    cluster.deploy(**given)
    assert cluster.topology["data"] == before
    assert cluster.namespace.live("Secret", "mysql")["data"] == secret
    cluster.settled()
