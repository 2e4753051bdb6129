# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles, histories and rights of MariaDB's instances."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest
from scripts.conftest import MakeCluster
from scripts.flavours import MARIADB
from scripts.mariadb import assert_whole, catch_up, start_replica
from scripts.pods import Pair, SqlError
from waiting import eventually


def test_everything_is_encrypted_and_nothing_is_writable(shared_mariadb_pair: Pair) -> None:
    primary, replica = shared_mariadb_pair
    status = replica.row("SHOW REPLICA STATUS")
    assert status["Master_SSL_Allowed"] == "Yes" and status["Using_Gtid"] == "Slave_Pos"
    primary.sql("CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON app.* TO app@'%'")
    catch_up(replica, primary)
    app = {"user": "app", "password": "app", "address": replica.address}
    assert "read-only" in replica.try_sql("CREATE DATABASE app", **app)
    for name in ("replication", "clone", "admin"):
        how = {
            "user": f"kubemysql_{name}",
            "password": primary.cluster.passwords[f"{name}-password"],
            "address": primary.address,
        }
        assert "kubemysql" in primary.sql("SELECT CURRENT_USER()", **how)
        assert "denied" in primary.try_sql("CREATE DATABASE nope", **how)
        assert "denied" in primary.try_sql("SELECT * FROM shop.t", **how)
    with pytest.raises(SqlError, match="1045"):
        primary.sql("SELECT 1", password="wrong")


def test_errant_transactions_of_a_donor_do_not_go_unnoticed(mariadb_pair: Pair) -> None:
    """They come with the data, and the state of the donor's binary log tells of them."""
    primary, replica = mariadb_pair
    replica.sql("SET sql_log_bin = 1; CREATE DATABASE stray")
    pod = replica.cluster.pod("mysql-2")
    pod.run("provision")
    pod.start_mysql()
    pod.start("replication")
    eventually("the errant transaction to be found", lambda: "errant transactions" in pod.readiness)
    assert "0-101-" in pod.readiness
    assert not pod.row("SHOW REPLICA STATUS") and primary.try_sql("USE stray") != ""


def test_restarted_instances_go_on(mariadb_pair: Pair) -> None:
    primary, replica = mariadb_pair
    primary.restart_all()
    primary.wait_ready()
    replica.restart_mysql()
    assert_whole(replica, primary)
    replica.restart_all()
    assert_whole(replica, primary)
    assert "nothing to do" in replica.container("provision").log


def test_empty_primary_beside_a_living_replica_is_refused(mariadb_pair: Pair) -> None:
    primary, replica = mariadb_pair
    primary.stop()
    shutil.rmtree(primary.data)
    refused = primary.run("provision", expect=1)
    assert "mysql-1.mysql" in refused.log and "runs a server" in refused.log
    primary.cluster.write_topology(bootstrapped="2026-01-01T00:00:00Z")
    assert "replicas hold the data" in primary.run("provision", expect=1).log
    assert replica.sql("SELECT COUNT(*) FROM shop.t") != "0"


def test_primary_that_lost_transactions_stays_read_only(mariadb_pair: Pair) -> None:
    primary, replica = mariadb_pair
    primary.stop()
    saved = primary.base / "saved"
    subprocess.run(["cp", "-a", str(primary.volume), str(saved)], check=True)
    primary.restart_all()
    primary.wait_ready()
    primary.sql("INSERT INTO shop.t VALUES (100000, 'later')")
    catch_up(replica, primary)
    primary.stop()
    shutil.rmtree(primary.volume)
    saved.rename(primary.volume)
    primary.restart_all()
    eventually("the loss to be found", lambda: "has lost" in primary.readiness)
    assert primary.sql("SELECT @@read_only") == "1"


def test_purged_history_keeps_a_replica_out(mariadb_pair: Pair) -> None:
    primary, replica = mariadb_pair
    replica.stop()
    primary.sql("INSERT INTO shop.t VALUES (100000, 'missed'); FLUSH BINARY LOGS; INSERT INTO shop.t VALUES (100001, 'later')")
    newest = primary.sql("SHOW BINARY LOGS").splitlines()[-1].split()[0]
    primary.sql(f"PURGE BINARY LOGS TO '{newest}'")
    assert len(primary.sql("SHOW BINARY LOGS").splitlines()) == 1
    replica.restart_all()
    eventually("the receiver to fail", lambda: "1236" in replica.readiness)
    assert not replica.ready()
    assert replica.sql("SELECT COUNT(*) FROM shop.t WHERE a >= 100000") == "0"


@pytest.mark.parametrize("moment", ["the data directory", "the temporary server", "the mark"])
def test_interrupted_first_initialisation_starts_over(make_cluster: MakeCluster, moment: str) -> None:
    """Killed there; only the container `mysql` comes back."""
    pod = make_cluster(MARIADB).pod("mysql-0")
    pod.run("provision")
    mysql = pod.start_mysql()
    reached: dict[str, Callable[[], bool]] = {
        "the data directory": (pod.data / "ibdata1").exists,
        "the temporary server": lambda: "emporary server" in mysql.log,
        "the mark": (pod.data / ".kubemysql-complete").exists,
    }
    eventually(moment, reached[moment])
    mysql.kill()
    mysql.wait()
    complete = (pod.data / ".kubemysql-complete").exists()
    assert complete == (moment == "the mark")
    again = pod.start_mysql()
    pod.start("replication")
    pod.wait_ready()
    assert ("starting over" in again.log) is not complete
    assert pod.sql("SELECT COUNT(*) FROM mysql.user WHERE user LIKE 'kubemysql%'") == "5"


def test_a_clone_can_become_the_primary(mariadb_pair: Pair) -> None:
    """Its binary log knows what came before it, so other replicas go on with it, and new ones are cloned from its replicas."""
    primary, heir = mariadb_pair
    cluster = primary.cluster
    other = start_replica(cluster, 2)
    primary.stop()
    cluster.write_topology(primary=heir.name)
    heir.sql("STOP REPLICA; RESET REPLICA ALL")
    heir.wait_ready()
    assert_whole(other, heir)
    assert_whole(start_replica(cluster, 3), heir)
    shutil.rmtree(primary.data)
    primary.restart_all()
    assert_whole(primary, heir)
    assert "is a replica of mysql-1.mysql" in primary.container("replication").log
