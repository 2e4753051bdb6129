# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods as the API server describes them."""

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.pod import PodView


def pod(**status: object) -> Manifest:
    return {"metadata": {"name": "mysql-1"}, "status": status}


def test_pod_ready() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    assert PodView.parse(ready).ready
    assert not PodView.parse(pod(conditions=[{"type": "Ready", "status": "False"}])).ready
    assert not PodView.parse(pod()).ready
    ready["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not PodView.parse(ready).ready


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
    obstacle = PodView.parse(live).obstacle
    assert obstacle is not None
    assert (obstacle.reason, obstacle.hopeless, obstacle.crashed) == (reason, hopeless, crashed)


@pytest.mark.parametrize(
    "live", [pod(), waiting("PodInitializing"), pod(containerStatuses=[{"name": "mysql", "state": {"running": {}}}])]
)
def test_no_obstacle(live: Manifest) -> None:
    assert PodView.parse(live).obstacle is None
