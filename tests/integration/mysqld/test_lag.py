# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lag on real servers: what is behind is found, and what only looks like it is not."""

from __future__ import annotations

import math
import threading
import time

from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from integration.mysqld.judge import found, judge
from integration.mysqld.proxy import Proxy
from integration.mysqld.servers import Cluster, Server
from pod_bash import pod_bash
from unit.fakes.kubernetes_objects import TARGET, deployed
from waiting import eventually, scaled

# Seconds: so little lag is too much.
MAX_LAG = scaled(0.3)


def lag_of(pool: SessionPool, name: str) -> float:
    """The lag as the module sees it."""
    channel = next(each for each in observe(deployed(), pool, TARGET).instances if each.name == name).channel
    assert channel is not None and channel.lag is not None
    return channel.lag


def no_lag(pool: SessionPool) -> None:
    """Wait until it is certain that nothing more arrives: what has just arrived may be the beginning of a backlog."""
    eventually("no lag", lambda: lag_of(pool, "mysql-1") == 0 and judge(pool, max_lag=MAX_LAG).healthy)


def lag_in_pod(server: Server) -> int:
    """The lag as the pod of this server sees it, in whole seconds: the last column."""
    row = server.run(pod_bash("lib-common.sh", 'printf %s "$READY_SQL"', str(server.value("@@version"))))[0]
    return int(str(list(row.values())[-1]))


def test_replica_behind_a_lock(cluster: Cluster, pool: SessionPool) -> None:
    """An hour without writes is no lag; one transaction that cannot be applied is, by the second."""
    replica = cluster["mysql-1"]
    no_lag(pool)
    assert (lag_of(pool, "mysql-1"), lag_in_pod(replica)) == (0, 0)
    with replica.session() as blocker, blocker.cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        begin = time.monotonic()
        cluster["mysql-0"].run("CREATE DATABASE app")
        findings = eventually("the lag to grow", lambda: found(judge(pool, max_lag=MAX_LAG)))
        assert findings == {(Kind.LAG_HIGH, "mysql-1")}
        before, pods, after = lag_of(pool, "mysql-1"), lag_in_pod(replica), lag_of(pool, "mysql-1")
        assert MAX_LAG < before < after < time.monotonic() - begin
        assert math.ceil(before) <= pods <= math.ceil(after)
        # Behind, but within what is allowed: nothing to say, not even after the moment given for catching up.
        assert judge(pool, max_lag=scaled(60), catch_up=0.05).healthy
        cursor.execute("UNLOCK TABLES")
    cluster.settle()
    no_lag(pool)


def test_connection_that_hangs(cluster: Cluster, pool: SessionPool) -> None:
    """Nothing arrives, yet both threads run and Seconds_Behind_Source is 0: what the field overlooks."""
    replica = cluster["mysql-1"]
    with Proxy(cluster["mysql-0"].port) as proxy:
        replica.run("STOP REPLICA", f"CHANGE REPLICATION SOURCE TO SOURCE_PORT = {proxy.port}", "START REPLICA")
        replica.channel_becomes("Replica_IO_Running", "Yes")
        cluster.settle()
        proxy.freeze()
        cluster["mysql-0"].run("CREATE DATABASE app")
        status = replica.channel()
        assert (status["Replica_IO_Running"], status["Replica_SQL_Running"], status["Seconds_Behind_Source"]) == (
            "Yes",
            "Yes",
            0,
        )
        assert found(judge(pool, max_lag=MAX_LAG, catch_up=scaled(0.3))) == {(Kind.NOT_CAUGHT_UP, "mysql-1")}
        proxy.thaw()
        cluster.settle()
        no_lag(pool)
        replica.run("STOP REPLICA")


def test_receiver_behind(cluster: Cluster, pool: SessionPool) -> None:
    """A large transaction arrives slowly: the age of its commit is the lag, although nothing waits to be applied."""
    primary, replica = cluster["mysql-0"], cluster["mysql-1"]
    primary.run("CREATE DATABASE app", "CREATE TABLE app.t (id INT, text LONGTEXT)")
    with Proxy(primary.port) as proxy:
        replica.run("STOP REPLICA", f"CHANGE REPLICATION SOURCE TO SOURCE_PORT = {proxy.port}", "START REPLICA")
        replica.channel_becomes("Replica_IO_Running", "Yes")
        cluster.settle()
        proxy.freeze_after(1 << 20)
        primary.run(
            "INSERT INTO app.t WITH RECURSIVE n (id) AS (SELECT 1 UNION SELECT id + 1 FROM n WHERE id < 4) "
            "SELECT id, REPEAT('x', 1 << 20) FROM n"
        )
        eventually("a part of it to arrive", lambda: proxy.frozen)
        eventually("the lag to grow", lambda: lag_of(pool, "mysql-1") > MAX_LAG)
        before, pods, after = lag_of(pool, "mysql-1"), lag_in_pod(replica), lag_of(pool, "mysql-1")
        assert MAX_LAG < before < after
        assert math.ceil(before) <= pods <= math.ceil(after)
        proxy.thaw()
        cluster.settle()
        no_lag(pool)
        replica.run("STOP REPLICA")


def test_replica_that_has_just_started_again(cluster: Cluster, pool: SessionPool) -> None:
    """performance_schema has forgotten every commit time; the lag must be neither unknown nor invented."""
    replica = cluster["mysql-1"]
    replica.run("STOP REPLICA")
    cluster["mysql-0"].run("CREATE DATABASE app")
    replica.stop()
    replica.start()
    replica.run("START REPLICA", "SET GLOBAL super_read_only = ON")
    replica.channel_becomes("Replica_IO_Running", "Yes")
    assert judge(pool).healthy
    assert replica.run("SHOW DATABASES LIKE 'app'")


def test_no_false_alarm_under_write_load(cluster: Cluster, pool: SessionPool) -> None:
    """And an errant transaction is found in the middle of it."""
    primary = cluster["mysql-0"]
    primary.run("CREATE DATABASE app", "CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))")
    over = threading.Event()

    def load() -> None:
        with primary.session() as connection, connection.cursor() as cursor:
            while not over.is_set():
                cursor.execute("INSERT INTO app.t (text) VALUES (REPEAT('x', 200))")

    writers = [threading.Thread(target=load) for _round in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _round in range(30):
            assert judge(pool).findings == ()
        cluster["mysql-1"].write("CREATE DATABASE errant")
        assert found(judge(pool)) == {(Kind.ERRANT_TRANSACTIONS, "mysql-1")}
    finally:
        over.set()
        for writer in writers:
            writer.join()
