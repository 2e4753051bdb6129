# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Port-forward: a stream into a pod, through the API server."""

from __future__ import annotations

import socket
import ssl
import typing as t
from collections.abc import Mapping
from contextlib import suppress

from ..errors import Unreachable

try:
    import certifi
    from kubernetes.client import Configuration
    from kubernetes.stream.ws_client import PortForward, websocket_proxycare
    from websocket import WebSocket, WebSocketException

    class _Forward(PortForward):
        """Closes both sides when it ends. The library leaves one open if the other ended or broke first."""

        def _proxy(self) -> None:
            try:
                # A connection that breaks is the end of the caller's stream, as if the pod had closed it.
                with suppress(OSError, WebSocketException):
                    super()._proxy()
            finally:
                for port in self.local_ports.values():
                    port.python.close()
                self.websocket.shutdown()

except ImportError:
    # No connection is made without the library: see connection.py.
    pass

__all__ = ["open_port"]


def open_port(configuration: Configuration, pod_path: str, port: int, timeout: float) -> socket.socket:
    """A connected stream to ``port`` of the pod at ``pod_path``; raises ``Unreachable`` after ``timeout`` seconds."""
    # https becomes wss.
    address = "ws" + configuration.host.removeprefix("http")
    url = f"{address}{pod_path}/portforward?ports={port}"
    token = configuration.auth_settings().get("BearerToken")
    headers = {"authorization": token["value"]} if token else {}
    websocket = _websocket(configuration)
    # Before it connects: a node that is frozen takes connections and never answers.
    websocket.settimeout(timeout)
    try:
        websocket.connect(url, **_connect_options(configuration, url, headers))
        # The server's greeting can share a TLS record with the handshake's answer. It then waits in a buffer that the
        # library's thread does not look into before more arrives: the answer to this.
        websocket.ping()
    except (WebSocketException, OSError) as error:
        raise Unreachable(f"port-forward to {pod_path.rpartition('/')[2]}:{port} failed: {error}") from error
    # From here on the library's thread waits for whichever end has something, however long; the caller has the timeout.
    websocket.settimeout(None)
    forward = _Forward(websocket, [port])
    stream: socket.socket = forward.socket(port)
    stream.settimeout(timeout)
    return stream


def _websocket(configuration: Configuration) -> WebSocket:
    """A connection still to be made. The library's ``create_websocket`` makes it at once, and without a timeout."""
    tls: dict[str, t.Any] = {"cert_reqs": ssl.CERT_NONE}
    if configuration.verify_ssl:
        tls = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": configuration.ssl_ca_cert or certifi.where()}
        if configuration.assert_hostname is not None:
            tls["check_hostname"] = configuration.assert_hostname
    tls |= {"certfile": configuration.cert_file, "keyfile": configuration.key_file}
    # Older releases of the library do not know it.
    tls["server_hostname"] = getattr(configuration, "tls_server_name", None)
    return WebSocket(sslopt=tls, skip_utf8_validation=False)


def _connect_options(configuration: Configuration, url: str, headers: Mapping[str, object]) -> Mapping[str, t.Any]:
    lines = [f"{name}: {value}" for name, value in {**headers, "sec-websocket-protocol": "v4.channel.k8s.io"}.items()]
    options: Mapping[str, t.Any] = {"header": lines}
    if configuration.proxy or configuration.proxy_headers:
        options = websocket_proxycare(options, configuration, url, headers)
    return options
