# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for pods that do not become ready: how long it goes on, and what it says when it fails."""

from __future__ import annotations

import json
from functools import partial

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import WaitFailed, WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.port import Event
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import Acknowledgement
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


def cloning(mebibytes: int) -> Acknowledgement:
    """The acknowledgement of a pod whose init container is at work."""
    return Acknowledgement(0, reason=f"cloning from 10.0.0.7: {mebibytes} MiB", received_mib=mebibytes, total_mib=900)


def with_a_cloning_replica() -> Rollout:
    live = pod("mysql-2", NAMES.selector, ready=False, running=False)
    rollout = Rollout()
    rollout.at(5, ready=ALL[:2], others=[pod("mysql-0", NAMES.selector), pod("mysql-1", NAMES.selector), live])
    return rollout


def test_the_wait_goes_on_as_long_as_data_arrive() -> None:
    """Its timeout is for what does not move; how long a clone takes depends on the data."""
    rollout = with_a_cloning_replica()

    def arrive(mebibytes: int) -> None:
        rollout.pods.answers["mysql-2"] = cloning(mebibytes)

    for second in range(50, 500, 50):
        rollout.time.at(second, partial(arrive, second))
    rollout.at(520, ready=ALL)
    rollout.time.at(520, rollout.pods.answers.clear)
    rollout.run()
    assert 520 <= rollout.time.time < 521


def test_a_clone_that_begins_again_and_again_is_no_progress() -> None:
    rollout = with_a_cloning_replica()
    rollout.pods.answers["mysql-2"] = cloning(50)
    for second, mebibytes in ((50, 10), (70, 50), (90, 20), (109, 50)):
        rollout.time.at(second, partial(rollout.pods.answers.update, {"mysql-2": cloning(mebibytes)}))
    stalled = rollout.fails(WaitTimeout).stalled
    # The first 50 MiB were seen when the pod was first asked, after ten seconds.
    assert 10 + TIMEOUT <= rollout.time.time < 13 + TIMEOUT
    assert stalled is not None
    assert stalled.pods == {"mysql-2": "cloning from 10.0.0.7: 50 MiB"}


def test_what_keeps_a_pod_is_told_while_it_is_waited_for() -> None:
    rollout = Rollout()
    others = [pod("mysql-0", NAMES.selector), pod("mysql-1", NAMES.selector), waiting(NAMES, "mysql-2", "ErrImagePull")]
    rollout.at(5, ready=ALL[:2], others=others)
    stalled = rollout.fails(WaitTimeout).stalled
    assert stalled is not None
    assert stalled.pods == {"mysql-2": "provision: ErrImagePull: because"}


def test_a_pod_that_judges_itself_not_ready_is_quoted() -> None:
    """The kubelet only knows that a port is closed."""
    events = {("Pod", "mysql-1"): [Event("Unhealthy", "Readiness probe failed: connection refused", "")]}
    rollout = Rollout(diagnostics=FakeDiagnostics(events=events))
    rollout.at(5, ready=("mysql-0", "mysql-2"))
    rollout.pods.answers["mysql-1"] = Acknowledgement(0, role="replica", reason="the replica is 40 s behind")
    assert "mysql-1: the replica is 40 s behind." in rollout.message(WaitTimeout)


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


def left(primary: str) -> str:
    """The termination message of a container that had seen this primary."""
    intent = {"epoch": "1", "primary": primary, "cluster": "c1"}
    return json.dumps({"version": 1, "at": 1, "intent": intent, "role": None, "ready": False, "data": False})


@pytest.mark.parametrize(
    ("message", "waits"), [(left(""), True), (left("mysql-0"), False), ("", False), ("panic", False), ("{}", False)]
)
def test_a_crash_under_another_topology_does_not_end_the_wait(message: str, waits: bool) -> None:
    """Its cause may be mended by the present one, which the container has not seen."""
    rollout = Rollout()
    rollout.run(wait=False)
    live = crashing(NAMES, "mysql-0", 5)
    live["status"]["initContainerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 1, "message": message}}
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
    rollout = Rollout()

    def refuse(time: str) -> None:
        again = [Event("FailedCreate", "other", ""), Event("FailedCreate", f"pod {why}", time)]
        rollout.diagnostics.events["StatefulSet", "mysql"] = again

    rollout.at(0.5, others=[])
    for second in range(4):
        # The controller tries again and again.
        rollout.time.at(second, partial(refuse, f"2026-01-01T00:00:0{second}Z"))
    outcome = rollout.fails(WaitFailed)
    assert str(outcome.error) == f"waiting longer cannot help: the pods are refused: pod {why}"
    assert 3 <= rollout.time.time < 4


def test_refusals_of_the_past_do_not_matter_while_all_pods_are_there() -> None:
    events = {("StatefulSet", "mysql"): [Event("FailedCreate", "pods are forbidden: quota", "")]}
    rollout = Rollout(diagnostics=FakeDiagnostics(events=events))
    rollout.at(0.5)
    rollout.at(9, ready=ALL)
    assert rollout.run().bootstrapped
