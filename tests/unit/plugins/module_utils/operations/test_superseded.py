# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ConfigMaps that a pod template names stay until no pod can be made from that template."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import ApiForbidden, WaitFailed, WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.adopt import adopt, plan_adoption
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import (
    WaitOptions,
    deploy,
    plan_deployment,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.outcome import Outcome, StalledRollout
from params import cluster_spec
from unit.fakes.cluster import FakeRuntime, crashing
from unit.fakes.rollout import ALL, NAMES, TIMEOUT, Rollout
from unit.fakes.store import FakeObjectStore, pod

OTHER: dict[str, t.Any] = {"config": {"max_connections": 77}}
# The fixed names that older releases gave.
FIXED = ("mysql", "mysql-scripts")


def config_maps(store: FakeObjectStore) -> set[str]:
    return {name for kind, name in store.objects if kind == "ConfigMap"}


def mounted(store: FakeObjectStore) -> set[str]:
    """The ConfigMaps of the present pod template, and the topology among them."""
    volumes = store.objects["StatefulSet", "mysql"]["spec"]["template"]["spec"]["volumes"]
    return {each["configMap"]["name"] for each in volumes if "configMap" in each}


def pods(revision: str, *, ready: bool = True) -> list[Manifest]:
    labels = {**NAMES.labels, "controller-revision-hash": revision}
    return [pod(name, labels, ready=ready) for name in ALL]


def settle(rollout: Rollout, revision: str, *, current: str | None = None, ready: bool = True) -> None:
    """All pods are of a revision; the controller makes new ones from ``current``."""
    rollout.time.pods(others=pods(revision, ready=ready))
    status = rollout.store.objects["StatefulSet", "mysql"]["status"]
    status.update(currentRevision=current or revision, updateRevision=revision)


def deployed() -> Rollout:
    """A cluster whose rollout is over."""
    rollout = Rollout()
    rollout.run(wait=False)
    settle(rollout, "a")
    return rollout


def old_cluster() -> Rollout:
    """A cluster as an older release deployed it: scripts and my.cnf files in ConfigMaps of fixed names."""
    rollout = deployed()
    for name in FIXED:
        rollout.store.apply({"kind": "ConfigMap", "metadata": {"name": name, "labels": NAMES.labels}, "data": {"a": name}})
    return rollout


def deleted(rollout: Rollout) -> list[str]:
    return [name for verb, kind, name in rollout.store.requests if (verb, kind) == ("delete", "ConfigMap")]


def listed(rollout: Rollout) -> list[str]:
    return [each.name for each in rollout.done.changes if (each.action, each.kind) == ("delete", "ConfigMap")]


def test_the_older_ones_stay_as_they_are_until_the_rollout_is_over() -> None:
    rollout = old_cluster()
    before = {name: rollout.store.objects["ConfigMap", name] for name in FIXED}

    def half() -> None:
        assert {name: rollout.store.objects["ConfigMap", name] for name in FIXED} == before
        settle(rollout, "b", current="a", ready=False)

    def all_ready() -> None:
        assert {name: rollout.store.objects["ConfigMap", name] for name in FIXED} == before
        settle(rollout, "b", current="a")

    def complete() -> None:
        # The pods are ready, and the controller still makes new ones from the older template.
        assert {name: rollout.store.objects["ConfigMap", name] for name in FIXED} == before
        settle(rollout, "b")

    for second, happen in ((1, half), (5, all_ready), (20, complete)):
        rollout.time.at(second, happen)
    rollout.run(**OTHER)
    assert rollout.time.time >= 20
    assert config_maps(rollout.store) == mounted(rollout.store)
    assert set(FIXED) < set(listed(rollout))
    assert listed(rollout) == deleted(rollout)


def test_another_configuration_is_a_new_object_and_the_old_one_is_pruned() -> None:
    rollout = deployed()
    before = mounted(rollout.store)
    rollout.time.at(5, lambda: settle(rollout, "b"))
    rollout.run(**OTHER)
    (old,) = before - mounted(rollout.store)
    (new,) = mounted(rollout.store) - before
    assert [
        (each.action, each.name) for each in rollout.done.changes if each.kind == "ConfigMap" and each.action != "none"
    ] == [
        ("create", new),
        ("update", "mysql-topology"),
        ("delete", old),
    ]


def test_a_configuration_that_fails_leaves_the_one_before() -> None:
    rollout = deployed()
    before = mounted(rollout.store)

    def fail() -> None:
        settle(rollout, "b", current="a", ready=False)
        labels = {**NAMES.labels, "controller-revision-hash": "b"}
        live = crashing(NAMES, "mysql-2", restarts=9)
        rollout.store.put({**live, "metadata": {"name": "mysql-2", "labels": labels}})

    rollout.time.at(1, fail)
    rollout.fails(WaitFailed, **OTHER)
    assert before <= config_maps(rollout.store)
    assert (deleted(rollout), listed(rollout)) == ([], [])
    # The way back: the next run finds what it needs, and removes what failed.
    (failed,) = mounted(rollout.store) - before
    rollout.time.at(rollout.time.time + 5, lambda: settle(rollout, "a"))
    rollout.run()
    assert config_maps(rollout.store) == before
    assert listed(rollout) == [failed]


def test_a_rollout_that_is_not_over_in_time() -> None:
    rollout = old_cluster()
    rollout.time.at(1, lambda: settle(rollout, "b", current="a"))
    outcome = rollout.fails(WaitTimeout, **OTHER)
    message = "gave up after 100 s waiting for the StatefulSet controller to complete the rollout"
    # The next round continues to wait for it.
    assert outcome.stalled == StalledRollout(message, {}, 3)
    assert (deleted(rollout), listed(rollout)) == ([], [])


def test_they_stay_until_every_pod_has_acknowledged_the_topology() -> None:
    rollout = old_cluster()
    rollout.pods.answers["mysql-1"] = None
    rollout.time.at(5, lambda: settle(rollout, "b"))
    assert "mysql-1 to acknowledge the topology" in rollout.message(WaitTimeout, **OTHER)
    assert (deleted(rollout), listed(rollout)) == ([], [])
    del rollout.pods.answers["mysql-1"]
    rollout.run(**OTHER)
    assert set(FIXED) < set(listed(rollout))


def test_warnings_of_the_wait_outlive_the_prune() -> None:
    rollout = old_cluster()
    rollout.store.failures["annotate", "Pod"] = ApiForbidden("pods may not be patched", 403)
    rollout.time.at(5, lambda: settle(rollout, "b"))
    rollout.run(**OTHER)
    assert set(FIXED) < set(listed(rollout))
    assert ["pods may not be patched" in warning for warning in rollout.done.warnings] == [True]


def test_a_run_that_does_not_wait_leaves_them_to_the_next() -> None:
    rollout = old_cluster()
    rollout.run(wait=False, **OTHER)
    assert (deleted(rollout), listed(rollout)) == ([], [])
    # The rollout goes on: nothing is due, so nothing is planned.
    for ready in (False, True):
        settle(rollout, "b", current="a", ready=ready)
        rollout.run(wait=False, **OTHER)
        assert not rollout.done.changed
    settle(rollout, "b")
    # A pod of somebody's that copied the labels is no instance.
    rollout.store.put({**pod("debug-0", NAMES.labels), "metadata": {"name": "mysql-debug", "labels": NAMES.labels}})
    rollout.run(wait=False, **OTHER)
    assert set(FIXED) < set(listed(rollout))
    assert config_maps(rollout.store) == mounted(rollout.store)
    rollout.run(wait=False, **OTHER)
    assert not rollout.done.changed


def test_a_run_that_does_not_wait_gives_up_at_once_if_a_rollout_has_begun_meanwhile() -> None:
    rollout = old_cluster()
    rollout.run(wait=False, **OTHER)
    settle(rollout, "b")
    planned = plan_deployment(rollout.store.planning(), cluster_spec(**OTHER), FakeRuntime(), rollout.pods, wait=False)
    settle(rollout, "c", current="b")
    waiting = WaitOptions(rollout.diagnostics, rollout.pods, TIMEOUT, rollout.time)
    outcome = deploy(rollout.store, planned, FakeRuntime(), waiting, wait=False).outcome
    assert outcome.error is not None and "to complete the rollout" in outcome.error.message
    assert (rollout.time.time, deleted(rollout)) == (0, [])


@pytest.mark.parametrize("wait", [False, True])
def test_a_run_that_was_killed_before_the_prune(wait: bool) -> None:
    rollout = old_cluster()
    rollout.run(wait=False, **OTHER)
    settle(rollout, "b")
    rollout.run(wait=wait, **OTHER)
    assert set(FIXED) < set(listed(rollout))
    assert {each.action for each in rollout.done.changes} == {"none", "delete"}
    assert config_maps(rollout.store) == mounted(rollout.store)


def test_pods_of_a_template_that_was_given_up_keep_theirs() -> None:
    """After the way back the controller's current revision is the newest at once, and pods of the other one still run."""
    rollout = deployed()
    rollout.run(wait=False, **OTHER)
    (other,) = mounted(rollout.store) - config_maps(deployed().store)
    rollout.run(wait=False)
    settle(rollout, "b")
    rollout.store.objects["StatefulSet", "mysql"]["status"].update(currentRevision="a", updateRevision="a")
    rollout.run(wait=False)
    assert other in config_maps(rollout.store)
    settle(rollout, "a")
    rollout.run(wait=False)
    assert listed(rollout) == [other]


def test_what_somebody_else_has_deployed_meanwhile_is_kept() -> None:
    """Two runs: the other one goes back to the state before, which names the ConfigMaps that this one would prune."""
    rollout = deployed()
    before = mounted(rollout.store)

    def go_back() -> None:
        other = Rollout(rollout.store)
        other.run(wait=False)
        settle(rollout, "a")

    rollout.time.at(5, go_back)
    rollout.run(**OTHER)
    assert (deleted(rollout), listed(rollout)) == ([], [])
    assert before <= config_maps(rollout.store)


def test_only_what_we_applied_for_this_cluster_is_pruned() -> None:
    rollout = old_cluster()
    copied: Manifest = {"kind": "ConfigMap", "metadata": {"name": "mysql-config-copied", "labels": NAMES.labels}, "data": {}}
    neighbour = {**NAMES.labels, "app.kubernetes.io/instance": "mysql-config"}
    rollout.store.put(copied)
    rollout.store.apply({"kind": "ConfigMap", "metadata": {"name": "mysql-config-0", "labels": neighbour}, "data": {}})
    rollout.run()
    assert sorted(listed(rollout)) == sorted(FIXED)
    assert {"mysql-config-copied", "mysql-config-0"} < config_maps(rollout.store)


def test_a_prune_that_is_refused_comes_after_the_changes() -> None:
    rollout = old_cluster()
    rollout.store.failures["delete", "ConfigMap"] = ApiForbidden("no", 403)
    rollout.time.at(5, lambda: settle(rollout, "b"))
    outcome = rollout.fails(ApiForbidden, **OTHER)
    assert {each.action for each in outcome.changes} == {"none", "create", "update"}


@pytest.mark.parametrize("adopting", [False, True])
def test_a_plan_foretells_them_if_the_run_waits(adopting: bool) -> None:
    rollout = old_cluster()
    store, pods_asked = rollout.store, rollout.pods

    def planned(wait: bool) -> set[str]:
        spec, planner = cluster_spec(**OTHER), store.planning()
        if adopting:
            deployment = plan_adoption(planner, spec, FakeRuntime(), t.cast("t.Any", None), pods_asked, wait=wait).deployment
        else:
            deployment = plan_deployment(planner, spec, FakeRuntime(), pods_asked, wait=wait)
        return {each.name for each in deployment.changes if (each.action, each.kind) == ("delete", "ConfigMap")}

    assert set(FIXED) < planned(wait=True)
    assert planned(wait=False) == set()


def adopted(rollout: Rollout, *, wait: bool, **options: t.Any) -> Outcome:
    """A run with ``adopt`` on a cluster that is adopted already."""
    store, nobody = rollout.store, t.cast("t.Any", None)
    planned = plan_adoption(store.planning(), cluster_spec(**options), FakeRuntime(), nobody, rollout.pods, wait=wait)
    waiting = WaitOptions(rollout.diagnostics, rollout.pods, TIMEOUT, rollout.time)
    return adopt(store, planned, FakeRuntime(), nobody, planner=store.planning(), wait=wait, waiting=waiting).outcome


def test_a_run_with_adopt_prunes_them_after_the_rollout() -> None:
    rollout = old_cluster()
    rollout.time.at(20, lambda: settle(rollout, "b"))
    outcome = adopted(rollout, wait=True, **OTHER)
    assert outcome.error is None
    assert rollout.time.time >= 20
    assert set(FIXED) < set(deleted(rollout))
    assert config_maps(rollout.store) == mounted(rollout.store)


def test_a_warning_of_the_deployment_outlives_an_adoption() -> None:
    rollout = old_cluster()
    rollout.store.edit("ConfigMap", "mysql-topology", {"data": {"epoch": None}}, "other")
    rollout.store.failures["annotate", "Pod"] = ApiForbidden("pods may not be patched", 403)
    assert ["pods may not be patched" in each for each in adopted(rollout, wait=False).warnings] == [True]


def test_nothing_to_prune_asks_nothing() -> None:
    rollout = deployed()
    rollout.run()
    rollout.store.requests.clear()
    rollout.run()
    # The wait for the rollout reads it once; nothing reads it after that.
    assert rollout.store.requests.count(("get", "StatefulSet", "mysql")) == 1
