# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""While the primary is being moved, only the operation that moves it may change the topology."""

from __future__ import annotations

from ..errors import SpecError
from ..names import Names
from ..spec import Topology

__all__ = ["refuse_handover"]


def refuse_handover(names: Names, topology: Topology) -> None:
    """Raise ``SpecError`` if a run that moves the primary has not ended, or was cut off."""
    if topology.handover is not None:
        raise SpecError(
            "name",
            f"the primary of {names.cluster} is being moved (ConfigMap {names.topology}, handover: {topology.handover}), and "
            "that was not completed. Complete it, or go back, with mysql_cluster_primary: action: switchover, "
            f"instance: {topology.handover.target}; then run this again",
        )
