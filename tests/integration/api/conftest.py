# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A namespace of its own for each test, on the cluster that K8S_AUTH_KUBECONFIG names."""

from __future__ import annotations

import functools
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from integration.api.module import Result, run_module
from integration.api.server import Namespace, Server, credentials
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

# No such class: the claims are never bound, so no pod is ever started, and there is nothing that moves.
DORMANT = {"wait": False, "storage_class": "there-is-none"}


@pytest.fixture(scope="session")
def server() -> Server:
    kubeconfig, context = credentials().values()
    if not kubeconfig:
        pytest.skip("K8S_AUTH_KUBECONFIG names no cluster; `make integration` starts one and sets it")
    try:
        return Server(kubeconfig, context)
    except (ConfigException, HTTPError, OSError) as error:
        pytest.skip(f"no cluster answers at {kubeconfig}: {error}; `make cluster` starts one")


def provide_mariadb() -> None:
    """The local cluster has no image of MariaDB unless somebody asks for it."""
    playbook = Path(__file__).resolve().parents[3] / "molecule" / "shared" / "image-mariadb.yml"
    subprocess.run(["ansible-playbook", str(playbook)], check=True, stdout=subprocess.PIPE)


@contextmanager
def namespace_of(server: Server, prefix: str) -> Iterator[Namespace]:
    """A namespace whose name begins with ``prefix``, gone with all that is in it."""
    name = f"{prefix}-{uuid.uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    server.request("POST", "/api/v1/namespaces", body)
    try:
        yield Namespace(server, name)
    finally:
        # It goes in the background.
        server.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def namespace(server: Server) -> Iterator[Namespace]:
    with namespace_of(server, "kubemysql-api") as made:
        yield made


@pytest.fixture
def present(namespace: Namespace) -> Callable[..., Result]:
    """``state: present`` for a cluster whose pods never start."""
    return functools.partial(run_module, namespace=namespace.name, **DORMANT)


@pytest.fixture
def absent(namespace: Namespace) -> Callable[..., Result]:
    return functools.partial(run_module, namespace=namespace.name, state="absent")
