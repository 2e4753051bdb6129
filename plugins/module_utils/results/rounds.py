# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of several runs of ``mysql_cluster`` that wait for one rollout."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

__all__ = ["merged_result", "not_answered", "progress_lines", "progress_measure", "timed_out"]

# A module's result after it was sent from its host, with the keys that Ansible adds.
Returned = Mapping[str, t.Any]


def timed_out(result: Returned) -> bool:
    """Whether the run ended because its time was up; another run continues to wait."""
    return bool(result.get("timed_out"))


def not_answered(result: Returned) -> bool:
    """Whether the run ended because the API server did not answer."""
    return bool(result.get("api_unavailable"))


def progress_measure(result: Returned) -> int:
    """A number that grows with the rollout; 0 if the run did not time out."""
    return int(result.get("progress_measure", 0))


def progress_lines(result: Returned) -> dict[str, str]:
    """The last log line of each pod that was not ready."""
    return dict(result.get("progress") or {})


def merged_result(rounds: Sequence[Returned]) -> dict[str, t.Any]:
    """The last round's result, with the changes and the durations of all rounds."""
    *earlier, last = rounds
    if not earlier:
        return dict(last)
    merged = {
        **last,
        "changed": any(each.get("changed", False) for each in rounds),
        "duration": round(sum(each.get("duration", 0.0) for each in rounds), 3),
    }
    for key in ("changes", "diff", "warnings"):
        items = [item for each in rounds for item in each.get(key, [])]
        if items or key != "warnings":
            merged[key] = items
    return merged
