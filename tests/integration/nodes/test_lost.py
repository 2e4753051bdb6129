# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node is lost, of a replica or of the primary: found in a bounded time, and over when the node is back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from integration.cluster.deployment import Found
from integration.nodes.deployment import Deployment
from nodes import Node, Nodes
from waiting import eventually

FAULTS = [Node.frozen, Node.cut_off, Node.stopped]
Fault = Callable[[Node], AbstractContextManager[None]]


def each(code: str, *instances: str) -> Found:
    return {(code, instance) for instance in instances}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_node_of_a_replica(cluster: Deployment, nodes: Nodes, fault: Fault) -> None:
    """The primary serves on, and so does the other replica."""
    node = nodes[cluster.node_of("mysql-1")]
    silent = each("instance_unreachable", "mysql-1")
    with cluster.writer() as writer:
        with fault(node):
            cluster.report(silent, state="degraded")
            node.becomes_not_ready()
            writer.wait_for_more(20)
            result = cluster.report(silent | each("pod_not_ready", "mysql-1"), state="degraded")
            assert result["routes"] == {"primary": ["mysql-0"], "read": ["mysql-0", "mysql-2"]}
        writer.wait_for_more(20)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_node_of_the_primary(cluster: Deployment, nodes: Nodes, fault: Fault) -> None:
    """Nobody takes its place. On the same node is a replica."""
    node = nodes[cluster.node_of("mysql-0")]
    with cluster.writer() as writer:
        writer.wait_for_more(20)
        with fault(node):
            node.becomes_not_ready()
            expected = each("instance_unreachable", "mysql-0", "mysql-2") | each("pod_not_ready", "mysql-0", "mysql-2")
            result = cluster.report(expected | each("gtid_unknown", "mysql-1"), state="failed")
            assert result["routes"] == {"primary": [], "read": ["mysql-1"]}
        writer.wait_for_more(20)


def test_a_node_that_is_lost_for_long(cluster: Deployment, nodes: Nodes) -> None:
    """Kubernetes deletes the pods, and the deletion waits for the node; so do their successors, whose volumes are there."""
    node = nodes[cluster.node_of("mysql-0")]
    before = {name: cluster.application.pod(name) for name in cluster.on(node.name)}
    with cluster.writer() as writer:
        with node.frozen():
            eventually(
                "the pods to be given up",
                lambda: all("deletionTimestamp" in cluster.namespace.live("Pod", name)["metadata"] for name in before),
                patience=180,
            )
            result = cluster.verify(wait_timeout=1)
            assert result["state"] == "failed"
        writer.wait_for_more(20)
