# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module in rounds while it waits: a module cannot print while it runs, and a large clone takes long.

Each round is a whole run of the module with a short ``wait_timeout``; running it again carries on. What a round changed
and how far the cluster got is in its result, see ``results/types.py``.
"""

from __future__ import annotations

import math
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.argspec import cluster_options
from ansible_collections.kubemysql.replication.plugins.module_utils.results.rounds import (
    merged_result,
    not_answered,
    progress_lines,
    progress_measure,
    timed_out,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.wait import Clock, SystemClock

Result = dict[str, t.Any]

# A cluster without data is ready within the first round, and nothing is printed.
FIRST_ROUND_SECONDS = 30
ROUND_SECONDS = 10
# Until the next round while the API server does not answer.
UNAVAILABLE_SECONDS = 1


class ActionModule(ActionBase):
    """`mysql_cluster`, with a line for each pod that is not ready yet after each round."""

    _supports_check_mode = True
    _supports_async = True
    clock: Clock = SystemClock()

    def run(self, tmp: object = None, task_vars: Result | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        timeout = self._idle_timeout()
        if timeout is None:
            result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
            return result
        result.update(self._wait(timeout, task_vars))
        return result

    def _idle_timeout(self) -> int | None:
        """Seconds without progress after which to give up; None where the module does not wait for a rollout."""
        options, given = cluster_options(), self._task.args
        state, wait, timeout = (given.get(name, options[name]["default"]) for name in ("state", "wait", "wait_timeout"))
        if state != "present" or self._task.check_mode or self._task.async_val or not _is_true(wait):
            return None
        try:
            return int(timeout) if int(timeout) > FIRST_ROUND_SECONDS else None
        except (TypeError, ValueError):
            # The module reports the error.
            return None

    def _wait(self, timeout: int, task_vars: Result | None) -> Result:
        seconds, rounds = FIRST_ROUND_SECONDS, [self._round(FIRST_ROUND_SECONDS, task_vars)]
        shown: dict[str, str] = {}
        furthest, since = -1, self.clock.now()
        # The first round has shown that there is an API server.
        while timed_out(rounds[-1]) or (len(rounds) > 1 and not_answered(rounds[-1])):
            shown = self._show(progress_lines(rounds[-1]), shown)
            if progress_measure(rounds[-1]) > furthest:
                # The round ended because its own last seconds had brought nothing.
                furthest, since = progress_measure(rounds[-1]), self.clock.now() - seconds
            left = math.ceil(timeout - (self.clock.now() - since))
            if left <= 0:
                rounds[-1]["msg"] = f"no progress for {timeout} s; the last round: {rounds[-1]['msg']}"
                break
            if not_answered(rounds[-1]):
                self.clock.sleep(min(UNAVAILABLE_SECONDS, left))
            seconds = min(ROUND_SECONDS, left)
            rounds.append(self._round(seconds, task_vars))
        return merged_result(rounds)

    def _round(self, seconds: int, task_vars: Result | None) -> Result:
        arguments = {**self._task.args, "wait_timeout": seconds}
        outcome: Result = self._execute_module(module_args=arguments, task_vars=task_vars)
        return outcome

    def _show(self, progress: dict[str, str], before: dict[str, str]) -> dict[str, str]:
        """Print the lines that have changed, and return all: a stuck pod has the same line in every round."""
        for pod, line in sorted(progress.items()):
            if before.get(pod) != line:
                Display().display(f"  {pod}: {line}")
        return progress


def _is_true(value: object) -> bool:
    return boolean(value, strict=False) is True
