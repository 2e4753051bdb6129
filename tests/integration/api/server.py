# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API server as somebody else sees it: nothing here goes through the code under test."""

from __future__ import annotations

import json
import os
import time
import typing as t
from collections.abc import Mapping
from pathlib import Path

from kubernetes.client import ApiClient, Configuration
from kubernetes.client.rest import ApiException
from kubernetes.config import load_kube_config
from kubernetes.dynamic import DynamicClient
from waiting import eventually, scaled

__all__ = ["Namespace", "Object", "Server", "credentials", "kubectl"]

Object = dict[str, t.Any]

_PATIENCE = scaled(30.0)
# For so long nothing moves: the controllers have done what there was to do.
_QUIET = scaled(0.4)


class _NoDiscovery:
    def __init__(self, client: object, cache_file: object) -> None:
        del client, cache_file


def credentials() -> dict[str, str | None]:
    """The cluster that is tested with, as options of the module."""
    return {"kubeconfig": os.environ.get("K8S_AUTH_KUBECONFIG"), "context": os.environ.get("K8S_AUTH_CONTEXT")}


def kubectl() -> list[str]:
    """The local cluster's own, pointed at the cluster that is tested with."""
    return [str(Path(os.environ["KUBEMYSQL_HOME"], "kubectl")), f"--kubeconfig={credentials()['kubeconfig']}"]


class Server:
    """Requests with all rights."""

    def __init__(self, kubeconfig: str, context: str | None) -> None:
        self.configuration = Configuration()
        load_kube_config(kubeconfig, context, client_configuration=self.configuration, persist_config=False)
        self.configuration.retries = False
        self._client = DynamicClient(ApiClient(self.configuration), discoverer=_NoDiscovery)
        version = self.request("GET", "/version")
        self.version = int(version["major"]), int("".join(filter(str.isdigit, version["minor"])))

    def request(self, method: str, path: str, body: object = None, **params: t.Any) -> Object:
        response = self._client.request(method, path, body=body, serialize=False, _request_timeout=scaled(10.0), **params)
        answer: Object = json.loads(response.data)
        return answer


class Namespace:
    """One namespace and the objects in it. ``kind`` may be any kind of ``paths``."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        budgets = "policy/v1" if server.version >= (1, 21) else "policy/v1beta1"
        self.paths = {
            "ConfigMap": "/api/v1|configmaps",
            "ControllerRevision": "/apis/apps/v1|controllerrevisions",
            "Endpoints": "/api/v1|endpoints",
            "Event": "/api/v1|events",
            "NetworkPolicy": "/apis/networking.k8s.io/v1|networkpolicies",
            "PersistentVolumeClaim": "/api/v1|persistentvolumeclaims",
            "Pod": "/api/v1|pods",
            "PodDisruptionBudget": f"/apis/{budgets}|poddisruptionbudgets",
            "ResourceQuota": "/api/v1|resourcequotas",
            "Role": "/apis/rbac.authorization.k8s.io/v1|roles",
            "RoleBinding": "/apis/rbac.authorization.k8s.io/v1|rolebindings",
            "Secret": "/api/v1|secrets",
            "Service": "/api/v1|services",
            "ServiceAccount": "/api/v1|serviceaccounts",
            "StatefulSet": "/apis/apps/v1|statefulsets",
        }

    def path(self, kind: str, name: str = "") -> str:
        group, _bar, plural = self.paths[kind].partition("|")
        return f"{group}/namespaces/{self.name}/{plural}" + (f"/{name}" if name else "")

    def create(self, kind: str, name: str, body: Mapping[str, t.Any]) -> Object:
        group = self.paths[kind].partition("|")[0]
        metadata = {"name": name, **body.get("metadata", {})}
        manifest = {"apiVersion": group.partition("/")[2].partition("/")[2], "kind": kind, **body, "metadata": metadata}
        return self.server.request("POST", self.path(kind), manifest)

    def get(self, kind: str, name: str) -> Object | None:
        try:
            return self.server.request("GET", self.path(kind, name))
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    def live(self, kind: str, name: str) -> Object:
        found = self.get(kind, name)
        assert found is not None, f"no {kind} {name}"
        return found

    def list(self, kind: str) -> list[Object]:
        items: list[Object] = self.server.request("GET", self.path(kind))["items"]
        return items

    def names(self, kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.list(kind)}

    def patch(self, kind: str, name: str, body: Mapping[str, t.Any], *, manager: str = "kubectl-edit") -> Object:
        """A strategic merge patch, as ``kubectl edit`` and ``kubectl patch`` send it."""
        content_type = "application/strategic-merge-patch+json"
        return self.server.request("PATCH", self.path(kind, name), body, content_type=content_type, field_manager=manager)

    def delete(self, kind: str, name: str) -> None:
        self.server.request("DELETE", self.path(kind, name), {"propagationPolicy": "Background"})

    def dump(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(kind, name) -> (uid, resourceVersion) of everything there is. Events are talk about objects, not objects."""
        kinds = [kind for kind in self.paths if kind != "Event"]
        found = {(kind, item["metadata"]["name"]): item["metadata"] for kind in kinds for item in self.list(kind)}
        return {key: (metadata["uid"], metadata["resourceVersion"]) for key, metadata in found.items()}

    def settled(self) -> dict[tuple[str, str], tuple[str, str]]:
        """The dump when the controllers have answered the last change and nothing moves any more."""
        eventually("the controllers to do their work", self._answered)
        deadline = time.monotonic() + _PATIENCE
        seen, since = self.dump(), time.monotonic()
        while time.monotonic() - since < _QUIET:
            assert time.monotonic() < deadline, "the controllers do not come to rest"
            time.sleep(0.05)
            now = self.dump()
            if now != seen:
                seen, since = now, time.monotonic()
        return seen

    def _answered(self) -> bool:
        sets, pods = self.list("StatefulSet"), self.list("Pod")
        wanted = {f"{each['metadata']['name']}-{n}" for each in sets for n in range(each["spec"]["replicas"])}
        conditions = [{each["type"] for each in pod.get("status", {}).get("conditions", [])} for pod in pods]
        budgets = self.list("PodDisruptionBudget")
        accounts = self.list("ServiceAccount")
        # Up to 1.23 each account gets a token.
        tokens = self.server.version >= (1, 24) or all(account.get("secrets") for account in accounts)
        return (
            {pod["metadata"]["name"] for pod in pods} == wanted
            and all("PodScheduled" in each for each in conditions)
            and all(each.get("status", {}).get("observedGeneration") == each["metadata"]["generation"] for each in sets)
            and all(each.get("status", {}).get("observedGeneration") == each["metadata"]["generation"] for each in budgets)
            and self.names("Service") == self.names("Endpoints")
            and "default" in {account["metadata"]["name"] for account in accounts}
            and tokens
        )
