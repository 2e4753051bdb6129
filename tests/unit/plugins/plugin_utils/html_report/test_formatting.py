# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.kubemysql.replication.plugins.plugin_utils.html_report import formatting as words

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (11100, "3 h 5 min"),
        (86400, "1 d 0 h"),
        (187200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_a_server_ahead_of_us_is_no_negative_time() -> None:
    assert words.ago("2026-01-01T12:00:30Z", NOON) == "since 2026-01-01 12:00:30 UTC, for 0 s"


@pytest.mark.parametrize(("seconds", "said"), [(None, "unknown"), (0.0, "0.000 s"), (59.25, "59.250 s"), (4000.0, "1 h 6 min")])
def test_lags(seconds: float | None, said: str) -> None:
    assert words.lag(seconds) == said


def test_flags() -> None:
    assert [words.flag(value) for value in (True, False, None)] == ["ON", "OFF", "unknown"]


@pytest.mark.parametrize(("share", "said"), [(0.0, "0%"), (0.999, "99%"), (1.0, "100%")])
def test_percent(share: float, said: str) -> None:
    assert words.percent(share) == said
