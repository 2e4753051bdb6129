# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pymysql
import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.session import dial_pods
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import (
    AccessDenied,
    MissingLibrary,
    SqlError,
    Unreachable,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql import client
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_IMPORT_ERROR", "Traceback: no module named pymysql")
    with pytest.raises(MissingLibrary) as caught:
        PyMySqlConnector(lambda _instance, _timeout: socket.socket(), "user", "password")
    assert (caught.value.library, caught.value.traceback) == ("PyMySQL", "Traceback: no module named pymysql")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pymysql.err.OperationalError(1045, "Access denied"), AccessDenied),
        (pymysql.err.OperationalError(1698, "Access denied"), AccessDenied),
        (pymysql.err.OperationalError(3118, "Account is locked"), AccessDenied),
        (pymysql.err.OperationalError(2003, "Can't connect"), Unreachable),
        (pymysql.err.OperationalError(2013, "Lost connection"), Unreachable),
        (pymysql.err.OperationalError(1040, "Too many connections"), Unreachable),
        (pymysql.err.InterfaceError(0, ""), Unreachable),
        (pymysql.err.InternalError("Packet sequence number wrong"), Unreachable),
        (TimeoutError("timed out"), Unreachable),
        (ConnectionResetError(104, "Connection reset by peer"), Unreachable),
        (pymysql.err.ProgrammingError(1064, "You have an error"), SqlError),
        (pymysql.err.OperationalError(1290, "running with --super-read-only"), SqlError),
    ],
)
def test_translation(error: Exception, kind: type[SqlError]) -> None:
    translated = client._translated(error, "doing it")
    assert translated.__class__ is kind
    assert translated.message.startswith("doing it: ")


class Tunnel:
    """A way into pods that ends at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, float]] = []
        self.near: socket.socket | None = None

    def connect(self, pod: str, port: int, timeout: float) -> socket.socket:
        self.asked.append((pod, port, timeout))
        self.near, far = socket.socketpair()
        far.close()
        return self.near


def test_a_tunnel_that_ends_at_once() -> None:
    tunnel = Tunnel()
    with pytest.raises(Unreachable) as caught:
        PyMySqlConnector(dial_pods(tunnel), "user", "secret-word").connect("mysql-1", 2.5)
    assert tunnel.asked == [("mysql-1", 3306, 2.5)]
    assert "secret-word" not in repr(caught.value) + repr(vars(caught.value))
    assert tunnel.near is not None
    assert tunnel.near.fileno() == -1
