# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The intent: two runs at once, its delivery to the pods, their acknowledgements, and a run that is killed anywhere."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import INTENT_ANNOTATION
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import (
    ApiForbidden,
    ApiUnavailable,
    SpecError,
    StaleVersion,
    WaitTimeout,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import Applied
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import deploy, plan_deployment
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.diff import FieldChange
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Handover, Topology
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from ansible_collections.kubemysql.replication.plugins.module_utils.state.topology import parse_topology
from params import cluster_spec
from unit.fakes.cluster import FakePods, FakeRuntime, completed, idle
from unit.fakes.rollout import ALL, NAMES, NOTED, TIMEOUT, Rollout
from unit.fakes.store import FakeObjectStore, pod

TOPOLOGY = ("ConfigMap", "mysql-topology")
WRITES = {"apply", "annotate", "delete"}


def deployed() -> Rollout:
    """A cluster whose pods have acknowledged its topology."""
    rollout = Rollout()
    rollout.at(1, ready=ALL)
    rollout.run()
    rollout.store.requests.clear()
    rollout.pods.asked.clear()
    return rollout


def live(rollout: Rollout) -> Topology:
    topology = parse_topology(rollout.store.objects[TOPOLOGY])
    assert topology is not None
    return topology


def forget_epoch(rollout: Rollout) -> None:
    """As a release without epochs left the topology."""
    rollout.store.edit(*TOPOLOGY, {"data": {"epoch": None}, "metadata": {"annotations": {INTENT_ANNOTATION: None}}}, "other")


def delivered(rollout: Rollout) -> set[str | None]:
    return {rollout.store.objects["Pod", name]["metadata"].get("annotations", {}).get(INTENT_ANNOTATION) for name in ALL}


def test_a_new_cluster_is_acknowledged_by_every_pod() -> None:
    rollout = Rollout()
    rollout.at(1, ready=ALL)
    topology = rollout.run()
    assert (topology.epoch, topology.bootstrapped, topology.acknowledged) == (1, NOTED, True)
    assert live(rollout) == topology and live(rollout).acknowledged
    assert set(rollout.pods.asked) == set(ALL)
    assert delivered(rollout) == {topology.digest}


def test_a_run_that_changes_nothing_asks_no_pod_and_writes_nothing() -> None:
    rollout = deployed()
    rollout.run()
    assert rollout.pods.asked == []
    assert [verb for verb, *_key in rollout.store.requests if verb == "annotate"] == []
    assert not rollout.done.changed


def test_a_topology_without_an_epoch_gets_the_first_one() -> None:
    rollout = deployed()
    forget_epoch(rollout)
    topology = rollout.run()
    assert rollout.store.objects[TOPOLOGY]["data"]["epoch"] == "1"
    assert (topology.epoch, topology.acknowledged) == (1, True)
    assert set(rollout.pods.asked) == set(ALL)


@pytest.mark.parametrize("epoch", ["0", "-1", "two", ""])
def test_an_epoch_that_is_no_number_is_refused(epoch: str) -> None:
    rollout = deployed()
    rollout.store.edit(*TOPOLOGY, {"data": {"epoch": epoch}}, "kubectl")
    with pytest.raises(SpecError, match="ConfigMap mysql-topology: epoch is"):
        rollout.run()


HANDOVERS = (
    "",
    "mysql-1",
    "from=mysql-0 to=mysql-1",
    "from=mysql-0 to=mysql-1 epoch=3",
    "from=mysql-2 to=mysql-1 epoch=2",
    "from=mysql-0 to=mysql-0 epoch=2",
    "from=mysql-0 to=mysql-1 epoch=2 x",
)


@pytest.mark.parametrize("handover", HANDOVERS)
def test_a_handover_that_cannot_be_is_refused(handover: str) -> None:
    rollout = deployed()
    rollout.store.edit(*TOPOLOGY, {"data": {"handover": handover}}, "kubectl")
    with pytest.raises(
        SpecError, match=r"ConfigMap mysql-topology: handover is .*expected 'from=mysql-0 to=ANOTHER_INSTANCE epoch=2'"
    ):
        rollout.run()


@pytest.mark.parametrize("replicas", [3, 5])
def test_an_ordinary_run_leaves_a_handover_to_the_operation_that_has_begun_it(replicas: int) -> None:
    """In check mode as well: the plan is refused."""
    rollout = deployed()
    rollout.store.edit(*TOPOLOGY, {"data": {"handover": str(Handover("mysql-0", "mysql-1", 2))}}, "other")
    before = dict(rollout.store.objects)
    with pytest.raises(
        SpecError, match=r"being moved .*from=mysql-0 to=mysql-1 epoch=2.*instance: mysql-1; then run this again"
    ):
        plan_deployment(rollout.store.planning(), cluster_spec(replicas=replicas), FakeRuntime(), rollout.pods, wait=True)
    assert rollout.store.objects == before
    assert live(rollout).handover == Handover("mysql-0", "mysql-1", 2)


def test_of_two_runs_that_have_read_the_same_version_one_changes_nothing() -> None:
    rollout = deployed()
    forget_epoch(rollout)
    planner, pods = rollout.store.planning(), rollout.pods
    plans = [plan_deployment(planner, cluster_spec(replicas=count), FakeRuntime(), pods, wait=False) for count in (5, 6)]
    completed(deploy(rollout.store, plans[0], FakeRuntime(), idle(rollout.store, NAMES), wait=False).outcome)
    before = {key: value for key, value in rollout.store.objects.items() if key[0] != "Pod"}
    outcome = deploy(rollout.store, plans[1], FakeRuntime(), idle(rollout.store, NAMES), wait=False).outcome
    assert isinstance(outcome.error, StaleVersion)
    assert not outcome.changed
    assert {key: value for key, value in rollout.store.objects.items() if key[0] != "Pod"} == before


def test_of_two_runs_that_create_the_cluster_one_changes_nothing() -> None:
    """Else the second would replace the passwords with which the first has begun."""
    store = FakeObjectStore()
    pods = FakePods(store, NAMES)
    plans = [plan_deployment(store.planning(), cluster_spec(), FakeRuntime(), pods, wait=False) for _run in range(2)]
    completed(deploy(store, plans[0], FakeRuntime(), idle(store, NAMES), wait=False).outcome)
    secret = store.objects["Secret", "mysql"]
    outcome = deploy(store, plans[1], FakeRuntime(), idle(store, NAMES), wait=False).outcome
    assert isinstance(outcome.error, StaleVersion)
    assert store.objects["Secret", "mysql"] == secret


def test_a_topology_that_changes_while_its_pods_are_waited_for() -> None:
    rollout = Rollout()
    rollout.at(1)
    rollout.time.at(2, lambda: rollout.store.edit(*TOPOLOGY, {"data": {"note": "x"}}, "kubectl"))
    rollout.at(3, ready=ALL)
    assert "another run has changed it" in rollout.message(StaleVersion)


def test_the_wait_ends_with_the_last_acknowledgement() -> None:
    rollout = Rollout()
    rollout.at(1, ready=ALL)
    older = Acknowledgement(0, {"epoch": "1", "primary": "mysql-0"}, "replica", ready=True)
    rollout.pods.answers |= {"mysql-1": older, "mysql-2": None}
    rollout.time.at(20, partial(rollout.pods.answers.__delitem__, "mysql-2"))
    rollout.time.at(30, rollout.pods.answers.clear)
    assert rollout.run().acknowledged
    assert 30 <= rollout.time.time < 31
    # One that has acknowledged is not asked again.
    assert rollout.pods.asked.count("mysql-0") == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "waiting for mysql-1 to acknowledge the topology: mysql-1 does not acknowledge"),
        (Acknowledgement(0, {"primary": "mysql-0"}, "replica"), "waiting for mysql-1 to see the topology of epoch 1; it has"),
        (
            Acknowledgement(
                0, {"epoch": "1", "primary": "mysql-0", "bootstrapped": NOTED, "cluster": "c1"}, None, reason="errant: x"
            ),
            "waiting for mysql-1 to be the replica: errant: x",
        ),
    ],
)
def test_a_pod_that_does_not_acknowledge_is_named(answer: Acknowledgement | None, words: str) -> None:
    rollout = Rollout()
    rollout.at(1, ready=ALL)
    rollout.pods.answers["mysql-1"] = answer
    assert words in rollout.message(WaitTimeout)
    assert rollout.time.time >= TIMEOUT
    assert not live(rollout).acknowledged
    # The next round goes on with it.
    rollout.pods.answers.clear()
    assert rollout.run().acknowledged


def test_without_the_right_to_patch_pods_the_wait_goes_on_and_a_warning_says_why() -> None:
    rollout = Rollout()
    rollout.store.failures["annotate", "Pod"] = ApiForbidden("cannot annotate Pod mysql-0: no", 403)
    rollout.at(1, ready=ALL)
    rollout.pods.answers["mysql-2"] = Acknowledgement(0, {"primary": "mysql-0"}, "replica", ready=True)
    rollout.time.at(75, rollout.pods.answers.clear)
    assert rollout.run().acknowledged
    assert 75 <= rollout.time.time < 76
    (warning,) = rollout.done.warnings
    assert warning.startswith("cannot annotate Pod mysql-0: no. So a changed topology reaches the pods with")


def test_a_warning_stays_although_a_later_delivery_is_not_refused() -> None:
    rollout = deployed()
    forget_epoch(rollout)
    for name in ALL:
        rollout.store.edit("Pod", name, {"metadata": {"annotations": {INTENT_ANNOTATION: None}}}, "other")
    rollout.store.put(pod("mysql-2", NAMES.selector, ready=False))
    rollout.store.failures["annotate", "Pod"] = ApiForbidden("cannot annotate Pod mysql-0: no", 403)
    rollout.at(5, ready=ALL)
    rollout.time.at(5, rollout.store.failures.clear)
    assert rollout.run().acknowledged
    assert len(rollout.done.warnings) == 1


def test_a_run_that_does_not_wait_warns_as_well() -> None:
    rollout = deployed()
    forget_epoch(rollout)
    for name in ALL:
        rollout.store.edit("Pod", name, {"metadata": {"annotations": {INTENT_ANNOTATION: None}}}, "other")
    rollout.store.failures["annotate", "Pod"] = ApiForbidden("cannot annotate Pod mysql-0: no", 403)
    rollout.run(wait=False)
    (warning,) = rollout.done.warnings
    assert warning.startswith("cannot annotate Pod mysql-0: no")


@pytest.mark.parametrize("wait", [False, True])
def test_a_topology_that_was_written_is_listed_even_if_its_delivery_fails(wait: bool) -> None:
    rollout = deployed()
    forget_epoch(rollout)
    for name in ALL:
        rollout.store.edit("Pod", name, {"metadata": {"annotations": {INTENT_ANNOTATION: None}}}, "other")
    rollout.store.failures["annotate", "Pod"] = ApiUnavailable("no answer")
    with pytest.raises(ApiUnavailable):
        rollout.run(wait=wait)
    assert [(each.action, each.name) for each in rollout.done.changes if each.action != "none"] == [("update", TOPOLOGY[1])]
    # A record that fails half-way is listed, too.
    fresh = Rollout()
    fresh.store.failures["annotate", "Pod"] = ApiUnavailable("no answer")
    fresh.run(wait=False)
    fresh.at(1, ready=ALL[:1])
    with pytest.raises(ApiUnavailable):
        fresh.run()
    assert [each.fields for each in fresh.done.changes if each.action != "none"] == [
        (FieldChange("data.bootstrapped", None, NOTED),)
    ]


class Killed(BaseException):
    """The end of a run that nothing catches."""


class KilledStore(FakeObjectStore):
    """Ends the run after a number of writes."""

    left = -1

    def apply(self, manifest: Manifest) -> Applied:
        applied = super().apply(manifest)
        self._count()
        return applied

    def annotate(self, kind: str, name: str, annotations: object) -> None:
        super().annotate(kind, name, annotations)  # type: ignore[arg-type]
        self._count()

    def _count(self) -> None:
        if not self.dry_run and self.left >= 0:
            self.left -= 1
            if self.left < 0:
                raise Killed


def killed_after(writes: int) -> tuple[KilledStore, bool]:
    """A cluster whose first run was killed after so many writes, or ended before; and whether it was killed."""
    store = KilledStore()
    rollout = Rollout(store)
    rollout.at(1, ready=ALL)
    store.left = writes - 1
    try:
        rollout.run()
    except Killed:
        store.left = -1
        return store, True
    return store, False


def test_a_run_that_is_killed_after_any_write_is_completed_by_the_next() -> None:
    writes, passwords = 0, set()
    while True:
        writes += 1
        store, killed = killed_after(writes)
        rollout = Rollout(store)
        before = store.objects.get(("Secret", "mysql"))
        rollout.at(1, ready=ALL)
        topology = rollout.run()
        assert (topology.primary, topology.epoch, topology.bootstrapped) == ("mysql-0", 1, NOTED)
        assert topology.acknowledged
        assert live(rollout) == replace(topology)
        assert before is None or store.objects["Secret", "mysql"]["data"] == before["data"]
        passwords.add(str(store.objects["Secret", "mysql"]["data"]))
        if not killed:
            break
    assert writes > 15
