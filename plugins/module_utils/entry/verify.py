# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster_verify``: from its options to its result."""

from __future__ import annotations

from .. import report
from ..errors import SpecError
from ..mysql.instance import Fleet
from ..replication.canary import fly_canary
from ..replication.findings import FindingKind
from ..replication.verify import Canary, Patience, Standard, verify
from ..spec import at_least
from ..wait import Clock, SystemClock
from .connection import Params, Result
from .watch import watching

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result:
    """Observe and judge until the cluster is good enough or cannot become it. The canary writes: check mode has none."""
    for option in ("canary_timeout", "wait_timeout"):
        at_least(option, params[option], 1)
    clock = SystemClock()
    standard = Standard(
        max_lag=at_least("max_lag", params["max_lag"], 1),
        accepted=frozenset({"healthy", *params["accept"]}),
        ignored=_ignored(params["ignore"]),
    )
    with watching(params) as watch:
        verdict = verify(
            watch.look,
            standard=standard,
            patience=Patience(params["wait_timeout"] if params["wait"] else 0),
            clock=clock,
            canary=_canary(watch.fleet, params["canary_timeout"], clock) if params["canary"] and not check_mode else None,
        )
    report.require_accepted(verdict)
    return {"changed": False, **report.verification(verdict)}


def _canary(fleet: Fleet, timeout: float, clock: Clock) -> Canary:
    return lambda observation: fly_canary(fleet, observation, timeout=timeout, clock=clock)


def _ignored(codes: list[str]) -> frozenset[FindingKind]:
    known = {kind.code: kind for kind in FindingKind}
    for code in codes:
        if code not in known:
            raise SpecError("ignore", f"{code!r} is not a finding; docs/findings.md lists them all")
    return frozenset(known[code] for code in codes)
