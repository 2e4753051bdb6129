# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports of ``port.py`` over the real API."""

from __future__ import annotations

import json
import socket
import typing as t
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ..constants import FIELD_MANAGER
from ..errors import ApiError, StaleVersion
from .auth import KubernetesAuth
from .connection import ApiServer, open_port
from .kinds import resource_of
from .manifest import Manifest
from .ownership import applied_part, merged, ownership_patch, replacement
from .port import Applied, Event

__all__ = ["KubernetesClient", "connect"]


def connect(auth: KubernetesAuth, namespace: str, *, dry_run: bool, force_conflicts: bool = False) -> KubernetesClient:
    """Read the credentials and return a client for ``namespace``. With ``dry_run`` the server changes nothing."""
    return KubernetesClient(ApiServer(auth), namespace, dry_run=dry_run, force_conflicts=force_conflicts)


class KubernetesClient:
    """``ObjectStore``, ``Diagnostics`` and ``PodTunnel`` of one namespace."""

    def __init__(self, server: ApiServer, namespace: str, *, dry_run: bool, force_conflicts: bool) -> None:
        self._server = server
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

    def amend(self, kind: str, name: str, patch: Manifest) -> Applied:
        live = self.get(kind, name)
        if live is None:
            raise ApiError(f"cannot amend {kind} {name}: there is none in the namespace {self._namespace}", 404)
        return self._apply(merged(applied_part(live), patch), force=self._force_conflicts)

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
        return open_port(self._server.configuration, self._path("Pod", pod), port, timeout)

    def _path(self, kind: str, name: str | None = None) -> str:
        # Only the disruption budget's path depends on the version, which is read only then.
        version = self.server_version() if kind == "PodDisruptionBudget" else (1, 0)
        return resource_of(kind, version).path(quote(self._namespace, safe=""), name and quote(name, safe=""))

    def _request(self, method: str, path: str, purpose: str, **params: t.Any) -> Applied:
        response = self._send(method, path, purpose, **params)
        return Applied(json.loads(response.data), created=response.status == 201)

    def _send(self, method: str, path: str, purpose: str, **params: t.Any) -> t.Any:
        return self._server.send(method, path, purpose, self._namespace, **params)
