# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for the pods: what ends it, what it notes on the way, and what it asks."""

from __future__ import annotations

from ansible_collections.kubemysql.replication.plugins.module_utils.errors import WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.diff import FieldChange
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
from unit.fakes.cluster import crashing, waiting
from unit.fakes.rollout import ALL, NAMES, NOTED, Rollout
from unit.fakes.store import pod


def test_it_ends_when_all_are_ready() -> None:
    rollout = Rollout()
    rollout.at(1)
    rollout.at(5, ready=ALL[:2])
    rollout.at(9, ready=ALL)
    assert rollout.run() == Topology("mysql-0", NOTED, cluster="c1")
    assert 9 <= rollout.time.time < 10
    assert rollout.noted == NOTED


def test_one_request_a_look_as_long_as_nothing_moves() -> None:
    rollout = Rollout()
    rollout.at(1)
    rollout.at(21, ready=ALL)
    rollout.run()
    looks = rollout.store.requests.count(("list", "Pod", ""))
    assert 40 <= looks <= 44
    # Until the controller took notice, and when the pods came and became ready.
    assert rollout.store.requests.count(("get", "StatefulSet", "mysql")) <= 6


def test_what_somebody_else_wants_meanwhile_is_waited_for() -> None:
    rollout = Rollout()
    rollout.at(5, ready=ALL[:1])

    def scale() -> None:
        rollout.store.edit("StatefulSet", "mysql", {"spec": {"replicas": 2}}, "kubectl-scale")
        rollout.time.pods(ready=ALL[:2])
        del rollout.store.objects["Pod", "mysql-2"]

    rollout.time.at(9, scale)
    rollout.run()
    assert 9 <= rollout.time.time < 10


def test_a_primary_that_somebody_else_does_not_want_any_more_is_not_waited_for() -> None:
    rollout = Rollout()
    rollout.run(wait=False)
    rollout.store.edit("ConfigMap", "mysql-topology", {"data": {"primary": "mysql-2"}}, "kubectl")
    rollout.at(5, ready=ALL[:2])
    rollout.pods.answers |= dict.fromkeys(ALL[:2], Acknowledgement(0, {}, "replica"))

    def scale() -> None:
        rollout.store.edit("StatefulSet", "mysql", {"spec": {"replicas": 2}}, "kubectl-scale")
        rollout.time.pods(ready=ALL[:2])
        del rollout.store.objects["Pod", "mysql-2"]

    rollout.time.at(9, scale)
    # The rollout is over, and the next step waits: for acknowledgements.
    assert "waiting for mysql-0 to see the topology" in rollout.message(WaitTimeout)
    assert rollout.noted is None


def test_a_pod_with_our_labels_that_is_no_instance_does_not_count() -> None:
    rollout = Rollout()
    rollout.store.put({**pod("debug-0", NAMES.selector), "metadata": {"name": "mysql-debug", "labels": NAMES.selector}})
    rollout.at(5, ready=ALL[:2])
    rollout.at(9, ready=ALL)
    rollout.run()
    assert 9 <= rollout.time.time < 10


def test_without_waiting_nothing_is_looked_at() -> None:
    rollout = Rollout()
    assert rollout.run(wait=False) == Topology("mysql-0", cluster="c1")
    assert rollout.time.time == 0
    assert ("list", "Pod", "") not in rollout.store.requests


def test_that_there_are_data_is_noted_as_soon_as_the_primary_is_ready() -> None:
    rollout = Rollout()
    rollout.at(5, ready=ALL[:1])
    seen: list[str | None] = []
    rollout.time.at(7, lambda: seen.append(rollout.noted))
    rollout.at(9, ready=ALL)
    rollout.run()
    assert seen == [NOTED]
    assert [key for key in rollout.store.requests if key == ("apply", "ConfigMap", "mysql-topology")] == [
        ("apply", "ConfigMap", "mysql-topology")
    ] * 4  # the plan, the creation, this, and that all have acknowledged


def test_without_waiting_it_is_noted_by_the_next_run() -> None:
    rollout = Rollout()
    rollout.run(wait=False)
    rollout.time.pods(ready=ALL)
    assert rollout.noted is None
    assert rollout.run(wait=False) == Topology("mysql-0", NOTED, cluster="c1")
    assert rollout.noted == NOTED


def test_noting_it_while_waiting_counts_as_a_change() -> None:
    rollout = Rollout()
    rollout.run(wait=False)
    rollout.time.pods()
    rollout.at(3, ready=ALL)
    rollout.run()
    assert [(each.kind, each.fields) for each in rollout.done.changes if each.action != "none"] == [
        ("ConfigMap", (FieldChange("data.bootstrapped", None, NOTED),))
    ]


def stuck_on_an_older_template(**more: object) -> list[str]:
    """The pods that a run deletes which finds such ones, of which their metadata tell ``more``."""
    rollout = Rollout()
    rollout.run(wait=False)
    stuck = [waiting(NAMES, name, "ImagePullBackOff") for name in ALL]
    for each in stuck:
        each["metadata"] |= {"labels": {**each["metadata"]["labels"], "controller-revision-hash": "old"}, **more}

    def old_pods() -> None:
        rollout.time.pods(others=stuck)
        rollout.store.objects["StatefulSet", "mysql"]["status"]["updateRevision"] = "new"

    rollout.at(1, ready=[])
    rollout.time.at(2, old_pods)
    rollout.at(5, ready=ALL)
    rollout.run()
    return [name for verb, kind, name in rollout.store.requests if (verb, kind) == ("delete", "Pod")]


def test_pods_stuck_on_an_older_template_are_replaced() -> None:
    """A replica on the newest template waits for a primary whose image cannot be pulled, and the controller for the replica."""
    assert stuck_on_an_older_template() == list(ALL)


def test_a_pod_that_crashes_beside_stuck_ones_is_given_another_chance() -> None:
    """It may have waited for one of them."""
    rollout = Rollout()
    rollout.run(wait=False)
    others = [waiting(NAMES, "mysql-0", "ImagePullBackOff"), pod("mysql-1", NAMES.selector), crashing(NAMES, "mysql-2", 9)]
    for each, revision in zip(others, ("old", "new", "new"), strict=True):
        each["metadata"]["labels"] = {**each["metadata"]["labels"], "controller-revision-hash": revision}

    def old_primary() -> None:
        rollout.time.pods(others=others)
        rollout.store.objects["StatefulSet", "mysql"]["status"]["updateRevision"] = "new"

    rollout.at(1)
    rollout.time.at(2, old_primary)
    rollout.at(2.4, ready=ALL)
    assert rollout.run().bootstrapped


def test_pods_that_are_being_deleted_are_not_deleted_again() -> None:
    assert not stuck_on_an_older_template(deletionTimestamp="2026-01-01T12:00:00Z")
