# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client keeps the contract that use cases rely on, on a real API server."""

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.client import KubernetesClient, connect
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from contracts.object_store import ObjectStoreContract
from integration.api.server import Namespace, credentials


class RealWorld:
    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self.namespace = namespace.name
        self.store = self._client()
        self.forcing = self._client(force_conflicts=True)
        self.planning = self.store.planning()

    def _client(self, *, force_conflicts: bool = False) -> KubernetesClient:
        auth = KubernetesAuth(**{**dict.fromkeys(KubernetesAuth.__dataclass_fields__), **credentials()})
        return connect(auth, self.namespace, dry_run=False, force_conflicts=force_conflicts)

    def create(self, manifest: Manifest) -> None:
        self._namespace.create(manifest["kind"], manifest["metadata"]["name"], manifest)

    def edit(self, kind: str, name: str, patch: Manifest, manager: str) -> None:
        self._namespace.patch(kind, name, patch, manager=manager)


class TestKubernetesClient(ObjectStoreContract):
    @pytest.fixture
    def world(self, namespace: Namespace) -> RealWorld:
        return RealWorld(namespace)
