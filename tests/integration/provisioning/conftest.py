# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A primary with enough data that cloning it takes some seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaos import share
from integration.api.conftest import namespace_of, provide_mariadb, server
from integration.api.server import Server
from integration.provisioning.deployment import MARIADB, MYSQL, ProvisionedCluster

__all__ = ["server"]

MEBIBYTES = share(200, full=500)
RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}}


@pytest.fixture(scope="module", params=[MYSQL, MARIADB], ids=["clone plugin", "backup stream"])
def deployment(server: Server, request: pytest.FixtureRequest) -> Iterator[ProvisionedCluster]:
    if request.param is MARIADB:
        provide_mariadb()
    with namespace_of(server, "kubemysql-provisioning") as namespace:
        made = ProvisionedCluster(namespace, request.param)
        result = made.deploy(1, storage_size="3Gi", resources=RESOURCES)
        assert not result.get("failed"), result["msg"]
        made.fill(MEBIBYTES)
        yield made
