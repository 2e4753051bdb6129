# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings: what, where, since when, by what evidence, and what to do."""

from __future__ import annotations

from datetime import datetime

from ...module_utils.results.types import FindingResult, HealthResult
from .formatting import ago
from .markup import Markup, element
from .view_model import SYMBOLS, Group, groups

__all__ = ["findings_section"]


def findings_section(facts: HealthResult, looked_at: datetime) -> Markup:
    cards = [_card(group, looked_at) for group in groups(facts["findings"])]
    nothing = element("p", "Nothing was found that is out of order.", class_="nothing")
    return element("section", element("h2", "Findings"), *(cards or [nothing]), class_="findings")


def _card(group: Group, looked_at: datetime) -> Markup:
    kind = "ignored" if group.ignored else group.severity
    label = f"{group.severity}, ignored" if group.ignored else group.severity
    return element(
        "article",
        element(
            "h3",
            element("span", element("span", f"{SYMBOLS[kind]} ", aria_hidden="true"), label, class_="badge"),
            element("code", group.code),
        ),
        element("ul", *(_case(each, looked_at) for each in group.cases)),
        element("p", element("b", "What to do: "), group.remedy, class_="remedy"),
        class_=f"finding {kind}",
    )


def _case(finding: FindingResult, looked_at: datetime) -> Markup:
    since = finding["since"]
    return element(
        "li",
        element("b", finding["instance"] or "cluster"),
        ": ",
        element("span", finding["message"], class_="evidence"),
        element("span", ago(since, looked_at), class_="since") if since else None,
    )
