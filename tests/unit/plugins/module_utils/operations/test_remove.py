# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a cluster down: what goes, what stays, in which order, and what is waited for."""

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import ApiForbidden, SpecError, WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import deploy, plan_deployment
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.diff import Change
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.outcome import Outcome
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.remove import plan_removal, remove
from params import cluster_spec
from unit.fakes.cluster import Controllers, FakePods, FakeRuntime, completed, idle
from unit.fakes.store import FakeObjectStore, pod

NAMES = Names.parse("mysql", "default")


def claim(name: str, cluster: str = "mysql") -> Manifest:
    labels = Names.parse(cluster, "default").selector
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "labels": labels}}


def deployed() -> FakeObjectStore:
    store = FakeObjectStore()
    planned = plan_deployment(store.planning(), cluster_spec(), FakeRuntime(), FakePods(store, NAMES), wait=False)
    deploy(store, planned, FakeRuntime(), idle(store, NAMES), wait=False)
    for name in NAMES.instances(3):
        store.put(pod(name, NAMES.selector))
        store.put(claim(NAMES.claim_of(name)))
    store.requests.clear()
    return store


def plan(store: FakeObjectStore, *, delete_data: bool = False) -> tuple[Change, ...]:
    return plan_removal(store.planning(), NAMES, delete_data=delete_data)


def keys(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    assert {change.action for change in changes} <= {"delete"}
    return [(change.kind, change.name) for change in changes]


def go(store: FakeObjectStore, changes: tuple[Change, ...], *, wait: bool = False, time: Controllers | None = None) -> None:
    completed(attempt(store, changes, wait=wait, time=time))


def attempt(
    store: FakeObjectStore, changes: tuple[Change, ...], *, wait: bool = False, time: Controllers | None = None
) -> Outcome:
    return remove(store, NAMES, changes, wait=wait, timeout=10, clock=time or Controllers(store, NAMES))


def test_data_stay() -> None:
    store = deployed()
    go(store, plan(store))
    assert {key for key in store.objects if key[0] != "Pod"} == {
        ("Secret", "mysql"),
        ("ConfigMap", "mysql-topology"),
        *(("PersistentVolumeClaim", f"data-mysql-{n}") for n in range(3)),
    }
    assert plan(store) == ()


def test_the_pods_go_first_and_the_claims_last() -> None:
    order = keys(plan(deployed(), delete_data=True))
    assert order[0] == ("StatefulSet", "mysql")
    assert [kind for kind, _name in order][-4:] == ["Secret"] + ["PersistentVolumeClaim"] * 3


def test_everything_goes_when_asked_by_name() -> None:
    store = deployed()
    go(store, plan(store, delete_data=True))
    assert {kind for kind, _name in store.objects} == {"Pod"}
    assert plan(store, delete_data=True) == ()


def test_data_of_a_cluster_that_is_gone_already() -> None:
    store = deployed()
    go(store, plan(store))
    assert keys(plan(store, delete_data=True)) == [
        ("ConfigMap", "mysql-topology"),
        ("Secret", "mysql"),
        *(("PersistentVolumeClaim", f"data-mysql-{n}") for n in range(3)),
    ]


def test_claims_that_a_smaller_number_of_replicas_left_behind_go_too() -> None:
    store = deployed()
    store.put(claim("data-mysql-7"))
    assert ("PersistentVolumeClaim", "data-mysql-7") in keys(plan(store, delete_data=True))


@pytest.mark.parametrize(
    "other",
    [
        claim("data-mysql-0-0", "mysql-0"),
        claim("data-other-0", "other"),
        claim("data-mysql-backup"),
        claim("backup-mysql-0"),
        claim("data-mysql-"),
    ],
)
def test_other_claims_stay(other: Manifest) -> None:
    store = deployed()
    store.put(other)
    go(store, plan(store, delete_data=True))
    assert ("PersistentVolumeClaim", other["metadata"]["name"]) in store.objects


def test_objects_of_others_stay() -> None:
    store = deployed()
    for kind in ("ConfigMap", "Secret", "Service", "StatefulSet"):
        store.put({"kind": kind, "metadata": {"name": "copy", "labels": NAMES.labels}})
    go(store, plan(store, delete_data=True))
    assert {key for key in store.objects if key[1] == "copy"} == {
        (kind, "copy") for kind in ("ConfigMap", "Secret", "Service", "StatefulSet")
    }


def test_a_foreign_secret_stays() -> None:
    store = deployed()
    names = Names.parse("mysql", "default", "mine")
    store.put({"kind": "Secret", "metadata": {"name": "mine"}, "data": {}})
    remove(store, names, plan_removal(store, names, delete_data=True), wait=False, timeout=1, clock=Controllers(store, names))
    assert ("Secret", "mine") in store.objects


def test_nothing_of_a_secret_is_shown() -> None:
    changes = plan(deployed(), delete_data=True)
    assert [change.fields for change in changes if change.kind == "Secret"] == [()]


def gone(store: FakeObjectStore, kind: str) -> None:
    for key in [key for key in store.objects if key[0] == kind]:
        del store.objects[key]


def test_it_waits_for_the_pods() -> None:
    store = deployed()
    time = Controllers(store, NAMES)
    time.at(4, lambda: gone(store, "Pod"))
    go(store, plan(store), wait=True, time=time)
    assert 4 <= time.time < 5


def test_it_waits_also_when_somebody_else_deleted_the_set_just_now() -> None:
    store = deployed()
    changes = plan(store)
    go(store, changes)
    outcome = attempt(store, plan(store), wait=True)
    assert isinstance(outcome.error, WaitTimeout)
    assert "mysql-0, mysql-1, mysql-2 to be gone" in outcome.error.message
    assert outcome.changed is False


class Protected(FakeObjectStore):
    """Claims that a pod uses leave after it."""

    def delete(self, kind: str, name: str, *, orphan: bool = False) -> None:
        if kind != "PersistentVolumeClaim":
            super().delete(kind, name, orphan=orphan)


def test_it_waits_for_claims_that_were_deleted() -> None:
    store = deployed()
    store.__class__ = Protected
    changes = plan(store, delete_data=True)
    time = Controllers(store, NAMES)
    time.at(2, lambda: gone(store, "Pod"))
    outcome = attempt(store, changes, wait=True, time=time)
    assert isinstance(outcome.error, WaitTimeout)
    assert outcome.error.message == "gave up after 10 s waiting for data-mysql-0, data-mysql-1, data-mysql-2 to be gone"
    assert outcome.changed is True
    time.at(time.time + 2, lambda: gone(store, "PersistentVolumeClaim"))
    go(store, changes, wait=True, time=time)


@pytest.mark.parametrize(("kind", "changed"), [("StatefulSet", False), ("Service", True)])
def test_a_failure_on_the_way_says_whether_something_was_changed(kind: str, changed: bool) -> None:
    store = deployed()
    changes = plan(store)
    store.failures["delete", kind] = ApiForbidden("no", 403)
    outcome = attempt(store, changes)
    assert isinstance(outcome.error, ApiForbidden)
    assert outcome.changed is changed


def test_the_generated_secret_stays_with_the_data_whatever_secret_is_named() -> None:
    """The option secret_name has another meaning for the modules that look; module_defaults give it to all of them."""
    store = deployed()
    changes = plan_removal(store.planning(), Names.parse("mysql", "default", "monitoring"), delete_data=False)
    assert {kind for kind, _name in keys(changes)}.isdisjoint({"Secret", "PersistentVolumeClaim"})


def test_claims_of_a_foreign_stateful_set_are_refused() -> None:
    """A release of Bitnami's chart has claims with our names and labels."""
    stateful_set = {"kind": "StatefulSet", "metadata": {"name": "mysql", "labels": NAMES.selector}, "spec": {}}
    store = FakeObjectStore(stateful_set, claim("data-mysql-0"))
    before = dict(store.objects)
    with pytest.raises(
        SpecError, match=r"^delete_data: the claims data-mysql-0 are those of StatefulSet mysql, which this coll"
    ):
        plan(store, delete_data=True)
    assert store.objects == before
    assert plan(store) == ()


def test_claims_that_nothing_proves_to_be_ours_are_refused_with_the_command() -> None:
    store = FakeObjectStore(claim("data-mysql-0"), claim("data-mysql-1"))
    with pytest.raises(SpecError, match=r"kubectl -n default delete pvc data-mysql-0 data-mysql-1$"):
        plan(store, delete_data=True)
    assert plan(store) == ()


def test_claims_are_ours_as_long_as_the_topology_stays() -> None:
    store = deployed()
    go(store, plan(store))
    assert ("PersistentVolumeClaim", "data-mysql-0") in keys(plan(store, delete_data=True))
