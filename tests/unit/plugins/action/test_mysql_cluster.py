# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rounds: when there are any, how long they last, and what of each is in the result. The module's runs are played back."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible.utils.display import Display
from ansible_collections.kubemysql.replication.plugins.action.mysql_cluster import ActionModule
from unit.fakes.clock import FakeClock

Result = dict[str, t.Any]
DONE: Result = {"changed": False, "changes": [], "diff": [], "names": {"namespace": "shop"}, "duration": 1.5}


def still(measure: int, **more: t.Any) -> Result:
    """A round that ended before the cluster was ready."""
    progress = {"mysql-2": f"cloning from 10.0.0.7: {measure} of 900 MiB"}
    timed_out = {"failed": True, "timed_out": True, "progress": progress, "progress_measure": measure, "duration": 10.0}
    return {"changed": False, "changes": [], "diff": [], "msg": "gave up after 10 s", **timed_out, **more}


class PlayedBack(ActionModule):
    """The action with its connection to a host replaced by answers."""

    def __init__(self, answers: t.Iterator[Result], check_mode: bool, async_val: int, arguments: Result) -> None:
        self._task = SimpleNamespace(args=arguments, check_mode=check_mode, async_val=async_val)
        self._answers = answers
        self.asked: list[Result | None] = []
        self.clock = self._time = FakeClock()

    def _execute_module(self, module_args: Result | None = None, **_how: t.Any) -> Result:
        self.asked.append(module_args)
        if module_args:
            self._time.sleep(module_args["wait_timeout"])
        return next(self._answers)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, message, **_how: lines.append(message))
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda _self, _tmp, _vars: {})
    return lines


def run(
    *answers: Result, check_mode: bool = False, async_val: int = 0, **arguments: t.Any
) -> tuple[Result, list[Result | None]]:
    action = PlayedBack(iter(answers), check_mode, async_val, arguments)
    return action.run(None, {}), action.asked


def test_what_is_ready_soon_takes_one_round(shown: list[str]) -> None:
    result, asked = run(DONE, namespace="shop")
    assert result == DONE
    assert asked == [{"namespace": "shop", "wait_timeout": 30}]
    assert shown == []


def test_rounds_go_on_as_long_as_there_is_progress(shown: list[str]) -> None:
    first = still(1, changed=True, changes=[{"kind": "StatefulSet"}], diff=[{"before": ""}])
    noted = {**DONE, "changed": True, "changes": [{"kind": "ConfigMap"}], "diff": [{"before": "x"}]}
    rounds = [still(measure) for measure in range(2, 40)]
    result, asked = run(first, *rounds, noted, wait_timeout=60)
    assert [each and each["wait_timeout"] for each in asked] == [30] + [10] * 39
    assert result["changed"]
    assert result["changes"] == [{"kind": "StatefulSet"}, {"kind": "ConfigMap"}]
    assert result["diff"] == [{"before": ""}, {"before": "x"}]
    assert result["duration"] == 10 + 380 + 1.5
    assert not result.get("failed")
    assert shown[0] == "  mysql-2: cloning from 10.0.0.7: 1 of 900 MiB"
    assert len(shown) == 39


def test_what_a_pod_says_again_is_not_repeated(shown: list[str]) -> None:
    run(still(5), still(5), still(6), DONE)
    assert shown == ["  mysql-2: cloning from 10.0.0.7: 5 of 900 MiB", "  mysql-2: cloning from 10.0.0.7: 6 of 900 MiB"]


def test_without_progress_it_gives_up_in_time(shown: list[str]) -> None:
    result, asked = run(*[still(5)] * 20, wait_timeout="45")
    # A round ends when nothing has happened for its whole time, so its time counts.
    assert [each and each["wait_timeout"] for each in asked] == [30, 10, 5]
    assert result["failed"]
    assert result["msg"] == "no progress for 45 s; the last round: gave up after 10 s"
    assert shown


def test_progress_restarts_the_time(shown: list[str]) -> None:
    result, asked = run(still(5), still(6), still(6), still(7), *[still(7)] * 20, wait_timeout=45)
    # The fourth round's last seconds, 10, are the first of the 45.
    assert [each and each["wait_timeout"] for each in asked] == [30, 10, 10, 10, 10, 10, 10, 5]
    assert result["msg"].startswith("no progress for 45 s")
    assert len(shown) == 3


def test_the_time_without_progress_is_that_of_the_clock(shown: list[str]) -> None:
    """A round takes longer than its wait: it plans before it waits."""

    class Slow(PlayedBack):
        def _execute_module(self, module_args: Result | None = None, **how: t.Any) -> Result:
            self._time.sleep(15)
            return super()._execute_module(module_args, **how)

    action = Slow(iter([still(5)] * 20), False, 0, {"wait_timeout": 45})
    result = action.run(None, {})
    assert [each and each["wait_timeout"] for each in action.asked] == [30, 10]
    assert result["msg"].startswith("no progress for 45 s")
    assert shown


def test_any_other_failure_ends_it(shown: list[str]) -> None:
    hopeless = {"failed": True, "msg": "waiting longer cannot help", "changed": False}
    result, _asked = run(still(1, changed=True), hopeless)
    assert (result["failed"], result["changed"], result["msg"]) == (True, True, "waiting longer cannot help")
    assert len(shown) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"check_mode": True},
        {"async_val": 100},
        {"state": "absent"},
        {"state": "rendered"},
        {"wait": "no"},
        {"wait": False},
        {"wait_timeout": 30},
        {"wait_timeout": "soon"},
    ],
)
def test_where_nothing_is_waited_for_the_module_runs_as_it_is(how: Result, shown: list[str]) -> None:
    result, asked = run(DONE, **how)
    assert result == DONE
    assert asked == [None]
    assert shown == []


def unanswered() -> Result:
    return {"failed": True, "msg": "no answer", "api_unavailable": True, "duration": 0.1, "changes": [], "diff": []}


def test_an_api_server_that_restarts_ends_no_wait(shown: list[str]) -> None:
    result, asked = run(still(1), unanswered(), unanswered(), still(2), DONE, wait_timeout=60)
    assert not result.get("failed")
    assert len(asked) == 5
    assert len(shown) == 2


def test_an_api_server_that_stays_away_ends_the_wait_with_its_error(shown: list[str]) -> None:
    result, asked = run(still(1), *[unanswered() for _round in range(60)], wait_timeout=60)
    assert result["msg"] == "no progress for 60 s; the last round: no answer"
    assert len(asked) < 12
    assert len(shown) == 1


@pytest.mark.usefixtures("shown")
def test_without_an_api_server_the_first_round_is_the_last() -> None:
    result, asked = run(unanswered(), wait_timeout=60)
    assert (result["msg"], len(asked)) == ("no answer", 1)
