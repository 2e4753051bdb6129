# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The primary is moved, and comes back when that cannot be completed."""

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import (
    ApiForbidden,
    CollectionError,
    SpecError,
    SqlError,
    StaleVersion,
    Unreachable,
    WaitFailed,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.switchover import Limits, Switched
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Handover
from unit.fakes.moving import Killed, Moving
from unit.fakes.mysql import FakeServer, uuid_of

STEPS = [
    "announce",
    "synchronise",
    "route",
    "close_old_primary",
    "catch_up",
    "detach",
    "begin_epoch",
    "open_new_primary",
    "end_sessions",
    "conclude",
    "follow",
    "end_late_sessions",
    "prove",
]


def names(switched: Switched) -> list[str]:
    return [each.name for each in switched.steps]


def assert_moved(world: Moving, primary: str = "mysql-1", epoch: int = 2) -> None:
    assert world.writable == [primary]
    assert (world.topology.primary, world.topology.epoch, world.topology.handover) == (primary, epoch, None)
    assert world.topology.acknowledged
    assert world.routed == primary
    for server in world.servers.values():
        assert (epoch, primary) in server.epochs
        assert server.executed == world.servers[primary].executed
        assert (server.channel is None) is (server.name == primary)


def assert_as_before(world: Moving) -> None:
    assert world.writable == ["mysql-0"]
    # Nobody else can write, not even an administrator, or a statement that is still on its way.
    assert all(each.super_read_only for each in world.servers.values() if each.name != "mysql-0")
    assert (world.topology.primary, world.topology.epoch, world.topology.handover) == ("mysql-0", 1, None)
    assert world.routed == "mysql-0"


def test_the_primary_moves() -> None:
    world = Moving()
    world.servers["mysql-0"].clients = {7: "app", 8: "kubemysql_clone"}
    done = world.run()
    assert done.error is None
    assert_moved(world)
    assert names(done) == STEPS
    assert (done.changed, done.sessions, done.pause) == (True, 1, 0)
    assert world.servers["mysql-0"].clients == {8: "kubemysql_clone"}
    # Labels of the Service that the options gave are kept.
    assert world.store.objects["Service", "mysql-primary"]["metadata"]["labels"]["team"] == "shop"


def test_and_back_again() -> None:
    world = Moving()
    world.run()
    world.restore_endpoints()
    assert world.run("mysql-0").error is None
    assert_moved(world, "mysql-0", 3)


def test_check_mode_has_the_same_steps_and_changes_nothing() -> None:
    world = Moving()
    before = dict(world.store.objects)
    planned = world.run(check_mode=True)
    assert (world.store.objects, world.writes) == (before, [])
    done = world.run()
    assert [(each.name, each.description) for each in planned.steps] == [(each.name, each.description) for each in done.steps]
    assert planned.changed and done.changed


def test_the_instance_is_the_primary_already() -> None:
    world = Moving()
    done = world.run("mysql-0")
    assert (done.steps, done.changed, world.writes) == ((), False, [])


def test_the_least_lagging_replica_is_chosen() -> None:
    world = Moving()
    world.servers["mysql-1"].applier |= {"lag_seconds": 5}
    assert world.run(None).error is None
    assert_moved(world, "mysql-2")


@pytest.mark.parametrize("name", ["mysql-7", "nobody"])
def test_no_such_instance(name: str) -> None:
    with pytest.raises(SpecError, match=f"instance: '{name}' is no replica of this cluster; its replicas are mysql-1, mysql-2"):
        Moving().run(name)


def test_one_instance_has_no_candidate() -> None:
    with pytest.raises(SpecError, match="no replica that could become the primary"):
        Moving(1).run(None)


def test_a_delayed_replica_is_no_candidate() -> None:
    world = Moving(2)
    channel = world.servers["mysql-1"].channel
    assert channel is not None
    channel["SQL_Delay"] = 60
    for instance in ("mysql-1", None):
        with pytest.raises(SpecError, match=r"delay|no replica that could"):
            world.run(instance)


def test_mariadb_is_refused() -> None:
    world = Moving()
    for server in world.servers.values():
        server.version = "10.11.6-MariaDB"
    with pytest.raises(SpecError, match=r"action: switchover needs MySQL, and mysql-0 runs MariaDB 10\.11\.6"):
        world.run()
    assert world.writes == []


def break_replica(world: Moving) -> None:
    channel = world.servers["mysql-2"].channel
    assert channel is not None
    channel["Replica_IO_Running"] = "No"


def lag_epoch(world: Moving) -> None:
    world.servers["mysql-1"].epochs = []


def write_for_long(world: Moving) -> None:
    world.servers["mysql-0"].writing = True


def prepare(world: Moving) -> None:
    world.servers["mysql-0"].prepared = ["order-7"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (break_replica, "the cluster is degraded, and a switchover needs a healthy one: mysql-2"),
        (lag_epoch, "the newest one in the data of mysql-1 is none"),
        (write_for_long, "statements that write for long: session 99 of app"),
        (prepare, "prepared XA transactions: order-7"),
    ],
)
def test_what_forbids_it_changes_nothing(spoil: object, words: str) -> None:
    world = Moving()
    assert callable(spoil)
    spoil(world)
    with pytest.raises(WaitFailed, match=words):
        world.run()
    assert world.writes == []


def test_a_topology_that_is_not_acknowledged_forbids_it() -> None:
    world = Moving()
    world.store.annotate("ConfigMap", "mysql-topology", {"kubemysql.replication/intent": "of an older topology"})
    with pytest.raises(WaitFailed, match="not every pod has acknowledged"):
        world.run("mysql-1")
    # A run that was cut off after the primary had moved has an instance that is the primary already.
    assert names(world.run("mysql-0")) == ["follow", "prove"]
    assert world.topology.acknowledged


# --- errors before the point of no return ------------------------------------------------------------------------------


def fail_when(world: Moving, words: str, error: CollectionError, server: str | None = None) -> None:
    """The first statement with these words fails."""
    failed: list[str] = []

    def check(each: FakeServer, sql: str) -> None:
        world._statement(each, sql)
        if words in sql and not failed and server in (None, each.name):
            failed.append(sql)
            raise error

    for each in world.servers.values():
        each.on_statement = check


BUSY = SqlError("Lock wait timeout exceeded", 1205)


@pytest.mark.parametrize(
    ("words", "error", "step"),
    [
        ("SET GLOBAL super_read_only = ON", BUSY, "close_old_primary"),
        ("SET GLOBAL super_read_only = ON", Unreachable("gone"), "close_old_primary"),
        ("STOP REPLICA", SqlError("no", 1), "detach"),
        ("RESET REPLICA", Unreachable("gone"), "detach"),
        ("INSERT INTO kubemysql.epochs", SqlError("no", 1), "begin_epoch"),
        ("INSERT INTO kubemysql.epochs", Unreachable("gone"), "begin_epoch"),
    ],
)
def test_an_error_restores_writes(words: str, error: CollectionError, step: str) -> None:
    world = Moving()
    fail_when(world, words, error)
    done = world.run()
    assert done.error is not None
    assert done.failed == step
    assert "mysql-0 stays the primary and takes writes again" in done.error.message
    assert_as_before(world)
    world.reconcile()
    world.restore_endpoints()
    # Pods have to acknowledge first that the handover was given up.
    assert world.run("mysql-0").error is None
    assert world.run().error is None
    assert_moved(world)


def test_a_candidate_that_does_not_catch_up_in_time() -> None:
    world = Moving()
    ahead = GtidSet.parse(f"{uuid_of(100)}:1-9")

    def commit_unseen(what: str) -> None:
        if what == "mysql-0: SET GLOBAL super_read_only = ON":
            world.servers["mysql-0"].executed = ahead

    world.wrote = commit_unseen
    done = world.run(limits=Limits(max_pause=2, wait_timeout=60))
    assert done.failed == "catch_up"
    assert done.error is not None and "waiting for mysql-1 to execute" in done.error.message
    assert_as_before(world)


def test_a_pod_that_does_not_acknowledge_ends_it_before_anything_is_closed() -> None:
    world = Moving()
    world.silent = {"mysql-2"}
    done = world.run()
    assert done.failed == "announce"
    assert done.error is not None and "mysql-2 to acknowledge the topology" in done.error.message
    assert_as_before(world)
    assert not any("super_read_only = ON" in each for each in world.writes)


def test_an_old_primary_that_was_opened_meanwhile_keeps_the_new_one_closed() -> None:
    world = Moving()

    def reopen(what: str) -> None:
        if what.startswith("mysql-1: RESET"):
            world.servers["mysql-0"].read_only = world.servers["mysql-0"].super_read_only = 0

    world.wrote = reopen
    done = world.run()
    assert done.failed == "begin_epoch"
    assert done.error is not None and "somebody has opened mysql-0" in done.error.message
    assert_as_before(world)


# --- the point of no return --------------------------------------------------------------------------------------------


def test_a_row_whose_answer_was_lost_counts() -> None:
    """Uncertain is not failed: the new primary is asked before the old one would be opened."""
    world = Moving()

    def lose(what: str) -> None:
        if "INSERT INTO" in what:
            target = world.servers["mysql-1"]
            target.epochs.append((2, "mysql-1"))
            target.commit()
            raise Unreachable("gone")

    world.wrote = lose
    done = world.run()
    assert done.error is None
    assert_moved(world)


def test_a_new_primary_that_does_not_answer_keeps_the_old_one_closed() -> None:
    world = Moving()

    def die(what: str) -> None:
        if "INSERT INTO" in what:
            world.servers["mysql-1"].down = Unreachable("gone")

    world.wrote = die
    done = world.run()
    assert done.failed == "begin_epoch"
    assert done.error is not None
    assert "whether it has begun its epoch is not known. mysql-0 stays read-only" in done.error.message
    assert "Run again with instance: mysql-1" in done.error.message
    assert world.writable == []
    assert world.topology.handover == Handover("mysql-0", "mysql-1", 2)
    # It comes back, without the row: its pod lets it replicate, since it is no primary.
    world.servers["mysql-1"].down = None
    world.wrote = lambda _what: None
    assert world.run(None).error is None
    assert_moved(world)


def test_an_old_primary_that_dies_after_it_ends_nothing() -> None:
    world = Moving()

    def die(what: str) -> None:
        if "INSERT INTO" in what:
            world.servers["mysql-0"].down = Unreachable("gone")

    world.wrote = die
    done = world.run()
    assert done.failed == "follow"
    assert any("sessions on mysql-0 could not be ended" in each for each in done.warnings)
    assert world.writable == ["mysql-1"] or world.servers["mysql-1"].read_only == 0
    assert world.topology.primary == "mysql-1"


# --- several runs -------------------------------------------------------------------------------------------------------


def test_another_target_is_refused_while_a_move_is_not_completed() -> None:
    world = Moving()
    stop_after(world, 1)
    with pytest.raises(Killed):
        world.run()
    world.wrote = lambda _what: None
    with pytest.raises(SpecError, match="from=mysql-0 to=mysql-1 epoch=2") as refused:
        world.run("mysql-2")
    assert "instance: mysql-1" in refused.value.message
    assert world.run(None).error is None
    assert_moved(world)


def test_of_two_runs_one_is_refused_by_the_version() -> None:
    world = Moving()
    lock = "GET_LOCK"

    def write_before(_server: FakeServer, sql: str) -> None:
        if lock in sql:
            world.store.edit("ConfigMap", "mysql-topology", {"data": {"note": "x"}}, "other")

    for each in world.servers.values():
        each.on_statement = write_before
    with pytest.raises(StaleVersion, match="another run has changed it"):
        world.run()
    assert_as_before(world)


def test_of_two_runs_one_is_refused_by_the_lock() -> None:
    world = Moving()
    world.servers["mysql-0"].locked = True
    with pytest.raises(StaleVersion, match="another run moves the primary now"):
        world.run()
    assert_as_before(world)


def test_the_session_of_a_run_that_was_killed_is_waited_for() -> None:
    world = Moving()
    server = world.servers["mysql-0"]
    server.locked = True

    def end_it(_server: FakeServer, sql: str) -> None:
        if "GET_LOCK" in sql and world.clock.now() > 2:
            server.locked = False

    server.on_statement = end_it
    assert world.run().error is None
    assert_moved(world)


def test_a_run_that_was_taken_over_opens_nothing() -> None:
    """It lost its sessions, and with them its locks; the next run has begun before it could go back."""
    world = Moving()

    def take_over(what: str) -> None:
        if what.startswith("mysql-1: STOP"):
            world.store.annotate("ConfigMap", "mysql-topology", {"kubemysql.replication/resumed": "x"})
            raise Unreachable("gone")

    world.wrote = take_over
    done = world.run()
    assert done.error is not None and "It could not be taken back" in done.error.message
    assert world.writable == []


def test_a_run_that_goes_on_makes_the_writes_of_the_one_before_fail() -> None:
    """That one may have been asleep: its version of the topology is an old one from then on."""
    world = Moving()
    stop_after(world, 1)
    with pytest.raises(Killed):
        world.run()
    before = world.topology.version
    versions: list[str | None] = []

    def look(_what: str) -> None:
        versions.append(world.topology.version)

    world.wrote = look
    assert world.run(None).error is None
    assert before not in versions


def stop_after(world: Moving, writes: int) -> None:
    left = writes

    def count(_what: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    world.wrote = count


def test_a_run_that_is_killed_after_any_write_is_completed_by_the_next() -> None:
    writes = 0
    while True:
        writes += 1
        world = Moving()
        stop_after(world, writes)
        try:
            world.run()
        except Killed:
            world.wrote = lambda _what: None
            # After the last write nothing is left to be done, and without an instance the primary would move once more.
            done = world.run("mysql-1" if world.topology.acknowledged else None)
            assert done.error is None, (writes, world.writes, done.error.message)
            world.restore_endpoints()
            assert_moved(world)
        else:
            break
    assert writes > 15


def test_without_the_right_to_patch_pods_a_warning_says_why() -> None:
    world = Moving()
    world.store.failures["annotate", "Pod"] = ApiForbidden("cannot annotate Pod mysql-0: no", 403)
    done = world.run()
    assert done.error is None
    (warning,) = done.warnings
    assert warning.startswith("cannot annotate Pod mysql-0: no")
