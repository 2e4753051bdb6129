# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Secret with the passwords of the cluster's own accounts."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from ..kube.manifest import Manifest
from ..names import Names
from .common import manifest

__all__ = ["secret"]


def secret(names: Names, passwords: Mapping[str, str]) -> Manifest:
    """A Secret with ``passwords`` by key."""
    data = {key: base64.b64encode(password.encode()).decode() for key, password in passwords.items()}
    return manifest(names, "v1", "Secret", names.secret, {"type": "Opaque", "data": data})
