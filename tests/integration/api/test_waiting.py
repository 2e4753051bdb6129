# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting on a real cluster: it ends as soon as it cannot help, and always says what was missing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from integration.api.module import Result, run_module
from integration.api.server import Namespace
from waiting import eventually, scaled

Run = Callable[..., Result]
# Far more than what each case takes; one that ends early ends well before it.
PATIENCE = scaled(60)


def test_a_claim_that_is_not_bound(namespace: Namespace) -> None:
    patience = scaled(3)
    result = run_module(namespace=namespace.name, replicas=2, storage_class="there-is-none", wait_timeout=patience)
    assert result["failed"]
    assert result["changed"]
    assert f"gave up after {patience} s waiting for 0 of 2 instances to be ready" in result["msg"]
    for word in ("mysql-1", "data-mysql-0", "data-mysql-1", '"there-is-none" not found'):
        assert word in result["msg"]
    # The same again changes nothing, and says so.
    again = run_module(namespace=namespace.name, replicas=2, storage_class="there-is-none", wait_timeout=1)
    assert again["failed"]
    assert again["changed"] is False


def test_no_node_fits(namespace: Namespace) -> None:
    result = run_module(namespace=namespace.name, replicas=1, node_selector={"disk": "there-is-none"}, wait_timeout=scaled(4))
    assert "waiting for 0 of 1 instances to be ready. mysql-0: Unschedulable: " in result["msg"]


def test_pods_over_the_quota_end_the_wait(namespace: Namespace) -> None:
    namespace.create("ResourceQuota", "small", {"spec": {"hard": {"requests.memory": "1Mi"}}})
    namespace.settled()
    begin = time.monotonic()
    result = run_module(namespace=namespace.name, replicas=1, wait_timeout=PATIENCE)
    assert time.monotonic() - begin < PATIENCE / 2
    assert result["failed"]
    assert result["changed"]
    assert "waiting longer cannot help: the pods are refused: " in result["msg"]
    assert "exceeded quota: small" in result["msg"]


def test_pods_that_are_not_valid_end_the_wait(namespace: Namespace) -> None:
    """The server looks at a pod template's details only when a pod is made of it."""
    resources = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
    result = run_module(namespace=namespace.name, replicas=1, resources=resources, wait_timeout=PATIENCE)
    assert "waiting longer cannot help: the pods are refused: " in result["msg"]
    assert "memory limit" in result["msg"]


@pytest.mark.parametrize(
    ("image", "policy", "reason"),
    [("mysql:9.7-there-is-none", "Never", "ErrImageNeverPull"), ("localhost:9/mysql:9.7", "IfNotPresent", "ImagePullBackOff")],
)
def test_an_image_that_cannot_be_pulled_ends_the_wait(namespace: Namespace, image: str, policy: str, reason: str) -> None:
    begin = time.monotonic()
    result = run_module(namespace=namespace.name, replicas=1, image=image, image_pull_policy=policy, wait_timeout=PATIENCE)
    assert time.monotonic() - begin < PATIENCE * 5 / 6
    assert result["failed"]
    assert result["changed"]
    assert f"waiting longer cannot help: mysql-0, container provision: {reason}: " in result["msg"]
    assert image in result["msg"]


def test_a_crashing_container(namespace: Namespace) -> None:
    config = {"transaction_isolation": "there-is-none"}
    seen: list[Result] = []

    def crashed() -> bool:
        # Between two lives the container runs for a moment, and there is nothing to be said of it.
        seen.append(run_module(namespace=namespace.name, replicas=1, config=config, wait_timeout=1))
        return "mysql-0, container mysql: " in seen[-1]["msg"]

    eventually("the container to crash", crashed)
    assert [result["changed"] for result in seen] == [True] + [False] * (len(seen) - 1)
    assert all(result["failed"] for result in seen)
    assert "0 of 1 instances to be ready" in seen[-1]["msg"]
    assert "Its last log lines:" in seen[-1]["msg"]
    assert "Error while setting value 'there-is-none'" in seen[-1]["msg"]


def test_leaving_says_what_is_still_there(present: Run, absent: Run, namespace: Namespace) -> None:
    present(replicas=1)
    namespace.settled()
    namespace.patch("Pod", "mysql-0", {"metadata": {"finalizers": ["example.com/held"]}})
    result = absent(wait_timeout=1)
    try:
        assert result["failed"]
        assert result["changed"]
        assert result["msg"] == "gave up after 1 s waiting for mysql-0 to be gone"
    finally:
        namespace.patch("Pod", "mysql-0", {"metadata": {"finalizers": None}})


def test_a_cluster_of_one_becomes_ready_and_knows_its_data(namespace: Namespace) -> None:
    """The one test here with a server that works."""
    result = run_module(namespace=namespace.name, replicas=1, wait_timeout=scaled(90))
    assert not result.get("failed"), result["msg"]
    assert result["topology"]["primary"] == "mysql-0"
    assert result["topology"]["bootstrapped"] is not None
    live = namespace.live("ConfigMap", "mysql-topology")["data"]
    assert live.pop("cluster")
    assert live == {key: str(value) for key, value in result["topology"].items()}
    again = run_module(namespace=namespace.name, replicas=1)
    assert again["changes"] == []
    assert again["topology"] == result["topology"]
    assert again.written == []

    # Its accounts have passwords now: no other is taken, and a lost Secret is not made up anew.
    other = run_module(namespace=namespace.name, replicas=1, admin_password="another-one")
    assert "admin_password: differs from admin-password in Secret mysql" in other["msg"]
    namespace.delete("Secret", "mysql")
    lost = run_module(namespace=namespace.name, replicas=1)
    assert "root_password: Secret mysql has no root-password, and the cluster has data" in lost["msg"]
    assert "mysql" not in namespace.names("Secret")
