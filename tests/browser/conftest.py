# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One browser for all tests; screenshots are left in tests/output/browser for whoever wants to look at them, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.plugin_utils.html_report.page import render
from browser.chromium import Browser, Tab, browser
from machine import pytest_configure, pytest_terminal_summary
from report_facts import Facts

__all__ = ["pytest_configure", "pytest_terminal_summary"]

OUTPUT = Path(__file__).resolve().parents[1] / "output" / "browser"
Show = Callable[..., Tab]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium") / "profile") as opened:
        yield opened


@pytest.fixture(scope="session")
def output() -> Path:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    return OUTPUT


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Show]:
    """Open the page that is made of these facts; it is closed at the end."""
    tabs: list[Tab] = []

    def open_page(facts: Facts, *, width: int, scheme: str = "light") -> Tab:
        path = tmp_path / f"{len(tabs)}.html"
        looked_at = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
        path.write_text(render(facts, Names("mysql", "shop"), looked_at), encoding="utf-8")
        tabs.append(Tab(chromium, path.as_uri(), width=width, scheme=scheme))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        tab.close()
