# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster whose volume is small, and then full."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from integration.api.server import Namespace, Object, Server
from integration.cluster.deployment import Deployment, found
from waiting import eventually

MEBIBYTE = 2**20
SIZE = 320 * MEBIBYTE
CLASS = "kubemysql-small"
VOLUMES = "/api/v1/persistentvolumes"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, on the node."""
    note = json.loads(Path(os.environ["KUBEMYSQL_HOME"], "local-cluster.json").read_text(encoding="utf-8"))
    if note["provider"] != "native":
        pytest.skip("the volume is a folder of this machine, which is the node with the provider `native` only")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "small", str(tmp_path)], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture
def small(server: Server, namespace: Namespace, folder: Path) -> Iterator[Deployment]:
    """One instance whose claim has been given that file system."""
    node = server.request("GET", "/api/v1/nodes")["items"][0]["metadata"]["labels"]["kubernetes.io/hostname"]
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    volume: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": namespace.name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            "claimRef": {"namespace": namespace.name, "name": "data-mysql-0"},
        },
    }
    server.request("POST", VOLUMES, volume)
    try:
        made = Deployment(namespace, replicas=1)
        made.deploy(storage_class=CLASS, config={"innodb_redo_log_capacity": "8M"})
        yield made
    finally:
        server.request("DELETE", f"{VOLUMES}/{namespace.name}")


def fill(cluster: Deployment, folder: Path, part: float) -> None:
    """Have so much of it in use, by a file that has nothing to do with the server, and have the pod look at it.

    It looks every half a minute, and at once when it has to open its session anew.
    """
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    used = int(subprocess.run(["du", "-sb", str(folder)], check=True, capture_output=True, text=True).stdout.split()[0])
    subprocess.run(["fallocate", "--length", str(int(SIZE * part) - used), str(ballast)], check=True)
    for session in cluster[0].run("SHOW PROCESSLIST"):
        if session["User"] == "root" and session["Command"] == "Sleep":
            cluster[0].run(f"KILL {session['Id']}")


def codes(cluster: Deployment) -> set[str]:
    return {each["code"] for each in cluster.look()["findings"]}


def test_volume_fills_up(small: Deployment, folder: Path) -> None:
    small.healthy()
    small[0].run("CREATE DATABASE shop", "CREATE TABLE shop.pictures (picture LONGBLOB)")
    fill(small, folder, 0.85)
    eventually("the warning", lambda: "volume_filling" in codes(small))
    assert small.until(set())["state"] == "healthy"
    fill(small, folder, 0.99)
    with pytest.raises(pymysql.Error, match="The table 'pictures' is full"):
        small[0].run(f"INSERT INTO shop.pictures VALUES (REPEAT('x', {8 * MEBIBYTE}))")
    result = small.until({("volume_full", "mysql-0")})
    assert result["state"] == "degraded"
    (part,) = [each["volume_used_ratio"] for each in result["instances"]]
    assert part > 0.95
    fill(small, folder, 0.5)
    small.until(set())
    small.healthy()
    assert found(small.look()) == set()
