# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster for all tests here: the primary and a replica on one node, the other replica alone on another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.api.conftest import namespace_of, server
from integration.api.server import Server
from integration.nodes.deployment import NodesDeployment
from nodes import Nodes

__all__ = ["server"]


@pytest.fixture(scope="session")
def nodes(server: Server) -> Nodes:
    found = Nodes(server, Path(os.environ["KUBEMYSQL_HOME"]))
    if len(found) < 2:
        pytest.skip("needs the provider kind with two nodes that take pods; `make test-kind` starts it")
    return found


@pytest.fixture(scope="session")
def deployment(server: Server, nodes: Nodes) -> Iterator[NodesDeployment]:
    with namespace_of(server, "kubemysql-nodes") as namespace:
        made = NodesDeployment(namespace, replicas=2)
        made.deploy()
        with nodes[made.node_of("mysql-1")].cordoned():
            made.replicas = 3
            made.deploy()
        assert made.on(made.node_of("mysql-0")) == {"mysql-0", "mysql-2"}
        made.application.prepare()
        yield made


@pytest.fixture
def cluster(deployment: NodesDeployment, nodes: Nodes) -> Iterator[NodesDeployment]:
    """Healthy before and, without a hand, after; and no row that was acknowledged is lost."""
    deployment.healthy()
    yield deployment
    nodes.restored()
    deployment.healthy()
    deployment.nothing_lost()
