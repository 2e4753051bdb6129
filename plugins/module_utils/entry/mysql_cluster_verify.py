# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster_verify``: from its options to its result."""

from __future__ import annotations

from ..errors import SpecError
from ..health.canary import run_canary
from ..health.findings import FindingKind
from ..health.verify import Canary, Criteria, WaitPolicy, verify
from ..mysql.instance import SessionPool
from ..options import at_least
from ..results.health import verification_result
from ..results.module import Failure, Result
from ..wait import Clock, SystemClock
from .session import Params, open_cluster

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result | Failure:
    """Observe and judge until the cluster meets the criteria or cannot meet them. The canary writes: check mode has none."""
    for option in ("canary_timeout", "wait_timeout"):
        at_least(option, params[option], 1)
    clock = SystemClock()
    criteria = Criteria(
        max_lag=at_least("max_lag", params["max_lag"], 1),
        accepted=frozenset({"healthy", *params["accept_states"]}),
        ignored=_ignored(params["ignore_findings"]),
    )
    with open_cluster(params) as cluster:
        verdict = verify(
            cluster.observe,
            criteria=criteria,
            policy=WaitPolicy(params["wait_timeout"] if params["wait"] else 0),
            clock=clock,
            canary=_canary(cluster.pool, params["canary_timeout"], clock) if params["canary"] and not check_mode else None,
        )
    result = verification_result(verdict)
    return {"changed": False, **result} if verdict.accepted else Failure(result["summary"], result)


def _canary(pool: SessionPool, timeout: float, clock: Clock) -> Canary:
    return lambda observation: run_canary(pool, observation, timeout=timeout, clock=clock)


def _ignored(codes: list[str]) -> frozenset[FindingKind]:
    known = {kind.code: kind for kind in FindingKind}
    for code in codes:
        if code not in known:
            raise SpecError("ignore_findings", f"{code!r} is not a finding; docs/findings.md lists them all")
    return frozenset(known[code] for code in codes)
