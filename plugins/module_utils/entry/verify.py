# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster_verify``: from its options to its result."""

from __future__ import annotations

from .. import report
from ..cluster.passwords import read_password
from ..constants import ADMIN_USER, KEY_ADMIN
from ..mysql.client import PyMySqlConnector, dial_pods
from ..mysql.instance import Fleet
from ..names import Names
from ..replication.canary import CanaryResult, fly_canary
from ..replication.observation import ClusterObservation
from ..replication.observe import observe
from ..replication.verify import Patience, verify
from ..spec import at_least
from ..wait import SystemClock
from .connection import Params, Result, client_for

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result:
    """Observe and judge until the cluster is healthy or cannot become it. The canary writes, so check mode has none."""
    for option, minimum in (("max_lag", 1), ("canary_timeout", 1), ("connect_timeout", 1), ("wait_timeout", 1)):
        at_least(option, params[option], minimum)
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    client, clock = client_for(params, dry_run=True), SystemClock()
    password = read_password(client, names.secret, KEY_ADMIN)
    fleet = Fleet(PyMySqlConnector(dial_pods(client), ADMIN_USER, password), params["connect_timeout"])

    def canary(seen: ClusterObservation) -> CanaryResult:
        return fly_canary(fleet, seen, timeout=params["canary_timeout"], clock=clock)

    try:
        verdict = verify(
            lambda: observe(client, fleet, names),
            max_lag=params["max_lag"],
            patience=Patience(params["wait_timeout"] if params["wait"] else 0),
            clock=clock,
            canary=canary if params["canary"] and not check_mode else None,
        )
    finally:
        fleet.close()
    report.require_healthy(verdict)
    return {"changed": False, **report.verification(verdict)}
