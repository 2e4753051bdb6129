# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The type of Kubernetes' objects."""

from __future__ import annotations

import typing as t

__all__ = ["Manifest"]

# An object as the API server sends and takes it: kind, metadata and so on, always with a name.
Manifest = dict[str, t.Any]
