# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import AccessDenied, SqlError, Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool, SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.port import Connector, Instance, Session
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.status import History
from unit.fakes.mysql import FakeConnector, FakeServer, FakeSession, replicating


def test_the_fakes_are_what_the_ports_ask_for() -> None:
    server = replicating()[0]
    session: Session = FakeSession(server, 1)
    connector: Connector = FakeConnector(server)
    instance: Instance = SqlInstance(session)
    assert connector
    assert instance.status().server_id == 100


def test_sessions_are_kept() -> None:
    connector = FakeConnector(*replicating())
    pool = SessionPool(connector, 1)
    for _round in range(3):
        pool.run("mysql-0", lambda instance: instance.status())
    assert [name for name, _session in connector.sessions] == ["mysql-0"]
    pool.close()
    assert connector.sessions[0][1].closed


def test_a_lost_session_is_closed_and_opened_again() -> None:
    primary, *_replicas = replicating()
    connector = FakeConnector(primary)
    pool = SessionPool(connector, 1)
    pool.run("mysql-0", lambda instance: instance.status())
    primary.down = Unreachable("gone")
    for _round in range(2):
        with pytest.raises(Unreachable):
            pool.run("mysql-0", lambda instance: instance.status())
    assert connector.sessions[0][1].closed
    primary.down = None
    assert pool.run("mysql-0", lambda instance: instance.status()).server_id == 100
    assert len(connector.sessions) == 2


def test_a_refused_statement_does_not_end_the_session() -> None:
    primary, *_replicas = replicating()
    primary.refusals = {"REPLICA STATUS": SqlError("no", 1227)}
    connector = FakeConnector(primary)
    pool = SessionPool(connector, 1)
    with pytest.raises(SqlError):
        pool.run("mysql-0", lambda instance: instance.status())
    assert pool.run("mysql-0", lambda instance: instance.history())
    assert len(connector.sessions) == 1


def test_refused_login_is_passed_on() -> None:
    primary, *_replicas = replicating()
    primary.down = AccessDenied("no")
    with pytest.raises(AccessDenied):
        SessionPool(FakeConnector(primary), 1).run("mysql-0", lambda instance: instance.status())


def test_a_server_of_no_known_version() -> None:
    server = FakeServer("mysql-0", 100, version="proxy")
    connector = FakeConnector(server)
    with pytest.raises(SqlError, match="is no server version"):
        SessionPool(connector, 1).run("mysql-0", lambda instance: instance.status())
    assert connector.sessions[0][1].closed


def test_a_server_too_old_to_be_asked() -> None:
    with pytest.raises(SqlError, match=r"5\.1\.73 has no statement for instance"):
        SqlInstance(FakeSession(FakeServer("mysql-0", 100, version="5.1.73"), 1)).status()


def test_few_round_trips() -> None:
    """Four statements on the primary, five on a replica: the number decides how long a look takes."""
    primary, replica, _other = replicating()
    for server, statements in ((primary, 4), (replica, 5)):
        SqlInstance(FakeSession(server, 1)).status()
        assert len(server.log) == statements


def test_waiting_in_slices_shorter_than_the_sessions_patience() -> None:
    primary, *_replicas = replicating()
    instance = SqlInstance(FakeSession(primary, 2))
    assert instance.wait_for_executed(str(primary.executed), 5)
    primary.log.clear()
    assert not instance.wait_for_executed("00000000-1111-4111-8111-111111111111:1", 5)
    assert len(primary.log) == 5


def test_without_the_clone_plugin_there_is_no_table_to_ask() -> None:
    primary, *_replicas = replicating()
    primary.conditions["cloning"] = 0
    assert SqlInstance(FakeSession(primary, 1)).status().conditions.clone_state is None
    assert not any("clone_status" in sql for sql in primary.log)


def test_mariadb_has_a_state_instead_of_a_set() -> None:
    server = FakeServer("mysql-0", 1, version="10.11.6-MariaDB", state="0-1-5")
    assert SqlInstance(FakeSession(server, 1)).history() == History(state="0-1-5")
