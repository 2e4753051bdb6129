# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's options to a client of its namespace."""

from __future__ import annotations

import typing as t

from ..kube.auth import KubernetesAuth
from ..kube.client import KubernetesClient, connect

__all__ = ["Params", "Result", "client_for"]

# A module's options, as Ansible hands them over, and what it returns.
Params = dict[str, t.Any]
Result = dict[str, t.Any]


def client_for(params: Params, *, dry_run: bool) -> KubernetesClient:
    """A client with the module's credentials. With ``dry_run`` it changes nothing."""
    force = params.get("force_conflicts", False)
    return connect(KubernetesAuth.from_params(params), params["namespace"], dry_run=dry_run, force_conflicts=force)
