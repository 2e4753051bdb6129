# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions with a real server, and with everything that is none."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import ADMIN_USER
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import AccessDenied, SqlError, Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector, dial_addresses
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query, identifier
from integration.mysqld.servers import ADMIN_PASSWORD, Cluster, free_port
from waiting import scaled

# Seconds for a server that answers, and for what does not.
PATIENCE, BRIEF = scaled(3.0), scaled(0.5)


@contextmanager
def listener(greeting: bytes) -> Iterator[int]:
    """A server that says ``greeting`` and then nothing; b"" hangs up at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            try:
                stream, _peer = server.accept()
            except OSError:
                return
            if greeting:
                stream.sendall(greeting)
                kept.append(stream)
            else:
                stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            # Wakes the thread if nobody came.
            socket.create_connection(server.getsockname()).close()
            thread.join()
            for stream in kept:
                stream.close()


def connect_to(port: int, password: str = ADMIN_PASSWORD, timeout: float = BRIEF) -> None:
    PyMySqlConnector(dial_addresses({"mysql-0": ("127.0.0.1", port)}.get), ADMIN_USER, password).connect("mysql-0", timeout)


def test_sessions_are_encrypted_and_carry_any_password(connector: PyMySqlConnector) -> None:
    session = connector.connect("mysql-0", PATIENCE)
    assert session.fetch(Query("SHOW SESSION STATUS LIKE 'Ssl_version'"))[0]["Value"] == "TLSv1.3"
    assert session.server_version.startswith("9.")
    session.close()
    session.close()


def test_arguments_and_names_are_quoted_by_one_hand_each(connector: PyMySqlConnector) -> None:
    session = connector.connect("mysql-0", PATIENCE)
    text = '50%s o\'clock \\ "%" ünï`'
    name = identifier("odd`na%me")
    assert session.fetch(Query(f"SELECT %s AS {name}, 7 %% 4 AS rest", (text,))) == [{"odd`na%me": text, "rest": 3}]
    assert session.fetch(Query("SELECT 7 %% 4 AS rest")) == [{"rest": 3}]
    session.close()


def test_statements_commit_by_themselves_whatever_the_server_is_set_to(cluster: Cluster, connector: PyMySqlConnector) -> None:
    cluster["mysql-0"].run("SET GLOBAL autocommit = OFF")
    try:
        session = connector.connect("mysql-0", PATIENCE)
        assert session.fetch(Query("SELECT @@autocommit AS autocommit")) == [{"autocommit": 1}]
        session.close()
    finally:
        cluster["mysql-0"].run("SET GLOBAL autocommit = ON")


def test_wrong_password(cluster: Cluster) -> None:
    with pytest.raises(AccessDenied) as caught:
        connect_to(cluster["mysql-0"].port, "wrong-word")
    assert caught.value.errno == 1045
    assert "wrong-word" not in caught.value.message


def test_statement_that_the_server_refuses(connector: PyMySqlConnector) -> None:
    session = connector.connect("mysql-0", PATIENCE)
    for sql, number in (
        ("SELECT nonsense FROM", 1064),
        ("SELECT * FROM mysql.user", 1142),
        ("CREATE USER nobody", 1227),
    ):
        with pytest.raises(SqlError) as caught:
            session.execute(Query(sql))
        assert caught.type is SqlError
        assert caught.value.errno == number
        assert sql in caught.value.message
    session.close()


def test_arguments_stay_out_of_errors(connector: PyMySqlConnector) -> None:
    session = connector.connect("mysql-0", PATIENCE)
    with pytest.raises(SqlError) as caught:
        session.fetch(Query("SELECT %s FROM nowhere.nothing", ("secret-word",)))
    assert "secret-word" not in str(caught.value)
    session.close()


def test_nobody_listens() -> None:
    with pytest.raises(Unreachable):
        connect_to(free_port())


def test_no_address_is_known() -> None:
    with pytest.raises(Unreachable, match="no address is known for mysql-7"):
        PyMySqlConnector(dial_addresses({}.get), ADMIN_USER, "").connect("mysql-7", 1)


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00", b"\x01\x00\x00\x00\x09"])
def test_something_else_listens(greeting: bytes) -> None:
    begin = time.monotonic()
    with listener(greeting) as port, pytest.raises(SqlError):
        connect_to(port)
    assert time.monotonic() - begin < 4 * BRIEF


def test_server_that_accepts_and_says_nothing_costs_one_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        timeout, begin = 2 * BRIEF, time.monotonic()
        with pytest.raises(Unreachable):
            connect_to(silent.getsockname()[1], timeout=timeout)
        assert 0.9 < (time.monotonic() - begin) / timeout < 2


def test_lost_session(cluster: Cluster, connector: PyMySqlConnector) -> None:
    session = connector.connect("mysql-0", PATIENCE)
    number = session.fetch(Query("SELECT CONNECTION_ID() AS id"))[0]["id"]
    cluster["mysql-0"].run(f"KILL {number}")
    with pytest.raises(Unreachable):
        session.fetch(Query("SELECT 1"))
    with pytest.raises(Unreachable):
        session.fetch(Query("SELECT 1"))
    session.close()


def test_statement_that_takes_too_long(connector: PyMySqlConnector) -> None:
    session = connector.connect("mysql-0", PATIENCE)
    begin = time.monotonic()
    with pytest.raises(Unreachable):
        session.fetch(Query(f"SELECT SLEEP({20 * PATIENCE})"))
    assert time.monotonic() - begin < 2 * PATIENCE
    session.close()


def test_server_without_encryption_is_not_talked_to(cluster: Cluster) -> None:
    server = cluster["mysql-2"]
    server.stop()
    try:
        server.start("--tls-version=")
        with pytest.raises(Unreachable, match=r"(?i)ssl"):
            connect_to(server.port, ADMIN_PASSWORD, timeout=PATIENCE)
    finally:
        server.stop()
        server.start()
