# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods of an older collection are replaced by those of this one, replica first, while an application writes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector
from integration.writer import Writer
from older import unpack_older
from scripts import golden, mariadb
from scripts.cluster import Cluster
from scripts.conftest import MakeCluster
from scripts.flavours import MARIADB, MYSQL, Flavour
from scripts.pods import Pod
from waiting import eventually, scaled

PACKAGE = "ansible_collections.kubemysql.replication.plugins.module_utils"
RENDER = f"""
import json, sys
from {PACKAGE}.manifests.bundle import NEWEST_KUBERNETES, render
from {PACKAGE}.spec import Topology
from params import cluster_spec
spec = cluster_spec(**json.loads(sys.argv[1]))
print(json.dumps(render(spec, Topology("mysql-0"), kubernetes=NEWEST_KUBERNETES)))
"""
ACCOUNTS = "SELECT CONCAT(user, '@', host) FROM mysql.user WHERE user = 'kubemysql_admin' ORDER BY 1"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_older(tmp_path_factory.mktemp("older"))


def rendered_by(collection: Path, flavour: Flavour) -> list[dict[str, Any]]:
    image = f"{flavour.name}:{flavour.version}"
    options = {"name": "mysql", "namespace": "default", "image": image, "config": dict(flavour.config), "max_lag": scaled(30)}
    path = f"{collection.parents[2]}:{collection / 'tests'}"
    argv = [sys.executable, "-c", RENDER, json.dumps(options)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    bundle: list[dict[str, Any]] = json.loads(done.stdout)
    return bundle


@contextmanager
def deployed_by(cluster: Cluster, bundle: list[dict[str, Any]]) -> Iterator[None]:
    """The cluster's pods are those of an older collection; in the end, successors are those of this one."""
    maps = {each["metadata"]["name"]: each["data"] for each in bundle if each["kind"] == "ConfigMap"}
    template, config = cluster.template, cluster.config
    files = {volume: cluster.base / volume for volume in ("config", "scripts")}
    for volume, name in (("config", "mysql"), ("scripts", "mysql-scripts")):
        shutil.copytree(files[volume], cluster.base / f"newer-{volume}")
        cluster.write(volume, maps[name])
    for script in files["scripts"].iterdir():
        script.chmod(0o555)
    cluster.template, cluster.config = bundle[-1]["spec"]["template"]["spec"], maps["mysql"]
    yield
    # Scripts that run keep theirs: a ConfigMap's files are replaced, not written.
    for volume, folder in files.items():
        for file in (cluster.base / f"newer-{volume}").iterdir():
            (folder / file.name).unlink(missing_ok=True)
            shutil.copy2(file, folder / file.name)
    cluster.template, cluster.config = template, config


def application(pod: Pod) -> PyMySqlConnector:
    """Logs in over the pod's socket, since the pod's network is another."""

    def dial(_instance: str, timeout: float) -> socket.socket:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(timeout)
        try:
            stream.connect(str(pod.base / "run/mysqld.sock"))
        except OSError as error:
            stream.close()
            raise Unreachable(str(error)) from error
        return stream

    return PyMySqlConnector(dial, "app", "", tls=False)


def replace(pod: Pod) -> None:
    pod.restart_all()
    pod.wait_ready()


@pytest.mark.parametrize(("flavour", "catch_up"), [(MYSQL, golden.catch_up), (MARIADB, mariadb.catch_up)])
def test_upgrade_under_a_writer(
    make_cluster: MakeCluster, older: Path, flavour: Flavour, catch_up: Callable[[Pod, Pod], None]
) -> None:
    cluster = make_cluster(flavour)
    with deployed_by(cluster, rendered_by(older, flavour)):
        primary, replica = cluster.pod("mysql-0"), cluster.pod("mysql-1")
        for pod in (primary, replica):
            pod.start_all()
            # It does not acknowledge yet.
            eventually(f"{pod.name} to be ready", pod.ready)
    primary.sql("CREATE DATABASE shop; CREATE TABLE shop.written (id INT PRIMARY KEY, text VARCHAR(200))")
    primary.sql("CREATE USER app@'%'; GRANT ALL ON shop.* TO app@'%'")
    cluster.write_topology(bootstrapped=golden.BOOTSTRAPPED)
    assert primary.sql(ACCOUNTS) == "kubemysql_admin@%"
    with Writer(partial(application(primary).connect, primary.name, scaled(5.0))) as writer:
        writer.wait_for_more(50)
        replace(replica)
        assert replica.sql(ACCOUNTS) == "kubemysql_admin@%"
        writer.wait_for_more(50)
        replace(primary)
        writer.wait_for_more(50)
    replica.wait_ready()
    catch_up(replica, primary)
    for pod in (primary, replica):
        rows = {int(row) for row in pod.sql("SELECT id FROM shop.written").split()}
        assert rows >= set(writer.acknowledged), pod.name
        assert pod.sql(ACCOUNTS).split() == ["kubemysql_admin@127.0.0.1", "kubemysql_admin@::1"]
        assert pod.sql("SELECT MAX(version) FROM kubemysql.accounts") == "2"
