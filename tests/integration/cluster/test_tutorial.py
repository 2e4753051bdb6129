# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that this collection did not deploy: the tutorial's, on MariaDB's image, healthy and broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from integration.api.conftest import namespace_of, provide_mariadb
from integration.api.server import Server
from integration.cluster.deployment import Deployment, Found, found, message
from waiting import scaled

MANIFESTS = Path(__file__).parent / "tutorial.yml"
ACCESS = {"selector": {"app": "mysql"}, "user": "root", "password": "", "tls": False}
REPLICAS = ("mysql-1", "mysql-2")
# Deviations that do not make the cluster unhealthy: replicas follow a file and a position over a channel that
# is not encrypted, and write no binary log, so that nothing would tell of what was written on them.
WARNINGS: Found = {
    (code, replica) for code in ("auto_position_off", "replication_not_encrypted", "gtid_off") for replica in REPLICAS
}


@pytest.fixture(scope="module")
def deployed(server: Server, node: None) -> Iterator[Deployment]:  # noqa: ARG001
    provide_mariadb()
    with namespace_of(server, "kubemysql-tutorial") as namespace:
        for manifest in yaml.safe_load(MANIFESTS.read_text(encoding="utf-8")):
            namespace.create(manifest["kind"], manifest["metadata"]["name"], manifest)
        made = Deployment(namespace, options={**ACCESS, "primary": "mysql-0"}, secret=None)
        ready = made.verify(wait_timeout=scaled(240))
        assert ready.get("state") == "healthy", ready["msg"]
        made[0].run("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(200))")
        yield made


@pytest.fixture
def tutorial(deployed: Deployment) -> Iterator[Deployment]:
    def healthy() -> None:
        result = deployed.verify(wait_timeout=scaled(90))
        assert (result["state"], found(result)) == ("healthy", WARNINGS), result["summary"]
        assert result["canary"]["arrived"]

    healthy()
    yield deployed
    healthy()


def test_healthy(tutorial: Deployment) -> None:
    result = tutorial.verify()
    assert not result.get("failed")
    assert {each["name"]: each["role"] for each in result["instances"]} == {
        "mysql-0": "primary",
        "mysql-1": "replica",
        "mysql-2": "replica",
    }
    assert all(each["version"].startswith("10.11.") for each in result["instances"])
    assert result["endpoints"] == {"primary": None, "read": ["mysql-0", "mysql-1", "mysql-2"]}
    # Without being told, it is the only instance that can be written to.
    assert tutorial.info(primary=None)["primary"] == "mysql-0"


def test_by_the_pods_addresses(tutorial: Deployment) -> None:
    result = tutorial.verify(connection="direct")
    assert (result["state"], found(result)) == ("healthy", WARNINGS)
    assert not [request for request in result.requests if "portforward" in request.url]


def test_applier_stopped(tutorial: Deployment) -> None:
    tutorial[1].run("STOP SLAVE SQL_THREAD")
    try:
        # Its readiness probe knows nothing of replication.
        result = tutorial.until(WARNINGS | {("applier_stopped", "mysql-1")})
        assert (result["state"], result["endpoints"]["read"]) == ("degraded", ["mysql-0", "mysql-1", "mysql-2"])
    finally:
        tutorial[1].run("START SLAVE")


def test_row_written_on_a_replica(tutorial: Deployment) -> None:
    """Root may write in spite of read_only, and it leaves no trace until the primary has the same row."""
    tutorial[1].run("INSERT INTO shop.orders VALUES (7, 'of the replica')")
    try:
        tutorial[0].run("INSERT INTO shop.orders VALUES (7, 'of the primary')")
        result = tutorial.until(WARNINGS | {("applier_failed", "mysql-1")})
        assert result["state"] == "degraded"
        assert "error 1062" in message(result, "applier_failed", "mysql-1")
    finally:
        tutorial[1].run("DELETE FROM shop.orders WHERE id = 7", "START SLAVE")


def test_nobody_knows_the_primary(tutorial: Deployment) -> None:
    """With two writable instances and nobody to say which of them is meant."""
    tutorial[1].run("SET GLOBAL read_only = OFF")
    try:
        result = tutorial.until({("topology_unknown", None), ("multiple_writable_instances", None)}, primary=None)
        assert (result["state"], result["primary"]) == ("failed", None)
        wrong = tutorial.look(primary="mysql-9")
        assert ("primary_not_expected", None) in found(wrong)
    finally:
        tutorial[1].run("SET GLOBAL read_only = ON")


def test_pod_gone(tutorial: Deployment) -> None:
    with tutorial.without(tutorial[2]):
        gone = {("pod_missing", "mysql-2"), ("instance_unreachable", "mysql-2")}
        result = tutorial.until({each for each in WARNINGS if each[1] != "mysql-2"} | gone)
        assert result["state"] == "degraded"
