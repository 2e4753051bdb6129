# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of an older collection is deployed by this one while an application writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from integration.api.conftest import provide_mariadb
from integration.api.module import run_module
from integration.api.server import Namespace
from integration.cluster.deployment import RESOURCES, Deployment, found
from integration.cluster.instance import Instance
from integration.cluster.test_adoption import application
from integration.writer import Writer
from older import unpack_older
from waiting import eventually, scaled

ACCOUNTS = "SELECT CONCAT(user, '@', host) AS name FROM mysql.user WHERE user = 'kubemysql_admin' ORDER BY 1"
# All new instances of a cluster of three, in the order of a rolling update.
RESTARTS = ["mysql-2", "mysql-1", "mysql-0"]


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Ansible finds the older collection."""
    folder = tmp_path_factory.mktemp("older")
    unpack_older(folder)
    return folder


def deploy_by(collections: Path, options: dict[str, object]) -> None:
    interpreter = f"ansible_python_interpreter={sys.executable}"
    argv = ["ansible", "localhost", "-e", interpreter, "-m", "kubemysql.replication.mysql_cluster", "-a", json.dumps(options)]
    own = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=own)
    assert done.returncode == 0, done.stdout + done.stderr


def written(instance: Instance) -> set[object]:
    return {row["id"] for row in instance.run("SELECT id FROM shop.written")}


@pytest.mark.parametrize("image", ["docker.io/library/mysql:9.7", "docker.io/library/mariadb:10.11"])
def test_upgrade_under_a_writer(namespace: Namespace, older: Path, image: str) -> None:
    if "mariadb" in image:
        provide_mariadb()
    cluster = Deployment(namespace)
    options = {"namespace": namespace.name, "replicas": 3, "image": image, "resources": RESOURCES}
    deploy_by(older, {**options, "wait_timeout": scaled(180)})
    cluster[0].run("CREATE DATABASE shop", "CREATE TABLE shop.written (id INT PRIMARY KEY, text VARCHAR(200))")
    cluster[0].run("CREATE USER app@'%'", "GRANT ALL ON shop.* TO app@'%'")
    before = cluster.restarts()
    assert {("accounts_outdated", each.name) for each in cluster.instances} <= found(cluster.look())

    foretold = run_module(check=True, **options)
    assert [each["restarts"] for each in foretold["changes"] if each["restarts"]] == [RESTARTS]
    begin = time.monotonic()
    with Writer(partial(application(namespace).connect, "mysql-0", scaled(5.0))) as writer:
        writer.wait_for_more(50)
        result = run_module(**options, wait_timeout=scaled(180))
        assert not result.get("failed"), result["msg"]
        writer.wait_for_more(50)
    print(f"{image}: {time.monotonic() - begin:.1f} s, {len(writer.acknowledged)} rows were acknowledged")
    acknowledged = set(writer.acknowledged)
    for instance in cluster.instances:
        eventually(f"{instance.name} to have all rows", lambda instance=instance: written(instance) >= acknowledged)  # type: ignore[misc]
        assert [row["name"] for row in instance.run(ACCOUNTS)] == ["kubemysql_admin@127.0.0.1", "kubemysql_admin@::1"]
        assert instance.run("SELECT MAX(version) AS version FROM kubemysql.accounts") == [{"version": 2}]
    # Every pod was replaced once, and no container of the new ones has restarted.
    after = cluster.restarts()
    assert set(after).isdisjoint(before) and not any(after.values())
    cluster.healthy()
    again = run_module(**options)
    assert (again.get("failed"), again["changes"]) == (None, [])
