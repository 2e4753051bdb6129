# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ConfigMaps of older revisions, with the real StatefulSet controller. The test acts as scheduler, kubelet and pods."""

from __future__ import annotations

import threading
import typing as t
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.entry import mysql_cluster as entry
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from integration.api.module import Result
from integration.api.server import Namespace, Object
from kubernetes.client.rest import ApiException
from waiting import eventually, scaled

Run = Callable[..., Result]
OLD, NEW = {"max_connections": 101}, {"max_connections": 102}


class Kubelet:
    """Binds pods to a node that does not exist, makes those of the ``healthy`` revisions ready, and ends deleted ones.

    ``missed`` holds the ConfigMaps that a pod lacked.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.healthy: set[str] | None = None
        self.missed: list[tuple[str, set[str]]] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            there = self.namespace.names("ConfigMap")
            for pod in self.namespace.list("Pod"):
                mounted = {each["configMap"]["name"] for each in pod["spec"]["volumes"] if "configMap" in each}
                if not mounted <= there | self.namespace.names("ConfigMap"):
                    self.missed.append((pod["metadata"]["name"], mounted - there))
                self._advance(pod)

    def _advance(self, pod: Object) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        path, request = self.namespace.path("Pod", name), self.namespace.server.request
        try:
            if "deletionTimestamp" in pod["metadata"]:
                request("DELETE", path, {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}})
            elif "nodeName" not in pod["spec"]:
                target = {"apiVersion": "v1", "kind": "Node", "name": "there-is-none"}
                body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "uid": uid}, "target": target}
                request("POST", f"{path}/binding", body)
            elif self.healthy is None or revision(pod) in self.healthy:
                status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
                body, kind = {"metadata": {"uid": uid}, "status": status}, "application/strategic-merge-patch+json"
                request("PATCH", f"{path}/status", body, content_type=kind)
        except ApiException as error:
            # It is another pod by now.
            if error.status not in (404, 409):
                raise


def revision(pod: Object) -> str:
    return str(pod["metadata"]["labels"]["controller-revision-hash"])


@pytest.fixture
def kubelet(namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubelet]:
    def acknowledge(pod: str) -> Acknowledgement:
        intent = namespace.live("ConfigMap", "mysql-topology")["data"]
        return Acknowledgement(0, intent, "primary" if intent["primary"] == pod else "replica", ready=True)

    # No container runs, so none acknowledges.
    monkeypatch.setattr(entry, "read_acknowledgements", lambda _tunnel: acknowledge)
    with running(Kubelet(namespace)) as made:
        yield made


@contextmanager
def running(kubelet: Kubelet) -> Iterator[Kubelet]:
    thread = threading.Thread(target=kubelet.run)
    thread.start()
    try:
        yield kubelet
    finally:
        kubelet.over.set()
        thread.join()


def config_maps(namespace: Namespace) -> set[str]:
    return {name for name in namespace.names("ConfigMap") if name.startswith("mysql")}


def mounted(result: Result) -> set[str]:
    return {result.config_map(volume) for volume in ("config", "scripts", "thresholds", "topology")}


def deletions(result: Result) -> list[str]:
    return [name for action, kind, name in result.actions if (action, kind) == ("delete", "ConfigMap")]


def waiting(present: Run, **options: t.Any) -> Result:
    return present(wait=True, **{"wait_timeout": scaled(60), **options})


def test_a_rollout_and_the_prune_after_it(present: Run, namespace: Namespace, kubelet: Kubelet) -> None:
    first = waiting(present, config=OLD)
    assert not first.get("failed"), first["msg"]
    assert config_maps(namespace) == mounted(first)
    foretold = waiting(present, config=NEW, check=True)
    second = waiting(present, config=NEW)
    assert not second.get("failed"), second["msg"]
    assert deletions(second) == deletions(foretold) == [first.config_map("config")]
    assert config_maps(namespace) == mounted(second)
    assert kubelet.missed == []
    assert waiting(present, config=NEW)["changes"] == []


def test_a_pod_that_is_made_again_during_a_rollout(present: Run, namespace: Namespace, kubelet: Kubelet) -> None:
    first = waiting(present, config=OLD)
    old = {revision(pod) for pod in namespace.list("Pod")}
    kubelet.healthy = old
    failed = waiting(present, config=NEW, wait_timeout=scaled(3))
    assert failed["failed"]
    assert deletions(failed) == []
    before = namespace.live("Pod", "mysql-0")["metadata"]["uid"]
    namespace.delete("Pod", "mysql-0")

    def again() -> Object | None:
        pod = namespace.get("Pod", "mysql-0")
        return pod if pod is not None and pod["metadata"]["uid"] != before else None

    pod = eventually("the pod to be made again", again)
    assert pod is not None
    assert revision(pod) in old
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    assert volumes["config"]["configMap"]["name"] == first.config_map("config")
    assert config_maps(namespace) == mounted(first) | mounted(waiting(present, config=NEW, check=True))
    # The way back.
    back = waiting(present, config=OLD)
    assert not back.get("failed"), back["msg"]
    assert config_maps(namespace) == mounted(first)
    assert kubelet.missed == []


def test_a_run_that_does_not_wait_leaves_them(present: Run, absent: Run, namespace: Namespace, kubelet: Kubelet) -> None:
    first = waiting(present, config=OLD)
    second = present(config=NEW)
    assert deletions(second) == []
    assert first.config_map("config") in config_maps(namespace)

    def due() -> Result | None:
        result = present(config=NEW)
        return result if result["changes"] else None

    third = eventually("the rollout to be complete", due, interval=0.5)
    assert third is not None
    assert deletions(third) == [first.config_map("config")]
    assert config_maps(namespace) == mounted(second)
    assert kubelet.missed == []
    present(config=OLD)
    assert not absent(delete_data=True, wait=False).get("failed")
    assert config_maps(namespace) == set()
