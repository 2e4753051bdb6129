# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity of the pods."""

from __future__ import annotations

from ..kube.manifest import Manifest
from ..names import Names
from .common import manifest

__all__ = ["service_account"]


def service_account(names: Names) -> Manifest:
    """A ServiceAccount without a token: nothing in the pods uses the API server."""
    body = {"automountServiceAccountToken": False}
    return manifest(names, "v1", "ServiceAccount", names.service_account, body)
