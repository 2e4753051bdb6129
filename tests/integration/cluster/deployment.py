# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that tests break: deployed by the module, judged by the modules, and looked at by way of the API server."""

from __future__ import annotations

import signal
import time
import typing as t
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster_info, mysql_cluster_verify
from integration.api.module import Result, run_module
from integration.api.server import Namespace, Object, Server
from integration.cluster.instance import Instance
from waiting import POD_GONE, eventually, scaled, within

__all__ = ["BACKGROUND", "Deployment", "Found", "found", "labelled_node", "message"]

Found = set[tuple[str, str | None]]

# Found in any cluster here, whatever a test does: there is one node, which may have little room, and a restart is news
# for ten minutes.
BACKGROUND = {"pods_on_one_node", "container_restarted", "volume_filling"}
RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}}


def found(result: Result) -> Found:
    """The findings besides the background."""
    return {(each["code"], each["instance"]) for each in result["findings"] if each["code"] not in BACKGROUND}


def message(result: Result, code: str, instance: str | None) -> str:
    """The message of the one finding of this code there."""
    (one,) = [str(each["message"]) for each in result["findings"] if (each["code"], each["instance"]) == (code, instance)]
    return one


@contextmanager
def labelled_node(server: Server) -> Iterator[dict[str, str]]:
    """A label of the only node, for the ``node_selector`` of one cluster: to take it away concerns no other."""
    label = f"example.com/{uuid.uuid4().hex}"
    mark_node(server, {label: "here"})
    try:
        yield {label: "here"}
    finally:
        mark_node(server, {label: None})


def mark_node(server: Server, labels: Mapping[str, str | None]) -> None:
    (node,) = [each["metadata"]["name"] for each in server.request("GET", "/api/v1/nodes")["items"]]
    body = {"metadata": {"labels": labels}}
    server.request("PATCH", f"/api/v1/nodes/{node}", body, content_type="application/merge-patch+json")


@dataclass
class Deployment:
    """The cluster ``mysql`` of a namespace. ``options`` say to the modules how it is to be looked at."""

    namespace: Namespace
    replicas: int = 3
    options: dict[str, t.Any] = field(default_factory=dict)
    secret: str | None = "mysql"
    # Containers that a test has restarted on purpose.
    restarted: set[str] = field(default_factory=set)
    # Labels of the nodes that its pods may be on.
    node_selector: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, ordinal: int) -> Instance:
        return Instance(self.namespace, f"mysql-{ordinal}", self.secret)

    @property
    def instances(self) -> list[Instance]:
        return [self[ordinal] for ordinal in range(self.replicas)]

    def deploy(self, **options: t.Any) -> None:
        defaults = {"resources": RESOURCES, "wait_timeout": scaled(180), "node_selector": self.node_selector}
        result = run_module(namespace=self.namespace.name, replicas=self.replicas, **{**defaults, **options})
        assert not result.get("failed"), result["msg"]

    # --- judging ----------------------------------------------------------------------------------------------------

    def info(self, **options: t.Any) -> Result:
        defaults = {"connect_timeout": scaled(5)}
        return run_module(module=mysql_cluster_info, namespace=self.namespace.name, **{**defaults, **self.options, **options})

    def verify(self, **options: t.Any) -> Result:
        defaults = {"connect_timeout": scaled(5), "canary_timeout": scaled(10), "wait_timeout": scaled(120)}
        return run_module(module=mysql_cluster_verify, namespace=self.namespace.name, **{**defaults, **self.options, **options})

    def look(self, **options: t.Any) -> Result:
        """Verify once, and only look."""
        return self.verify(**{"wait": False, "canary": False, **options})

    def until(self, expected: Found, *, patience: float = 60.0, **options: t.Any) -> Result:
        """Look until exactly this is found."""
        looks: list[Result] = []

        def as_expected() -> bool:
            looks.append(self.look(**options))
            return found(looks[-1]) == expected

        # A look is work for both cores of a small machine, and what is waited for needs them, too.
        reached = within(patience, as_expected, interval=0.2)
        assert reached, f"waited {scaled(patience):g} s for {expected}: {looks[-1]['summary']}"
        return looks[-1]

    def healthy(self) -> None:
        """The cluster is healthy, or becomes it by itself; the proof is a row that arrives everywhere."""
        result = self.verify(wait_timeout=scaled(90))
        assert result.get("state") == "healthy", result["msg"]
        assert result["canary"]["arrived"]
        assert found(result) == set(), result["findings"]

    # --- looking ----------------------------------------------------------------------------------------------------

    def routed(self, service: str) -> set[str]:
        """The pods that a Service leads to."""
        subsets = self.namespace.live("Endpoints", service).get("subsets") or []
        return {address["targetRef"]["name"] for subset in subsets for address in subset.get("addresses") or []}

    def routed_within(self, seconds: float, service: str, pods: set[str]) -> float:
        """The Service comes to lead to exactly these pods within so many seconds of the reference machine; how many it took."""
        begin = time.monotonic()
        eventually(f"{service} to lead to {sorted(pods)}", lambda: self.routed(service) == pods, patience=seconds)
        return time.monotonic() - begin

    def restarts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for instance in self.instances:
            counts |= instance.restarts
        return counts

    def settle(self) -> None:
        """Until every replica has what the primary has."""
        executed = str(self[0].value("@@global.gtid_executed")).replace("\n", "")
        for replica in self.instances[1:]:
            wait = f"WAIT_FOR_EXECUTED_GTID_SET('{executed}', {scaled(30)})"
            assert replica.value(wait) == 0, f"{replica.name} does not catch up"

    # --- pods -------------------------------------------------------------------------------------------------------

    def delete_pods(self, *instances: Instance) -> None:
        """Delete them at the same time, and wait for the successors to be made; these need not start."""
        before = {each.name: each.pod["metadata"]["uid"] for each in instances}
        for each in instances:
            self.namespace.delete("Pod", each.name)

        def succeeded() -> bool:
            now = {name: self.namespace.get("Pod", name) for name in before}
            return all(pod is not None and pod["metadata"]["uid"] != before[name] for name, pod in now.items())

        eventually("the pods to be made again", succeeded, patience=POD_GONE)

    @contextmanager
    def without_nodes(self) -> Iterator[None]:
        """None of its pods is started meanwhile; those that run go on."""
        assert self.node_selector
        mark_node(self.namespace.server, dict.fromkeys(self.node_selector))
        try:
            yield
        finally:
            mark_node(self.namespace.server, self.node_selector)

    @contextmanager
    def without(self, instance: Instance) -> Iterator[None]:
        """The pod is gone, and a quota keeps the controller from making another."""
        quota = {"spec": {"hard": {"pods": str(self.replicas - 1)}}}
        self.namespace.create("ResourceQuota", "too-few-pods", quota)
        try:
            eventually("the quota", lambda: self.namespace.live("ResourceQuota", "too-few-pods").get("status"))
            self.namespace.server.request("DELETE", self.namespace.path("Pod", instance.name), {"gracePeriodSeconds": 1})
            eventually("the pod to be gone", lambda: self.namespace.get("Pod", instance.name) is None, patience=POD_GONE)
            yield
        finally:
            self.namespace.delete("ResourceQuota", "too-few-pods")
            eventually("the pod to be made again", lambda: self._nudged(instance))

    def _nudged(self, instance: Instance) -> bool:
        """The controller tries again after a while that grows; a set that changes is looked at at once."""
        note = {"example.com/nudged": str(time.monotonic())}
        self.namespace.patch("StatefulSet", "mysql", {"metadata": {"annotations": note}})
        return self.namespace.get("Pod", instance.name) is not None

    def clone_again(self, instance: Instance) -> None:
        """Drop its data, as remedies say, and wait for the next pod to be made."""
        self.namespace.delete("PersistentVolumeClaim", f"data-{instance.name}")
        self.delete_pods(instance)

    def kill(self, instance: Instance, container: str) -> None:
        """End the container, and wait for it to be started again."""
        before = instance.restarts
        key = next(key for key in before if key.endswith(f"/{container}"))
        process = instance.server() if container == "mysql" else instance.script("run-replication.sh")
        self.restarted.add(key)
        process.send(signal.SIGTERM)
        eventually(f"{container} of {instance.name} to start again", lambda: self._started(instance, key, before))

    @staticmethod
    def _started(instance: Instance, key: str, before: dict[str, int]) -> bool:
        statuses: list[Object] = instance.pod["status"]["containerStatuses"]
        status = next(each for each in statuses if key.endswith(f"/{each['name']}"))
        return status["restartCount"] > before[key] and "running" in status["state"]
