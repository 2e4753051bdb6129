# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The primary gone, or silent, or everything gone: found, told apart, and over when the reason is."""

from __future__ import annotations

import pytest
from integration.cluster.deployment import Deployment, found
from waiting import scaled

REPLICAS = ("mysql-1", "mysql-2")


def test_primary_pod_gone(cluster: Deployment) -> None:
    with cluster.without_nodes():
        cluster.delete_pods(cluster[0])
        lost = {("pod_not_ready", "mysql-0"), ("instance_unreachable", "mysql-0")}
        blind = {(code, name) for code in ("gtid_unknown", "receiver_connecting", "pod_not_ready") for name in REPLICAS}
        result = cluster.until(lost | blind)
        assert result["state"] == "failed"
        assert result["endpoints"] == {"primary": [], "read": []}
        (reason,) = [
            each["message"] for each in result["findings"] if (each["code"], each["instance"]) == ("pod_not_ready", "mysql-0")
        ]
        assert "Unschedulable" in reason
        nobody = cluster.look(canary=True)
        assert ("canary_unknown", None) in found(nobody)
        assert nobody["canary"]["attempted"] is False


@pytest.mark.alone
def test_primary_stopped(cluster: Deployment) -> None:
    """It answers TCP and no SQL: one timeout, and its Service leads nowhere soon."""
    with cluster[0].server().frozen():
        timeout = scaled(1)
        result = cluster.look(connect_timeout=timeout)
        assert found(result) >= {("instance_unreachable", "mysql-0"), *(("gtid_unknown", name) for name in REPLICAS)}
        assert result["duration"] < 2 * timeout
        silent = {("instance_unreachable", "mysql-0"), ("pod_not_ready", "mysql-0")}
        result = cluster.until(silent | {("gtid_unknown", name) for name in REPLICAS}, connect_timeout=timeout)
        assert result["state"] == "failed"
        assert result["endpoints"] == {"primary": [], "read": list(REPLICAS)}


def test_all_pods_down(cluster: Deployment) -> None:
    with cluster.without_nodes():
        cluster.delete_pods(*cluster.instances)
        down = {(code, each.name) for code in ("pod_not_ready", "instance_unreachable") for each in cluster.instances}
        result = cluster.until(down)
        assert result["state"] == "lost"
        assert cluster.info()["state"] == "lost"
