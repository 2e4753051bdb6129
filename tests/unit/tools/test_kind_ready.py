# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a kind cluster counts as usable, and which of its nodes take pods: those are given the images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

FILES = Path(__file__).resolve().parents[3] / "molecule/shared/roles/local_cluster/files/node"
sys.path.insert(0, str(FILES))

from kind_ready import NotYetError, describe, look  # noqa: E402

CONTROL_PLANE = {"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def node(name: str, *taints: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"taints": list(taints)},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }


def named(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, **content.pop("metadata", {})}, **content}


@pytest.fixture
def kubectl(tmp_path: Path) -> Any:
    """A kubectl that prints a cluster with these nodes, complete in all else."""

    def with_nodes(*nodes: dict[str, Any]) -> list[str]:
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        items = [
            *nodes,
            named("StorageClass", "standard", metadata={"annotations": annotations}),
            named("ServiceAccount", "default"),
            named("Deployment", "coredns", status={"readyReplicas": 1}),
        ]
        (tmp_path / "items.json").write_text(json.dumps({"items": items}))
        return ["sh", "-c", f"cat {tmp_path}/items.json"]

    return with_nodes


def test_a_node_that_is_still_tainted_as_not_ready_is_waited_for(kubectl: Any) -> None:
    command = kubectl(node("plane", CONTROL_PLANE), node("one"), node("two", NOT_READY))
    with pytest.raises(NotYetError, match="tainted by their state: two"):
        look(command, {"plane", "one", "two"})


def test_all_but_the_control_plane_take_pods(kubectl: Any) -> None:
    nodes = look(kubectl(node("plane", CONTROL_PLANE), node("one"), node("two")), {"plane", "one", "two"})
    assert {each["metadata"]["name"]: describe(each)["takes_pods"] for each in nodes} == {
        "plane": False,
        "one": True,
        "two": True,
    }


@pytest.mark.parametrize("taint", [NOT_READY, CORDONED])
def test_a_state_that_passes_does_not_keep_images_away(taint: dict[str, str]) -> None:
    assert describe(node("one", taint))["takes_pods"]
    assert not describe(node("plane", CONTROL_PLANE, taint))["takes_pods"]


def test_a_cordoned_node_is_settled(kubectl: Any) -> None:
    assert len(look(kubectl(node("one"), node("two", CORDONED)), {"one", "two"})) == 2
