# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GTIDs are switched on in the order in which no server meets what it does not understand."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SqlError, WaitFailed, WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.gtid_switch import MODES, switch_gtids_on
from unit.fakes.clock import FakeClock
from unit.fakes.mysql import FakeConnector, FakeServer, replicating

Modes: t.TypeAlias = "tuple[str | None, ...]"


@pytest.fixture
def servers() -> list[FakeServer]:
    made = list(replicating())
    for each in made:
        each.gtid_mode = "OFF"
    return made


def switch(servers: list[FakeServer], clock: FakeClock | None = None) -> None:
    pool = SessionPool(FakeConnector(*servers), 1)
    switch_gtids_on(pool, "mysql-0", ("mysql-1", "mysql-2"), timeout=10, clock=clock or FakeClock())


def modes(servers: list[FakeServer]) -> Modes:
    return tuple(each.gtid_mode for each in servers)


@pytest.mark.parametrize(
    "begin", [("OFF", "OFF", "OFF"), ("ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF_PERMISSIVE"), ("ON", "ON_PERMISSIVE", "ON")]
)
def test_no_two_servers_are_ever_more_than_a_step_apart(servers: list[FakeServer], begin: Modes) -> None:
    seen: list[Modes] = []
    for server, mode in zip(servers, begin, strict=True):
        server.gtid_mode = mode
        server.on_statement = lambda _server, _sql: seen.append(modes(servers))
    switch(servers)
    assert modes(servers) == ("ON", "ON", "ON")
    for each in seen:
        steps = [MODES.index(str(mode)) for mode in each]
        assert max(steps) - min(steps) <= 1, each


def test_what_cannot_have_a_gtid_is_refused_before_the_first_mode(servers: list[FakeServer]) -> None:
    switch(servers)
    for server in servers:
        settings = [sql for sql in server.log if sql.startswith("SET GLOBAL")]
        assert settings[0].startswith("SET GLOBAL enforce_gtid_consistency")
        assert len(settings) == len(MODES)


def test_a_run_that_finds_them_on_only_looks(servers: list[FakeServer]) -> None:
    for server in servers:
        server.gtid_mode = "ON"
    switch(servers)
    statements = [sql for server in servers for sql in server.log]
    assert statements and not [sql for sql in statements if sql.startswith("SET GLOBAL")]


def test_what_has_no_gtid_is_waited_for(servers: list[FakeServer]) -> None:
    servers[0].anonymous = 2
    with pytest.raises(WaitTimeout, match="2 transactions without a GTID on mysql-0 to end"):
        switch(servers)
    assert modes(servers) == ("ON_PERMISSIVE",) * 3
    servers[0].anonymous = 0
    switch(servers)
    assert modes(servers) == ("ON",) * 3


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (-1, WaitTimeout, r"mysql-2 to get to binlog\.000007:157 of the primary"),
        (None, WaitFailed, r"mysql-2 does not get to binlog\.000007:157 of the primary: its applier does not run"),
    ],
)
def test_a_replica_that_lacks_what_has_no_gtid(
    servers: list[FakeServer], answer: int | None, error: type[Exception], words: str
) -> None:
    servers[2].applied_to_position = answer
    with pytest.raises(error, match=words):
        switch(servers)
    assert modes(servers) == ("ON_PERMISSIVE",) * 3


def test_a_mode_that_is_not_known(servers: list[FakeServer]) -> None:
    servers[1].gtid_mode = "SIDEWAYS"
    with pytest.raises(SqlError, match="gtid_mode is 'SIDEWAYS'; expected one of OFF"):
        switch(servers)
