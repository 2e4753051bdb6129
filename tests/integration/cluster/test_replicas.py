# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replicas broken on purpose: each break is found by its name and on its instance, nothing else is, and it heals."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from integration.cluster.deployment import Deployment, Found, found, message
from integration.cluster.instance import Instance
from waiting import eventually, scaled


def not_ready(*findings: str, instance: str = "mysql-1") -> Found:
    """These findings of an instance, which is not ready for them."""
    return {(code, instance) for code in (*findings, "pod_not_ready")}


def test_applier_stopped(cluster: Deployment) -> None:
    cluster[1].run("STOP REPLICA SQL_THREAD")
    try:
        result = cluster.until(not_ready("applier_stopped"))
        assert (result["state"], result["failed"]) == ("degraded", True)
        facts = cluster.info()
        assert (facts["state"], found(facts)) == ("degraded", found(result))
        assert "failed" not in facts
    finally:
        cluster[1].run("START REPLICA SQL_THREAD")


def test_duplicate_key(cluster: Deployment) -> None:
    primary, replica = cluster[0], cluster[1]
    replica.write_unlogged("INSERT INTO shop.orders VALUES (7, 'of the replica')")
    try:
        primary.run("INSERT INTO shop.orders VALUES (7, 'of the primary')")
        replica.channel_becomes("Replica_SQL_Running", "No")
        result = cluster.until(not_ready("applier_failed"))
        assert result["state"] == "degraded"
        assert "error 1062" in message(result, "applier_failed", "mysql-1")
        assert "Duplicate entry '7'" in message(result, "applier_failed", "mysql-1")
        # It does not mend itself, so nobody waits for it.
        patience = scaled(300)
        hopeless = cluster.verify(wait_timeout=patience)
        assert "waiting does not mend it" in hopeless["msg"]
        assert hopeless["duration"] < patience / 20
    finally:
        replica.write_unlogged("DELETE FROM shop.orders WHERE id = 7 AND note = 'of the replica'")
        replica.run("START REPLICA")


def test_wrong_password(cluster: Deployment) -> None:
    replica = cluster[1]
    secret = cluster.namespace.live("Secret", "mysql")["data"]["replication-password"]
    right = base64.b64decode(secret).decode()
    change = "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'kubemysql_replication', SOURCE_PASSWORD = %(password)s"

    def use(password: str) -> None:
        replica.run("STOP REPLICA IO_THREAD")
        replica.run(change, password=password)
        replica.run("START REPLICA IO_THREAD")

    use("wrong")
    try:
        eventually("the source to refuse", lambda: replica.channel()["Last_IO_Errno"] == 1045)
        result = cluster.until(not_ready("receiver_connecting"))
        assert result["state"] == "degraded"
        assert "error 1045" in message(result, "receiver_connecting", "mysql-1")
        assert right not in result.printed
    finally:
        use(right)


def test_network_to_the_source_cut(cluster: Deployment) -> None:
    """Both threads run and nothing arrives, until the replica gives the connection up; then it is connecting."""
    primary, replica = cluster[0], cluster[1]
    with replica.cut_off_from(primary):
        primary.run("UPDATE shop.orders SET note = 'while cut off' WHERE id = 1")
        result = cluster.until({("not_caught_up", "mysql-1")}, max_lag=scaled(1))
        assert result["state"] == "degraded"
        assert {each["name"]: each["io_running"] for each in result["instances"]}["mysql-1"] == "yes"
        late = cluster.look(canary=True, canary_timeout=scaled(1), max_lag=scaled(1))
        assert ("canary_timed_out", "mysql-1") in found(late)
        assert list(late["canary"]["delays_ms"]) == ["mysql-1", "mysql-2"]
        # Its receiver gives up after replica_net_timeout.
        cluster.until(not_ready("receiver_connecting"), patience=40)


def test_receiver_stopped(cluster: Deployment) -> None:
    cluster[2].run("STOP REPLICA IO_THREAD")
    try:
        result = cluster.until(not_ready("receiver_stopped", instance="mysql-2"))
        assert result["state"] == "degraded"
    finally:
        cluster[2].run("START REPLICA IO_THREAD")


def test_super_read_only_off(cluster: Deployment) -> None:
    """Only administrators can write on it, so it is no second primary, and yet not what it has to be."""
    cluster[1].run("SET GLOBAL super_read_only = OFF")
    try:
        assert cluster.until(not_ready("replica_super_read_only_off"))["state"] == "degraded"
    finally:
        cluster[1].run("SET GLOBAL super_read_only = ON")


def test_replica_writable(cluster: Deployment) -> None:
    """Two writable instances: the primary is none to rely on any more."""
    cluster[2].run("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    try:
        expected = not_ready("replica_writable", instance="mysql-2")
        result = cluster.until(expected | {("multiple_writable_instances", None)})
        assert result["state"] == "failed"
        assert "mysql-0 and mysql-2" in message(result, "multiple_writable_instances", None)
    finally:
        cluster[2].run("SET GLOBAL super_read_only = ON")


@contextmanager
def errant(replica: Instance, primary: Instance) -> Iterator[str]:
    """A transaction that only the replica has, as its GTID; mended as the finding's remedy says."""
    replica.write("CREATE DATABASE errant")
    uuid = str(replica.value("@@server_uuid"))
    number = str(replica.value("@@global.gtid_executed")).replace("\n", "").partition(uuid)[2].split(",")[0].split("-")[-1]
    gtid = f"{uuid}:{number.strip(':')}"
    try:
        yield gtid
    finally:
        replica.write_unlogged("DROP DATABASE errant")
        primary.run(f"SET gtid_next = '{gtid}'", "BEGIN", "COMMIT", "SET gtid_next = AUTOMATIC")


def test_errant_transaction(cluster: Deployment) -> None:
    with errant(cluster[2], cluster[0]) as gtid:
        result = cluster.until({("errant_transactions", "mysql-2")})
        assert result["state"] == "degraded"
        assert gtid in message(result, "errant_transactions", "mysql-2")
        assert "waiting does not mend it" in cluster.verify(wait_timeout=scaled(300))["msg"]


def test_errant_transaction_under_write_load(cluster: Deployment) -> None:
    """The one is found, and of the thousands that are on their way none is taken for another."""
    over = threading.Event()

    def write() -> None:
        with cluster[0].session() as session, session.cursor() as cursor:
            while not over.is_set():
                cursor.execute("INSERT INTO shop.orders (note) VALUES ('load')")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert [found(cluster.look()) for _round in range(5)] == [set()] * 5
        with errant(cluster[1], cluster[0]) as gtid:
            for _round in range(5):
                result = cluster.until({("errant_transactions", "mysql-1")})
                assert f"1 transaction(s) that the primary does not have: {gtid}" in message(
                    result, "errant_transactions", "mysql-1"
                )
    finally:
        over.set()
        writer.join()
    cluster.settle()


def test_duplicate_server_uuid(cluster: Deployment) -> None:
    """Of two replicas with one server_uuid the source serves one at a time, so what else is found changes."""
    original, copy = cluster[1], cluster[2]
    own, other = copy.volume / "mysql/auto.cnf", original.volume / "mysql/auto.cnf"
    before = own.read_text()
    own.write_text(other.read_text())
    try:
        cluster.kill(copy, "mysql")
        duplicate = ("server_uuid_duplicate", None)
        result = eventually("the copy to answer", lambda: duplicate in found(result := cluster.look()) and result)
        assert result["state"] == "degraded"
        assert "mysql-1 and mysql-2" in message(result, "server_uuid_duplicate", None)
    finally:
        (copy.volume / "mysql/auto.cnf").write_text(before)
        cluster.delete_pods(copy)
        original.run("START REPLICA")


def test_source_elsewhere(cluster: Deployment) -> None:
    """Mended as the remedy says, by letting the replication container run again, which is found as well."""
    replica = cluster[1]
    replica.run("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'mysql-2.mysql'", "START REPLICA")
    try:
        replica.channel_becomes("Replica_IO_Running", "Yes")
        result = cluster.until(not_ready("wrong_source"))
        assert result["state"] == "degraded"
        assert "the source is mysql-2.mysql:3306" in message(result, "wrong_source", "mysql-1")
    finally:
        cluster.kill(replica, "replication")

    def follows_the_primary() -> bool:
        # For a moment it follows nobody.
        return [row["Source_Host"] for row in replica.run("SHOW REPLICA STATUS")] == ["mysql-0.mysql"]

    eventually("the replica to follow the primary", follows_the_primary)
    cluster.healthy()
    restarted = cluster.look()
    assert not restarted.get("failed")
    assert "its container replication has been restarted" in message(restarted, "container_restarted", "mysql-1")


def test_needed_binlogs_purged(cluster: Deployment) -> None:
    """Found before the replica notices; no remedy but to clone it again, and that is what it is told."""
    primary, replica = cluster[0], cluster[1]
    replica.run("STOP REPLICA")
    try:
        primary.run("UPDATE shop.orders SET note = 'purged' WHERE id = 1", "FLUSH BINARY LOGS")
        newest = str(primary.run("SHOW BINARY LOG STATUS")[0]["File"])

        def purged() -> bool:
            # A file that the other replica still reads is spared.
            primary.run(f"PURGE BINARY LOGS TO '{newest}'")
            return str(primary.run("SHOW BINARY LOGS")[0]["Log_name"]) == newest

        eventually("the files to be purged", purged)
        cluster.until(not_ready("needed_binlogs_purged", "receiver_stopped", "applier_stopped"))
        replica.run("START REPLICA")
        replica.channel_becomes("Replica_IO_Running", "No")
        result = cluster.until(not_ready("needed_binlogs_purged", "receiver_failed"))
        assert result["state"] == "degraded"
        assert "error 13114" in message(result, "receiver_failed", "mysql-1")
    finally:
        cluster.clone_again(replica)
