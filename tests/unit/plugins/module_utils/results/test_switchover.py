# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a switchover: of a run, of its plan, and of nothing to be done."""

from __future__ import annotations

from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.engine import Performed, PlannedStep
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.switchover import Switched, SwitchoverPlan
from ansible_collections.kubemysql.replication.plugins.module_utils.results.switchover import switchover_result
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Handover, Topology

NAMES = Names.parse("mysql", "default")
BEFORE, AFTER = Topology("mysql-0", "t", 1, "c1"), Topology("mysql-1", "t", 2, "c1")
PLAN = SwitchoverPlan(BEFORE, Handover("mysql-0", "mysql-1", 2), ("mysql-0", "mysql-1"), "mysql-1 was given")


def test_a_run_and_its_plan_have_the_same_difference() -> None:
    planned = switchover_result(NAMES, PLAN, Switched((PlannedStep("route", "point"),), BEFORE, changed=True))
    done = switchover_result(
        NAMES, PLAN, Switched((Performed("route", "point", 0.1234),), AFTER, changed=True, pause=0.03141, sessions=2)
    )
    assert planned["diff"] == done["diff"]
    topology, service = planned["diff"]
    assert (topology["before"], topology["after"]) == (
        "data.epoch: 1\ndata.primary: mysql-0\n",
        "data.epoch: 2\ndata.primary: mysql-1\n",
    )
    assert service["before_header"] == "Service/mysql-primary"
    assert [(each["primary"], each["previous_primary"], each["epoch"]) for each in (planned, done)] == [
        ("mysql-1", "mysql-0", 2)
    ] * 2
    assert planned["steps"] == [{"name": "route", "description": "point", "seconds": None}]
    assert done["steps"] == [{"name": "route", "description": "point", "seconds": 0.123}]
    assert (planned["pause_ms"], planned["sessions_ended"]) == (None, None)
    assert (done["pause_ms"], done["sessions_ended"]) == (31.4, 2)


def test_nothing_to_be_done() -> None:
    plan = SwitchoverPlan(AFTER, None, ("mysql-0", "mysql-1"), "mysql-1 is the primary already")
    result = switchover_result(NAMES, plan, Switched((), AFTER, changed=False))
    assert (result["changed"], result["primary"], result["previous_primary"], result["diff"]) == (False, "mysql-1", None, [])


def test_a_run_that_was_cut_off_shows_the_handover() -> None:
    moving = Topology("mysql-0", "t", 1, "c1", PLAN.handover)
    result = switchover_result(NAMES, PLAN, Switched((), moving, changed=True))
    (topology,) = result["diff"]
    assert topology["after"] == "data.handover: from=mysql-0 to=mysql-1 epoch=2\n"
    assert (result["primary"], result["epoch"]) == ("mysql-0", 1)
