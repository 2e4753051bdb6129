# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how long new replicas take that have to get a gigabyte, and write ``benchmarks/clones.md``. Run it by ``make bench``.

The yardstick is ``tar | ncat`` of the primary's files from one pod to another on the same node, without any server and with
no more than a sync at the end.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

from local import KUBECTL, ROOT, kubectl, namespace, objects, playbook

MEBIBYTES = 1024
MOST = 9
FACTOR, OVERHEAD = 1.3, 5.0
# Another image of the local cluster, with tar and ncat in it.
TOOLS_IMAGE = "docker.io/library/mariadb:10.11"
SQL = ["-c", "mysql", "--", "bash", "-c", "source /kubemysql/scripts/lib-common.sh; LIMIT= local_client"]
FILL = """
CREATE DATABASE shop; CREATE TABLE shop.bulk (id INT AUTO_INCREMENT PRIMARY KEY, filling MEDIUMBLOB);
SET cte_max_recursion_depth = 100000;
INSERT INTO shop.bulk (filling) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
  SELECT CONCAT(RANDOM_BYTES(1000), REPEAT(UUID(), 420)) FROM n;
""".replace("ROWS", str(MEBIBYTES * 64))


def tools_pod(name: str, claim: str) -> str:
    """A pod that mounts a claim and waits."""
    container = {
        "name": "tools",
        "image": TOOLS_IMAGE,
        "command": ["sleep", "3600"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
    spec = {
        "containers": [container],
        "volumes": [volume],
        "securityContext": {"runAsUser": 999, "fsGroup": 999},
        "terminationGracePeriodSeconds": 0,
    }
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def claim(name: str) -> str:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}}
    return json.dumps({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})


def tar_seconds(where: str) -> float:
    """Seconds in which tar and ncat bring the primary's files into another pod, synced."""
    for manifest in (claim("yardstick"), tools_pod("from", "data-mysql-0"), tools_pod("to", "yardstick")):
        kubectl("-n", where, "apply", "-f", "-", stdin=manifest)
    kubectl("-n", where, "wait", "--for=condition=Ready", "pod/from", "pod/to", "--timeout=60s")
    address = objects(where, "pods")["to"]["status"]["podIP"]
    receive = "mkdir /data/copy && ncat --recv-only -l 9999 | tar -xf - -C /data/copy && sync -f /data"
    begin = time.monotonic()
    receiver = subprocess.Popen([*KUBECTL, "-n", where, "exec", "to", "--", "bash", "-c", receive])
    give = f"until tar -cf - -C /data/mysql . | ncat --send-only {address} 9999; do sleep 0.1; done"
    kubectl("-n", where, "exec", "from", "--", "bash", "-c", give)
    if receiver.wait():
        sys.exit("the yardstick's receiver failed")
    seconds = time.monotonic() - begin
    kubectl("-n", where, "delete", "pod/from", "pod/to", "pvc/yardstick")
    return seconds


def donors(where: str) -> dict[str, str]:
    """Who gave its data to whom, as the pods' logs tell."""
    pods = objects(where, "pods")
    names = {pod["status"]["podIP"]: name for name, pod in pods.items()}
    found = {}
    for name in pods:
        given = re.findall(r"cloned from (\S+); ", kubectl("-n", where, "logs", name, "-c", "provision"))
        if given:
            found[name] = names[given[-1]]
    return found


def tree(donor_of: dict[str, str], root: str = "mysql-0", depth: int = 0) -> list[str]:
    children = sorted(name for name, donor in donor_of.items() if donor == root)
    return ["  " * depth + root, *(line for child in children for line in tree(donor_of, child, depth + 1))]


OPTIONS = {"mysql_cluster_storage_size": "3Gi"}


def primary_with_data(where: str) -> None:
    playbook("deploy-mysql.yml", where, 1, **OPTIONS)
    kubectl("-n", where, "exec", "-i", "mysql-0", *SQL, stdin=FILL)


def main() -> None:
    with namespace("bench-clone") as where:
        primary_with_data(where)
        yardstick = [tar_seconds(where) for _round in range(2)]
        print(f"tar | ncat: {yardstick}", flush=True)
        one = playbook("deploy-mysql.yml", where, 2, **OPTIONS)
    with namespace("bench-clones") as where:
        primary_with_data(where)
        many = playbook("deploy-mysql.yml", where, MOST, **OPTIONS)
        formed = "\n".join(tree(donors(where)))
    floor = min(yardstick)
    (ROOT / "benchmarks" / "clones.md").write_text(f"""\
# New replicas of a gigabyte

Written by `make bench`; do not edit. MySQL 9.7, clone plugin, {MEBIBYTES} MiB of rows on the primary, all pods on one node
of two cores. Seconds are wall time of the whole deploying playbook, verification with a canary included.

| what | seconds | ratio to `tar \\| ncat` |
| --- | --- | --- |
| `tar \\| ncat` of the same files between two pods, synced | {floor:.1f} | 1.0 |
| one more replica, 1 to 2 instances | {one:.1f} | {one / floor:.1f} |
| {MOST - 1} at once, 1 to {MOST} instances | {many:.1f} | {many / floor:.1f} |

One more replica may take {FACTOR} times the first row and {OVERHEAD:g} s: {FACTOR * floor + OVERHEAD:.1f} s.
A chain, as the Kubernetes tutorial's, would take {MOST - 1} times the second row: {(MOST - 1) * one:.0f} s, \
{(MOST - 1) * one / many:.1f} times the third.

Who gave its data to whom:

```text
{formed}
```
""")
    print((ROOT / "benchmarks" / "clones.md").read_text())


if __name__ == "__main__":
    main()
