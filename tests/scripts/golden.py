# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrapped cluster's volumes, which most tests start from."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.cluster import Cluster
from scripts.pods import Pair, Pod
from waiting import scaled

BOOTSTRAPPED = "2026-01-02T03:04:05Z"
ROWS = 200
SHOP = """
CREATE DATABASE shop;
CREATE TABLE shop.t (a INT PRIMARY KEY, b BLOB);
SET cte_max_recursion_depth = ROWS;
INSERT INTO shop.t
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS) SELECT i, RANDOM_BYTES(1024) FROM n;
CREATE USER app@'%' IDENTIFIED BY 'app';
GRANT ALL ON shop.* TO app@'%';
""".replace("ROWS", str(ROWS))


@dataclass(frozen=True)
class Golden:
    """Volumes of a bootstrapped cluster of two that was stopped in good order, and what its start looked like."""

    cluster: Cluster
    environment_of_first_mysqld: str
    arguments_seen: str

    def restore(self, pod: Pod, donor: str | None = None) -> None:
        """Give the pod a copy of the volume of ``donor``, or of its own namesake."""
        shutil.rmtree(pod.volume)
        source = self.cluster.pods[donor or pod.name].volume
        subprocess.run(["cp", "-a", "--sparse=always", str(source), str(pod.volume)], check=True)


def command_lines(pod: Pod) -> list[Path]:
    return [Path(f"/proc/{container.pid}/cmdline") for container in pod.containers if container.running]


def gtids(pod: Pod) -> str:
    return pod.sql("SELECT REPLACE(@@global.gtid_executed, CHAR(10), '')")


def catch_up(pod: Pod, source: Pod) -> None:
    """Wait until the pod has what its source has."""
    wait = f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtids(source)}', {scaled(20)})"
    assert pod.sql(wait) == "0", f"{pod.name} does not catch up: {pod.readiness}"


def start_pair(cluster: Cluster, golden: Golden) -> Pair:
    """Start the bootstrapped cluster anew: primary and replica, both ready."""
    cluster.write_topology(bootstrapped=BOOTSTRAPPED)
    pods = cluster.pod("mysql-0"), cluster.pod("mysql-1")
    for pod in pods:
        golden.restore(pod)
        pod.start_all()
    for pod in pods:
        pod.wait_ready()
    return pods
