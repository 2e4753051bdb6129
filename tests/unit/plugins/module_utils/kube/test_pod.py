# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness predicates over what the API answers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.pod import obstacle_of, pod_ready, rollout_pending
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import Manifest


def stateful_set(*, generation: int = 2) -> Manifest:
    status = {"observedGeneration": 2, "currentRevision": "a", "updateRevision": "b"}
    return {"metadata": {"generation": generation}, "spec": {"replicas": 3}, "status": status}


def pods(*letters: str) -> list[Manifest]:
    """A pod for each letter, of the template of that name: a capital is ready, one in brackets is being deleted."""
    return [
        {
            "metadata": {
                "labels": {"controller-revision-hash": letter.strip("()").lower()},
                **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if letter.startswith("(") else {}),
            },
            "status": {"conditions": [{"type": "Ready", "status": str(letter.strip("()").isupper())}]},
        }
        for letter in letters
    ]


@pytest.mark.parametrize(
    ("live", "there", "missing"),
    [
        (None, "", "the StatefulSet to exist"),
        (stateful_set(), "BBB", None),
        (stateful_set(generation=3), "BBB", "the StatefulSet controller to take notice"),
        (stateful_set(), "BbB", "2 of 3 instances to be ready"),
        (stateful_set(), "BBBBb", "2 surplus instances to end"),
        (stateful_set(), "AAB", "1 of 3 instances to be on the newest template"),
        (stateful_set(), ["B", "B", "(B)"], "2 of 3 instances to be on the newest template"),
        (stateful_set(), "AAA", "0 of 3 instances to be on the newest template"),
        (stateful_set(), "", "0 of 3 instances to be on the newest template"),
        ({"metadata": {"generation": 1}, "spec": {"replicas": 1}}, "", "the StatefulSet controller to take notice"),
    ],
)
def test_rollout(live: Manifest | None, there: Iterable[str], missing: str | None) -> None:
    assert rollout_pending(live, pods(*there)) == missing


def pod(**status: object) -> Manifest:
    return {"metadata": {"name": "mysql-1"}, "status": status}


def test_pod_ready() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    assert pod_ready(ready)
    assert not pod_ready(pod(conditions=[{"type": "Ready", "status": "False"}]))
    assert not pod_ready(pod())
    ready["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not pod_ready(ready)


def waiting(reason: str, restarts: int = 0) -> Manifest:
    state = {"waiting": {"reason": reason, "message": "because"}}
    return pod(initContainerStatuses=[{"name": "provision", "state": state, "restartCount": restarts}])


@pytest.mark.parametrize(
    ("live", "reason", "hopeless", "crashed"),
    [
        (waiting("ErrImagePull"), "ErrImagePull", False, False),
        (waiting("ImagePullBackOff"), "ImagePullBackOff", True, False),
        (waiting("InvalidImageName"), "InvalidImageName", True, False),
        (waiting("CreateContainerConfigError"), "CreateContainerConfigError", False, False),
        (waiting("CrashLoopBackOff", 1), "CrashLoopBackOff", False, True),
        (waiting("CrashLoopBackOff", 3), "CrashLoopBackOff", True, True),
        (
            pod(containerStatuses=[{"name": "mysql", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]),
            "Error",
            False,
            True,
        ),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}]),
            "Unschedulable",
            False,
            False,
        ),
    ],
)
def test_obstacles(live: Manifest, reason: str, hopeless: bool, crashed: bool) -> None:
    obstacle = obstacle_of(live)
    assert obstacle is not None
    assert (obstacle.reason, obstacle.hopeless, obstacle.crashed) == (reason, hopeless, crashed)


@pytest.mark.parametrize(
    "live", [pod(), waiting("PodInitializing"), pod(containerStatuses=[{"name": "mysql", "state": {"running": {}}}])]
)
def test_no_obstacle(live: Manifest) -> None:
    assert obstacle_of(live) is None
