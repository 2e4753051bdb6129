# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers are changed by the administration account, with no other rights than its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query
from contracts.instance import InstanceContract
from integration.mysqld.mariadb import MariaDb
from integration.mysqld.servers import Cluster
from integration.mysqld.worlds import INSERT, RealWorld, admin_of
from waiting import scaled

RECORD = Query("INSERT INTO kubemysql.accounts (version) VALUES (1000)")


class RealContract(InstanceContract):
    def test_administrators_record_while_clients_cannot_write(self, world: RealWorld) -> None:
        """As a promotion does, before it opens the server to everybody."""
        world.primary.set_read_only("super")
        if world.has_super:
            with pytest.raises(SqlError, match="super-read-only"):
                world.primary.execute(RECORD)
        world.primary.set_read_only("on")
        world.primary.execute(RECORD)
        assert not world.client_can_write()
        world.primary.set_read_only("off")

    def test_roles_are_swapped_there_and_back(self, world: RealWorld) -> None:
        """By the verbs alone. A former primary does not ask for what it has written itself, which its heir may have purged."""
        there = (world.server, world.follower)
        for old, new in (there, there[::-1]):
            former, heir = admin_of(old), admin_of(new)
            former.set_read_only("super")
            assert heir.wait_for_executed(world.position_of(old), scaled(10))
            heir.stop_replica()
            heir.reset_replica()
            heir.set_read_only("off")
            heir.rotate_binary_log()
            new.run(f"PURGE BINARY LOGS TO '{new.run('SHOW BINARY LOGS')[-1]['Log_name']}'")
            former.change_source(world.source_of(new))
            former.start_replica()
            new.run(INSERT)
            assert former.wait_for_executed(world.position_of(new), scaled(30)), former.status().channels
            former.close()
            heir.close()


class TestMySql(RealContract):
    @pytest.fixture
    def world(self, cluster: Cluster) -> Iterator[RealWorld]:
        world = RealWorld(cluster["mysql-0"], cluster["mysql-1"], "@@global.gtid_executed", has_super=True)
        yield world
        world.close()


class TestMariaDb(RealContract):
    @pytest.fixture
    def world(self, mariadb_pair: tuple[MariaDb, MariaDb]) -> Iterator[RealWorld]:
        for server in mariadb_pair:
            server.clear()
        mariadb_pair[0].create_users()
        # Not logged: the replica has no source yet, and needs the administration account to get one.
        mariadb_pair[1].create_users()
        mariadb_pair[1].run("RESET MASTER")
        mariadb_pair[0].run("RESET MASTER")
        world = RealWorld(*mariadb_pair, "@@global.gtid_binlog_pos", has_super=False)
        world.replica.change_source(world.source)
        world.replica.start_replica()
        world.replica.set_read_only("super")
        assert world.replica.wait_for_executed(world.position(), scaled(30)), world.replica.status().channels
        yield world
        world.close()
