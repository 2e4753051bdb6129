# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a module's options to looks at a cluster and its instances."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..cluster.passwords import read_password
from ..constants import ADMIN_USER, KEY_ADMIN
from ..mysql.client import PyMySqlConnector, dial_pods
from ..mysql.instance import Fleet
from ..names import Names
from ..replication.observation import ClusterObservation
from ..replication.observe import observe
from ..replication.verify import Look
from ..spec import at_least
from .connection import Params, client_for

__all__ = ["Watch", "watching"]


@dataclass(frozen=True)
class Watch:
    """A way to look at the cluster again and again, and the sessions that are kept for that."""

    look: Look
    fleet: Fleet


@contextmanager
def watching(params: Params) -> Iterator[Watch]:
    """Log in as the administration account when first needed; all sessions end with the block."""
    timeout = at_least("connect_timeout", params["connect_timeout"], 1)
    names = Names.parse(params["name"], params["namespace"], params["secret_name"])
    client = client_for(params, dry_run=True)
    password = read_password(client, names.secret, KEY_ADMIN)
    fleet = Fleet(PyMySqlConnector(dial_pods(client), ADMIN_USER, password), timeout)

    def look() -> ClusterObservation:
        return observe(client, fleet, names)

    try:
        yield Watch(look, fleet)
    finally:
        fleet.close()
