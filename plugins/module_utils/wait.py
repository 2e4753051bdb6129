# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling until a condition holds, until it can no longer hold, or until the timeout."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .errors import ApiError, WaitTimeout

__all__ = ["Clock", "Polled", "SystemClock", "poll", "wait_until"]

T = t.TypeVar("T")


# Seconds between two looks while the API server does not answer.
_API_INTERVAL = 1.0


class Clock(t.Protocol):
    """The time that ``poll`` uses; tests use a clock that does not wait."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""


class SystemClock:
    """The real time."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Polled(t.Generic[T]):
    """The end of polling: the last value, and if the time ran out a message that names the condition that was not met."""

    seen: T
    timed_out: str | None


def poll(
    look: t.Callable[[], T],
    *,
    pending: t.Callable[[T], str | None],
    timeout: float,
    interval: float,
    clock: Clock,
    act: t.Callable[[T], None] | None = None,
    progress: t.Callable[[T], int] | None = None,
) -> Polled[T]:
    """Call ``look`` until ``pending`` returns None for its value, or until ``timeout`` seconds have passed.

    ``pending`` names the condition that is not met yet, and changes nothing; it may raise ``WaitFailed``. ``act`` is called
    with each value before that, and may write. There is at least one look, and the last one is not later than the timeout.

    With ``progress``, a measure of the value, the timeout restarts whenever it reaches a new maximum.

    A look that the API server does not answer is repeated; the error is raised if that lasts until the timeout.
    """
    deadline, furthest = clock.now() + timeout, 0
    while True:
        try:
            seen = look()
        except ApiError as error:
            left = deadline - clock.now()
            if left <= 0 or not error.transient:
                raise
            clock.sleep(min(_API_INTERVAL, left))
            continue
        if act is not None:
            act(seen)
        missing = pending(seen)
        if missing is None:
            return Polled(seen, None)
        if progress is not None and (reached := progress(seen)) > furthest:
            deadline, furthest = clock.now() + timeout, reached
        left = deadline - clock.now()
        if left <= 0:
            return Polled(seen, f"gave up after {timeout:g} s waiting for {missing}")
        clock.sleep(min(interval, left))


def wait_until(
    look: t.Callable[[], T], *, pending: t.Callable[[T], str | None], timeout: float, interval: float, clock: Clock
) -> T:
    """As ``poll``; returns the last value, and raises ``WaitTimeout`` if the time ran out."""
    polled = poll(look, pending=pending, timeout=timeout, interval=interval, clock=clock)
    if polled.timed_out is not None:
        raise WaitTimeout(polled.timed_out)
    return polled.seen
