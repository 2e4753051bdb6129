# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs an operation: look, do the first step that is missing, prove it, look again.

The same predicate decides whether a step has to be done and whether it was done. So an operation that was killed is continued
by the next run, which finds the steps that are left. Check mode shows the same steps and does none.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import CollectionError, WaitFailed, WaitTimeout
from ..wait import Clock, poll

__all__ = ["Performed", "PlannedStep", "Run", "Step", "plan_steps", "run_steps", "unchanged"]

S = t.TypeVar("S")
_INTERVAL = 0.1


@dataclass(frozen=True)
class Step(t.Generic[S]):
    """One step of an operation on the state ``S``, which is whatever the operation observes.

    ``missing`` describes, for people, what is still to be done, or returns None; it changes nothing. ``act`` does it and
    returns what it knows of the state by then; it can be repeated. The step is done when ``missing`` returns None. Until then
    ``look`` is called each ``interval`` seconds, for ``timeout`` seconds at most, which restart whenever ``progress`` reaches a
    new maximum. ``meanwhile`` is called with each state that does not prove the step: it may act, too, and raises if waiting
    longer cannot help.

    ``commits`` marks the point of no return: from this step on an error is not answered by going back.
    """

    name: str
    missing: Callable[[S], str | None]
    act: Callable[[S], S]
    look: Callable[[S], S]
    timeout: float
    progress: Callable[[S], int] | None = None
    commits: bool = False
    interval: float = _INTERVAL
    meanwhile: Callable[[S], S] | None = None


@dataclass(frozen=True)
class PlannedStep:
    """A step that has to be done, as its ``missing`` describes it."""

    name: str
    description: str


@dataclass(frozen=True)
class Performed:
    """A step that was done, and the seconds from its beginning to its proof."""

    name: str
    description: str
    seconds: float


@dataclass(frozen=True)
class Run(t.Generic[S]):
    """The end of an operation: the last state, the steps done, and the error that stopped it at the step ``failed``.

    ``reverted``: the error came before the point of no return, and what was done before it was taken back.
    """

    state: S
    performed: tuple[Performed, ...]
    failed: str | None = None
    error: CollectionError | None = None
    reverted: bool = False


def unchanged(state: S) -> S:
    """The ``act`` of a step that only waits, or the ``look`` of one that its ``act`` proves."""
    return state


def plan_steps(steps: Sequence[Step[S]], state: S) -> tuple[PlannedStep, ...]:
    """The steps that ``run_steps`` would do from this state, in their order."""
    described = ((step.name, step.missing(state)) for step in steps)
    return tuple(PlannedStep(name, text) for name, text in described if text is not None)


def run_steps(
    steps: Sequence[Step[S]], state: S, *, clock: Clock, revert: Callable[[S, CollectionError], S] | None = None
) -> Run[S]:
    """Do what is missing, step by step, from the observed ``state``.

    ``revert`` takes back what was done, if a step fails before the point of no return. Errors end the run; they are not raised.
    """
    performed: list[Performed] = []
    while (found := _first_missing(steps, state)) is not None:
        step, description = found
        began = clock.now()
        state, error = _do(step, state, clock, repeated=any(each.name == step.name for each in performed))
        if error is not None:
            failed = Run(state, tuple(performed), step.name, error)
            return failed if revert is None or _is_committed(steps, step) else _revert(revert, failed, error)
        performed.append(Performed(step.name, description, clock.now() - began))
    return Run(state, tuple(performed))


def _first_missing(steps: Sequence[Step[S]], state: S) -> tuple[Step[S], str] | None:
    for step in steps:
        description = step.missing(state)
        if description is not None:
            return step, description
    return None


def _is_committed(steps: Sequence[Step[S]], step: Step[S]) -> bool:
    """True from the step on that is the point of no return, also if an earlier run has done that one."""
    return any(each.commits for each in steps[: steps.index(step) + 1])


def _do(step: Step[S], state: S, clock: Clock, *, repeated: bool) -> tuple[S, CollectionError | None]:
    """Do one step; returns the last state that was seen, and the error if that does not prove the step."""

    def look() -> S:
        nonlocal state
        state = step.look(state)
        if step.meanwhile is not None and step.missing(state) is not None:
            state = step.meanwhile(state)
        return state

    try:
        if repeated:
            raise WaitFailed(f"{step.name} was done by this run, and then undone by somebody else: {step.missing(state)}")
        state = step.act(state)
        if step.missing(state) is None:
            return state, None
        polled = poll(
            look, pending=step.missing, timeout=step.timeout, interval=step.interval, clock=clock, progress=step.progress
        )
    except CollectionError as error:
        return state, error
    return state, WaitTimeout(polled.timed_out) if polled.timed_out is not None else None


def _revert(revert: Callable[[S, CollectionError], S], failed: Run[S], error: CollectionError) -> Run[S]:
    try:
        return replace(failed, state=revert(failed.state, error), reverted=True)
    except CollectionError as failure:
        return replace(failed, error=WaitFailed(f"{error.message}. It could not be taken back: {failure.message}"))
