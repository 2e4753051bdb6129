# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster's facts as one HTML page that needs nothing else: no script, no font, no network.

Pure: the same facts, the same page. A policy forbids browsers to load or run anything, in case that ever fails.
"""

from __future__ import annotations

from datetime import datetime

from ...module_utils.names import Names
from ...module_utils.results.types import HealthResult
from .banner import banner
from .findings import findings_section
from .formatting import clock
from .instances import instances_section
from .markup import Markup, element
from .style import STYLE
from .topology import topology_section

__all__ = ["render"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(facts: HealthResult, names: Names, looked_at: datetime) -> str:
    """The page about a cluster, from what ``report.facts`` made of a look at it at that time."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{facts['state']}: MySQL cluster {names.cluster} in {names.namespace}"),
        # Constant, and style sheets know no entities.
        Markup(f"<style>{STYLE}</style>"),
    )
    main = element("main", findings_section(facts, looked_at), topology_section(facts), instances_section(facts))
    footer = element("footer", f"This page shows what was found at {clock(looked_at)}, and does not renew itself.")
    body = element("body", banner(facts, names, looked_at), main, footer)
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
