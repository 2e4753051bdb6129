# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster_primary``: from its options to its result."""

from __future__ import annotations

from ..operations.switchover import ClusterObjects, Limits, plan_switchover, switch_over
from ..options import at_least
from ..results.module import Failure, Result, failure_of
from ..results.switchover import switchover_result
from ..wait import SystemClock
from .session import Params, open_own_cluster, read_acknowledgements

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result | Failure:
    limits = Limits(at_least("max_pause", params["max_pause"], 1), at_least("wait_timeout", params["wait_timeout"], 1))
    with open_own_cluster(params, dry_run=check_mode) as cluster:
        store, names, pool = cluster.client, cluster.names, cluster.pool
        plan = plan_switchover(store, names, cluster.observe, pool, params["instance"])
        objects = ClusterObjects(store, names, pool, read_acknowledgements(store), plan.instances, SystemClock())
        done = switch_over(objects, plan, limits, check_mode=check_mode)
    result = switchover_result(names, plan, done)
    return result if done.error is None else failure_of(done.error, {**result, "failed_step": done.failed})
