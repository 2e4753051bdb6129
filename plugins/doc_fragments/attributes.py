# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what the modules promise about check mode, diff mode and running again."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes common to all modules; each module adds its own support of check mode and diff mode."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and report the changes without making them.
  diff_mode:
    description: Shows in C(diff_mode) which fields change or would change.
  idempotent:
    description: Running again with the same options changes nothing.
    support: full
  action_group:
    description: Use C(group/kubemysql.replication.mysql_cluster) in C(module_defaults) to set options once.
    support: full
    membership:
      - kubemysql.replication.mysql_cluster
"""
