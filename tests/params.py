# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that tests of several files share."""

from __future__ import annotations

import typing as t

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.argspec import cluster_options
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import ClusterSpec

__all__ = ["cluster_params", "cluster_spec"]


def cluster_params(**given: t.Any) -> dict[str, t.Any]:
    """Options as the module sees them: the given ones, and the defaults of all others."""
    unknown = given.keys() - cluster_options().keys()
    assert not unknown, f"no such options: {unknown}"
    return {**{name: option.get("default") for name, option in cluster_options().items()}, **given}


def cluster_spec(**given: t.Any) -> ClusterSpec:
    return ClusterSpec.from_params(cluster_params(**given))
