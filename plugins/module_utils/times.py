# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as the API server, results and people write them: RFC 3339, such as ``2026-01-01T12:00:00Z``."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["format_time", "parse_time"]


def parse_time(text: str) -> datetime:
    """The time in ``text``, in universal time; ``ValueError`` if it is none."""
    # Python 3.10 does not know the Z.
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if parsed.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return parsed.astimezone(timezone.utc)


def format_time(seconds: float) -> str:
    """``seconds`` since 1970, in whole seconds of universal time."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
