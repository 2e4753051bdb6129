# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each kind lives, for every kind that is rendered or looked at."""

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.kinds import resource_of
from ansible_collections.kubemysql.replication.plugins.module_utils.manifests.bundle import render
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from ansible_collections.kubemysql.replication.plugins.module_utils.state.live_objects import KINDS
from params import cluster_spec


@pytest.mark.parametrize("version", [(1, 20), (1, 21), (1, 25), (1, 37)])
def test_manifests_are_of_the_version_that_they_are_sent_to(version: tuple[int, int]) -> None:
    bundle = render(cluster_spec(), Topology("mysql-0"), kubernetes=version, passwords={})
    assert {manifest["kind"] for manifest in bundle} == set(KINDS)
    for manifest in bundle:
        assert resource_of(manifest["kind"], version).api_version == manifest["apiVersion"]


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("Pod", None, "/api/v1/namespaces/shop/pods"),
        ("Pod", "mysql-0", "/api/v1/namespaces/shop/pods/mysql-0"),
        ("StatefulSet", "mysql", "/apis/apps/v1/namespaces/shop/statefulsets/mysql"),
        ("NetworkPolicy", None, "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"),
    ],
)
def test_paths(kind: str, name: str | None, path: str) -> None:
    assert resource_of(kind, (1, 30)).path("shop", name) == path


@pytest.mark.parametrize(("minor", "group"), [(20, "policy/v1beta1"), (21, "policy/v1"), (37, "policy/v1")])
def test_the_budget_moved(minor: int, group: str) -> None:
    assert resource_of("PodDisruptionBudget", (1, minor)).path("shop").startswith(f"/apis/{group}/namespaces/shop/")
