# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``mysql_cluster_info``: from its options to its result."""

from __future__ import annotations

from .. import report
from ..replication.assess import assess
from ..spec import at_least
from .connection import Params, Result
from .watch import watching

__all__ = ["act"]


def act(params: Params, check_mode: bool) -> Result:
    """Look once and tell. A sick cluster is a fact and no failure; check mode makes no difference, since nothing changes."""
    del check_mode
    max_lag = at_least("max_lag", params["max_lag"], 1)
    with watching(params) as watch:
        observation = watch.look()
    return {"changed": False, **report.facts(observation, assess(observation, max_lag))}
