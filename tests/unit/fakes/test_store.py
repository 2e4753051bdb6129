# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake that use cases are tested with does what a server does."""

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from contracts.object_store import ObjectStoreContract
from unit.fakes.store import FakeObjectStore


class FakeWorld:
    namespace = "default"

    def __init__(self) -> None:
        self.store = FakeObjectStore()
        self.forcing = self.store.forcing()
        self.planning = self.store.planning()

    def create(self, manifest: Manifest) -> None:
        self.store.put(manifest)

    def edit(self, kind: str, name: str, patch: Manifest, manager: str) -> None:
        self.store.edit(kind, name, patch, manager)


class TestFakeObjectStore(ObjectStoreContract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()
