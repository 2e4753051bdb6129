# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster for all tests here, which each of them breaks and mends."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.api.conftest import namespace_of, server
from integration.api.server import Namespace, Server
from integration.cluster.deployment import Deployment, labelled_node
from waiting import scaled

__all__ = ["server"]

# Seconds after which a replica leaves the read Service, and after which it lags for the modules.
REFERENCE_LAG = 5
MAX_LAG = scaled(REFERENCE_LAG)
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"


@pytest.fixture(scope="session")
def node(server: Server) -> None:
    """The tests stop processes of pods and enter their network: they must run on the only node."""
    nodes = server.request("GET", "/api/v1/nodes")["items"]
    kubelets = [path for path in Path("/proc").glob("[0-9]*/comm") if path.read_text().strip() == "kubelet"]
    if os.geteuid() != 0 or len(nodes) != 1 or len(kubelets) != 1:
        pytest.skip("pods can be broken on their node only: needs root on the local cluster of the provider `native`")


@pytest.fixture(scope="session")
def growing_class(server: Server) -> Iterator[str]:
    """A storage class as the default one, whose claims may ask for more. Nobody here gives it to them."""
    classes = server.request("GET", CLASSES)["items"]
    default = "storageclass.kubernetes.io/is-default-class"
    (body,) = [each for each in classes if (each["metadata"].get("annotations") or {}).get(default) == "true"]
    name = f"kubemysql-growing-{uuid.uuid4().hex[:8]}"
    new = {**body, "metadata": {"name": name}, "allowVolumeExpansion": True}
    server.request("POST", CLASSES, {**new, "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"})
    try:
        yield name
    finally:
        server.request("DELETE", f"{CLASSES}/{name}")


@pytest.fixture(scope="session")
def deployment(server: Server, node: None, growing_class: str) -> Iterator[Deployment]:  # noqa: ARG001
    with labelled_node(server) as label, namespace_of(server, "kubemysql-broken") as namespace:
        made = Deployment(namespace, options={"max_lag": MAX_LAG}, node_selector=label)
        made.deploy(max_lag=MAX_LAG, storage_class=growing_class)
        made[0].run("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(200))")
        made[0].run("INSERT INTO shop.orders VALUES (1, 'the first')")
        yield made


@pytest.fixture
def cluster(deployment: Deployment) -> Iterator[Deployment]:
    """Healthy before and healthy after; no container has restarted but by the test's own doing."""
    deployment.healthy()
    before = deployment.restarts()
    yield deployment
    deployment.healthy()
    after = deployment.restarts()
    changed = {key for key, count in after.items() if count != before.get(key, 0)}
    assert changed <= deployment.restarted, f"restarted: {changed - deployment.restarted}"


@pytest.fixture
def namespace(server: Server, node: None) -> Iterator[Namespace]:  # noqa: ARG001
    with namespace_of(server, "kubemysql-broken") as made:
        yield made
