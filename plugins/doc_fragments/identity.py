# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that name the cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module of the collection."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of the cluster, and of its StatefulSet. All other names begin with it.
      - A DNS label that begins with a letter, of at most 52 characters.
    type: str
    default: mysql
  namespace:
    description:
      - Namespace of the cluster. It must exist.
    type: str
    default: default
"""
