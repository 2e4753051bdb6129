# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts of an older collection are brought up to date on living clusters of both flavours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripts import golden, mariadb
from scripts.cluster import Cluster
from scripts.golden import Golden
from scripts.pods import Pair, Pod
from waiting import eventually

ACCOUNTS = "SELECT CONCAT(user, '@', host) FROM mysql.user WHERE user LIKE 'kubemysql%' ORDER BY 1"
VERSION = "SELECT MAX(version) FROM kubemysql.accounts"
# The accounts of version 1, for which there was no record.
VERSION_1 = """
DROP SCHEMA kubemysql;
DROP USER kubemysql_admin@'127.0.0.1', kubemysql_admin@'::1';
CREATE USER kubemysql_admin@'%' IDENTIFIED BY 'anything' REQUIRE SSL;
GRANT PROCESS, RIGHTS ON *.* TO kubemysql_admin@'%';
GRANT SELECT ON performance_schema.* TO kubemysql_admin@'%';
GRANT ALL ON kubemysql_canary.* TO kubemysql_admin@'%';
"""
MYSQL_RIGHTS = "REPLICATION CLIENT, REPLICATION SLAVE"
MARIADB_RIGHTS = "BINLOG MONITOR, SLAVE MONITOR, REPLICATION MASTER ADMIN"
OURS = ["kubemysql_admin@127.0.0.1", "kubemysql_admin@::1", "kubemysql_clone@%", "kubemysql_replication@%"]


def replace_replication(pod: Pod) -> None:
    """As the rollout of a new collection does with the container, without the server."""
    pod.container("replication").stop()
    pod.start("replication")
    pod.wait_ready()


def check_renewal(pair: Pair, rights: str, catch_up: Callable[[Pod, Pod], None]) -> None:
    """The primary renews, the replica follows, no server restarts, and the second time there is nothing to do."""
    primary, replica = pair
    primary.sql(VERSION_1.replace("RIGHTS", rights))
    catch_up(replica, primary)
    servers = [pod.mysqld_pid() for pod in pair]
    # The replica's container is replaced first, as in a rollout, and leaves the accounts alone.
    replace_replication(replica)
    assert "kubemysql_admin@%" in replica.sql(ACCOUNTS)
    replace_replication(primary)
    catch_up(replica, primary)
    for pod in pair:
        assert [name for name in pod.sql(ACCOUNTS).split() if name != "kubemysql_clone@localhost"] == OURS
        assert pod.sql(VERSION) == "2"
    assert [pod.mysqld_pid() for pod in pair] == servers
    history = "SELECT @@global.gtid_binlog_pos" if "MONITOR" in rights else "SELECT @@global.gtid_executed"
    before = primary.sql(history)
    assert replica.sql(history) == before, "the replica has transactions of its own"
    replace_replication(primary)
    assert primary.sql(history) == before
    how = {"user": "kubemysql_admin", "password": primary.cluster.passwords["admin-password"], "address": replica.address}
    replica.sql("FLUSH BINARY LOGS", **how)


def test_renewal_on_mysql(pair: Pair) -> None:
    check_renewal(pair, MYSQL_RIGHTS, golden.catch_up)


def test_renewal_on_mariadb(mariadb_pair: Pair) -> None:
    check_renewal(mariadb_pair, MARIADB_RIGHTS, mariadb.catch_up)


def test_a_newer_version_is_left_alone(pair: Pair) -> None:
    primary, _replica = pair
    primary.sql("REPLACE INTO kubemysql.accounts (version) VALUES (1000)")
    before = golden.gtids(primary)
    replace_replication(primary)
    assert golden.gtids(primary) == before


@pytest.mark.parametrize(("lost", "opens"), [("kubemysql_admin@'127.0.0.1'", True), ("kubemysql_clone@'%'", False)])
def test_accounts_that_cannot_be_renewed(cluster: Cluster, golden: Golden, lost: str, opens: bool) -> None:
    """A server that refuses passwords: clients do without the administration account, replicas not without theirs."""
    pod = cluster.pod("mysql-0")
    golden.restore(pod)
    cluster.write_topology(bootstrapped="2026-01-02T03:04:05Z")
    pod.start_all()
    pod.wait_ready()
    pod.container("replication").stop()
    pod.sql("INSTALL COMPONENT 'file://component_validate_password'")
    pod.sql(f"SET PERSIST validate_password.length = 200; DROP USER {lost}")
    pod.start("replication")
    if opens:
        pod.wait_ready()
        assert "accounts stay as they are: ERROR 1819" in pod.container("replication").log
    else:
        eventually("the reason", lambda: "the accounts could not be created: ERROR 1819" in pod.readiness)
    pod.sql("SET PERSIST validate_password.length = 8; SET PERSIST validate_password.policy = LOW")
    replace_replication(pod)
    assert pod.sql(ACCOUNTS).split() == OURS
