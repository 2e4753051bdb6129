# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every statement that the dialect has for this server is understood by it and answers with the columns that are read."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Dialect, Statement
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion
from integration.mysqld.servers import Cluster
from waiting import eventually, scaled

COLUMNS: dict[Statement, set[str]] = {
    "replica_status": {"Source_Host", "Source_UUID", "Replica_IO_Running", "Seconds_Behind_Source", "Source_SSL_Allowed"},
    "list_replicas": {"Server_Id", "Host", "Port"},
    "instance": {"server_id", "server_uuid", "gtid_executed", "gtid_purged", "super_read_only", "now"},
    "applier": {"lag_seconds", "last_received_at", "error", "receiver_failed_at", "applier_failed_at", "now"},
    "history": {"gtid_executed", "gtid_state"},
    "conditions": {"certificate_until", "semi_sync_wait", "volume_size", "volume_free", "cloning"},
    "clone_state": {"state"},
    "wait_for_executed": {"timed_out"},
    "log_position": {"File", "Position"},
    "wait_for_position": {"events"},
    "anonymous_transactions": {"ongoing"},
    "read_only": {"read_only", "super_read_only"},
}
# Run by the contract in test_operations.py.
OPERATIONS: set[Statement] = {
    "set_lock_wait_timeout",
    "set_read_only_off",
    "set_read_only_on",
    "set_read_only_super",
    "client_sessions",
    "kill_session",
    "prepared_transactions",
    "stop_replica",
    "start_replica",
    "reset_replica",
    "change_source",
    "rotate_binary_log",
    "writing_sessions",
    "lock",
    "newest_epoch",
    "record_epoch",
}
# Statements that only the owner of a cluster that is adopted may run; they return no rows.
SETTINGS: tuple[Statement, ...] = ("set_gtid_consistency", "set_gtid_mode")


def arguments_of(statement: Statement, cluster: Cluster) -> tuple[str | float, ...]:
    if statement == "wait_for_executed":
        return str(cluster["mysql-0"].value("@@global.gtid_executed")), 0.5
    return ("binlog.000001", 4, 0.1) if statement == "wait_for_position" else ()


def test_no_statement_is_left_out() -> None:
    assert {*COLUMNS, *SETTINGS, *OPERATIONS} == set(t.get_args(Statement))


@pytest.mark.parametrize("statement", SETTINGS)
def test_setting(statement: Statement, cluster: Cluster) -> None:
    server = cluster["mysql-1"]
    query = Dialect(ServerVersion.parse(str(server.value("@@version")))).query(statement, "ON")
    assert query is not None
    assert server.run(query.sql.replace("%s", "'ON'")) == []


@pytest.mark.parametrize("statement", COLUMNS)
def test_statement(statement: Statement, cluster: Cluster, connector: PyMySqlConnector) -> None:
    arguments = arguments_of(statement, cluster)
    answered = False
    # The primary lists a replica once that has reconnected after the reset.
    eventually("both replicas to be registered", lambda: len(cluster["mysql-0"].run("SHOW REPLICAS")) == 2)
    for name in cluster.servers:
        session = connector.connect(name, scaled(3))
        dialect = Dialect(ServerVersion.parse(session.server_version))
        query = dialect.query(statement, *arguments)
        assert query is not None
        rows = session.fetch(query)
        # Nothing was ever cloned into these servers: that it is understood has to do.
        answered = answered or statement == "clone_state"
        for row in rows:
            answered = True
            assert COLUMNS[statement] <= row.keys()
        session.close()
    assert answered


def test_status_of_primary_and_replica(cluster: Cluster, connector: PyMySqlConnector) -> None:
    primary = SqlInstance(connector.connect("mysql-0", scaled(3)))
    status = primary.status()
    assert (status.server_id, status.writable, status.gtid_mode, status.log_bin) == (100, True, "ON", True)
    assert status.report_host == "mysql-0.mysql"
    assert status.channels == ()
    assert primary.history() == status.history
    primary.close()

    replica = SqlInstance(connector.connect("mysql-1", scaled(3)))
    seen = replica.status()
    (channel,) = seen.channels
    assert (seen.read_only, seen.super_read_only, seen.server_id) == (True, True, 101)
    assert (channel.io, channel.sql, channel.io_errno, channel.sql_errno) == ("yes", "yes", 0, 0)
    assert channel.source_uuid == status.server_uuid
    assert (channel.source_host, channel.source_port) == ("127.0.0.1", cluster["mysql-0"].port)
    assert channel.encrypted
    assert channel.auto_position
    eventually("the lag to be 0", lambda: replica.status().channels[0].lag == 0)
    replica.close()


def test_waiting_for_transactions_ends_in_time(cluster: Cluster, connector: PyMySqlConnector) -> None:
    replica = SqlInstance(connector.connect("mysql-1", scaled(1.5)))
    executed = str(cluster["mysql-0"].value("@@global.gtid_executed"))
    assert replica.wait_for_executed(executed, scaled(5))
    never = executed.partition(":")[0] + ":1000000"
    # Longer than the session's own patience: it is asked again and again instead of being taken for lost.
    assert not replica.wait_for_executed(never, scaled(4))
    # For the server itself, no time at all means for ever.
    assert not replica.wait_for_executed(never, 0)
    replica.close()
