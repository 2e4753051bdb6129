# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node is lost, of a replica or of the primary: found in a bounded time, and over when the node is back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from integration.cluster.deployment import Found, found
from integration.nodes.deployment import NodesDeployment
from nodes import Node, Nodes

FAULTS = [Node.frozen, Node.cut_off, Node.stopped]
# On the primary's node.
LOST = ("mysql-0", "mysql-2")
Fault = Callable[[Node], AbstractContextManager[None]]


def each(code: str, *instances: str) -> Found:
    return {(code, instance) for instance in instances}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_node_of_a_replica(cluster: NodesDeployment, nodes: Nodes, fault: Fault) -> None:
    """The primary serves on, and so does the other replica."""
    node = nodes[cluster.node_of("mysql-1")]
    lost = each("instance_unreachable", "mysql-1") | each("pod_not_ready", "mysql-1")
    with cluster.writer() as writer:
        with fault(node):
            # Kubernetes does not know yet; on a slow machine it may.
            early = cluster.refused()
            assert each("instance_unreachable", "mysql-1") <= found(early) <= lost, early["summary"]
            node.becomes_not_ready()
            writer.wait_for_more(20)
            result = cluster.report(lost, state="degraded")
            assert result["endpoints"] == {"primary": ["mysql-0"], "read": ["mysql-0", "mysql-2"]}
        writer.wait_for_more(20)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_node_of_the_primary(cluster: NodesDeployment, nodes: Nodes, fault: Fault) -> None:
    """Nobody takes its place. The replica on another node receives nothing and leaves the read Service."""
    node = nodes[cluster.node_of("mysql-0")]
    with cluster.writer() as writer:
        writer.wait_for_more(20)
        with fault(node):
            early = cluster.refused()
            assert early["state"] == "failed"
            assert each("instance_unreachable", *LOST) <= found(early), early["summary"]
            node.becomes_not_ready()
            blind = each("gtid_unknown", "mysql-1") | each("receiver_connecting", "mysql-1") | each("pod_not_ready", "mysql-1")
            lost = each("instance_unreachable", *LOST) | each("pod_not_ready", *LOST)
            result = cluster.report(lost | blind, state="failed")
            assert result["endpoints"] == {"primary": [], "read": []}
        writer.wait_for_more(20)


def test_a_node_that_is_lost_for_long(cluster: NodesDeployment, nodes: Nodes) -> None:
    """The pods are deleted, and the deletion waits for the node; so do their successors, whose volumes are there.

    Kubernetes deletes the pods of a lost node after five minutes, and 1.20.2 often never (kubernetes/kubernetes#96876), so the
    test deletes them itself.
    """
    node = nodes[cluster.node_of("mysql-0")]
    with cluster.writer() as writer:
        with node.frozen():
            node.becomes_not_ready()
            for name in LOST:
                cluster.namespace.delete("Pod", name)
            result = cluster.refused()
            assert result["state"] == "failed"
            assert each("instance_unreachable", *LOST) | each("pod_not_ready", *LOST) <= found(result), result["summary"]
            assert all("deletionTimestamp" in cluster.namespace.live("Pod", name)["metadata"] for name in LOST)
        writer.wait_for_more(20)
