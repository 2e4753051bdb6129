# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every ``Instance`` does when it is changed: the fake in tests/unit, real servers in tests/integration/mysqld."""

from __future__ import annotations

import typing as t
from contextlib import AbstractContextManager

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.port import Instance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.values import (
    ClientSession,
    Epoch,
    ReadOnly,
    ReplicationSource,
)
from waiting import eventually

__all__ = ["InstanceContract", "World"]

LOCK_WAIT_TIMEOUT = 1205
MODES: tuple[ReadOnly, ...] = ("super", "on", "off", "on", "super", "super", "off")


class World(t.Protocol):
    """A primary and its replica, as the administration account sees them; and what clients do on the primary."""

    primary: Instance
    replica: Instance
    # The primary, as the replica reaches it.
    source: ReplicationSource
    # Whether there is a mode in which not even administrators can write.
    has_super: bool

    def client(self) -> AbstractContextManager[int]:
        """A client with an open transaction; the id of its session."""

    def write_that_does_not_end(self) -> AbstractContextManager[None]:
        """A client's statement that writes."""

    def client_can_write(self) -> bool:
        """Whether a client without special rights can write."""

    def prepare(self, name: str) -> AbstractContextManager[None]:
        """An XA transaction that waits for its coordinator."""

    def binary_logs(self) -> int:
        """The number of files of the primary's binary log."""

    def position(self) -> str:
        """What the primary has committed, for which a replica can wait."""

    def write(self) -> None:
        """Commit something on the primary."""

    def locked(self, name: str) -> AbstractContextManager[None]:
        """While another session on the primary holds the lock."""


class InstanceContract:
    """Subclasses give a fixture ``world``: the primary is writable, the replica replicates."""

    def test_read_only_modes(self, world: World) -> None:
        for mode in MODES:
            world.primary.set_read_only(mode)
            assert world.primary.read_only() == (mode if world.has_super or mode != "super" else "on")
            assert world.client_can_write() is (mode == "off")

    @pytest.mark.parametrize("mode", ["on", "super"])
    def test_a_write_that_does_not_end_leaves_everything_as_it_was(self, world: World, mode: ReadOnly) -> None:
        with world.write_that_does_not_end():
            with pytest.raises(SqlError) as refused:
                world.primary.set_read_only(mode, lock_timeout=1)
            assert refused.value.errno == LOCK_WAIT_TIMEOUT
            assert world.primary.read_only() == "off"
        world.primary.set_read_only(mode)
        assert world.primary.read_only() != "off"
        world.primary.set_read_only("off")

    def sessions(self, world: World, number: int) -> list[ClientSession]:
        return [each for each in world.primary.client_sessions() if each.id == number]

    def test_client_sessions_and_how_they_end(self, world: World) -> None:
        with world.client() as number:
            (session,) = self.sessions(world, number)
            assert session.user and session.host
            eventually("its transaction to grow old", lambda: self.transaction_seconds(world, number) >= 1)
            world.primary.kill_session(number)
            eventually("the session to be gone", lambda: not self.sessions(world, number))
            world.primary.kill_session(number)

    def transaction_seconds(self, world: World, number: int) -> int:
        (session,) = self.sessions(world, number)
        assert session.transaction_seconds is not None
        return session.transaction_seconds

    def test_nothing_but_clients_is_listed(self, world: World) -> None:
        """Neither this session, nor the thread that feeds the replica, nor the replica's own threads."""
        assert world.primary.client_sessions() == ()
        assert world.replica.client_sessions() == ()

    def test_prepared_transactions(self, world: World) -> None:
        assert world.primary.prepared_transactions() == ()
        with world.prepare("order-7"):
            assert len(world.primary.prepared_transactions()) == 1
        assert world.primary.prepared_transactions() == ()

    def test_replication_stops_and_goes_on(self, world: World) -> None:
        for _round in range(2):
            world.replica.stop_replica()
        assert [(each.io, each.sql) for each in world.replica.status().channels] == [("no", "no")]
        world.write()
        assert not world.replica.wait_for_executed(world.position(), 0.2)
        world.replica.start_replica()
        assert world.replica.wait_for_executed(world.position(), 30)

    def test_replication_is_forgotten_and_connected_anew(self, world: World) -> None:
        world.replica.stop_replica()
        world.replica.reset_replica()
        assert world.replica.status().channels == ()
        with pytest.raises(SqlError):
            world.replica.start_replica()
        world.write()
        world.replica.change_source(world.source)
        world.replica.start_replica()
        eventually("both threads", self.replicating(world))
        (channel,) = world.replica.status().channels
        assert (channel.source_host, channel.source_port) == (world.source.host, world.source.port)
        assert channel.encrypted and channel.auto_position
        assert world.replica.wait_for_executed(world.position(), 30)

    def replicating(self, world: World) -> t.Callable[[], bool]:
        return lambda: [(each.io, each.sql) for each in world.replica.status().channels] == [("yes", "yes")]

    def test_the_source_is_not_changed_while_replication_runs(self, world: World) -> None:
        for change in (world.replica.reset_replica, lambda: world.replica.change_source(world.source)):
            with pytest.raises(SqlError):
                change()
        assert self.replicating(world)()

    def test_a_binary_log_is_rotated(self, world: World) -> None:
        before = world.binary_logs()
        world.primary.rotate_binary_log()
        assert world.binary_logs() == before + 1

    def test_writing_sessions(self, world: World) -> None:
        """Those that closing the server would have to wait for."""
        if not world.has_super:
            with pytest.raises(SqlError, match="no statement for writing sessions"):
                world.primary.writing_sessions()
            return
        assert world.primary.writing_sessions() == ()
        with world.write_that_does_not_end():
            (session,) = world.primary.writing_sessions()
            assert session.user and session.id
        assert world.primary.writing_sessions() == ()

    def test_one_session_holds_a_lock(self, world: World) -> None:
        with world.locked("kubemysql_test"):
            assert not world.primary.lock("kubemysql_test")
        for _round in range(2):
            assert world.primary.lock("kubemysql_test")

    def test_epochs_are_recorded_by_administrators_alone(self, world: World) -> None:
        newest = world.primary.newest_epoch()
        new = Epoch(newest.number + 1 if newest else 7, "mysql-1")
        if world.has_super:
            world.primary.set_read_only("super")
            with pytest.raises(SqlError, match="super-read-only"):
                world.primary.record_epoch(new, "promotion")
        world.primary.set_read_only("on")
        assert world.primary.newest_epoch() == newest
        world.primary.record_epoch(new, "promotion")
        assert not world.client_can_write()
        world.primary.set_read_only("off")
        assert world.primary.newest_epoch() == new
        assert world.replica.wait_for_executed(world.position(), 30)
        assert world.replica.newest_epoch() == new
