# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for what servers, pods and controllers do in their own time.

A patience is given in seconds of the reference machine, and multiplied by the factor of this one.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from machine import factor

__all__ = ["POD_GONE", "eventually", "scaled", "until", "within"]

# Seconds that a deleted pod may take to be gone. When its containers have ended, a kubelet of 1.20 keeps it until its sandbox
# is removed, and now and then leaves that to the garbage collector, which comes once a minute (kubernetes/kubernetes#97288).
POD_GONE = 150.0

Answer = TypeVar("Answer")
Seconds = TypeVar("Seconds", int, float)

# Seconds by what ``eventually`` waited for; the plugin `stopwatch` empties it before each phase of a test.
spent: defaultdict[str, float] = defaultdict(float)


def scaled(seconds: Seconds) -> Seconds:
    """As many seconds as this machine needs for what takes ``seconds`` on the reference machine; whole ones stay whole."""
    product = seconds * factor()
    return math.ceil(product) if isinstance(seconds, int) else product


def within(patience: float, look: Callable[[], Answer], *, interval: float = 0.05) -> Answer:
    """Call ``look`` until it returns something true, or ``patience`` is over; its last answer."""
    return until(time.monotonic() + scaled(patience), look, interval=interval)


def until(deadline: float, look: Callable[[], Answer], *, interval: float = 0.05) -> Answer:
    """The same, until the monotonic clock shows ``deadline``: for times that were measured here."""
    while not (answer := look()) and time.monotonic() < deadline:
        time.sleep(interval)
    return answer


def eventually(what: str, look: Callable[[], Answer], *, patience: float = 60.0, interval: float = 0.05) -> Answer:
    """Call ``look`` until it returns something true, and return that; fail when ``patience`` is over."""
    begin = time.monotonic()
    answer = within(patience, look, interval=interval)
    spent[what] += time.monotonic() - begin
    assert answer, f"waited {scaled(patience):g} s for {what}; last answer: {answer!r}"
    return answer
