# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: success, timeout and giving up, on a clock that does not wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import (
    ApiError,
    ApiForbidden,
    ApiUnavailable,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.wait import Polled, SystemClock, poll, wait_until
from unit.fakes.clock import FakeClock


def test_returns_what_was_seen_at_last() -> None:
    seen = iter([1, 2, 3, 4])
    found = wait_until(
        lambda: next(seen), pending=lambda n: None if n == 3 else "more", timeout=10, interval=1, clock=FakeClock()
    )
    assert found == 3


def test_looks_once_even_without_time() -> None:
    assert wait_until(lambda: 1, pending=lambda _: None, timeout=0, interval=1, clock=FakeClock()) == 1


def test_timeout_says_what_was_missing_and_is_kept_exactly() -> None:
    clock, looks = FakeClock(), []
    with pytest.raises(WaitTimeout, match=r"^gave up after 2.5 s waiting for godot$"):
        wait_until(lambda: looks.append(clock.now()), pending=lambda _: "godot", timeout=2.5, interval=1, clock=clock)
    assert looks == [0, 1, 2, 2.5]


def test_polling_returns_the_last_value_also_when_the_time_is_up() -> None:
    seen = iter([1, 2, 3])
    polled = poll(lambda: next(seen), pending=lambda _: "more", timeout=2, interval=1, clock=FakeClock())
    assert polled == Polled(3, "gave up after 2 s waiting for more")


def test_each_value_is_acted_on_before_it_is_judged() -> None:
    seen = iter([1, 2])
    calls: list[tuple[str, int]] = []

    def pending(value: int) -> str | None:
        calls.append(("judged", value))
        return None if value == 2 else "more"

    def act(value: int) -> None:
        calls.append(("acted", value))

    poll(lambda: next(seen), act=act, pending=pending, timeout=10, interval=1, clock=FakeClock())
    assert calls == [("acted", 1), ("judged", 1), ("acted", 2), ("judged", 2)]


def test_giving_up_ends_the_wait_at_once() -> None:
    clock = FakeClock()

    def pending(_look: int) -> str | None:
        raise WaitFailed("never")

    with pytest.raises(WaitFailed, match="never"):
        poll(lambda: 1, pending=pending, timeout=100, interval=1, clock=clock)
    assert clock.time == 0


def test_the_system_clock_goes_forward() -> None:
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.001)
    assert clock.now() > before


def test_an_api_server_that_does_not_answer_is_asked_again() -> None:
    clock = FakeClock()
    answers: Iterator[ApiError | int] = iter([ApiUnavailable("gone", transient=True), ApiError("busy", 503), 3])

    def look() -> int:
        answer = next(answers)
        if isinstance(answer, ApiError):
            raise answer
        return answer

    assert poll(look, pending=lambda _: None, timeout=10, interval=0.1, clock=clock) == Polled(3, None)
    assert clock.now() == 2


def test_an_api_server_that_never_answers_is_the_error() -> None:
    clock = FakeClock()

    def look() -> int:
        raise ApiError("busy", 429)

    with pytest.raises(ApiError, match="busy"):
        poll(look, pending=lambda _: None, timeout=2.5, interval=0.1, clock=clock)
    assert clock.now() == 2.5


@pytest.mark.parametrize(
    "error", [ApiError("no such thing", 404), ApiForbidden("forbidden", 403), ApiUnavailable("no address")]
)
def test_an_answer_that_stays_the_same_is_raised_at_once(error: ApiError) -> None:
    clock = FakeClock()

    def look() -> int:
        raise error

    with pytest.raises(ApiError):
        poll(look, pending=lambda _: None, timeout=10, interval=0.1, clock=clock)
    assert clock.now() == 0
