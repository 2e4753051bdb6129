# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The primary of a real cluster is moved under writes that go through its Service, and its move is cut off anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pymysql
import pytest
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster_primary
from chaos import random_choices, share
from integration.api.conftest import namespace_of
from integration.api.killed import KilledAfter, killable_runs
from integration.api.module import Result, run_module
from integration.api.server import Server
from integration.cluster.deployment import RESOURCES, Deployment
from integration.cluster.instance import Instance
from waiting import eventually, scaled

MODULE = "mysql_cluster_primary"
PATIENCE = scaled(90)
ANOTHER_RUN = """
import json, sys
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster_primary
from integration.api.module import run_module
print(json.dumps(dict(run_module(module=mysql_cluster_primary, **json.loads(sys.argv[1])))))
"""


@pytest.fixture(scope="module")
def moving(server: Server, node: None) -> Iterator[Deployment]:  # noqa: ARG001
    with namespace_of(server, "kubemysql-moving") as namespace:
        made = Deployment(namespace)
        made.deploy()
        made[0].run(
            "CREATE DATABASE shop",
            "CREATE TABLE shop.orders (id BIGINT PRIMARY KEY)",
            "CREATE USER app@'%' IDENTIFIED BY 'app'",
            "GRANT ALL ON shop.* TO app@'%'",
        )
        yield made


@pytest.fixture(scope="module")
def killed_after() -> Iterator[KilledAfter]:
    with killable_runs() as run:
        yield run


@pytest.fixture
def cluster(moving: Deployment) -> Iterator[Deployment]:
    """Healthy before and after each test, with exactly one writable instance."""
    moving.healthy()
    yield moving
    moving.healthy()
    assert len(writable(moving)) == 1


def move(cluster: Deployment, instance: str | None = None, **options: t.Any) -> Result:
    given = {"instance": instance} if instance else {}
    options = {"wait_timeout": PATIENCE, "action": "switchover", **given, **options}
    return run_module(module=mysql_cluster_primary, namespace=cluster.namespace.name, **options)


def primary_of(cluster: Deployment) -> Instance:
    name = cluster.namespace.live("ConfigMap", "mysql-topology")["data"]["primary"]
    return next(each for each in cluster.instances if each.name == name)


def others(cluster: Deployment) -> list[Instance]:
    primary = primary_of(cluster)
    return [each for each in cluster.instances if each != primary]


def writable(cluster: Deployment) -> list[str]:
    return [each.name for each in cluster.instances if each.value("@@global.read_only") == 0]


App: t.TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"


def connect(cluster: Deployment) -> App:
    """A client's session through the Service for writes."""
    host = cluster.namespace.live("Service", "mysql-primary")["spec"]["clusterIP"]
    return pymysql.connect(
        host=host, user="app", password="app", autocommit=True, connect_timeout=5, read_timeout=10, ssl_verify_cert=False
    )


class Writer(threading.Thread):
    """Commits rows with rising ids through the Service for writes, and connects again after each error."""

    def __init__(self, cluster: Deployment) -> None:
        super().__init__()
        self._cluster = cluster
        self._first = int(str(primary_of(cluster).value("COALESCE((SELECT MAX(id) FROM shop.orders), 0)"))) + 1
        self.acknowledged: list[int] = []
        self.refused = 0
        self.over = threading.Event()

    def run(self) -> None:
        number = self._first
        session: App | None = None
        while not self.over.wait(0.005):
            try:
                session = session or connect(self._cluster)
                with session.cursor() as cursor:
                    cursor.execute("INSERT INTO shop.orders VALUES (%s)", (number,))
                self.acknowledged.append(number)
            except (pymysql.Error, OSError):
                self.refused += 1
                with suppress(pymysql.Error, OSError, AttributeError):
                    session.close()
                session = None
            # An id whose answer was lost is not written again.
            number += 1


@contextmanager
def written(cluster: Deployment) -> Iterator[Writer]:
    """Every id that was acknowledged meanwhile is on the primary afterwards, and no instance has another one."""
    writer = Writer(cluster)
    writer.start()
    try:
        eventually("the first rows", lambda: len(writer.acknowledged) > 10)
        yield writer
        count = len(writer.acknowledged)
        eventually("rows on the new primary", lambda: len(writer.acknowledged) > count + 10)
    finally:
        writer.over.set()
        writer.join()
    primary = primary_of(cluster)
    rows = {row["id"] for row in primary.run("SELECT id FROM shop.orders")}
    assert set(writer.acknowledged) <= rows, f"lost: {sorted(set(writer.acknowledged) - rows)[:10]}"
    executed = str(primary.value("@@global.gtid_executed")).replace("\n", "")
    for replica in others(cluster):
        assert replica.value(f"WAIT_FOR_EXECUTED_GTID_SET('{executed}', {scaled(30)})") == 0
        assert {row["id"] for row in replica.run("SELECT id FROM shop.orders")} == rows


def test_under_writes_nothing_is_lost(cluster: Deployment) -> None:
    for _round in range(3):
        target = others(cluster)[0].name
        with written(cluster) as writer, connect(cluster) as idle:
            planned = move(cluster, target, check=True)
            assert planned.written == []
            idle.ping(reconnect=False)
            done = move(cluster, target, diff=True)
            # It would not have noticed by itself that it cannot write any more.
            with pytest.raises(pymysql.Error):
                idle.ping(reconnect=False)
        assert not done.get("failed"), done["msg"]
        steps = [(each["name"], each["description"]) for each in done["steps"]]
        assert steps == [(each["name"], each["description"]) for each in planned["steps"]]
        assert (done["primary"], done["epoch"], planned["epoch"]) == (target, planned["epoch"], done["epoch"])
        assert planned["diff"] == done["diff"] != []
        assert done["sessions_ended"] >= 1
        assert writable(cluster) == [target]
        print(
            f"pause on the servers {done['pause_ms']} ms, {writer.refused} refused writes, {len(done.requests)} API requests, "
            f"{done['duration']} s in all; " + ", ".join(f"{e['name']} {e['seconds']}" for e in done["steps"])
        )
        assert move(cluster, target)["changed"] is False


def test_an_ordinary_run_afterwards_changes_nothing(cluster: Deployment) -> None:
    done = move(cluster, "mysql-2" if primary_of(cluster).name != "mysql-2" else "mysql-1")
    assert not done.get("failed"), done["msg"]
    options: dict[str, t.Any] = {"namespace": cluster.namespace.name, "resources": RESOURCES, "wait_timeout": PATIENCE}
    again = run_module(replicas=3, **options)
    assert (again.get("failed"), again["changed"]) == (None, False), again["msg" if "msg" in again else "changes"]
    smaller = run_module(replicas=1, **options)
    assert f"would remove the primary {done['primary']}" in smaller["msg"]


def test_a_statement_that_writes_for_long_ends_it_and_writes_go_on(cluster: Deployment) -> None:
    primary, target = primary_of(cluster), others(cluster)[0].name
    with primary.session() as session, session.cursor() as cursor:
        # After the preflight, before the server is closed.
        locked: list[bool] = []

        def lock_tables() -> None:
            if not locked:
                locked.append(True)
                cursor.execute("LOCK TABLES shop.orders WRITE")

        done = move(cluster, target, before_write=lock_tables)
        assert done["failed_step"] == "close_old_primary", done
        assert "these statements write: session" in done["msg"]
        assert f"{primary.name} stays the primary and takes writes again" in done["msg"]
        cursor.execute("UNLOCK TABLES")
    assert writable(cluster) == [primary.name]
    assert "handover" not in cluster.namespace.live("ConfigMap", "mysql-topology")["data"]
    with written(cluster):
        cluster.healthy()
    # The pods have restored everything; that they have is recorded by the next run.
    assert not move(cluster, primary.name).get("failed")


def test_of_two_runs_at_once_one_is_refused(cluster: Deployment) -> None:
    target = others(cluster)[0].name
    refused: list[dict[str, t.Any]] = []

    def another() -> None:
        if not refused:
            options = {"namespace": cluster.namespace.name, "action": "switchover", "instance": target}
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            command = [sys.executable, "-c", ANOTHER_RUN, json.dumps(options)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            refused.append(json.loads(done.stdout))

    with written(cluster):
        done = move(cluster, target, before_write=another)
    assert not done.get("failed"), done["msg"]
    assert "another run moves the primary now" in refused[0]["msg"]
    assert writable(cluster) == [target]


def test_a_cut_off_run_is_left_alone_by_ordinary_runs_and_other_targets(cluster: Deployment, killed_after: KilledAfter) -> None:
    target, other = (each.name for each in others(cluster))
    options = {"namespace": cluster.namespace.name, "action": "switchover", "wait_timeout": PATIENCE}
    assert killed_after(1, module=MODULE, instance=target, **options)
    for check in (True, False):
        ordinary = run_module(namespace=cluster.namespace.name, replicas=3, resources=RESOURCES, check=check)
        assert "is being moved" in ordinary["msg"] and f"instance: {target}" in ordinary["msg"]
        assert ordinary.written == []
    refused = move(cluster, other)
    assert f"Complete it, or go back, with instance: {target}" in refused["msg"]
    done = move(cluster)
    assert (done.get("failed"), done["primary"]) == (None, target), done


@pytest.mark.chaos
def test_killed_after_any_write_and_run_again(cluster: Deployment, killed_after: KilledAfter) -> None:
    """Of the API server's objects and of the servers: until one ends before it is killed, or as many as there is time for."""
    choice, kills = random_choices(), list(range(1, 34))
    for writes in sorted(choice.sample(kills, int(share(5, full=len(kills))))):
        target = others(cluster)[0].name
        options = {"namespace": cluster.namespace.name, "action": "switchover", "wait_timeout": PATIENCE}
        with written(cluster):
            killed = killed_after(writes, module=MODULE, instance=target, **options)
            assert len(writable(cluster)) <= 1
            done = move(cluster, target)
            assert not done.get("failed"), (writes, done["msg"])
            assert writable(cluster) == [target]
        cluster.healthy()
        print(f"killed after {writes} writes: {killed}; then {[each['name'] for each in done['steps']]}")
