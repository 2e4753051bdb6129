# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils import times

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00+00:00", "2026-01-01T14:00:00.000+02:00"])
def test_times(text: str) -> None:
    assert times.parse_time(text) == NOON


@pytest.mark.parametrize("text", ["", "noon", "2026-01-01T12:00:00", "2026-01-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid isoformat|no time zone"):
        times.parse_time(text)


def test_what_is_written_is_read() -> None:
    assert times.format_time(NOON.timestamp() + 0.9) == "2026-01-01T12:00:00Z"
    assert times.parse_time(times.format_time(NOON.timestamp())) == NOON
