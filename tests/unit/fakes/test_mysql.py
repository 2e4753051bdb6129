# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake server does what real ones do when an operation changes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SqlInstance
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.values import ReplicationSource
from contracts.instance import InstanceContract
from unit.fakes.mysql import FakeSession, replicating


class FakeWorld:
    source = ReplicationSource("mysql-0.mysql", 3306, "replication", "word")
    has_super = True

    def __init__(self) -> None:
        self.server, self.follower = replicating(2)
        self.primary, self.replica = (SqlInstance(FakeSession(each, 1)) for each in (self.server, self.follower))

    @contextmanager
    def client(self) -> Iterator[int]:
        self.server.clients[7] = "app"
        yield 7

    @contextmanager
    def write_that_does_not_end(self) -> Iterator[None]:
        self.server.writing = True
        yield
        self.server.writing = False

    def client_can_write(self) -> bool:
        return not self.server.read_only

    @contextmanager
    def prepare(self, name: str) -> Iterator[None]:
        self.server.prepared.append(name)
        yield
        self.server.prepared.remove(name)

    def binary_logs(self) -> int:
        return self.server.binary_logs

    def position(self) -> str:
        return str(self.server.executed)

    def write(self) -> None:
        self.server.commit()

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        del name
        self.server.locked = True
        yield
        self.server.locked = False


class TestFakeServer(InstanceContract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()


def test_transactions_that_are_not_recorded_are_no_sign_that_there_are_none() -> None:
    world = FakeWorld()
    world.server.untracked = True
    with world.client(), pytest.raises(SqlError, match="does not record transactions"):
        world.primary.client_sessions()


def test_a_source_s_password_is_in_no_text() -> None:
    assert "word" not in repr(FakeWorld.source).replace("password", "")
