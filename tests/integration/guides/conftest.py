# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reader with a cluster, and without anything in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.api.conftest import server
from integration.api.server import Server, credentials
from integration.guides.reader import Reader

__all__ = ["server"]

# The namespace in all guides.
NAMESPACE = "shop"


@pytest.fixture
def reader(server: Server, tmp_path: Path) -> Iterator[Reader]:
    """kubectl stands where the local cluster leaves it, or on PATH."""
    kubeconfig = credentials()["kubeconfig"] or ""
    path = f"{os.environ.get('KUBEMYSQL_HOME', '')}:{os.environ['PATH']}"
    environment = {"KUBECONFIG": kubeconfig, "PATH": path, "HOME": str(tmp_path)}
    made = Reader(tmp_path, environment, {'"1.30"': '"{}.{}"'.format(*server.version)})
    yield made
    # A namespace takes a minute longer than pods that end slowly.
    for command in (
        f"kubectl -n {NAMESPACE} delete statefulset --all --cascade=orphan",
        f"kubectl -n {NAMESPACE} delete pod --all --grace-period=1",
        f"kubectl delete namespace {NAMESPACE} --ignore-not-found",
    ):
        made.give(command)
