# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of others: left alone where they do not meet ours, explained where they do, taken over when asked."""

from __future__ import annotations

from collections.abc import Callable

from integration.api.module import Result, run_module
from integration.api.server import Namespace, Object

Run = Callable[..., Result]
THRESHOLDS = "mysql-thresholds"


def container(stateful_set: Object, name: str) -> Object:
    found: Object = next(each for each in stateful_set["spec"]["template"]["spec"]["containers"] if each["name"] == name)
    return found


def test_foreign_fields_are_left_alone(present: Run, namespace: Namespace) -> None:
    present(replicas=1)
    environment = {
        "containers": [{"name": "mysql", "env": [{"name": "TZ", "value": "UTC"}]}, {"name": "agent", "image": "agent:1"}]
    }
    namespace.patch("StatefulSet", "mysql", {"spec": {"template": {"spec": environment}}})
    namespace.patch("Service", "mysql-read", {"metadata": {"annotations": {"example.com/a": "1"}, "labels": {"team": "shop"}}})
    namespace.patch("Service", "mysql-read", {"spec": {"sessionAffinity": "ClientIP"}})
    namespace.patch("ConfigMap", THRESHOLDS, {"data": {"other": "1"}})
    before = namespace.settled()

    result = present(replicas=1)
    assert result["changes"] == []
    assert result.written == []
    assert namespace.dump() == before

    assert present(replicas=2, config={"max_connections": 5}, read_service_annotations={"example.com/b": "2"})["changed"]
    stateful_set, service = namespace.live("StatefulSet", "mysql"), namespace.live("Service", "mysql-read")
    assert {"name": "TZ", "value": "UTC"} in container(stateful_set, "mysql")["env"]
    assert container(stateful_set, "agent")["image"] == "agent:1"
    assert service["metadata"]["annotations"] == {"example.com/a": "1", "example.com/b": "2"}
    assert service["metadata"]["labels"]["team"] == "shop"
    assert service["spec"]["sessionAffinity"] == "ClientIP"
    assert namespace.live("ConfigMap", THRESHOLDS)["data"]["other"] == "1"


def test_foreign_objects_are_never_pruned(present: Run, absent: Run, namespace: Namespace) -> None:
    present(replicas=1)
    labels = namespace.live("ConfigMap", THRESHOLDS)["metadata"]["labels"]
    namespace.create("ConfigMap", "copied-labels", {"metadata": {"labels": labels}, "data": {"a": "b"}})
    namespace.create("NetworkPolicy", "copied-labels", {"metadata": {"labels": labels}, "spec": {"podSelector": {}}})
    assert present(replicas=1)["changes"] == []
    assert absent(delete_data=True)["changed"]
    assert "copied-labels" in namespace.names("ConfigMap")
    assert "copied-labels" in namespace.names("NetworkPolicy")


def test_a_conflict_is_explained_and_force_conflicts_takes_over(present: Run, namespace: Namespace) -> None:
    present(replicas=1)
    namespace.patch("ConfigMap", THRESHOLDS, {"data": {"max_lag": "7"}}, manager="their-tool")
    before = namespace.settled()

    for check in (True, False):
        result = present(replicas=1, check=check)
        assert result["failed"]
        assert result["status"] == 409
        for word in (f"ConfigMap {THRESHOLDS}", "max_lag", '"their-tool"', "force_conflicts: true"):
            assert word in result["msg"]
        assert not result.get("changed", False)
        assert namespace.dump() == before

    foretold = present(replicas=1, force_conflicts=True, check=True)
    assert namespace.dump() == before
    taken = present(replicas=1, force_conflicts=True)
    assert foretold["changes"] == taken["changes"]
    assert [(change["name"], change["fields"]) for change in taken["changes"]] == [(THRESHOLDS, ["data.max_lag"])]
    assert namespace.live("ConfigMap", THRESHOLDS)["data"]["max_lag"] == "30"
    assert present(replicas=1)["changes"] == []


def test_kubectl_scale_is_a_conflict_too(present: Run, namespace: Namespace) -> None:
    present(replicas=2)
    namespace.patch("StatefulSet", "mysql", {"spec": {"replicas": 4}}, manager="kubectl")
    result = present(replicas=2)
    assert ".spec.replicas" in result["msg"]
    assert "StatefulSet mysql" in result["msg"]
    # The same number is no conflict: both own it then.
    assert present(replicas=4)["changes"] == []


def test_an_unlabelled_stateful_set_of_the_same_name_is_not_broken(present: Run, namespace: Namespace) -> None:
    """The objects that the tutorial leaves behind are called `mysql` as well."""
    labels = {"app": "mysql"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"nodeSelector": {"no": "node"}, "containers": [{"name": "mysql", "image": "m:1"}]},
    }
    spec = {"replicas": 0, "serviceName": "mysql", "selector": {"matchLabels": labels}, "template": template}
    namespace.create("StatefulSet", "mysql", {"spec": spec})
    before = namespace.settled()
    result = present()
    assert result["msg"].startswith("adopt: StatefulSet mysql is there, and this collection did not deploy it")
    assert not result.get("changed", False)
    assert namespace.dump() == before


def test_present_by_another_name_changes_nothing_of_the_first(present: Run, namespace: Namespace) -> None:
    present(replicas=1)
    before = {key: value for key, value in namespace.settled().items() if key[1].startswith("mysql")}
    run_module(namespace=namespace.name, name="other", wait=False, storage_class="there-is-none", network_policy=False)
    after = {key: value for key, value in namespace.settled().items() if key[1].startswith("mysql")}
    assert after == before


# Bodies of objects that other applications may have under the names that a cluster needs.
THEIRS: dict[str, Object] = {
    "ServiceAccount": {"automountServiceAccountToken": True},
    "Secret": {"stringData": {"password": "theirs"}},
    "ConfigMap": {"data": {"app.ini": "theirs"}},
    "Service": {"spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}},
    "NetworkPolicy": {"spec": {"podSelector": {"matchLabels": {"app": "theirs"}}}},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "theirs"}}}},
}
CLAIM: Object = {
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
}


def test_objects_of_others_stay_as_they_are_whatever_is_asked_for(present: Run, absent: Run, namespace: Namespace) -> None:
    rendered = run_module(state="rendered", namespace=namespace.name)["manifests"]
    needed = [(each["kind"], each["metadata"]["name"]) for each in rendered if each["kind"] != "StatefulSet"]
    labels = rendered[0]["metadata"]["labels"]
    for number, (kind, name) in enumerate([*needed, ("Secret", "mysql")]):
        # Copied labels make nobody the owner.
        metadata = {"metadata": {"labels": labels}} if number % 2 else {}
        namespace.create(kind, name, {**THEIRS[kind], **metadata})
    selector = {key: labels[key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}
    namespace.create("PersistentVolumeClaim", "data-mysql-0", {"metadata": {"labels": selector}, **CLAIM})
    before = namespace.settled()
    for check in (True, False):
        for options in ({}, {"adopt": True}, {"force_conflicts": True}, {"network_policy": False}):
            result = present(check=check, **options)
            assert result["failed"] and "this collection did not create" in result["msg"], result
            assert namespace.dump() == before
        assert absent(check=check)["changes"] == []
        assert absent(check=check, delete_data=True)["msg"].startswith(
            "delete_data: nothing proves that the claims data-mysql-0"
        )
        assert namespace.dump() == before


def test_the_objects_of_another_cluster_are_refused_by_its_name(present: Run, namespace: Namespace) -> None:
    present(replicas=1)
    before = namespace.settled()
    for name in ("mysql-read", "mysql-primary"):
        result = run_module(namespace=namespace.name, name=name, wait=False)
        assert f"needs the Service {name}, and that belongs to the cluster 'mysql' of this collection" in result["msg"]
        assert namespace.dump() == before
