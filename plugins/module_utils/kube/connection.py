# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only importer of ``kubernetes``: credentials, requests, streams into pods, and the errors of all three.

``kubernetes.dynamic`` serves as an HTTP client with the ecosystem's authentication. The typed API classes are never
imported, because that alone takes half a second, and nothing is discovered.
"""

from __future__ import annotations

import os
import socket
import ssl
import traceback
import typing as t
from collections.abc import Mapping
from contextlib import suppress

from ..errors import ApiUnavailable, MissingLibrary, Unreachable
from .auth import KubernetesAuth
from .refusals import refusal_of

try:
    import certifi
    from kubernetes import config as kubernetes_config
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.client.rest import ApiException
    from kubernetes.dynamic import DynamicClient
    from kubernetes.stream.ws_client import PortForward, websocket_proxycare
    from urllib3.exceptions import HTTPError
    from websocket import WebSocket, WebSocketException
    from yaml import YAMLError

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

    _IMPORT_ERROR: str | None = None
except ImportError:
    _IMPORT_ERROR = traceback.format_exc()

__all__ = ["ApiServer", "open_port"]

# One request; a healthy API server answers in milliseconds, a stalled one must not use up the whole wait_timeout.
_REQUEST_TIMEOUT = 30.0
# Exceptions of the library for a kubeconfig that is YAML of another shape.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)


class _NoDiscovery:
    """Replaces DynamicClient's discovery, some twenty requests for what is in kinds.py."""

    def __init__(self, client: object, cache_file: object) -> None:
        del client, cache_file


class ApiServer:
    """A pool of connections with the caller's credentials, and the server's version once it was read. The clients of one run
    share it.
    """

    def __init__(self, auth: KubernetesAuth) -> None:
        if _IMPORT_ERROR is not None:
            raise MissingLibrary("kubernetes", _IMPORT_ERROR)
        self.configuration = _configuration(auth)
        self._client = DynamicClient(ApiClient(self.configuration), discoverer=_NoDiscovery)
        self.version: tuple[int, int] | None = None

    def send(self, method: str, path: str, purpose: str, namespace: str, **params: t.Any) -> t.Any:
        """The response. ``purpose`` and ``namespace`` are for the message of an error."""
        try:
            return self._client.request(method, path, serialize=False, _request_timeout=_REQUEST_TIMEOUT, **params)
        except ApiException as error:
            if not error.status:
                # The library reports a TLS failure in this way; its reason has two lines.
                failure = ": ".join(str(error.reason).splitlines())
                raise ApiUnavailable(f"cannot {purpose}: {failure}. Check ca_cert, client_cert and validate_certs") from error
            raise refusal_of(error.status, error.body or str(error.reason), purpose, namespace) from error
        except (HTTPError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise ApiUnavailable(
                f"cannot {purpose}: no answer from {self.configuration.host} ({reason}). "
                "Check kubeconfig, context and host, and that the cluster is running",
                transient=True,
            ) from error


def _configuration(auth: KubernetesAuth) -> Configuration:
    configuration = Configuration()
    if auth.host is None:
        _load(auth, configuration)
    else:
        configuration.host = auth.host
    if auth.api_key is not None:
        # The plain key works with every release of the library; newer ones know it as an alias of BearerToken.
        configuration.api_key = {"authorization": f"Bearer {auth.api_key}"}
    if auth.validate_certs is not None:
        configuration.verify_ssl = auth.validate_certs
    for option, attribute in (("ca_cert", "ssl_ca_cert"), ("client_cert", "cert_file"), ("client_key", "key_file")):
        value = getattr(auth, option)
        if value is not None:
            setattr(configuration, attribute, _readable(option, value))
    configuration.retries = False
    return configuration


def _readable(option: str, path: str) -> str:
    path = os.path.expanduser(path)
    if not os.access(path, os.R_OK):
        raise ApiUnavailable(f"{option}: there is no file {path} that can be read")
    return path


def _load(auth: KubernetesAuth, configuration: Configuration) -> None:
    """Read the kubeconfig; inside a pod without one, use the pod's service account."""
    named = auth.kubeconfig is not None or auth.context is not None
    try:
        kubernetes_config.load_kube_config(
            config_file=None if auth.kubeconfig is None else os.path.expanduser(auth.kubeconfig),
            context=auth.context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (kubernetes_config.ConfigException, OSError, YAMLError, *_MALFORMED) as error:
        if named or "KUBERNETES_SERVICE_HOST" not in os.environ:
            raise ApiUnavailable(
                f"kubeconfig: {auth.kubeconfig or 'the default one'} cannot be used: {error}. "
                "Set kubeconfig (K8S_AUTH_KUBECONFIG) and context, or host and api_key"
            ) from error
        kubernetes_config.load_incluster_config(client_configuration=configuration)


# --- port-forward -----------------------------------------------------------------------------------------------------


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
