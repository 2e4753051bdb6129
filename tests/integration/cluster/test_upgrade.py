# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of the layout before: scripts and my.cnf files in ConfigMaps of fixed names, and scripts under other names.

While it is upgraded its pods keep what they were made for, whatever restarts; afterwards the old ConfigMaps are gone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.kubemysql.replication.plugins.module_utils.constants import SECRET_KEYS
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.auth import KubernetesAuth
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.client import connect
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.manifests.bundle import render
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from integration.api.module import Result, run_module
from integration.api.server import Namespace, Object, credentials
from integration.cluster.deployment import RESOURCES, Deployment
from params import cluster_spec
from waiting import POD_GONE, eventually, scaled

# The names of release 6318106.
OLD_SCRIPTS = {
    "run-initdb-accounts.sh": "users.sh",
    "run-liveness.sh": "alive.sh",
    "run-mysqld.sh": "mysql.sh",
    "run-pre-stop.sh": "stop.sh",
    "run-provision.sh": "provision.sh",
    "run-replication.sh": "replication.sh",
}
OLD_CONFIG_MAPS = {"config": "mysql", "scripts": "mysql-scripts"}
OPTIONS: dict[str, t.Any] = {"replicas": 3, "resources": RESOURCES}
OLD, NEW = {"max_connections": 101}, {"max_connections": 102}
REFUSED = {"max_connections": 103, "transaction_isolation": "there-is-none"}
ANOTHER_RUN = "import json, sys; from integration.api.module import run_module; run_module(**json.loads(sys.argv[1]))"


def old_manifests(namespace: Namespace) -> list[Manifest]:
    """Those of today under the names of then."""
    spec = cluster_spec(namespace=namespace.name, config=OLD, **OPTIONS)
    passwords = {key: f"{key} of the upgrade" for key in SECRET_KEYS}
    passwords["replication-password"] = "replication"
    bundle = render(spec, Topology("mysql-0"), kubernetes=namespace.server.version, passwords=passwords)
    volumes = {each["name"]: each for each in bundle[-1]["spec"]["template"]["spec"]["volumes"]}
    names = OLD_SCRIPTS | {volumes[volume]["configMap"]["name"]: name for volume, name in OLD_CONFIG_MAPS.items()}
    text = json.dumps(bundle)
    for new, old in names.items():
        text = text.replace(new, old)
    return [{key: value for key, value in each.items() if key != "immutable"} for each in json.loads(text)]


def deploy_as_before(namespace: Namespace) -> Deployment:
    auth = dict.fromkeys(KubernetesAuth.__dataclass_fields__) | credentials()
    client = connect(KubernetesAuth.from_params(auth), namespace.name, dry_run=False)
    for manifest in old_manifests(namespace):
        client.apply(manifest)
    eventually("the pods to be ready", lambda: [_ready(pod) for pod in namespace.list("Pod")] == [True] * 3, patience=180)
    return Deployment(namespace)


def config_maps(namespace: Namespace) -> dict[str, str]:
    """Those of the cluster, with their versions."""
    found = {each["metadata"]["name"]: each["metadata"] for each in namespace.list("ConfigMap")}
    return {name: metadata["resourceVersion"] for name, metadata in found.items() if name.startswith("mysql")}


def revision(pod: Object) -> str:
    return str(pod["metadata"]["labels"]["controller-revision-hash"])


def upgrade(namespace: Namespace, **options: t.Any) -> Result:
    return run_module(namespace=namespace.name, **{**OPTIONS, "wait_timeout": scaled(240), **options})


def test_pods_keep_what_they_were_made_for_until_they_are_replaced(namespace: Namespace) -> None:
    cluster = deploy_as_before(namespace)
    cluster[0].run(
        "CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY)", "INSERT INTO shop.orders VALUES (1)"
    )
    old = revision(cluster[0].pod)
    before = {name: config_maps(namespace)[name] for name in OLD_CONFIG_MAPS.values()}

    def untouched() -> bool:
        return before.items() <= config_maps(namespace).items()

    _stop_at_the_first_pod(cluster)
    assert untouched()
    _restart_old_pods(cluster, old)
    assert untouched()
    _kill_a_run(cluster)
    assert untouched()
    with watched(namespace, old) as missing:
        result = upgrade(namespace, config=NEW)
    assert not result.get("failed"), result["msg"]
    assert missing == []
    deleted = {name for action, kind, name in result.actions if (action, kind) == ("delete", "ConfigMap")}
    # Also that of the configuration that no server takes.
    assert deleted > set(before)
    assert len(deleted) == 3
    mounted = {result.config_map(volume) for volume in ("config", "scripts", "thresholds", "topology")}
    assert config_maps(namespace).keys() == mounted
    assert [each.value("@@global.max_connections") for each in cluster.instances] == [102] * 3
    assert [each.value("(SELECT COUNT(*) FROM shop.orders)") for each in cluster.instances] == [1] * 3
    cluster.healthy()
    assert upgrade(namespace, config=NEW)["changes"] == []


def _stop_at_the_first_pod(cluster: Deployment) -> None:
    """An upgrade with a configuration that no server takes comes no further than to the highest ordinal."""

    def stopped() -> bool:
        result = upgrade(cluster.namespace, config=REFUSED, wait_timeout=1)
        assert result["failed"]
        assert "delete" not in {action for action, _kind, _name in result.actions}
        return "mysql-2, container mysql: " in result["msg"]

    eventually("the server of the new revision to end", stopped, patience=120)


def _restart_old_pods(cluster: Deployment, old: str) -> None:
    """Containers start again in their pod, and pods are made again from the old template: all with the old content."""
    cluster.kill(cluster[1], "mysql")
    cluster.delete_pods(cluster[0])
    for instance in (cluster[0], cluster[1]):
        eventually(f"{instance.name} to be ready", lambda: _ready(instance.pod), patience=POD_GONE)  # noqa: B023
        assert revision(instance.pod) == old
        assert instance.value("@@global.max_connections") == 101
        assert "alive.sh" in os.listdir(instance.server().root / "kubemysql/scripts")


def _ready(pod: Object) -> bool:
    return any((each["type"], each["status"]) == ("Ready", "True") for each in pod["status"].get("conditions", []))


def _kill_a_run(cluster: Deployment) -> None:
    """A run that is killed when it has written everything, and not pruned yet."""
    namespace = cluster.namespace
    arguments = {"namespace": namespace.name, **OPTIONS, "config": NEW, "wait_timeout": 600}
    foretold = upgrade(namespace, config=NEW, check=True)
    command = [sys.executable, "-c", ANOTHER_RUN, json.dumps(arguments)]
    run = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, stdout=subprocess.DEVNULL)
    try:
        eventually("the new template", lambda: _template(namespace) == foretold.config_map("config"))
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()


def _template(namespace: Namespace) -> str:
    volumes = namespace.live("StatefulSet", "mysql")["spec"]["template"]["spec"]["volumes"]
    return str(next(each["configMap"]["name"] for each in volumes if each["name"] == "config"))


@contextmanager
def watched(namespace: Namespace, old: str) -> Iterator[list[set[str]]]:
    """The ConfigMaps that were missing at any moment at which a pod of the old revision was there."""
    missing: list[set[str]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            gone = set(OLD_CONFIG_MAPS.values()) - namespace.names("ConfigMap")
            if gone and old in map(revision, namespace.list("Pod")):
                missing.append(gone)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield missing
    finally:
        over.set()
        watcher.join()
