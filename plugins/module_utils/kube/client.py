# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only importer of ``kubernetes``: the ports of ``port.py`` over the real API.

``kubernetes.dynamic`` serves as an HTTP client with the ecosystem's authentication. The typed API classes are never
imported, because that alone takes half a second, and nothing is discovered.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import traceback
import typing as t
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import quote

from ..constants import FIELD_MANAGER
from ..errors import ApiError, ApiUnavailable, MissingLibrary, StaleVersion, Unreachable
from .auth import KubernetesAuth
from .kinds import resource_of
from .manifest import Manifest
from .ownership import ownership_patch, replacement
from .port import Applied, Event
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

    IMPORT_ERROR: str | None = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

__all__ = ["KubernetesClient", "connect"]

# One request; a healthy API server answers in milliseconds, a stalled one must not use up the whole wait_timeout.
_REQUEST_TIMEOUT = 30.0
# Exceptions of the library for a kubeconfig that is YAML of another shape.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)


class _NoDiscovery:
    """Replaces DynamicClient's discovery, some twenty requests for what is in kinds.py."""

    def __init__(self, client: object, cache_file: object) -> None:
        del client, cache_file


def connect(auth: KubernetesAuth, namespace: str, *, dry_run: bool, force_conflicts: bool = False) -> KubernetesClient:
    """Read the credentials and return a client for ``namespace``. With ``dry_run`` the server changes nothing."""
    if IMPORT_ERROR is not None:
        raise MissingLibrary("kubernetes", IMPORT_ERROR)
    return KubernetesClient(_ApiServer(_configuration(auth)), namespace, dry_run=dry_run, force_conflicts=force_conflicts)


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


class _ApiServer:
    """A connection pool, and the server's version once it was read. Shared by the clients of one run."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.client = DynamicClient(ApiClient(configuration), discoverer=_NoDiscovery)
        self.version: tuple[int, int] | None = None


class KubernetesClient:
    """``ObjectStore``, ``Diagnostics`` and ``PodTunnel`` of one namespace."""

    def __init__(self, server: _ApiServer, namespace: str, *, dry_run: bool, force_conflicts: bool) -> None:
        self._server = server
        self._configuration = server.configuration
        self._client = server.client
        self._namespace = namespace
        self._dry_run = "All" if dry_run else None
        self._force_conflicts = True if force_conflicts else None

    def planning(self) -> KubernetesClient:
        """A client of the same server that changes nothing."""
        return KubernetesClient(self._server, self._namespace, dry_run=True, force_conflicts=bool(self._force_conflicts))

    def server_version(self) -> tuple[int, int]:
        if self._server.version is None:
            answer = self._request("get", "/version", "read the version of the API server").manifest
            # Some providers report "29+".
            self._server.version = int(answer["major"]), int("".join(filter(str.isdigit, answer["minor"])))
        return self._server.version

    def get(self, kind: str, name: str) -> Manifest | None:
        try:
            return self._request("get", self._path(kind, name), f"read {kind} {name}").manifest
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, selector: Mapping[str, str]) -> list[Manifest]:
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        answer = self._request("get", self._path(kind), f"list objects of kind {kind}", label_selector=labels).manifest
        # A list's items come without their kind.
        return [{"kind": kind, **item} for item in answer["items"]]

    def apply(self, manifest: Manifest) -> Applied:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        # Kubernetes 1.20 would create the object anew.
        if "resourceVersion" in manifest["metadata"] and self.get(kind, name) is None:
            raise StaleVersion(f"cannot apply {kind} {name}: it was deleted since this run has read it. Run again", 409)
        return self._apply(manifest, force=self._force_conflicts)

    def take_over(self, manifest: Manifest) -> Applied:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        live, path, purpose = self.get(kind, name), self._path(kind, name), f"take over {kind} {name}"
        if live is None:
            return self._apply(manifest, force=True)
        if self._dry_run:
            # The effect of the two requests below. A dry run of the second is of no use, as the first would change nothing.
            body = replacement(live, manifest)
            return self._request("put", path, purpose, body=body, field_manager=FIELD_MANAGER, dry_run=self._dry_run)
        patch = ownership_patch(live)
        self._request("patch", path, purpose, body=patch, content_type="application/json-patch+json")
        return self._apply(manifest, force=True)

    def annotate(self, kind: str, name: str, annotations: Mapping[str, str]) -> None:
        try:
            self._request(
                "patch",
                self._path(kind, name),
                f"annotate {kind} {name}",
                body={"metadata": {"annotations": dict(annotations)}},
                content_type="application/merge-patch+json",
                field_manager=FIELD_MANAGER,
                dry_run=self._dry_run,
            )
        except ApiError as error:
            if error.status != 404:
                raise

    def _apply(self, manifest: Manifest, *, force: bool | None) -> Applied:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        return self._request(
            "patch",
            self._path(kind, name),
            f"apply {kind} {name}",
            body=manifest,
            content_type="application/apply-patch+yaml",
            field_manager=FIELD_MANAGER,
            force_conflicts=force,
            dry_run=self._dry_run,
        )

    def delete(self, kind: str, name: str, *, orphan: bool = False) -> None:
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan" if orphan else "Background"}
        if self._dry_run:
            options["dryRun"] = [self._dry_run]  # type: ignore[assignment]
        try:
            self._request("delete", self._path(kind, name), f"delete {kind} {name}", body=options)
        except ApiError as error:
            if error.status != 404:
                raise

    def log(self, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
        query = [("container", container), ("tailLines", str(lines)), ("previous", str(previous).lower())]
        try:
            response = self._send("get", f"{self._path('Pod', pod)}/log", f"read the log of {pod}", query_params=query)
        except ApiError:
            # A container that never ran has no log; the caller has better evidence then.
            return ""
        return str(response.data.decode("utf-8", "replace"))

    def warnings(self, kind: str, name: str) -> Sequence[Event]:
        fields = f"type=Warning,involvedObject.kind={kind},involvedObject.name={name}"
        answer = self._request("get", self._path("Event"), f"list events of {name}", field_selector=fields).manifest
        events = [
            Event(item.get("reason") or "", item.get("message") or "", item.get("lastTimestamp") or item.get("eventTime") or "")
            for item in answer["items"]
        ]
        return sorted(events, key=lambda event: event.last_seen)

    def connect(self, pod: str, port: int, timeout: float) -> socket.socket:
        # https becomes wss.
        address = "ws" + self._configuration.host.removeprefix("http")
        url = f"{address}{self._path('Pod', pod)}/portforward?ports={port}"
        token = self._configuration.auth_settings().get("BearerToken")
        headers = {"authorization": token["value"]} if token else {}
        websocket = _websocket(self._configuration)
        # Before it connects: a node that is frozen takes connections and never answers.
        websocket.settimeout(timeout)
        try:
            websocket.connect(url, **_connect_options(self._configuration, url, headers))
            # The server's greeting can share a TLS record with the handshake's answer. It then waits in a buffer that the
            # library's thread does not look into before more arrives: the answer to this.
            websocket.ping()
        except (WebSocketException, OSError) as error:
            raise Unreachable(f"port-forward to {pod}:{port} failed: {error}") from error
        # From here on the library's thread waits for whichever end has something, however long; the caller has the timeout.
        websocket.settimeout(None)
        forward = _Forward(websocket, [port])
        stream: socket.socket = forward.socket(port)
        stream.settimeout(timeout)
        return stream

    def _path(self, kind: str, name: str | None = None) -> str:
        # Only the disruption budget's path depends on the version, which is read only then.
        version = self.server_version() if kind == "PodDisruptionBudget" else (1, 0)
        return resource_of(kind, version).path(quote(self._namespace, safe=""), name and quote(name, safe=""))

    def _request(self, method: str, path: str, purpose: str, **params: t.Any) -> Applied:
        response = self._send(method, path, purpose, **params)
        return Applied(json.loads(response.data), created=response.status == 201)

    def _send(self, method: str, path: str, purpose: str, **params: t.Any) -> t.Any:
        try:
            return self._client.request(method, path, serialize=False, _request_timeout=_REQUEST_TIMEOUT, **params)
        except ApiException as error:
            if not error.status:
                # The library reports a TLS failure in this way; its reason has two lines.
                failure = ": ".join(str(error.reason).splitlines())
                raise ApiUnavailable(f"cannot {purpose}: {failure}. Check ca_cert, client_cert and validate_certs") from error
            raise refusal_of(error.status, error.body or str(error.reason), purpose, self._namespace) from error
        except (HTTPError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise ApiUnavailable(
                f"cannot {purpose}: no answer from {self._configuration.host} ({reason}). "
                "Check kubeconfig, context and host, and that the cluster is running"
            ) from error


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
