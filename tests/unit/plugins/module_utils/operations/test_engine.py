# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine of operations, on a state that is the set of things that are done."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import CollectionError, WaitFailed, WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.engine import (
    Performed,
    PlannedStep,
    Step,
    plan_steps,
    run_steps,
)
from unit.fakes.clock import FakeClock

State = frozenset[str]
NOTHING: State = frozenset()


def step(
    name: str, *, act: Callable[[State], State] | None = None, look: Callable[[State], State] | None = None, **options: t.Any
) -> Step[State]:
    def missing(state: State) -> str | None:
        return None if name in state else f"do {name}"

    def unseen(_state: State) -> State:
        pytest.fail(f"looked for {name}, which was proved")

    return Step(name, missing, act or (lambda state: state | {name}), look or unseen, options.pop("timeout", 5.0), **options)


def refuse(_state: State) -> State:
    raise WaitFailed("refused")


def test_only_missing_steps_are_planned_in_their_order() -> None:
    steps = (step("one"), step("two"), step("three"))
    assert plan_steps(steps, frozenset({"two"})) == (PlannedStep("one", "do one"), PlannedStep("three", "do three"))


def test_steps_run_in_order_until_nothing_is_missing() -> None:
    run = run_steps((step("one"), step("two")), NOTHING, clock=FakeClock())
    assert run.state == {"one", "two"}
    assert run.error is None
    assert run.performed == (Performed("one", "do one", 0), Performed("two", "do two", 0))


def test_a_run_continues_where_another_ended() -> None:
    run = run_steps((step("one", act=refuse), step("two")), frozenset({"one"}), clock=FakeClock())
    assert [each.name for each in run.performed] == ["two"]


def test_a_step_is_done_when_a_later_look_proves_it() -> None:
    clock, looks = FakeClock(), iter([NOTHING, NOTHING, frozenset({"one"})])
    run = run_steps((step("one", act=lambda state: state, look=lambda _state: next(looks)),), NOTHING, clock=clock)
    assert run.error is None
    (performed,) = run.performed
    assert performed.seconds == pytest.approx(0.2)


def test_a_step_that_is_not_proved_in_time_ends_the_run() -> None:
    last = step("two", act=lambda state: state, look=lambda state: state | {"seen"}, timeout=1)
    run = run_steps((step("one"), last, step("three")), NOTHING, clock=FakeClock())
    assert (run.failed, [each.name for each in run.performed]) == ("two", ["one"])
    assert isinstance(run.error, WaitTimeout)
    assert run.error.message == "gave up after 1 s waiting for do two"
    assert run.state == {"one", "seen"}
    assert not run.reverted


def test_the_timeout_restarts_with_progress() -> None:
    looks = iter([frozenset({"a"}), frozenset({"a"}), frozenset({"a", "b"}), frozenset({"one"})])
    slow = step("one", act=lambda state: state, look=lambda _state: next(looks), timeout=0.25, progress=len)
    assert run_steps((slow,), NOTHING, clock=FakeClock()).error is None


def test_a_step_acts_between_looks_until_it_is_proved() -> None:
    def look(state: State) -> State:
        return state | {"one"} if len(state) == 2 else state

    def meanwhile(state: State) -> State:
        return state | {f"act {len(state)}"}

    clock = FakeClock()
    slow = step("one", act=lambda state: state, look=look, meanwhile=meanwhile, interval=2.0)
    run = run_steps((slow,), NOTHING, clock=clock)
    assert run.error is None
    assert run.state == {"act 0", "act 1", "one"}
    assert clock.now() == 4


def test_a_wait_that_cannot_help_ends_at_once_with_what_was_seen() -> None:
    clock = FakeClock()
    hopeless = step("one", act=lambda state: state, look=lambda state: state | {"seen"}, meanwhile=refuse)
    run = run_steps((hopeless,), NOTHING, clock=clock)
    assert (run.failed, run.error and run.error.message) == ("one", "refused")
    assert run.state == {"seen"}
    assert clock.now() == 0


def test_an_error_before_the_point_of_no_return_is_reverted() -> None:
    reverted: list[CollectionError] = []

    def revert(state: State, error: CollectionError) -> State:
        reverted.append(error)
        return state - {"one"}

    run = run_steps(
        (step("one"), step("two", act=refuse), step("three", commits=True)), NOTHING, clock=FakeClock(), revert=revert
    )
    assert (run.state, run.failed, run.reverted) == (NOTHING, "two", True)
    assert [error.message for error in reverted] == ["refused"]
    assert run.error is reverted[0]


@pytest.mark.parametrize("failing", ["two", "three"])
def test_nothing_is_reverted_from_the_point_of_no_return_on(failing: str) -> None:
    acts = {failing: refuse}
    steps = (step("one"), step("two", act=acts.get("two"), commits=True), step("three", act=acts.get("three")))
    run = run_steps(steps, NOTHING, clock=FakeClock(), revert=lambda *_: pytest.fail("reverted"))
    assert (run.failed, run.reverted) == (failing, False)


def test_a_run_that_begins_beyond_the_point_of_no_return_reverts_nothing() -> None:
    steps = (step("one", commits=True), step("two", act=refuse))
    run = run_steps(steps, frozenset({"one"}), clock=FakeClock(), revert=lambda *_: pytest.fail("reverted"))
    assert (run.failed, run.reverted) == ("two", False)


def test_a_revert_that_fails_is_reported_with_the_reason() -> None:
    def revert(_state: State, _error: CollectionError) -> State:
        raise WaitFailed("no answer")

    run = run_steps((step("one", act=refuse),), NOTHING, clock=FakeClock(), revert=revert)
    assert not run.reverted
    assert run.error is not None
    assert run.error.message == "refused. It could not be taken back: no answer"


def test_a_step_that_somebody_else_undoes_ends_the_run() -> None:
    undoing = step("two", act=lambda state: (state | {"two"}) - {"one"})
    run = run_steps((step("one"), undoing), NOTHING, clock=FakeClock())
    assert (run.failed, run.error and run.error.message) == (
        "one",
        "one was done by this run, and then undone by somebody else: do one",
    )
