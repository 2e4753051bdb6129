# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way into a pod: a conversation with an API server, of which the far end is a socket of the test."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.kube import client
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from waiting import scaled
from websocket import ABNF

PORT = 3306
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])

Behaviour = Callable[[socket.socket], socket.socket]


def frame(data: bytes, opcode: int = ABNF.OPCODE_BINARY) -> bytes:
    return bytes([0x80 | opcode, len(data)]) + data


def request(connection: socket.socket) -> bytes:
    """The head of an HTTP request."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return head


def upgrade(connection: socket.socket) -> socket.socket:
    """Answer as a server that speaks websocket."""
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request(connection))
    assert key
    accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    connection.sendall(answer + accept + b"\r\n\r\n")
    return connection


def greet(connection: socket.socket) -> None:
    """Open the port's two channels."""
    for channel in (b"\0", b"\1"):
        connection.sendall(frame(channel + struct.pack("<H", PORT)))


def say_goodbye(connection: socket.socket) -> None:
    """And wait for the client to end the connection, after its own greeting and farewell."""
    connection.sendall(frame(struct.pack("!H", 1000), ABNF.OPCODE_CLOSE))
    while connection.recv(1 << 16):
        pass


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's, with a certificate that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(NAME, NAME, key.public_key(), 1, now - day, now + day)
    pem, pem_key = tmp_path / "tls.crt", tmp_path / "tls.key"
    pem.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    pem_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, pem_key)
    return context


class Listener:
    """An API server that treats its one connection as ``behaviour`` does."""

    def __init__(self, behaviour: Behaviour, stack: ExitStack) -> None:
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.address = "127.0.0.1:{1}".format(*self._listener.getsockname())
        self._behaviour, self._stack = behaviour, stack
        self.connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        stack.callback(self._thread.join)

    def _serve(self) -> None:
        connection = self._stack.enter_context(self._listener.accept()[0])
        connection.settimeout(scaled(10))
        self.connection = self._stack.enter_context(self._behaviour(connection))

    def upgraded(self) -> socket.socket:
        self._thread.join()
        assert self.connection is not None
        return self.connection


@pytest.fixture
def listen() -> Iterator[Callable[[Behaviour], Listener]]:
    with ExitStack() as stack:
        yield lambda behaviour: Listener(behaviour, stack)


def connect(host: str, timeout: float) -> socket.socket:
    auth = KubernetesAuth(
        kubeconfig=None,
        context=None,
        host=host,
        api_key="x",
        ca_cert=None,
        client_cert=None,
        client_key=None,
        validate_certs=False,
    )
    return client.connect(auth, "shop", dry_run=True).connect("mysql-0", PORT, timeout)


def test_a_server_that_says_goodbye_first_leaves_no_connection_behind(listen: Callable[[Behaviour], Listener]) -> None:
    listener = listen(upgrade)
    with closing(connect(f"http://{listener.address}", scaled(10))) as stream:
        server = listener.upgraded()
        greet(server)
        say_goodbye(server)
        assert stream.recv(1) == b""


def test_a_connection_that_breaks_ends_the_stream(listen: Callable[[Behaviour], Listener]) -> None:
    listener = listen(upgrade)
    with closing(connect(f"http://{listener.address}", scaled(10))) as stream:
        server = listener.upgraded()
        greet(server)
        # Closing it then resets it.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        stream.settimeout(scaled(10))
        assert stream.recv(1) == b""


def silent(connection: socket.socket) -> socket.socket:
    """Until the client has gone, or the patience with it is over."""
    with closing(connection), suppress(OSError):
        while connection.recv(1 << 16):
            pass
    return connection


def silent_in_the_answer(connection: socket.socket) -> socket.socket:
    request(connection)
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgr")
    return silent(connection)


@pytest.mark.parametrize("behaviour", [silent, silent_in_the_answer])
def test_a_server_that_falls_silent_is_given_up(listen: Callable[[Behaviour], Listener], behaviour: Behaviour) -> None:
    given_up(f"http://{listen(behaviour).address}")


def test_a_server_that_falls_silent_in_the_tls_handshake_is_given_up(listen: Callable[[Behaviour], Listener]) -> None:
    given_up(f"https://{listen(silent).address}")


@pytest.mark.parametrize("behaviour", [silent, silent_in_the_answer])
def test_a_server_that_falls_silent_over_tls_is_given_up(
    listen: Callable[[Behaviour], Listener], tls: ssl.SSLContext, behaviour: Behaviour
) -> None:
    listener = listen(lambda connection: behaviour(tls.wrap_socket(connection, server_side=True)))
    given_up(f"https://{listener.address}")


def given_up(host: str) -> None:
    """The client is the one that gives up: a frozen node never would."""
    with pytest.raises(Unreachable, match=r"port-forward to mysql-0:3306 failed: .*timed out"):
        connect(host, timeout=0.2)


def test_a_connection_outlives_the_timeout_it_was_made_with(listen: Callable[[Behaviour], Listener]) -> None:
    """A server that thinks for long is the caller's to give up, not the tunnel's."""
    timeout = scaled(0.3)
    listener = listen(upgrade)
    with closing(connect(f"http://{listener.address}", timeout)) as stream:
        server = listener.upgraded()
        greet(server)
        late = frame(b"\0" + b"late")
        server.sendall(late[:1])
        with pytest.raises(TimeoutError):
            stream.recv(4)
        server.sendall(late[1:])
        stream.settimeout(scaled(10))
        assert stream.recv(4) == b"late"
        say_goodbye(server)
