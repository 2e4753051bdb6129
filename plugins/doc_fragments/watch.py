# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that say how instances are looked at."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that log in to instances."""

    DOCUMENTATION = r"""
options:
  max_lag:
    description:
      - Seconds which a replica may lag behind its source.
    type: int
    default: 30
  connect_timeout:
    description:
      - Seconds in which an instance must answer.
    type: int
    default: 5
  secret_name:
    description:
      - Name of the Secret that holds C(admin-password); called as O(name) by default.
    type: str
requirements:
  - PyMySQL >= 1.0.0
  - cryptography
"""
