# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: look, decide, and look again until it is done, cannot be done any more, or the time is up."""

from __future__ import annotations

import time
import typing as t

from .errors import WaitTimeout

__all__ = ["Clock", "SystemClock", "poll"]

T = t.TypeVar("T")


class Clock(t.Protocol):
    """Time as ``poll`` sees it; tests bring one that does not wait."""

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


def poll(
    look: t.Callable[[], T],
    *,
    pending: t.Callable[[T], str | None],
    timeout: float,
    interval: float,
    clock: Clock,
    progress: t.Callable[[T], int] | None = None,
) -> T:
    """Call ``look`` until ``pending`` has nothing left to wait for, and return what was seen then.

    ``pending`` says in a few words what is still missing, or None when everything is there; it raises ``WaitFailed``
    when waiting longer cannot help. After ``timeout`` seconds ``WaitTimeout`` says what was missing when last looked at,
    and ``seen`` among its details holds it. At least one look is taken, and the last one never later than the timeout.

    With ``progress``, a measure of what was seen, the seconds count from when it was last greater than ever before.
    """
    deadline, furthest = clock.now() + timeout, 0
    while True:
        seen = look()
        missing = pending(seen)
        if missing is None:
            return seen
        if progress is not None and (reached := progress(seen)) > furthest:
            deadline, furthest = clock.now() + timeout, reached
        left = deadline - clock.now()
        if left <= 0:
            raise WaitTimeout(f"gave up after {timeout:g} s waiting for {missing}", seen=seen)
        clock.sleep(min(interval, left))
