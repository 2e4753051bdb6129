# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kubemysql.replication.plugins.filter.html_report import FilterModule
from report_facts import degraded

html_report = FilterModule().filters()["html_report"]
TIME = "2026-01-01T12:00:00Z"


def test_page() -> None:
    page = html_report(degraded(), "mysql", namespace="shop", looked_at=TIME)
    assert page.startswith("<!doctype html>\n<html")
    assert "2026-01-01 12:00:00 UTC" in page


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({}, "found a dict with nothing"),
        ({"skipped": True, "changed": False}, "found a dict with changed, skipped"),
        ("healthy", "found str"),
    ],
)
def test_not_a_result(facts: object, found: str) -> None:
    with pytest.raises(AnsibleFilterError, match=found):
        html_report(facts, "mysql", "shop", TIME)


def test_not_a_time() -> None:
    with pytest.raises(AnsibleFilterError, match=r"looked_at: expected a time such as .*'noon'"):
        html_report(degraded(), "mysql", "shop", "noon")


def test_not_a_name() -> None:
    with pytest.raises(AnsibleFilterError, match=r"html_report: namespace: 'The Shop' is not a DNS label"):
        html_report(degraded(), "mysql", "The Shop", TIME)
