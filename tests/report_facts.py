# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of clusters in every state, made by the code that makes them of real ones, for tests of pages that show them."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.health.assess import assess
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.results.health import health_result
from ansible_collections.kubemysql.replication.plugins.module_utils.results.types import HealthResult
from unit.fakes.kubernetes_objects import TARGET, deployed, stateful_set
from unit.fakes.mysql import FakeConnector, FakeServer, replicating, uuid_of
from unit.fakes.store import FakeObjectStore

__all__ = ["STATES", "degraded", "facts_of", "healthy", "incomplete", "lost", "offline", "twelve"]

Facts = HealthResult


def facts_of(
    *servers: FakeServer, store: FakeObjectStore | None = None, ignored: frozenset[FindingKind] = frozenset()
) -> Facts:
    seen = observe(store or deployed(len(servers)), SessionPool(FakeConnector(*servers), 1), TARGET, catch_up=0)
    facts = health_result(seen, assess(seen, max_lag=30, ignored=ignored))
    for number, instance in enumerate(facts["instances"]):
        instance["node"], instance["restarts"] = f"worker-{number}", number
        instance["volume_used_ratio"] = 0.25 * number % 1
    for finding in facts["findings"]:
        finding["since"] = "2026-01-01T11:52:00Z"
    return facts


def healthy() -> Facts:
    return facts_of(*replicating())


def degraded() -> Facts:
    """Each kind of trouble that a replica can have besides a primary that works, and one that is ignored."""
    servers = replicating(5)
    fail(servers[1], errno=1062, error="Could not execute Write_rows event on table shop.orders; Duplicate entry '7001'")
    servers[2].down = Unreachable("connection to mysql-2 port 3306 timed out after 5 s")
    servers[3].add(GtidSet.of({(uuid_of(103), ""): [(1, 3)]}))
    assert servers[3].channel is not None
    servers[3].channel["Source_SSL_Allowed"] = "No"
    servers[4].version = "9.6.0"
    servers[0].add(GtidSet.of({(uuid_of(100), ""): [(6, 4711)]}))
    return facts_of(*servers, ignored=frozenset({FindingKind.REPLICA_OLDER, FindingKind.REPLICATION_NOT_ENCRYPTED}))


def fail(server: FakeServer, errno: int, error: str) -> None:
    """The applier gave up."""
    assert server.channel is not None
    server.channel |= {"Replica_SQL_Running": "No", "Last_SQL_Errno": errno, "Last_SQL_Error": error}


def failed() -> Facts:
    """Nobody is writable."""
    servers = replicating()
    servers[0].read_only = servers[0].super_read_only = 1
    return facts_of(*servers)


def lost() -> Facts:
    servers = replicating()
    for server in servers:
        server.down = Unreachable("connection refused")
    return facts_of(*servers)


def incomplete() -> Facts:
    servers = replicating()
    servers[2].down = Unreachable("connection refused")
    return facts_of(*servers, store=deployed(3, bootstrapped=False))


def offline() -> Facts:
    return facts_of(store=FakeObjectStore(stateful_set(0)))


def twelve() -> Facts:
    """A dozen instances with the longest name that is possible; one follows another replica."""
    facts = facts_of(*replicating(12))
    long = "a-cluster-whose-name-is-as-long-as-a-name-may-ever-b"
    Names.parse(long, "default")
    facts["primary"] = f"{long}-0"
    for number, instance in enumerate(facts["instances"]):
        instance["name"] = f"{long}-{number}"
        instance["source"] = f"{long}-{3 if number == 4 else 0}.{long}:3306" if number else None
    return facts


STATES: dict[str, Callable[[], Facts]] = {
    "healthy": healthy,
    "degraded": degraded,
    "failed": failed,
    "lost": lost,
    "incomplete": incomplete,
    "offline": offline,
}
