# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of others are taken over while somebody writes: no row is lost, nothing is cloned.

One is the tutorial's, on MariaDB's image; the other one has MySQL and no GTIDs.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.session import dial_pods
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.client import connect
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector
from integration.api.conftest import namespace_of, provide_mariadb
from integration.api.module import Result, run_module
from integration.api.rights import role
from integration.api.server import Namespace, Server, credentials
from integration.cluster.deployment import RESOURCES, Deployment, found
from integration.writer import Writer
from waiting import eventually, scaled

HERE = Path(__file__).parent
DOCUMENT = Path(__file__).parents[3] / "docs" / "permissions.md"
LABELS = {"app": "mysql"}
OPTIONS: dict[str, t.Any] = {"image_pull_policy": "Never", "resources": RESOURCES, "pod_labels": LABELS, "adopt": True}
IMAGES = {"tutorial": "docker.io/library/mariadb:10.11", "handmade": "docker.io/library/mysql:9.7"}
KINDS = ("StatefulSet", "Service", "ConfigMap", "Pod", "PersistentVolumeClaim", "Secret")


@dataclass
class ExistingCluster(Deployment):
    """A cluster of somebody else."""

    image: str = ""

    def adopt(self, **options: t.Any) -> Result:
        own = {"namespace": self.namespace.name, "image": self.image, "wait_timeout": scaled(180)}
        return run_module(**{**OPTIONS, **own, **options})


@contextmanager
def deployed(server: Server, name: str) -> Iterator[ExistingCluster]:
    with namespace_of(server, "kubemysql-adopted") as namespace:
        for manifest in yaml.safe_load((HERE / f"{name}.yml").read_text(encoding="utf-8")):
            namespace.create(manifest["kind"], manifest["metadata"]["name"], manifest)
        access = {"selector": LABELS, "user": "root", "password": "", "primary": "mysql-0", "tls": name == "handmade"}
        made = ExistingCluster(namespace, options=access, secret=None, image=IMAGES[name])
        if name == "handmade":
            replicate(made)
        ready = made.verify(wait_timeout=scaled(240))
        assert ready.get("state") == "healthy", ready["msg"]
        yield made


def replicate(cluster: Deployment) -> None:
    """Let the others follow the first, from where it is now."""
    for instance in cluster.instances:
        eventually(f"{instance.name} to be ready", partial(_ready, instance.namespace, instance.name), patience=120)
    position = cluster[0].run("SHOW BINARY LOG STATUS")[0]
    source = "SOURCE_HOST = 'mysql-0.mysql', SOURCE_USER = 'root', SOURCE_PASSWORD = '', GET_SOURCE_PUBLIC_KEY = 1"
    start = f"SOURCE_LOG_FILE = '{position['File']}', SOURCE_LOG_POS = {position['Position']}"
    for replica in cluster.instances[1:]:
        replica.run(f"CHANGE REPLICATION SOURCE TO {source}, {start}", "START REPLICA", "SET GLOBAL super_read_only = ON")


def _ready(namespace: Namespace, name: str) -> bool:
    statuses = ((namespace.get("Pod", name) or {}).get("status") or {}).get("containerStatuses") or [{}]
    return all(each.get("ready") for each in statuses)


@pytest.fixture(scope="module")
def tutorial(server: Server, node: None) -> Iterator[ExistingCluster]:  # noqa: ARG001
    provide_mariadb()
    with deployed(server, "tutorial") as made:
        yield made


@pytest.fixture
def handmade(server: Server, node: None) -> Iterator[ExistingCluster]:  # noqa: ARG001
    with deployed(server, "handmade") as made:
        yield made


def documented_rules() -> list[dict[str, t.Any]]:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [rule for block in blocks for rule in yaml.safe_load(block)["rules"]]


def application(namespace: Namespace) -> PyMySqlConnector:
    """Logs in as an application of the tutorial would: without a password, and without encryption."""
    auth = dict.fromkeys(KubernetesAuth.__dataclass_fields__) | credentials()
    client = connect(KubernetesAuth.from_params(auth), namespace.name, dry_run=True)
    return PyMySqlConnector(dial_pods(client), "app", "", tls=False)


def state(namespace: Namespace) -> dict[tuple[str, str], str]:
    """Every object with its version; what only the kubelet and controllers write is left out."""
    return {
        (kind, each["metadata"]["name"]): each["metadata"]["uid"] + str(each["metadata"].get("generation", ""))
        for kind in KINDS
        for each in namespace.list(kind)
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"adopt": False}, "adopt: StatefulSet mysql is there, and this collection did not deploy it"),
        ({"replicas": 5}, "replicas: is 5, and the cluster to adopt has 3"),
        ({"storage_size": "2Gi"}, "storage_size: is 2Gi, and the claims to adopt have 1Gi"),
        ({"image": "docker.io/library/mariadb:11.4"}, "image: holds MariaDB 11.4, and mysql-0 runs MariaDB 10.11"),
        ({"server_id_base": 7}, "server_id_base: gives mysql-0 the server_id 7, and it has 100; set it to 100"),
        ({"adopt_password": "wrong"}, "adopt: the cluster has to be healthy first"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_changed(
    tutorial: ExistingCluster, options: dict[str, t.Any], expected: str
) -> None:
    before = state(tutorial.namespace)
    refused = tutorial.adopt(**options)
    assert refused.get("failed"), refused
    assert refused["msg"].startswith(expected), refused["msg"]
    assert refused.written == []
    assert state(tutorial.namespace) == before


def test_check_mode_says_what_will_happen(tutorial: ExistingCluster) -> None:
    before = state(tutorial.namespace)
    result = tutorial.adopt(check=True, diff=True)
    assert not result.get("failed"), result["msg"]
    assert [(action, kind, name) for action, kind, name in result.actions if action == "adopt"] == [
        ("adopt", "Service", "mysql"),
        ("adopt", "Service", "mysql-read"),
        ("adopt", "StatefulSet", "mysql"),
    ]
    assert ("update", "PersistentVolumeClaim", "data-mysql-2") in result.actions
    (warning,) = result["warnings"]
    assert "all pods are replaced at the same time, mysql-0 among them" in str(warning)
    diff = {each["before_header"]: each for each in result["diff"]}
    assert "spec.selector.app: mysql" in diff["Service/mysql-read"]["before"]
    assert "spec.clusterIP" not in diff["Service/mysql-read"]["before"]
    assert "spec.podManagementPolicy: Parallel" in diff["StatefulSet/mysql"]["after"]
    assert result.written == []
    assert state(tutorial.namespace) == before


def test_the_tutorials_cluster(tutorial: ExistingCluster) -> None:
    rights = adopter(tutorial.namespace)
    assert_taken_over(tutorial, rights)
    # From now on it is like any other: a change is a change, and nobody else has a say.
    changed = tutorial.adopt(**rights, adopt=False, config={"max_connections": 80})
    assert not changed.get("failed"), changed["msg"]
    assert {kind for _action, kind, _name in changed.actions} == {"ConfigMap", "StatefulSet"}
    ours = Deployment(tutorial.namespace)
    ours.healthy()
    assert found(ours.look()) == set()


def test_a_cluster_without_gtids(handmade: ExistingCluster) -> None:
    foretold = handmade.adopt(check=True)
    assert "GTIDs are switched on" in str(foretold["warnings"])
    assert [each.value("@@global.gtid_mode") for each in handmade.instances] == ["OFF"] * 3
    assert_taken_over(handmade, adopter(handmade.namespace))


def adopter(namespace: Namespace) -> dict[str, t.Any]:
    """No other rights than docs/permissions.md lists."""
    return role(namespace, "adopter", *documented_rules())


def assert_taken_over(cluster: ExistingCluster, rights: dict[str, t.Any]) -> None:
    """Under load."""
    namespace = cluster.namespace
    cluster[0].run("CREATE DATABASE shop", "CREATE TABLE shop.written (id INT PRIMARY KEY, text VARCHAR(200))")
    cluster[0].run("CREATE USER app@'%'", "GRANT ALL ON shop.* TO app@'%'")
    before = state(namespace)
    claims = {key: value for key, value in before.items() if key[0] == "PersistentVolumeClaim"}
    old_pods = {pod["metadata"]["uid"] for pod in namespace.list("Pod")}
    address = namespace.live("Service", "mysql-read")["spec"]["clusterIP"]
    theirs = namespace.get("ConfigMap", "mysql")
    with Writer(partial(application(namespace).connect, "mysql-0", scaled(5.0))) as writer:
        writer.wait_for_more(100)
        result = cluster.adopt(**rights)
        assert not result.get("failed"), result["msg"]
        # All of them are new ones, and ready.
        assert {pod["metadata"]["uid"] for pod in namespace.list("Pod")}.isdisjoint(old_pods)
        writer.wait_for_more(100)
    ours = Deployment(namespace)
    ours.healthy()
    for instance in ours.instances:
        rows = {row["id"] for row in instance.run("SELECT id FROM shop.written")}
        assert rows >= set(writer.acknowledged), instance.name
    sums = {instance.run("CHECKSUM TABLE shop.written")[0]["Checksum"] for instance in ours.instances}
    assert len(sums) == 1
    after = state(namespace)
    assert {key: after[key] for key in claims} == claims
    assert namespace.live("Service", "mysql-read")["spec"]["clusterIP"] == address
    # No pod uses it any more, and it is not ours.
    assert namespace.get("ConfigMap", "mysql") == theirs
    again = cluster.adopt(**rights)
    assert (again.get("failed"), again["changes"], again.written) == (None, [], [])
    assert found(ours.look()) == set()
