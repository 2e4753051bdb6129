# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node is drained whose volumes lie on it: an instance that is evicted waits for the node."""

from __future__ import annotations

from integration.cluster.deployment import message
from integration.nodes.deployment import NodesDeployment
from nodes import Nodes
from waiting import eventually


def pending(cluster: NodesDeployment, *instances: str) -> list[str]:
    return [name for name in instances if cluster.namespace.live("Pod", name)["status"]["phase"] == "Pending"]


def test_node_of_one_replica(cluster: NodesDeployment, nodes: Nodes) -> None:
    """The drain ends. The replica cannot start elsewhere."""
    node = nodes[cluster.node_of("mysql-1")]
    with cluster.writer() as writer, node.drained(60) as drain:
        assert drain.complete, drain.printed
        result = cluster.report({("instance_unreachable", "mysql-1"), ("pod_not_ready", "mysql-1")}, state="degraded")
        assert "Unschedulable" in message(result, "pod_not_ready", "mysql-1")
        writer.wait_for_more(20)


def test_node_of_two_instances(cluster: NodesDeployment, nodes: Nodes) -> None:
    """The drain never ends: whichever is evicted first waits for the node, and meanwhile the budget keeps the other."""
    node = nodes[cluster.node_of("mysql-0")]
    with node.drained(30) as drain:
        assert not drain.complete, drain.printed
        assert "disruption budget" in drain.printed
        (evicted,) = eventually("one of them to be pending", lambda: pending(cluster, "mysql-0", "mysql-2"))
        result = cluster.look()
        assert "Unschedulable" in message(result, "pod_not_ready", evicted)
