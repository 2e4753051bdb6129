# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster_info``: from its options to its result."""

from __future__ import annotations

from ..health.assess import assess
from ..options import at_least
from ..results.health import health_result
from ..results.module import Result
from .session import Params, open_cluster

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result:
    """Observe once. An unhealthy cluster is no failure; check mode makes no difference, since nothing changes."""
    del check_mode
    max_lag = at_least("max_lag", params["max_lag"], 1)
    with open_cluster(params) as cluster:
        observation = cluster.observe()
    return {"changed": False, **health_result(observation, assess(observation, max_lag))}
