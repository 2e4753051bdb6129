# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster whose topology, Secret or both were deleted is the same cluster, or the deployment is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from unit.fakes.rollout import ALL, NAMES, NOTED, Rollout

TOPOLOGY = ("ConfigMap", "mysql-topology")
SECRET = ("Secret", "mysql")


def running(primary: str = "mysql-1", epoch: int = 4) -> Rollout:
    """A cluster with data, whose pods have read a topology of this epoch."""
    rollout = Rollout()
    rollout.at(1, ready=ALL)
    rollout.run()
    data = {"epoch": str(epoch), "primary": primary}
    rollout.store.edit(*TOPOLOGY, {"data": data}, "operation")
    for name in ALL:
        claim = {"name": NAMES.claim_of(name), "labels": NAMES.selector}
        rollout.store.put({"kind": "PersistentVolumeClaim", "metadata": claim, "status": {"phase": "Bound"}})
        role = "primary" if name == primary else "replica"
        intent = dict(rollout.store.objects[TOPOLOGY]["data"])
        rollout.pods.answers[name] = Acknowledgement(0, intent, role, ready=True, data=True, data_epoch=epoch)  # type: ignore[arg-type]
    return rollout


def test_a_lost_topology_comes_back_from_the_pods() -> None:
    rollout = running()
    rollout.store.delete(*TOPOLOGY)
    assert rollout.run() == Topology("mysql-1", NOTED, 4, "c1")
    assert rollout.store.objects["Service", "mysql-primary"]["spec"]["selector"] == {
        **NAMES.selector,
        "statefulset.kubernetes.io/pod-name": "mysql-1",
    }


def test_the_newest_epoch_that_a_pod_has_seen_counts() -> None:
    rollout = running()
    rollout.store.delete(*TOPOLOGY)
    older = {"epoch": "3", "primary": "mysql-0", "bootstrapped": NOTED, "cluster": "c1"}
    rollout.pods.answers["mysql-0"] = Acknowledgement(0, older, "primary", data=True, data_epoch=4)
    assert rollout.run(wait=False) == Topology("mysql-1", NOTED, 4, "c1")


def test_a_handover_that_was_not_committed_is_not_restored() -> None:
    """A committed one shows in the epochs of the data, and is refused like any newer epoch."""
    rollout = running()
    for name in ALL:
        answer = rollout.pods.answers[name]
        assert answer is not None
        intent = {**answer.intent, "handover": "from=mysql-1 to=mysql-2 epoch=5"}
        rollout.pods.answers[name] = replace(answer, intent=intent)
    rollout.store.delete(*TOPOLOGY)
    assert rollout.run(wait=False) == Topology("mysql-1", NOTED, 4, "c1")
    committed = rollout.pods.answers["mysql-2"]
    assert committed is not None
    rollout.pods.answers["mysql-2"] = replace(committed, data_epoch=5)
    rollout.store.delete(*TOPOLOGY)
    with pytest.raises(SpecError, match="the newest epoch in their data: 5"):
        rollout.run(wait=False)


def nobody_answers(rollout: Rollout) -> None:
    rollout.pods.answers |= dict.fromkeys(ALL)


def one_is_silent(rollout: Rollout) -> None:
    rollout.pods.answers["mysql-2"] = None


def they_disagree(rollout: Rollout) -> None:
    found = rollout.pods.answers["mysql-0"]
    assert found is not None
    rollout.pods.answers["mysql-0"] = replace(found, intent={**found.intent, "primary": "mysql-0"})


def the_data_are_newer(rollout: Rollout) -> None:
    found = rollout.pods.answers["mysql-2"]
    assert found is not None
    rollout.pods.answers["mysql-2"] = replace(found, data_epoch=5)


@pytest.mark.parametrize("doubt", [nobody_answers, one_is_silent, they_disagree, the_data_are_newer])
def test_a_primary_that_is_not_certain_is_not_guessed(doubt: object) -> None:
    rollout = running()
    rollout.store.delete(*TOPOLOGY)
    assert callable(doubt)
    doubt(rollout)
    with pytest.raises(SpecError, match=r"ConfigMap mysql-topology is missing.*create configmap mysql-topology --from-literal"):
        rollout.run(wait=False)
    assert TOPOLOGY not in rollout.store.objects


def test_the_way_out_names_the_newest_epoch_that_any_pod_knows() -> None:
    rollout = running()
    rollout.store.delete(*TOPOLOGY)
    one_is_silent(rollout)
    for name in ("mysql-0", "mysql-1"):
        found = rollout.pods.answers[name]
        assert found is not None
        rollout.pods.answers[name] = replace(found, data_epoch=None)
    with pytest.raises(SpecError, match=r"no answer from the pods of: data-mysql-2.*--from-literal=epoch=4 "):
        rollout.run(wait=False)


def test_the_way_out_of_that_works() -> None:
    rollout = running()
    rollout.store.delete(*TOPOLOGY)
    nobody_answers(rollout)
    data = {"primary": "mysql-1", "epoch": "4", "bootstrapped": NOTED}
    rollout.store.put({"kind": "ConfigMap", "metadata": {"name": "mysql-topology"}, "data": data})
    assert rollout.run(wait=False) == Topology("mysql-1", NOTED, 4, "c1")


def test_a_lost_secret_is_refused_with_the_way_to_read_it() -> None:
    rollout = running()
    rollout.store.delete(*SECRET)
    with pytest.raises(SpecError, match="kubectl -n default exec mysql-0 -c mysql -- cat /kubemysql/secret/root-password"):
        rollout.run(wait=False)
    assert SECRET not in rollout.store.objects


def test_both_are_lost() -> None:
    """The passwords are refused before the topology is written."""
    rollout = running()
    passwords = {
        key: f"{key} of before" for key in ("root_password", "replication_password", "clone_password", "admin_password")
    }
    rollout.store.delete(*TOPOLOGY)
    rollout.store.delete(*SECRET)
    with pytest.raises(SpecError, match="root_password: Secret mysql has no root-password"):
        rollout.run(wait=False)
    assert TOPOLOGY not in rollout.store.objects
    assert rollout.run(wait=False, **passwords) == Topology("mysql-1", NOTED, 4, "c1")


@pytest.mark.parametrize(("data", "refused"), [(True, True), (False, False)])
def test_a_secret_that_is_lost_before_the_first_run_has_ended(data: bool, refused: bool) -> None:
    """No run has recorded that there are data; the pods know it."""
    rollout = running()
    rollout.store.edit(*TOPOLOGY, {"data": {"bootstrapped": None}}, "kubectl")
    rollout.store.delete(*SECRET)
    for name in ALL:
        rollout.store.delete("Pod", name)
        rollout.time.pods()
        rollout.pods.answers[name] = Acknowledgement(0, {}, data=data)
    if refused:
        with pytest.raises(SpecError, match="Secret mysql has no root-password"):
            rollout.run(wait=False)
    else:
        rollout.run(wait=False)
        assert SECRET in rollout.store.objects


@pytest.mark.parametrize("phase", ["Pending", None])
def test_claims_without_a_volume_are_those_of_a_new_cluster(phase: str | None) -> None:
    rollout = Rollout()
    metadata = {"name": "data-mysql-0", "labels": NAMES.selector}
    claim = {"kind": "PersistentVolumeClaim", "metadata": metadata, "status": {"phase": phase}}
    rollout.store.put(claim if phase else {**claim, "metadata": {**metadata, "name": "data-mysql-backup"}})
    assert rollout.run(wait=False) == Topology("mysql-0", None, 1, "c1")


def test_claims_that_an_older_cluster_left_behind_are_not_taken_for_new_ones() -> None:
    rollout = Rollout()
    metadata = {"name": "data-mysql-0", "labels": NAMES.selector}
    rollout.store.put({"kind": "PersistentVolumeClaim", "metadata": metadata, "status": {"phase": "Bound"}})
    with pytest.raises(SpecError, match="the claims data-mysql-0 may hold data"):
        rollout.run(wait=False)
