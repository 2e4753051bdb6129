# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as text."""

from __future__ import annotations

from datetime import datetime

from ...module_utils.times import parse_time

__all__ = ["UNKNOWN", "ago", "clock", "duration", "flag", "lag", "percent", "plural"]

UNKNOWN = "unknown"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def clock(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float) -> str:
    """Two units at most: ``12 s``, ``8 min``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def ago(since: str, looked_at: datetime) -> str:
    """When it began, and for how long it had been so; servers' clocks may be ahead of ours."""
    begun = parse_time(since)
    return f"since {clock(begun)}, for {duration(max(0.0, (looked_at - begun).total_seconds()))}"


def lag(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    return f"{seconds:.3f} s" if seconds < _MINUTE else duration(seconds)


def flag(value: bool | None) -> str:
    """A server variable that is on or off."""
    return UNKNOWN if value is None else "ON" if value else "OFF"


def percent(share: float) -> str:
    """Rounded down, so that a volume that is not full never looks full."""
    return f"{int(share * 100)}%"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
