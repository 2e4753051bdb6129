# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our set algebra against the server's own."""

from __future__ import annotations

from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integration.mysqld.servers import Cluster
from unit.gtid_strategies import gtid_sets, written


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gtid_sets, gtid_sets, st.integers())
def test_same_as_the_server(servers: Cluster, one: GtidSet, other: GtidSet, seed: int) -> None:
    first, second = written(one, seed), written(other, seed + 1)
    row = servers["mysql-0"].run(
        "SELECT GTID_SUBTRACT(%(one)s, %(other)s) AS less, GTID_SUBSET(%(one)s, %(other)s) AS subset,"
        " GTID_SUBTRACT(%(one)s, '') AS same",
        one=first,
        other=second,
    )[0]
    assert GtidSet.parse(first) == one
    assert GtidSet.parse(str(row["less"])) == one - other
    assert str(one - other) == str(row["less"]).replace("\n", "")
    assert str(one) == str(row["same"]).replace("\n", "")
    assert bool(row["subset"]) == (one <= other)


def test_transactions_with_a_tag_are_counted_and_found_errant(cluster: Cluster) -> None:
    server = cluster["mysql-1"]
    server.run("SET GLOBAL super_read_only = OFF", "SET gtid_next = 'AUTOMATIC:mark'", "CREATE DATABASE tagged")
    executed = GtidSet.parse(str(server.value("@@global.gtid_executed")))
    errant = executed - GtidSet.parse(str(cluster["mysql-0"].value("@@global.gtid_executed")))
    assert str(errant) == f"{server.value('@@server_uuid')}:mark:1"
    assert len(errant) == 1
