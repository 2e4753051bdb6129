# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster's objects from nothing to nothing, each step first in check mode, which must foretell it and change nothing."""

from __future__ import annotations

import copy
import typing as t
from collections.abc import Callable

import pytest
from integration.api.module import Result
from integration.api.server import Namespace, Object
from kubernetes.client.rest import ApiException
from waiting import eventually

Run = Callable[..., Result]
Step = Callable[..., Result]

# Besides them are the ConfigMaps that are named by their content.
FIXED = {
    ("ServiceAccount", "mysql"),
    ("Secret", "mysql"),
    ("ConfigMap", "mysql-thresholds"),
    ("ConfigMap", "mysql-topology"),
    ("Service", "mysql"),
    ("Service", "mysql-read"),
    ("Service", "mysql-primary"),
    ("NetworkPolicy", "mysql"),
    ("PodDisruptionBudget", "mysql"),
    ("StatefulSet", "mysql"),
}
DATA = {("Secret", "mysql"), ("ConfigMap", "mysql-topology")}
CLAIMS = {f"data-mysql-{n}" for n in range(3)}


@pytest.fixture
def step(namespace: Namespace) -> Step:
    """Run in check mode, then for real; the second run's result."""

    def take(run: Run, **options: t.Any) -> Result:
        before = namespace.settled()
        foretold = run(check=True, diff=True, **options)
        assert namespace.dump() == before
        assert foretold.written == []
        real = run(**options)
        assert {key: foretold[key] for key in ("changed", "changes")} == {key: real[key] for key in ("changed", "changes")}
        assert _foretellable(real) == _foretellable(foretold)
        assert bool(real.written) == real["changed"]
        return real

    return take


def _foretellable(result: Result) -> list[Object]:
    """The manifests, without the id that a run draws for a new cluster."""
    manifests: list[Object] = copy.deepcopy(result.get("manifests", []))
    if ("create", "ConfigMap", "mysql-topology") in result.actions:
        for manifest in manifests:
            manifest.get("data", {}).pop("cluster", None)
    return manifests


def test_from_nothing_to_nothing(step: Step, present: Run, absent: Run, namespace: Namespace) -> None:
    """One life; each of its parts begins where the one before has ended."""
    passwords = _create(step, present, namespace)
    left = _change_and_change_back(step, present, namespace)
    _mend_drift(step, present, namespace)
    _prune(step, present)
    _take_down_and_up_again(step, present, absent, namespace, left)
    assert namespace.live("Secret", "mysql")["data"] == passwords
    _take_away_with_the_data(step, present, absent, namespace)


def everything(result: Result) -> set[tuple[str, str]]:
    """The objects of the manifests that a run returned, and the Secret."""
    named = {("ConfigMap", result.config_map(volume)) for volume in ("config", "scripts")}
    assert {(manifest["kind"], manifest["metadata"]["name"]) for manifest in result["manifests"]} == (FIXED | named) - {
        ("Secret", "mysql")
    }
    return FIXED | named


def _create(step: Step, present: Run, namespace: Namespace) -> Object:
    """The passwords that the cluster has from now on."""
    result = step(present)
    assert result["changed"]
    assert sorted(result.actions) == sorted(("create", kind, name) for kind, name in everything(result))
    assert result["topology"] == {"primary": "mysql-0", "bootstrapped": None, "epoch": 1}
    passwords: Object = namespace.live("Secret", "mysql")["data"]
    assert len(passwords) == 4
    assert not step(present)["changed"]
    return passwords


def _change_and_change_back(step: Step, present: Run, namespace: Namespace) -> str:
    """What is not asked for any more goes, but for the my.cnf files that pods may still need; their ConfigMap is returned."""
    before = step(present).config_map("config")
    result = step(present, replicas=2, config={"max_connections": 77}, service_labels={"team": "shop"})
    files = result.config_map("config")
    assert result.actions == [
        ("create", "ConfigMap", files),
        ("update", "Service", "mysql"),
        ("update", "Service", "mysql-read"),
        ("update", "Service", "mysql-primary"),
        ("update", "StatefulSet", "mysql"),
    ]
    assert [change["fields"] for change in result["changes"] if change["kind"] == "StatefulSet"] == [
        ["spec.replicas", "spec.template.spec.volumes[config].configMap.name"]
    ]
    assert "max_connections = 77" in namespace.live("ConfigMap", files)["data"]["replica.cnf"]
    assert "max_connections = 77" not in namespace.live("ConfigMap", before)["data"]["replica.cnf"]
    assert not step(present, replicas=2, config={"max_connections": 77}, service_labels={"team": "shop"})["changed"]
    back = step(present)
    assert ("create", "ConfigMap") not in {(action, kind) for action, kind, _name in back.actions}
    assert back.config_map("config") == before
    assert "team" not in namespace.live("Service", "mysql")["metadata"]["labels"]
    return files


def _mend_drift(step: Step, present: Run, namespace: Namespace) -> None:
    scripts = step(present).config_map("scripts")
    namespace.delete("Service", "mysql-read")
    namespace.delete("ConfigMap", scripts)
    result = step(present)
    assert result.actions == [("create", "ConfigMap", scripts), ("create", "Service", "mysql-read")]
    with pytest.raises(ApiException, match="field is immutable when `immutable` is set"):
        namespace.patch("ConfigMap", scripts, {"data": {"run-mysqld.sh": None}})
    namespace.patch("ConfigMap", "mysql-thresholds", {"data": {"max_lag": None}})
    namespace.patch("Service", "mysql", {"metadata": {"labels": {"app.kubernetes.io/component": None}}})
    result = step(present)
    assert [(change["kind"], change["fields"]) for change in result["changes"]] == [
        ("ConfigMap", ["data.max_lag"]),
        ("Service", ["metadata.labels[app.kubernetes.io/component]"]),
    ]
    assert not step(present)["changed"]


def _prune(step: Step, present: Run) -> None:
    result = step(present, network_policy=False, pod_disruption_budget=False)
    assert sorted(result.actions) == [("delete", "NetworkPolicy", "mysql"), ("delete", "PodDisruptionBudget", "mysql")]
    assert not step(present, network_policy=False, pod_disruption_budget=False)["changed"]
    assert {action for action, _kind, _name in step(present).actions} == {"create"}


def _take_down_and_up_again(step: Step, present: Run, absent: Run, namespace: Namespace, left: str) -> None:
    """The data stay, and so do the passwords to them. ``left`` is a ConfigMap that no template names any more."""
    objects, passwords = everything(step(present)), namespace.live("Secret", "mysql")["data"]
    result = step(absent)
    assert {(kind, name) for _action, kind, name in result.actions} == (objects - DATA) | {("ConfigMap", left)}
    assert result.actions[0] == ("delete", "StatefulSet", "mysql")
    assert namespace.names("PersistentVolumeClaim") == CLAIMS
    assert namespace.live("Secret", "mysql")["data"] == passwords
    assert "mysql-topology" in namespace.names("ConfigMap")
    assert not step(absent)["changed"]
    result = step(present)
    assert {(kind, name) for _action, kind, name in result.actions} == objects - DATA


def _take_away_with_the_data(step: Step, present: Run, absent: Run, namespace: Namespace) -> None:
    objects = everything(step(present))
    result = step(absent, delete_data=True)
    assert [change for change in result.actions if change[1] == "PersistentVolumeClaim"] == [
        ("delete", "PersistentVolumeClaim", claim) for claim in sorted(CLAIMS)
    ]
    assert {(kind, name) for _action, kind, name in result.actions if kind != "PersistentVolumeClaim"} == objects
    assert namespace.names("PersistentVolumeClaim") == set()
    assert not step(absent, delete_data=True)["changed"]
    eventually("only the namespace's own objects to be left", lambda: _left(namespace) == set())


def _left(namespace: Namespace) -> set[tuple[str, str]]:
    return {(kind, name) for kind, name in namespace.dump() if "mysql" in name}


def test_data_of_a_cluster_that_is_gone_already(step: Step, present: Run, absent: Run) -> None:
    step(present, replicas=1)
    step(absent)
    result = step(absent, delete_data=True)
    assert sorted(result.actions) == [
        ("delete", "ConfigMap", "mysql-topology"),
        ("delete", "PersistentVolumeClaim", "data-mysql-0"),
        ("delete", "Secret", "mysql"),
    ]


def test_two_clusters_in_a_namespace_leave_each_other_alone(present: Run, absent: Run, namespace: Namespace) -> None:
    assert not present(name="shop", replicas=1).get("failed")
    shop = {key: uid for key, (uid, _version) in namespace.dump().items() if key[1].startswith("shop")}
    assert not present(name="shop-0", replicas=1).get("failed")
    assert {kind for _action, kind, _name in present(name="shop-0", replicas=1, network_policy=False).actions} == {
        "NetworkPolicy"
    }
    namespace.settled()
    assert not absent(name="shop-0", delete_data=True).get("failed")
    left = {key: uid for key, (uid, _version) in namespace.dump().items() if key in shop}
    assert left == shop
    assert {kind for kind, name in namespace.dump() if "shop-0" in name} <= {"Pod", "PersistentVolumeClaim"}
    assert namespace.names("PersistentVolumeClaim") == {"data-shop-0"}


def test_absent_where_nothing_ever_was(absent: Run) -> None:
    assert absent()["changed"] is False
    assert absent(delete_data=True)["changed"] is False
