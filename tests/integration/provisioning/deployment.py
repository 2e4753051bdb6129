# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployed cluster as an application sees it: an account, tables, and a writer that remembers what it was told."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.session import dial_pods
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.client import connect
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.client import PyMySqlConnector, PyMySqlSession
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from integration.api.module import Result, run_module
from integration.api.server import Namespace, Object, credentials, kubectl
from waiting import eventually, scaled

__all__ = ["MARIADB", "MYSQL", "ProvisionedCluster"]

PASSWORD = "application"
TABLES = 4
# One row is some 16 KiB, so that filling the tables takes few statements.
_FILL = """
SET {limit} = {rows};
INSERT INTO shop.bulk{table} (filling) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
  SELECT CONCAT(RANDOM_BYTES(1000), REPEAT(UUID(), 420)) FROM n
"""
_ROOT = "source /kubemysql/scripts/lib-common.sh; LIMIT= local_client"


@dataclass(frozen=True)
class Server:
    """The differences between the servers: image, a variable, and how to wait for the primary's transactions."""

    image: str
    recursion_limit: str
    position: str
    wait: str


MYSQL = Server(
    "docker.io/library/mysql:9.7",
    "cte_max_recursion_depth",
    "REPLACE(@@global.gtid_executed, CHAR(10), '')",
    "WAIT_FOR_EXECUTED_GTID_SET('{}', {})",
)
MARIADB = Server(
    "docker.io/library/mariadb:10.11", "max_recursive_iterations", "@@global.gtid_binlog_pos", "MASTER_GTID_WAIT('{}', {})"
)


@dataclass
class ProvisionedCluster:
    """The cluster ``mysql`` in a namespace of its own."""

    namespace: Namespace
    server: Server

    def __post_init__(self) -> None:
        auth = dict.fromkeys(KubernetesAuth.__dataclass_fields__) | credentials()
        client = connect(KubernetesAuth.from_params(auth), self.namespace.name, dry_run=True)
        self._connector = PyMySqlConnector(dial_pods(client), "app", PASSWORD)

    def deploy(self, replicas: int, **options: object) -> Result:
        return run_module(namespace=self.namespace.name, replicas=replicas, image=self.server.image, **options)

    def root(self, instance: str, sql: str) -> str:
        """Run SQL as root over the socket inside the pod."""
        command = [*kubectl(), "-n", self.namespace.name, "exec", "-i", instance, "-c", "mysql", "--", "bash", "-c", _ROOT]
        done = subprocess.run(command, input=sql, capture_output=True, text=True, timeout=scaled(120), check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def prepare(self) -> None:
        """Make the account and its database."""
        self.root("mysql-0", f"CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON shop.* TO app@'%'")
        self.root("mysql-0", "CREATE DATABASE shop")

    def fill(self, mebibytes: int) -> None:
        """Make the tables and put at least so much into them."""
        self.prepare()
        self.root("mysql-0", "CREATE TABLE shop.written (id INT PRIMARY KEY, text VARCHAR(200))")
        for table in range(TABLES):
            columns = "id INT AUTO_INCREMENT PRIMARY KEY, filling MEDIUMBLOB"
            self.root("mysql-0", f"CREATE TABLE shop.bulk{table} ({columns})")
            self.root("mysql-0", _FILL.format(table=table, rows=mebibytes * 64 // TABLES, limit=self.server.recursion_limit))

    def session(self, instance: str, timeout: float | None = None) -> PyMySqlSession:
        return self._connector.connect(instance, timeout or scaled(30))

    def checksums(self, instance: str) -> dict[str, object]:
        """Checksum and number of rows of every table."""
        session = self.session(instance)
        tables = ["shop.written", *(f"shop.bulk{table}" for table in range(TABLES))]
        sums = {str(row["Table"]): row["Checksum"] for row in session.fetch(Query(f"CHECKSUM TABLE {', '.join(tables)}"))}
        counts = {f"{table} rows": session.fetch(Query(f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"] for table in tables}
        session.close()
        return {**sums, **counts}

    def wait_for_writes(self, instance: str) -> None:
        """Until the instance has all that the primary has."""
        position = self.root("mysql-0", f"SELECT {self.server.position}")
        assert self.root(instance, f"SELECT {self.server.wait.format(position, scaled(60))}") == "0"

    def pod(self, name: str) -> Object | None:
        return self.namespace.get("Pod", name)

    def kill(self, name: str) -> None:
        """Delete the pod without any grace, and wait for its successor."""
        before = self.namespace.live("Pod", name)["metadata"]["uid"]
        self._delete_at_once(name)
        eventually(
            f"the successor of {name}",
            lambda: (self.pod(name) or {"metadata": {}})["metadata"].get("uid") not in (before, None),
        )

    def provisioning(self, name: str) -> bool:
        """Whether the pod's init container runs."""
        statuses = ((self.pod(name) or {}).get("status") or {}).get("initContainerStatuses") or []
        return any("running" in each["state"] for each in statuses)

    def provisioned(self, name: str) -> bool:
        """Whether the pod's init container has done its work."""
        statuses = ((self.pod(name) or {}).get("status") or {}).get("initContainerStatuses") or []
        return any((each["state"].get("terminated") or {}).get("exitCode") == 0 for each in statuses)

    def found_complete(self, name: str) -> bool:
        """Whether the pod's init container had nothing to clone, since another one had come to the end before."""
        command = [*kubectl(), "-n", self.namespace.name, "logs", name, "-c", "provision"]
        log = subprocess.run(command, capture_output=True, text=True, timeout=scaled(60), check=True).stdout
        return "is complete: nothing to do" in log

    def scale(self, replicas: int) -> None:
        self.namespace.patch("StatefulSet", "mysql", {"spec": {"replicas": replicas}}, manager="kubemysql.replication")

    def start_over(self, name: str, replicas: int) -> None:
        """Take the last instance down, drop its claim, and let it come again with an empty one."""
        self.scale(replicas - 1)
        # Once the controller has begun, nobody makes the pod anew. Its server's shutdown is of no use to what is dropped.
        eventually(f"{name} to be deleted", lambda: "deletionTimestamp" in self.namespace.live("Pod", name)["metadata"])
        self._delete_at_once(name)
        eventually(f"{name} to be gone", lambda: self.pod(name) is None)
        self.namespace.delete("PersistentVolumeClaim", f"data-{name}")
        eventually("its claim to be gone", lambda: self.namespace.get("PersistentVolumeClaim", f"data-{name}") is None)
        self.scale(replicas)

    def _delete_at_once(self, name: str) -> None:
        self.namespace.server.request("DELETE", self.namespace.path("Pod", name), {"gracePeriodSeconds": 0})
