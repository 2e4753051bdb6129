# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning and applying: what would change is known before anything does, and then exactly that is done."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import (
    ApiConflict,
    ApiForbidden,
    ImmutableChange,
    SpecError,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import (
    Deployment,
    deploy,
    plan_deployment,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.state.passwords import parse_passwords
from params import cluster_spec
from unit.fakes.cluster import FakePods, FakeRuntime, completed, idle
from unit.fakes.store import FakeObjectStore, pod

NAMES = Names.parse("mysql", "default")
READING = {"get", "list", "version"}


def plan(store: FakeObjectStore, **given: t.Any) -> Deployment:
    return plan_deployment(store.planning(), cluster_spec(**given), FakeRuntime(), FakePods(store, NAMES), wait=False)


def apply(store: FakeObjectStore, **given: t.Any) -> Deployment:
    planned = plan(store, **given)
    completed(deploy(store, planned, FakeRuntime(), idle(store, NAMES), wait=False).outcome)
    return planned


def real(deployment: Deployment) -> list[tuple[str, str, str]]:
    return [(each.action, each.kind, each.name) for each in deployment.changes if each.action != "none"]


def deployed(**given: t.Any) -> FakeObjectStore:
    store = FakeObjectStore()
    apply(store, **given)
    store.requests.clear()
    return store


def bootstrapped(**given: t.Any) -> FakeObjectStore:
    store = deployed(**given)
    store.put(pod("mysql-0", NAMES.labels))
    apply(store, **given)
    store.requests.clear()
    return store


def test_planning_changes_nothing() -> None:
    store = FakeObjectStore()
    assert plan(store).changed
    assert store.objects == {}


def test_a_new_cluster_is_created_in_the_order_of_the_bundle_after_its_topology() -> None:
    store = FakeObjectStore()
    planned = apply(store)
    assert {action for action, _kind, _name in real(planned)} == {"create"}
    assert [(kind, name) for _action, kind, name in real(planned)] == [
        (manifest["kind"], manifest["metadata"]["name"]) for manifest in planned.bundle
    ]
    assert real(planned)[-1] == ("create", "StatefulSet", "mysql")
    applied = [key for verb, *key in store.requests if verb == "apply"]
    topology = ["ConfigMap", "mysql-topology"]
    rest = [[kind, name] for _action, kind, name in real(planned) if [kind, name] != topology]
    assert applied[len(applied) // 2 :] == [topology, *rest]


def test_the_second_plan_is_nothing() -> None:
    store = deployed()
    planned = plan(store)
    assert {change.action for change in planned.changes} == {"none"}
    assert not planned.changed
    assert planned.topology.bootstrapped is None


def test_what_would_not_change_is_not_sent() -> None:
    store = deployed()
    planned = plan(store)
    store.requests.clear()
    deploy(store, planned, FakeRuntime(), idle(store, NAMES), wait=False)
    assert store.requests == []


@pytest.mark.parametrize("replicas", [1, 3, 12])
def test_the_number_of_requests_does_not_grow_with_the_cluster(replicas: int) -> None:
    store = deployed(replicas=replicas)
    plan(store, replicas=replicas)
    # The dry run of each object that may change, a list of each kind, the version, and the primary's pod.
    bundle = plan(deployed(replicas=2), replicas=2).bundle
    assert len(store.requests) == sum(not manifest.get("immutable") for manifest in bundle) + 7 + 2


def test_a_label_of_an_immutable_object_comes_back() -> None:
    store = deployed()
    (name,) = [key[1] for key in store.objects if key[0] == "ConfigMap" and key[1].startswith("mysql-scripts-")]
    store.edit("ConfigMap", name, {"metadata": {"labels": {"app.kubernetes.io/component": None}}}, "their-tool")
    assert real(apply(store)) == [("update", "ConfigMap", name)]
    assert not plan(store).changed


def test_another_content_under_the_name_of_ours_is_no_agreement() -> None:
    """A real server refuses to apply ours to it."""
    store = deployed()
    (name,) = [key[1] for key in store.objects if key[0] == "ConfigMap" and key[1].startswith("mysql-scripts-")]
    store.objects["ConfigMap", name]["data"] = {"run-mysqld.sh": "something else"}
    assert ("update", "ConfigMap", name) in real(plan(store))


def test_scaling_changes_one_field() -> None:
    planned = plan(deployed(), replicas=5)
    assert [change.fields for change in planned.changes if change.action != "none"] == [(("spec.replicas", "3", "5"),)]


def test_a_threshold_changes_one_field_and_no_pod() -> None:
    planned = plan(deployed(), max_lag=10)
    assert real(planned) == [("update", "ConfigMap", "mysql-thresholds")]
    assert [change.fields for change in planned.changes if change.action != "none"] == [(("data.max_lag", "30", "10"),)]


def test_drift_is_repaired() -> None:
    store = deployed()
    del store.objects["Service", "mysql-read"]
    store.edit("ConfigMap", "mysql-thresholds", {"data": {"max_lag": None}}, "their-tool")
    planned = apply(store)
    assert real(planned) == [("update", "ConfigMap", "mysql-thresholds"), ("create", "Service", "mysql-read")]
    assert not plan(store).changed


def test_a_label_of_ours_that_somebody_removed_comes_back() -> None:
    """The object is not in the list of those with our labels then."""
    store = deployed()
    store.edit("Service", "mysql-read", {"metadata": {"labels": {"app.kubernetes.io/instance": None}}}, "their-tool")
    planned = apply(store)
    assert [[field.path for field in change.fields] for change in planned.changes if change.action == "update"] == [
        ["metadata.labels[app.kubernetes.io/instance]"]
    ]


def test_a_conflict_stops_the_plan() -> None:
    store = deployed()
    store.edit("StatefulSet", "mysql", {"spec": {"replicas": 7}}, "their-tool")
    with pytest.raises(ApiConflict, match="their-tool"):
        plan(store)
    assert store.objects["StatefulSet", "mysql"]["spec"]["replicas"] == 7
    assert apply(store.forcing()).changed
    assert not plan(store).changed


def test_what_is_not_wanted_any_more_is_pruned() -> None:
    store = deployed()
    planned = apply(store, network_policy=False, pod_disruption_budget=False)
    assert real(planned) == [("delete", "PodDisruptionBudget", "mysql"), ("delete", "NetworkPolicy", "mysql")]
    assert ("NetworkPolicy", "mysql") not in store.objects
    assert not plan(store, network_policy=False, pod_disruption_budget=False).changed


def test_only_what_we_applied_is_pruned() -> None:
    store = deployed()
    copied: Manifest = {"kind": "ConfigMap", "metadata": {"name": "copy", "labels": NAMES.labels}}
    other = {"manager": "their-tool", "operation": "Apply"}
    store.put(copied)
    store.put({"kind": "Service", "metadata": {"name": "copy", "labels": NAMES.labels, "managedFields": [other]}})
    assert not apply(store).changed


def test_the_secret_is_never_pruned() -> None:
    store = deployed()
    keys = ("root-password", "replication-password", "clone-password", "admin-password")
    store.put({"kind": "Secret", "metadata": {"name": "mine"}, "data": dict.fromkeys(keys, "YQ==")})
    assert not apply(store, secret_name="mine").changed or "Secret" not in {
        kind for action, kind, _name in real(plan(store, secret_name="mine")) if action == "delete"
    }
    assert ("Secret", "mysql") in store.objects


def test_passwords_are_generated_once() -> None:
    store = deployed()
    before = parse_passwords(store.objects["Secret", "mysql"])
    apply(store, replicas=5)
    assert parse_passwords(store.objects["Secret", "mysql"]) == before


def test_a_lost_secret_of_a_cluster_with_data() -> None:
    store = bootstrapped()
    del store.objects["Secret", "mysql"]
    with pytest.raises(SpecError, match="root_password: Secret mysql has no root-password"):
        plan(store)


def test_a_foreign_secret_that_lacks_keys() -> None:
    store = FakeObjectStore({"kind": "Secret", "metadata": {"name": "mine"}, "data": {"root-password": "YQ=="}})
    with pytest.raises(SpecError, match="lacks replication-password"):
        plan(store, secret_name="mine")


def test_a_ready_primary_has_data_whoever_waited_for_it() -> None:
    store = deployed()
    store.put(pod("mysql-0", NAMES.labels, ready=False))
    assert plan(store).topology.bootstrapped is None
    store.put(pod("mysql-0", NAMES.labels))
    planned = apply(store)
    assert planned.topology.bootstrapped == "2026-01-01T12:00:00Z"
    assert real(planned) == [("update", "ConfigMap", "mysql-topology")]
    assert not plan(store).changed


def test_the_topology_of_a_cluster_is_kept() -> None:
    store = deployed()
    store.edit("ConfigMap", "mysql-topology", {"data": {"primary": "mysql-2"}}, "their-tool")
    planned = plan(store)
    assert planned.topology.primary == "mysql-2"
    selector = next(each["spec"]["selector"] for each in planned.bundle if each["metadata"]["name"] == "mysql-primary")
    assert selector["statefulset.kubernetes.io/pod-name"] == "mysql-2"


def test_scaling_below_the_primary_is_refused() -> None:
    store = deployed()
    store.edit("ConfigMap", "mysql-topology", {"data": {"primary": "mysql-2"}}, "their-tool")
    with pytest.raises(SpecError, match="replicas: 2 would remove the primary mysql-2; keep at least 3"):
        plan(store, replicas=2)
    assert plan(store, replicas=3)


def test_an_immutable_field_is_found_while_planning() -> None:
    store = deployed()
    store.objects["StatefulSet", "mysql"]["spec"]["serviceName"] = "other"
    store.requests.clear()
    with pytest.raises(ImmutableChange, match=r"spec\.serviceName"):
        plan(store)
    assert {verb for verb, _kind, _name in store.requests} <= READING


@pytest.mark.parametrize(("kind", "changed"), [("ConfigMap", False), ("ServiceAccount", True), ("StatefulSet", True)])
def test_a_failure_on_the_way_says_whether_something_was_changed(kind: str, changed: bool) -> None:
    store = FakeObjectStore()
    planned = plan(store)
    store.failures["apply", kind] = ApiForbidden("no", 403)
    outcome = deploy(store, planned, FakeRuntime(), idle(store, NAMES), wait=True).outcome
    assert isinstance(outcome.error, ApiForbidden)
    assert outcome.changed is changed


def test_a_failing_prune_comes_after_changes() -> None:
    store = deployed()
    planned = plan(store, network_policy=False, replicas=5)
    store.failures["delete", "NetworkPolicy"] = ApiForbidden("no", 403)
    outcome = deploy(store, planned, FakeRuntime(), idle(store, NAMES), wait=False).outcome
    assert isinstance(outcome.error, ApiForbidden)
    assert ("update", "StatefulSet") in {(each.action, each.kind) for each in outcome.changes}
    assert "delete" not in {each.action for each in outcome.changes}


@pytest.mark.parametrize("version", [(1, 20), (1, 30)])
def test_the_budget_is_of_a_version_that_the_server_knows(version: tuple[int, int]) -> None:
    store = FakeObjectStore(version=version)
    apply(store)
    expected = "policy/v1" if version >= (1, 21) else "policy/v1beta1"
    assert store.objects["PodDisruptionBudget", "mysql"]["apiVersion"] == expected


@pytest.mark.parametrize(
    ("options", "restarts"),
    [
        ({"config": {"max_connections": 7}}, ("mysql-2", "mysql-1", "mysql-0")),
        # One that goes does not come back, and one that is new is not restarted.
        ({"config": {"max_connections": 7}, "replicas": 2}, ("mysql-1", "mysql-0")),
        ({"config": {"max_connections": 7}, "replicas": 4}, ("mysql-2", "mysql-1", "mysql-0")),
        ({"replicas": 4}, ()),
        ({"max_lag": 7}, ()),
    ],
)
def test_what_restarts_is_foretold(options: dict[str, t.Any], restarts: tuple[str, ...]) -> None:
    planned = plan(deployed(), **options)
    assert {each.kind: each.restarts for each in planned.changes if each.restarts} == (
        {"StatefulSet": restarts} if restarts else {}
    )


# --- objects of others --------------------------------------------------------------------------------------------------


def foreign(manifest: Manifest, **metadata: t.Any) -> Manifest:
    """An object of the same kind and name that somebody else has created."""
    name = manifest["metadata"]["name"]
    return {"kind": manifest["kind"], "metadata": {"name": name, **metadata}, "data": {"theirs": "1"}}


OBJECTS = [each for each in plan(FakeObjectStore()).bundle if each["kind"] != "StatefulSet"]


@pytest.mark.parametrize("labels", [{}, NAMES.labels], ids=["without labels", "with labels that were copied"])
@pytest.mark.parametrize("manifest", OBJECTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_an_object_that_somebody_else_created_is_refused(manifest: Manifest, labels: dict[str, str]) -> None:
    theirs = foreign(manifest, labels=labels)
    store = FakeObjectStore(theirs)
    before = dict(store.objects)
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    with pytest.raises(
        SpecError, match=rf"^name: 'mysql' needs the {kind} {name}, and there is one that this collection did not"
    ):
        plan(store)
    assert store.objects == before


def test_the_refusal_of_a_secret_names_the_option_that_uses_it() -> None:
    store = FakeObjectStore(foreign(next(each for each in OBJECTS if each["kind"] == "Secret")))
    with pytest.raises(SpecError, match="use its passwords with secret_name: mysql"):
        plan(store)


def test_an_object_of_another_cluster_is_refused_by_its_name() -> None:
    """The Service for reads of `orders` is called as the cluster `orders-read`."""
    store = deployed(name="orders")
    before = dict(store.objects)
    with pytest.raises(
        SpecError, match=r"needs the Service orders-read, and that belongs to the cluster 'orders' of this coll"
    ):
        plan_deployment(
            store.planning(),
            cluster_spec(name="orders-read", secret_name=None),
            FakeRuntime(),
            FakePods(store, Names.parse("orders-read", "default")),
            wait=False,
        )
    assert store.objects == before


def test_an_object_of_ours_whose_labels_were_removed_is_still_ours() -> None:
    store = deployed()
    store.edit("Service", "mysql-read", {"metadata": {"labels": None}}, "kubectl-edit")
    assert ("update", "Service", "mysql-read") in real(plan(store))
