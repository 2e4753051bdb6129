# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts that the results of all modules share."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ApiConflict, ApiError, CollectionError, SpecError, SqlError

__all__ = ["Failure", "Result", "failure_of", "timed"]

# The result of any module; the modules of this room define each one's keys.
Result = Mapping[str, t.Any]


@dataclass(frozen=True)
class Failure:
    """A module's failure: the message, and the keys of its result besides ``msg``."""

    message: str
    result: Result = field(default_factory=dict)


def failure_of(error: CollectionError, result: Result | None = None) -> Failure:
    """A failure with the attributes of ``error``; ``result`` holds further keys."""
    return Failure(error.message, {**_attributes(error), **(result or {})})


def _attributes(error: CollectionError) -> dict[str, t.Any]:
    if isinstance(error, SpecError):
        return {"option": error.option}
    if isinstance(error, ApiConflict):
        return {"status": error.status, "conflicts": list(error.conflicts)}
    if isinstance(error, ApiError):
        return {"status": error.status, **({"api_unavailable": True} if error.transient else {})}
    return {"errno": error.errno} if isinstance(error, SqlError) else {}


def timed(result: Result, seconds: float) -> dict[str, t.Any]:
    """``result`` with the module's duration."""
    return {**result, "duration": round(seconds, 3)}
