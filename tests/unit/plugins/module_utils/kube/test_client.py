# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way into a pod, at the end of a conversation with an API server that is a pair of sockets."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import closing

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube import client
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from websocket import ABNF, WebSocket

PORT = 3306


def frame(data: bytes, opcode: int = ABNF.OPCODE_BINARY) -> bytes:
    return bytes([0x80 | opcode, len(data)]) + data


@pytest.fixture
def websocket() -> WebSocket:
    return WebSocket()


@pytest.fixture
def server(websocket: WebSocket, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """The API server's end of a connection that has just been upgraded."""
    websocket.sock, end = socket.socketpair()
    websocket.connected = True
    monkeypatch.setattr(client, "create_websocket", lambda *_arguments: websocket)
    return end


def connect() -> socket.socket:
    auth = KubernetesAuth(
        kubeconfig=None,
        context=None,
        host="http://nobody",
        api_key="x",
        ca_cert=None,
        client_cert=None,
        client_key=None,
        validate_certs=None,
    )
    return client.connect(auth, "shop", dry_run=True).connect("mysql-0", PORT, 2.0)


def test_a_server_that_says_goodbye_first_leaves_no_connection_behind(websocket: WebSocket, server: socket.socket) -> None:
    connection = websocket.sock
    assert connection is not None
    with server, closing(connect()) as stream:
        for channel in (b"\0", b"\1"):
            server.sendall(frame(channel + struct.pack("<H", PORT)))
        server.sendall(frame(struct.pack("!H", 1000), ABNF.OPCODE_CLOSE))
        assert stream.recv(1) == b""
        for thread in threading.enumerate():
            if "port forward" in thread.name:
                thread.join(5)
        assert connection.fileno() == -1
