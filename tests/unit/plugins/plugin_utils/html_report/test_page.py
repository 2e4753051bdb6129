# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole page, from facts of every kind of cluster."""

from __future__ import annotations

import copy
import re
import typing as t
from datetime import datetime, timezone

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.health.assess import STATES as DEFINITIONS
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import Severity
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.results.types import FindingResult, InstanceResult
from ansible_collections.kubemysql.replication.plugins.plugin_utils.html_report.page import render
from hypothesis import example, given
from hypothesis import strategies as st
from report_facts import STATES, Facts, degraded, facts_of, healthy, lost, offline, twelve
from unit.fakes.mysql import replicating
from unit.html_tree import Node, parse

LOOKED_AT = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
# Texts that must be shown unchanged. Texts that decide about the page, such as a severity, are words of the code.
INSTANCE_TEXTS = ("name", "problem", "version", "server_uuid", "gtid_executed", "source", "io_running", "sql_running", "node")
SHOWN = ("name", "problem", "version", "source", "io_running", "sql_running", "node")


def page_of(facts: Facts, name: str = "mysql", namespace: str = "shop") -> Node:
    return parse(render(facts, Names(name, namespace), LOOKED_AT))


def everywhere(text: str) -> Facts:
    """A cluster of one instance and one finding, of which every text is ``text``."""
    facts = facts_of(*replicating(2))
    del facts["instances"][0]
    # Commas part the members of a GTID set, each of which is an element.
    texts = {**dict.fromkeys(INSTANCE_TEXTS, text), "gtid_executed": text.replace(",", ";")}
    facts["instances"][0] = t.cast(InstanceResult, {**facts["instances"][0], **texts})
    finding = FindingResult(code=text, severity="critical", ignored=False, instance=text, message=text, since=None, remedy=text)
    return {**facts, "primary": text, "endpoints": {"primary": [text], "read": [text]}, "findings": [finding]}


def shown(text: str) -> str:
    """The text as a browser shows it, without the characters that it hides."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "\ufffd", text)


@given(st.text(min_size=1))
@example("<script>alert(1)</script>")
@example('"><img src=x onerror=alert(1)>')
@example("' onload='alert(1)")
@example("--></style></title><!--")
@example("&lt;b&gt; &amp; &#0; {{ 7 * 7 }} {% raw %}")
@example("\x00\x1b[31m\u202eevil\u2066\ud800")
def test_no_text_is_more_than_text(hostile: str) -> None:
    page = page_of(everywhere(hostile), name=hostile, namespace=hostile)
    assert page.shape == page_of(everywhere("harmless"), name="harmless", namespace="harmless").shape
    words = shown(hostile)
    for place in ("header", "title", "article", "svg", "table"):
        assert any(words in each.text for each in page.all(place)), place
    cells = page.one("tbody").text
    assert cells.count(words) >= len(SHOWN)
    # Halves of surrogate pairs could not be written.
    render(everywhere(hostile), Names(hostile, hostile), LOOKED_AT).encode()


@pytest.mark.parametrize("state", STATES)
def test_states(state: str) -> None:
    facts = STATES[state]()
    assert facts["state"] == state
    page = page_of(facts)
    banner = page.one("header", state)
    assert state in banner.one("h1").text
    assert banner.one("p", "definition").text == " ".join((dict(DEFINITIONS)[state].__doc__ or "").split())
    assert page.one("head").one("title").text == f"{state}: MySQL cluster mysql in shop"
    assert "MySQL cluster mysql in namespace shop" in banner.text
    assert numbers(page)["Looked at"] == "2026-01-01 12:00:00 UTC"


def test_every_state_has_an_example() -> None:
    assert STATES.keys() == dict(DEFINITIONS).keys()


def numbers(page: Node) -> dict[str, str]:
    return {each.one("dt").text: each.one("dd").text for each in page.one("header").one("dl").all("div")}


def test_where_to_connect() -> None:
    facts = healthy()
    assert numbers(page_of(facts))["Writes"] == "mysql-primary.shop.svc:3306leads to mysql-0"
    assert numbers(page_of(facts))["Reads"] == "mysql-read.shop.svc:3306leads to mysql-0, mysql-1, mysql-2"
    assert numbers(page_of(twelve()))["Reads"] == "mysql-read.shop.svc:3306leads to 12 instances"
    facts["endpoints"] = {"primary": [], "read": None}
    assert numbers(page_of(facts))["Writes"] == "mysql-primary.shop.svc:3306leads to no pod"
    assert "Reads" not in numbers(page_of(facts))


def rows(page: Node) -> list[dict[str, str]]:
    return [{cell.attributes["data-label"]: cell.text for cell in row.all("td")} for row in page.one("tbody").all("tr")]


def test_healthy() -> None:
    page = page_of(healthy())
    assert numbers(page)["Primary"] == "mysql-0"
    assert (numbers(page)["Instances"], numbers(page)["Findings"]) == ("3 ok", "none")
    assert page.all("article") == []
    assert "Nothing was found" in page.one("section", "findings").text
    primary, replica, _other = rows(page)
    assert primary["Instance"].startswith("mysql-0primary")
    assert (primary["Lag"], primary["Source"]) == ("\u2013", "\u2013")
    assert replica["Lag"] == "0.000 s"
    assert replica["Source"] == "mysql-0.mysql:3306receiver: yesapplier: yesencrypted"
    assert replica["GTIDs executed"] == "00000064-1111-4111-8111-111111111111:1-5"
    assert replica["Server"] == "9.7.4read_only: ONsuper_read_only: ON"
    assert replica["Node"] == "worker-1restarts: 1volume: 25% full"


def test_findings_come_worst_first_with_evidence_and_the_way_out() -> None:
    cards = page_of(degraded()).all("article")
    codes = [card.one("h3").one("code").text for card in cards]
    assert codes == [
        "applier_failed",
        "instance_unreachable",
        "errant_transactions",
        "replication_not_encrypted",
        "replica_older",
    ]
    first, last = cards[0].text, cards[-1].text
    assert "critical" in first
    assert "mysql-1: the applier (SQL thread) gave up: error 1062: Could not execute Write_rows" in first
    assert "since 2026-01-01 11:52:00 UTC, for 8 min" in first
    assert "What to do: The replica's data differs from the primary's." in first
    assert "warning, ignored" in last


def test_the_severities_order() -> None:
    facts = healthy()
    kinds: list[tuple[Severity, bool]] = [
        ("warning", True),
        ("warning", False),
        ("critical", True),
        ("unknown", False),
        ("critical", False),
    ]
    facts["findings"] = [
        FindingResult(
            code=f"{severity}-{ignored}",
            severity=severity,
            ignored=ignored,
            instance=None,
            message="m",
            since=None,
            remedy="r",
        )
        for severity, ignored in kinds
    ]
    page = page_of(facts)
    codes = [card.one("code").text for card in page.all("article")]
    assert codes == ["critical-False", "unknown-False", "warning-False", "critical-True", "warning-True"]
    assert numbers(page)["Findings"] == "1 critical, 1 unknown, 1 warning, 2 ignored"
    assert "cluster: m" in page.all("article")[0].text


def test_what_happened_to_several_instances_is_one_finding() -> None:
    page = page_of(lost())
    (card,) = page.all("article")
    assert [each.one("b").text for each in card.all("li")] == ["mysql-0", "mysql-1", "mysql-2"]
    assert numbers(page)["Instances"] == "3 unreachable"


def test_instances_in_trouble() -> None:
    page = page_of(degraded())
    assert numbers(page)["Instances"] == "1 unreachable, 2 in trouble, 2 ok"
    assert [row.attributes["class"] for row in page.one("tbody").all("tr")] == ["ok", "trouble", "unreachable", "trouble", "ok"]
    _primary, failed, unreachable, errant, _last = rows(page)
    assert failed["Lag"] == "unknown"
    assert failed["GTIDs executed"].endswith("4706 transactions behind the primary")
    assert "behind" not in errant["GTIDs executed"]
    assert "connection to mysql-2 port 3306 timed out after 5 s" in unreachable["Instance"]
    assert {unreachable[column] for column in ("Lag", "Source", "GTIDs executed", "Server")} == {"unknown"}


def test_what_is_unknown_is_called_unknown() -> None:
    facts = healthy()
    facts["instances"][1] |= {"node": None, "restarts": None, "volume_used_ratio": None, "ready": False}
    row = rows(page_of(facts))[1]
    assert row["Node"] == "unknownrestarts: unknownvolume: unknown"
    assert "not ready" in row["Instance"]


def test_an_ignored_finding_is_no_trouble() -> None:
    facts = degraded()
    for finding in facts["findings"]:
        finding["ignored"] = True
    assert [row.attributes["class"] for row in page_of(facts).one("tbody").all("tr")].count("trouble") == 0


def test_a_warning_shows_on_its_instance() -> None:
    facts = degraded()
    facts["findings"] = [{**each, "ignored": False} for each in facts["findings"] if each["severity"] == "warning"]
    classes = [row.attributes["class"] for row in page_of(facts).one("tbody").all("tr")]
    assert classes == ["ok", "ok", "unreachable", "warning", "warning"]


def test_mariadb_has_gtids_of_another_kind() -> None:
    facts = healthy()
    for instance in facts["instances"]:
        instance["gtid_executed"] = "0-100-7"
    assert rows(page_of(facts))[1]["GTIDs executed"] == "0-100-7"
    facts["instances"][1]["gtid_executed"] = ""
    assert rows(page_of(facts))[1]["GTIDs executed"] == "empty"


def test_nothing_to_show() -> None:
    page = page_of(offline())
    assert numbers(page)["Primary"] == "unknown"
    assert (page.all("table"), page.all("svg")) == ([], [])
    assert page.one("section", "topology").text == "TopologyThere is no instance."


@pytest.mark.parametrize("make", [*STATES.values(), twelve])
def test_nothing_outside_is_needed_or_run(make: t.Callable[[], Facts]) -> None:
    facts = make()
    text = render(facts, Names("mysql", "shop"), LOOKED_AT)
    page = parse(text)
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|<iframe|javascript:", text)
    attributes = {name for node in page.walk() for name in node.attributes}
    assert not {name for name in attributes if name in ("src", "href", "action", "data") or name.startswith("on")}
    policy = next(each for each in page.all("meta") if each.attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.attributes["content"] == "default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.parametrize("make", [*STATES.values(), twelve])
def test_the_same_facts_give_the_same_page_and_stay_as_they_are(make: t.Callable[[], Facts]) -> None:
    facts = make()
    before = copy.deepcopy(facts)
    assert page_of(facts) == page_of(facts)
    assert facts == before


def test_it_can_be_read_aloud() -> None:
    page = page_of(degraded())
    assert page.one("html").attributes["lang"] == "en"
    drawing = page.one("svg")
    assert drawing.attributes["role"] == "img"
    assert "mysql-1 (replica) is trouble and replicates from mysql-0.mysql:3306." in drawing.one("desc").text
    assert page.one("table").attributes["aria-label"] == "Instances"
    assert [each.text for each in page.all("h2")] == ["Findings", "Topology", "Instances"]
