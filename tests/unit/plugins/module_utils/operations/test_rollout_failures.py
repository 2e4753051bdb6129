# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for pods that do not become ready: how long it goes on, and what it says when it fails."""

from __future__ import annotations

from functools import partial

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import WaitFailed, WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import Event
from unit.fakes.cluster import FakeDiagnostics, crashing, waiting
from unit.fakes.rollout import ALL, NAMES, NOTED, TIMEOUT, Rollout
from unit.fakes.store import pod

Logs = dict[tuple[str, ...], str]


def test_it_is_noted_also_when_the_wait_fails_later() -> None:
    rollout = Rollout()
    rollout.at(5, ready=ALL[:1])
    rollout.fails(WaitTimeout)
    assert rollout.noted == NOTED


def test_a_replica_that_is_ready_first_is_not_the_primary() -> None:
    rollout = Rollout()
    rollout.at(5, ready=ALL[1:])
    rollout.fails(WaitTimeout)
    assert rollout.noted is None


def test_a_run_that_only_noted_it_says_that_it_changed_something_when_it_fails() -> None:
    rollout = Rollout()
    rollout.run(wait=False)
    rollout.at(5, ready=ALL[:1])
    assert rollout.fails(WaitTimeout).changed is True
    assert rollout.fails(WaitTimeout).changed is False


def test_refusals_of_the_past_do_not_end_the_wait() -> None:
    rollout = Rollout(
        diagnostics=FakeDiagnostics(
            events={("StatefulSet", "mysql"): [Event("FailedCreate", "exceeded quota: is forbidden", "")]}
        )
    )
    rollout.run(wait=False)
    rollout.at(5, others=[])
    rollout.at(9, ready=ALL)
    rollout.run(config={"max_connections": 5})
    assert 9 <= rollout.time.time < 10


def test_a_timeout_says_what_was_missing_and_why() -> None:
    events = {
        ("Pod", "mysql-1"): [Event("Unhealthy", "not yet", ""), Event("FailedMount", "no such volume", "")],
        ("PersistentVolumeClaim", "data-mysql-1"): [Event("ProvisioningFailed", 'class "x" not found', "")],
    }
    rollout = Rollout(diagnostics=FakeDiagnostics(events=events))
    rollout.at(5, ready=("mysql-0", "mysql-2"))
    outcome = rollout.fails(WaitTimeout)
    assert rollout.time.time == 5 + TIMEOUT  # since the last piece of progress
    assert str(outcome.error) == (
        "gave up after 100 s waiting for 2 of 3 instances to be ready. mysql-1: FailedMount: no such volume. "
        'Its claim data-mysql-1: ProvisioningFailed: class "x" not found.'
    )
    assert outcome.stalled is not None
    assert (outcome.stalled.pods, outcome.stalled.reached) == ({}, 2)
    assert {each.action for each in outcome.changes} == {"create"}


def cloning(name: str, *said: str) -> tuple[Manifest, dict[tuple[str, ...], str]]:
    """A pod whose init container is at work, and its log."""
    live = pod(name, NAMES.selector, ready=False, running=False)
    live["status"]["initContainerStatuses"] = [{"name": "provision", "state": {"running": {}}}]
    return live, {(name, "provision"): "\n".join(f"2026-01-01T00:00:00+0000 [kubemysql] {line}" for line in said)}


def test_the_wait_goes_on_as_long_as_data_arrive() -> None:
    """Its timeout is for what does not move; how long a clone takes depends on the data."""
    live, logs = cloning("mysql-2", "cloning from 10.0.0.7", "cloning from 10.0.0.7: 1 of 900 MiB")
    rollout = Rollout(diagnostics=FakeDiagnostics(logs))
    others = [pod("mysql-0", NAMES.selector), pod("mysql-1", NAMES.selector), live]
    rollout.at(5, ready=ALL[:2], others=others)

    def arrive(mebibytes: int) -> None:
        rollout.diagnostics.logs.update(cloning("mysql-2", f"cloning from 10.0.0.7: {mebibytes} of 900 MiB, 9 MiB/s")[1])

    for second in range(50, 500, 50):
        rollout.time.at(second, partial(arrive, second))
    rollout.at(520, ready=ALL)
    rollout.run()
    assert 520 <= rollout.time.time < 521


def test_a_clone_that_begins_again_and_again_is_no_progress() -> None:
    live, logs = cloning("mysql-2", "cloning from 10.0.0.7: 50 of 900 MiB")
    rollout = Rollout(diagnostics=FakeDiagnostics(logs))
    rollout.at(5, ready=ALL[:2], others=[pod("mysql-0", NAMES.selector), pod("mysql-1", NAMES.selector), live])
    for second, mebibytes in ((50, 10), (70, 50), (90, 20), (109, 50)):
        said = cloning("mysql-2", f"cloning from 10.0.0.7: {mebibytes} of 900 MiB")[1]
        rollout.time.at(second, partial(rollout.diagnostics.logs.update, said))
    stalled = rollout.fails(WaitTimeout).stalled
    # The first 50 MiB were seen when the log was first asked for, after ten seconds.
    assert 10 + TIMEOUT <= rollout.time.time < 13 + TIMEOUT
    assert stalled is not None
    assert stalled.pods == {"mysql-2": "cloning from 10.0.0.7: 50 of 900 MiB"}


def test_what_keeps_a_pod_is_told_while_it_is_waited_for() -> None:
    rollout = Rollout()
    others = [pod("mysql-0", NAMES.selector), pod("mysql-1", NAMES.selector), waiting(NAMES, "mysql-2", "ErrImagePull")]
    rollout.at(5, ready=ALL[:2], others=others)
    stalled = rollout.fails(WaitTimeout).stalled
    assert stalled is not None
    assert stalled.pods == {"mysql-2": "provision: ErrImagePull: because"}


def test_a_pod_that_judges_itself_not_ready_is_quoted() -> None:
    """The kubelet only knows that a port is closed."""
    logs: Logs = {("mysql-1", "replication"): "watching\n[kubemysql] not ready: the replica is 40 s behind\n"}
    events = {("Pod", "mysql-1"): [Event("Unhealthy", "Readiness probe failed: connection refused", "")]}
    rollout = Rollout(diagnostics=FakeDiagnostics(logs, events))
    others = [pod(name, NAMES.selector, ready=name != "mysql-1", running=True) for name in ALL]
    for each in others:
        each["status"]["containerStatuses"] = [{"name": "replication", "state": {"running": {}}}]
    rollout.at(5, ready=("mysql-0", "mysql-2"), others=others)
    assert "mysql-1: [kubemysql] not ready: the replica is 40 s behind" in rollout.message(WaitTimeout)


def test_a_pod_of_which_nobody_says_anything_is_named() -> None:
    rollout = Rollout()
    rollout.at(5, ready=("mysql-0", "mysql-2"))
    assert "mysql-1 is not ready." in rollout.message(WaitTimeout)


def test_no_controller_at_all() -> None:
    message = Rollout().message(WaitTimeout)
    assert "waiting for the StatefulSet controller to take notice. mysql is not ready." in message


@pytest.mark.parametrize(
    ("hopeless", "words"),
    [
        (waiting(NAMES, "mysql-1", "ImagePullBackOff", "no such tag"), "container provision: ImagePullBackOff: no such tag."),
        (crashing(NAMES, "mysql-1", 3), "container provision: CrashLoopBackOff: because. Its last log lines:\nline 2\n"),
    ],
)
def test_a_hopeless_pod_ends_the_wait_at_once(hopeless: Manifest, words: str) -> None:
    logs: Logs = {("mysql-1", "provision"): "\n".join(f"line {n}" for n in range(2, 14)), ("mysql-0", "mysql"): "other"}
    rollout = Rollout(diagnostics=FakeDiagnostics(logs))
    others = [pod("mysql-0", NAMES.selector), hopeless, pod("mysql-2", NAMES.selector, ready=False)]
    rollout.at(5, ready=("mysql-0",), others=others)
    outcome = rollout.fails(WaitFailed)
    assert rollout.time.time < 6
    assert str(outcome.error).startswith(f"waiting longer cannot help: mysql-1, {words}")
    assert outcome.changed is True
    assert outcome.stalled is None
    # The primary was ready by then.
    assert rollout.noted == NOTED


@pytest.mark.parametrize(("crashed_at", "waits"), [("2026-01-01T00:01:29Z", True), ("2026-01-01T00:01:31Z", False)])
def test_crashes_of_before_the_present_topology_do_not_end_the_wait(crashed_at: str, waits: bool) -> None:
    """What they were about may be mended by it, and the kubelet takes a while to show it to the pod."""
    rollout = Rollout()
    rollout.run(wait=False)
    rollout.store.objects["ConfigMap", "mysql-topology"]["metadata"]["managedFields"] = [
        {"manager": "kubectl-patch", "operation": "Update", "time": "2026-01-01T00:00:00Z"}
    ]
    live = crashing(NAMES, "mysql-0", 5)
    live["status"]["initContainerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 1, "finishedAt": crashed_at}}
    rollout.time.pods(ready=ALL[1:], others=[live, pod("mysql-1", NAMES.selector), pod("mysql-2", NAMES.selector)])
    rollout.at(40, ready=ALL)
    if waits:
        rollout.run()
        assert 40 <= rollout.time.time < 41
    else:
        rollout.fails(WaitFailed)
        assert rollout.time.time < 1


def test_a_pod_that_crashed_once_may_recover() -> None:
    rollout = Rollout()
    rollout.at(5, others=[pod("mysql-0", NAMES.selector), crashing(NAMES, "mysql-1", 1), pod("mysql-2", NAMES.selector)])
    rollout.at(9, ready=ALL)
    assert rollout.run().bootstrapped


def test_the_log_of_a_previous_life_serves_when_the_present_one_has_none() -> None:
    rollout = Rollout(diagnostics=FakeDiagnostics({("mysql-0", "provision", "previous"): "\n".join("abc" * 9)}))
    rollout.at(5, others=[crashing(NAMES, "mysql-0", 5)])
    message = rollout.message(WaitFailed, replicas=1)
    assert message.endswith("Its last log lines:\n" + "\n".join("abc" * 4) + "\n")


@pytest.mark.parametrize("why", ["is forbidden: exceeded quota: small", "is invalid: spec.containers[0]: no"])
def test_pods_that_are_refused_end_the_wait(why: str) -> None:
    events = {("StatefulSet", "mysql"): [Event("FailedCreate", "other", ""), Event("FailedCreate", f"pod {why}", "")]}
    rollout = Rollout(diagnostics=FakeDiagnostics(events=events))
    rollout.at(0.5, others=[])
    outcome = rollout.fails(WaitFailed)
    assert str(outcome.error) == f"waiting longer cannot help: the pods are refused: pod {why}"
    assert 3 <= rollout.time.time < 4


def test_refusals_of_the_past_do_not_matter_while_all_pods_are_there() -> None:
    events = {("StatefulSet", "mysql"): [Event("FailedCreate", "pods are forbidden: quota", "")]}
    rollout = Rollout(diagnostics=FakeDiagnostics(events=events))
    rollout.at(0.5)
    rollout.at(9, ready=ALL)
    assert rollout.run().bootstrapped
