# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import ApiUnavailable, Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.health.canary import CanaryResult, run_canary
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind as Kind
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observation import ClusterObservation
from ansible_collections.kubemysql.replication.plugins.module_utils.health.observe import observe
from ansible_collections.kubemysql.replication.plugins.module_utils.health.verify import Criteria, Verdict, WaitPolicy, verify
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.instance import SessionPool
from unit.fakes.clock import FakeClock
from unit.fakes.kubernetes_objects import TARGET, deployed
from unit.fakes.mysql import FakeConnector, FakeServer, replicating, uuid_of


class Stage:
    """A cluster to which something happens before certain looks."""

    def __init__(self) -> None:
        self.servers = replicating()
        self.clock = FakeClock()
        self.connector = FakeConnector(*self.servers)
        self.pool = SessionPool(self.connector, 1)
        self.store = deployed()
        self.before: dict[int, Callable[[], object]] = {}
        self.looks = 0
        self.canary_runs = 0

    def look(self) -> ClusterObservation:
        self.looks += 1
        self.before.get(self.looks, lambda: None)()
        return observe(self.store, self.pool, TARGET)

    def canary(self, seen: ClusterObservation) -> CanaryResult:
        self.canary_runs += 1
        return run_canary(self.pool, seen, timeout=1, clock=self.clock)

    def verify(self, timeout: float = 60, *, canary: bool = True, criteria: Criteria | None = None) -> Verdict:
        return verify(
            self.look,
            criteria=criteria or Criteria(max_lag=30),
            policy=WaitPolicy(timeout),
            clock=self.clock,
            canary=self.canary if canary else None,
        )

    def stop_applier(self, number: int = 1) -> None:
        self.channel(number)["Replica_SQL_Running"] = "No"

    def start_applier(self, number: int = 1) -> None:
        self.channel(number)["Replica_SQL_Running"] = "Yes"
        self.servers[number].executed |= self.servers[0].executed

    def channel(self, number: int) -> dict[str, object]:
        channel = self.servers[number].channel
        assert channel is not None
        return channel


def errant(server: FakeServer) -> None:
    server.add(GtidSet.of({(uuid_of(999), ""): [(1, 1)]}))


def test_healthy_at_once() -> None:
    stage = Stage()
    verdict = stage.verify()
    assert (verdict.outcome, verdict.accepted, verdict.looks, verdict.seconds) == ("accepted", True, 1, 0.0)
    assert verdict.canary is not None
    assert verdict.canary.arrived


def test_without_canary() -> None:
    verdict = Stage().verify(canary=False)
    assert (verdict.accepted, verdict.canary) == (True, None)


def test_an_accepted_state_is_good_enough_and_called_by_its_name() -> None:
    stage = Stage()
    stage.stop_applier()
    verdict = stage.verify(canary=False, criteria=Criteria(max_lag=30, accepted=frozenset({"healthy", "degraded"})))
    assert (verdict.accepted, verdict.assessment.state, verdict.looks) == (True, "degraded", 1)


def test_an_ignored_finding_does_not_count_and_is_reported() -> None:
    stage = Stage()
    stage.stop_applier()
    ignored = frozenset({FindingKind.APPLIER_STOPPED})
    verdict = stage.verify(canary=False, criteria=Criteria(max_lag=30, ignored=ignored))
    assert (verdict.accepted, verdict.assessment.state, verdict.assessment.troubles) == (True, "healthy", ())
    assert [each.kind for each in verdict.assessment.findings] == [FindingKind.APPLIER_STOPPED]


def test_an_ignored_finding_that_needs_action_does_not_end_the_wait() -> None:
    stage = Stage()
    errant(stage.servers[1])
    stage.stop_applier(2)
    stage.before = {5: lambda: stage.start_applier(2)}
    ignored = frozenset({FindingKind.ERRANT_TRANSACTIONS})
    verdict = stage.verify(canary=False, criteria=Criteria(max_lag=30, ignored=ignored))
    assert (verdict.outcome, verdict.looks) == ("accepted", 5)


def test_waits_until_healthy() -> None:
    stage = Stage()
    stage.before = {1: stage.stop_applier, 4: stage.start_applier}
    verdict = stage.verify()
    assert (verdict.outcome, verdict.looks) == ("accepted", 4)
    assert verdict.seconds == pytest.approx(0.6)
    assert stage.canary_runs == 1
    # One session each, however often was looked.
    assert len(stage.connector.sessions) == 3


def test_gives_up_in_time_and_says_what_is_wrong() -> None:
    stage = Stage()
    stage.stop_applier()
    verdict = stage.verify(timeout=5)
    assert (verdict.outcome, verdict.accepted) == ("timeout", False)
    assert verdict.seconds == pytest.approx(5)
    assert [each.kind for each in verdict.assessment.findings] == [Kind.APPLIER_STOPPED]
    # The wait is not drawn out by a row that cannot arrive.
    assert (verdict.canary, stage.canary_runs) == (None, 0)


def test_a_single_look() -> None:
    stage = Stage()
    stage.stop_applier()
    verdict = stage.verify(timeout=0)
    assert (verdict.outcome, verdict.looks) == ("refused", 1)
    assert [each.kind for each in verdict.assessment.findings] == [Kind.APPLIER_STOPPED, Kind.CANARY_TIMED_OUT]
    assert verdict.canary is not None
    assert [arrival.milliseconds is None for arrival in verdict.canary.arrivals] == [True, False]


def test_a_canary_that_comes_late_is_waited_for() -> None:
    stage = Stage()
    # A filter: nothing but the canary shows it.
    stage.servers[0].followers = [stage.servers[2]]
    stage.before = {3: lambda: setattr(stage.servers[0], "followers", list(stage.servers[1:]))}

    def pretend(server: FakeServer, _sql: str) -> None:
        server.executed |= stage.servers[0].executed

    stage.servers[1].on_statement = pretend
    verdict = stage.verify()
    assert (verdict.outcome, verdict.looks, stage.canary_runs) == ("accepted", 3, 3)


NEEDS_ACTION: dict[str, tuple[Callable[[Stage], object], Kind]] = {
    "errant": (lambda stage: errant(stage.servers[1]), Kind.ERRANT_TRANSACTIONS),
    "server_id": (lambda stage: setattr(stage.servers[1], "server_id", 102), Kind.SERVER_ID_DUPLICATE),
    "applier": (
        lambda stage: stage.channel(1).update(Replica_SQL_Running="No", Last_SQL_Errno=1062, Last_SQL_Error="Duplicate"),
        Kind.APPLIER_FAILED,
    ),
}


@pytest.mark.parametrize("name", NEEDS_ACTION)
def test_does_not_wait_for_what_does_not_mend_itself(name: str) -> None:
    spoil, kind = NEEDS_ACTION[name]
    stage = Stage()
    spoil(stage)
    verdict = stage.verify()
    assert (verdict.outcome, verdict.looks) == ("hopeless", 2)
    assert kind in [each.kind for each in verdict.assessment.findings]
    assert verdict.seconds < 1


def test_what_was_seen_only_once_may_have_been_a_moment() -> None:
    stage = Stage()
    before = stage.servers[1].executed

    def come_and_go() -> None:
        if stage.looks % 2:
            errant(stage.servers[1])
        else:
            stage.servers[1].executed = before
            stage.servers[1].super_read_only = 0 if stage.looks < 4 else 1

    stage.before = dict.fromkeys(range(1, 5), come_and_go)
    assert stage.verify().outcome == "accepted"


def test_lost_sessions_are_opened_again() -> None:
    stage = Stage()
    server = stage.servers[2]
    stage.before = {2: lambda: setattr(server, "down", Unreachable("restarting")), 4: lambda: setattr(server, "down", None)}
    stage.before[1] = lambda: stage.stop_applier(1)
    stage.before[5] = lambda: stage.start_applier(1)
    assert stage.verify().outcome == "accepted"


def test_errors_of_the_api_server_end_it() -> None:
    stage = Stage()
    stage.store.failures = {("list", "Pod"): ApiUnavailable("no answer")}
    with pytest.raises(ApiUnavailable):
        stage.verify()
