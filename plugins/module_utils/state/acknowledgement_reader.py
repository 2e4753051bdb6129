# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads acknowledgements from pods, through the API server. ``pod_scripts/lib-acknowledge.sh`` serves them."""

from __future__ import annotations

import socket
import ssl
import time

from ..constants import ACK_PORT
from ..errors import Unreachable
from ..kube.port import PodTunnel
from .acknowledgement import Acknowledgement, parse_acknowledgement

__all__ = ["read_acknowledgement"]

# The document is about 300 bytes; a reason has at most 1500 characters.
_MAX_BYTES = 16 * 1024
_REQUEST = b"GET /acknowledgement HTTP/1.0\r\n\r\n"


def read_acknowledgement(tunnel: PodTunnel, pod: str, timeout: float) -> Acknowledgement:
    """Ask the pod, within ``timeout`` seconds. Raises ``Unreachable`` if it does not answer, or not in the known form."""
    begin = time.monotonic()
    stream = tunnel.connect(pod, ACK_PORT, timeout)
    try:
        # The answer gets the time that opening the stream has left, and at least half of it.
        stream.settimeout(max(timeout - (time.monotonic() - begin), timeout / 2))
        with _encryption().wrap_socket(stream) as encrypted:
            encrypted.sendall(_REQUEST)
            answer = _read_to_end(encrypted)
    except (OSError, ValueError) as error:
        raise Unreachable(f"{pod} does not acknowledge on its port {ACK_PORT}: {error}") from error
    finally:
        stream.close()
    try:
        return parse_acknowledgement(answer.partition(b"\r\n\r\n")[2])
    except ValueError as error:
        raise Unreachable(f"{pod}: the acknowledgement cannot be used: {error}") from error


def _encryption() -> ssl.SSLContext:
    """The certificate is the pod's own and proves nothing: the API server authenticates the stream."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _read_to_end(stream: socket.socket) -> bytes:
    answer = b""
    while len(answer) <= _MAX_BYTES:
        part = stream.recv(4096)
        if not part:
            return answer
        answer += part
    raise ValueError(f"the answer has more than {_MAX_BYTES} bytes")
