# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The URLs of the kinds that the collection uses. A fixed list needs no discovery requests."""

from __future__ import annotations

import typing as t

__all__ = ["Resource", "resource_of"]


class Resource(t.NamedTuple):
    """A kind's API version and the plural that stands in its URL."""

    api_version: str
    plural: str

    def path(self, namespace: str, name: str | None = None) -> str:
        """The URL path of the collection, or of the object called ``name``."""
        prefix = "apis" if "/" in self.api_version else "api"
        path = f"/{prefix}/{self.api_version}/namespaces/{namespace}/{self.plural}"
        return f"{path}/{name}" if name else path


_RESOURCES = {
    "ConfigMap": Resource("v1", "configmaps"),
    "Endpoints": Resource("v1", "endpoints"),
    "Event": Resource("v1", "events"),
    "NetworkPolicy": Resource("networking.k8s.io/v1", "networkpolicies"),
    "PersistentVolumeClaim": Resource("v1", "persistentvolumeclaims"),
    "Pod": Resource("v1", "pods"),
    "PodDisruptionBudget": Resource("policy/v1", "poddisruptionbudgets"),
    "Secret": Resource("v1", "secrets"),
    "Service": Resource("v1", "services"),
    "ServiceAccount": Resource("v1", "serviceaccounts"),
    "StatefulSet": Resource("apps/v1", "statefulsets"),
}


def resource_of(kind: str, kubernetes: tuple[int, int]) -> Resource:
    """The resource of ``kind`` on an API server of version ``kubernetes``."""
    if kind == "PodDisruptionBudget" and kubernetes < (1, 21):
        return Resource("policy/v1beta1", "poddisruptionbudgets")
    return _RESOURCES[kind]
