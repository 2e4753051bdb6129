# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page in a browser that cannot reach anything: what is seen, on wide and narrow screens, by day, by night, on paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.chromium import Browser, Tab
from browser.conftest import Show
from PIL import Image
from report_facts import STATES, Facts, degraded, healthy, lost, twelve

PHONE, DESK = 400, 1280
# The state's colour by day; a page without its style has none of them.
TONES = {"healthy": (20, 113, 58), "degraded": (138, 83, 0), "lost": (179, 22, 27)}
# Every box of the page whose right edge is past the window's, but for what scrolls by itself and what only a reader hears.
OVERFLOWING = """
[...document.querySelectorAll('body *')]
  .filter(each => each.getBoundingClientRect().right > innerWidth + 0.5 && !each.closest('.gtids, thead'))
  .map(each => each.outerHTML.slice(0, 100))
"""


def test_the_browser_reaches_nothing(chromium: Browser) -> None:
    tab = Tab(chromium, "http://kubemysql.example/", width=DESK)
    assert [each["errorText"] for each in tab.events("Network.loadingFailed")] == ["net::ERR_NAME_NOT_RESOLVED"]


@pytest.mark.parametrize("make", [healthy, degraded, lost])
def test_one_glance(show: Show, output: Path, make: Callable[[], Facts]) -> None:
    facts = make()
    tab = show(facts, width=DESK)
    with Image.open(tab.screenshot(output / f"{facts['state']}.png")) as opened:
        image = opened.convert("RGB")
    assert image.width == DESK and 800 <= image.height < 4000
    colours = {colour for _count, colour in image.getcolors(maxcolors=1 << 24) or []}
    assert len(colours) > 200
    assert TONES[facts["state"]] in colours
    # The most important part is visible without scrolling.
    assert_readable_at_top(tab, facts)


def assert_readable_at_top(tab: Tab, facts: Facts) -> None:
    first = tab.evaluate(
        "[...document.querySelectorAll('h1, article:first-of-type .remedy')].map(each => each.getBoundingClientRect().bottom)"
    )
    assert len(first) == (2 if facts["findings"] else 1)
    assert max(first) < 800


@pytest.mark.parametrize("make", [*STATES.values(), twelve])
def test_everything_found_is_in_the_document_and_shown(show: Show, make: Callable[[], Facts]) -> None:
    facts = make()
    tab = show(facts, width=DESK)
    assert facts["state"] in tab.text
    for finding in facts["findings"]:
        for key in ("code", "message", "remedy"):
            assert finding[key] in tab.text, finding
        assert finding["code"] in tab.dom
    for instance in facts["instances"]:
        assert instance["name"] in tab.text
        assert instance["node"] in tab.text
    assert tab.evaluate("document.querySelectorAll('svg .box').length") == len(facts["instances"])


@pytest.mark.parametrize("width", [320, PHONE, 768, 1001, DESK, 2560])
@pytest.mark.parametrize("make", [healthy, degraded, lost, twelve])
def test_nothing_has_to_be_scrolled_sideways(show: Show, output: Path, make: Callable[[], Facts], width: int) -> None:
    tab = show(make(), width=width)
    assert tab.evaluate("innerWidth") == width
    assert tab.evaluate(OVERFLOWING) == []
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    if width == PHONE:
        tab.screenshot(output / f"{make.__name__}-phone.png")


def test_by_night(show: Show, output: Path) -> None:
    luminance = {}
    for scheme in ("light", "dark"):
        tab = show(degraded(), width=DESK, scheme=scheme)
        with Image.open(tab.screenshot(output / f"degraded-{scheme}.png")) as image:
            luminance[scheme] = image.convert("L").resize((1, 1)).getpixel((0, 0))
    assert luminance["light"] > 200
    assert luminance["dark"] < 60


def test_on_paper(show: Show, output: Path) -> None:
    pdf = show(degraded(), width=DESK).pdf(output / "degraded.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert 1 <= pdf.count(b"/Type /Page\n") <= 3


@pytest.mark.parametrize("make", [healthy, degraded, lost])
def test_nothing_is_asked_for_and_nothing_complained_about(show: Show, make: Callable[[], Facts]) -> None:
    tab = show(make(), width=DESK)
    urls = [each["request"]["url"] for each in tab.events("Network.requestWillBeSent")]
    assert len(urls) == 1 and urls[0].startswith("file:///")
    assert tab.events("Log.entryAdded") == []


def test_the_policy_stops_what_gets_through(show: Show) -> None:
    """Were text ever to become a script or an image, the browser would neither run nor load it."""
    tab = show(healthy(), width=DESK)
    tab.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"http://kubemysql.example/\" onerror=\"window.ran = 1\">')"
    )
    tab.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    tab.wait_for("Network.loadingFailed")
    assert [each["blockedReason"] for each in tab.events("Network.loadingFailed")] == ["csp"]
    assert tab.evaluate("window.ran === undefined")


def test_who_cannot_see_is_told_the_same(show: Show) -> None:
    nodes = show(degraded(), width=PHONE).call("Accessibility.getFullAXTree")["nodes"]
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    assert ("heading", "degraded") in roles
    assert ("table", "Instances") in roles
    assert sum(role == "row" for role, _name in roles) == 6
    assert sum(role == "article" for role, _name in roles) == 5
    assert any(role == "image" and name == "Topology" for role, name in roles), roles
