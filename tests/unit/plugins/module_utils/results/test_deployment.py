# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's result: what changed, in words, and nothing of any password."""

from __future__ import annotations

import base64
import json
import string
import typing as t

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.runtime import SystemRuntime
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import WaitFailed, WaitTimeout
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import Deployed, plan_deployment
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.diff import Change, FieldChange
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.outcome import Outcome, StalledRollout
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.remove import plan_removal
from ansible_collections.kubemysql.replication.plugins.module_utils.options import PASSWORD_OPTIONS
from ansible_collections.kubemysql.replication.plugins.module_utils.results.deployment import (
    changes_result,
    deployment_result,
    failed_result,
    removal_result,
    rendered_result,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from hypothesis import given, settings
from hypothesis import strategies as st
from params import cluster_spec
from unit.fakes.cluster import FakePods
from unit.fakes.store import FakeObjectStore

NAMES = Names.parse("mysql", "shop")
# Begins with what is in no manifest, so that it cannot turn up there by chance.
PASSWORDS = (
    st.text(alphabet=string.ascii_letters + string.digits + "!\"'\\$%&/ äß€", min_size=1, max_size=16)
    .map(lambda text: f"¶{text}¶")
    .filter(lambda text: len(text.encode()) <= 32)
)


def test_what_did_not_change_is_not_listed() -> None:
    result = changes_result([Change("none", "Service", "mysql")])
    assert result == {"changed": False, "changes": [], "diff": []}


def test_changes_and_their_diff() -> None:
    fields = (FieldChange("data[a.cnf]", "x\ny", "x\nz"), FieldChange("metadata.labels.team", None, "shop"))
    result = changes_result([Change("update", "ConfigMap", "mysql", fields), Change("delete", "Secret", "mysql")])
    assert result["changed"] is True
    assert result["changes"] == [
        {
            "action": "update",
            "kind": "ConfigMap",
            "name": "mysql",
            "fields": ["data[a.cnf]", "metadata.labels.team"],
            "restarts": [],
        },
        {"action": "delete", "kind": "Secret", "name": "mysql", "fields": [], "restarts": []},
    ]
    update, delete = result["diff"]
    assert update == {
        "before_header": "ConfigMap/mysql",
        "after_header": "ConfigMap/mysql (update)",
        "before": "data[a.cnf]: x\ndata[a.cnf]: y\n",
        "after": "data[a.cnf]: x\ndata[a.cnf]: z\nmetadata.labels.team: shop\n",
    }
    assert (delete["before"], delete["after"]) == ("exists\n", "")


def test_what_restarts_is_in_the_change_and_in_its_diff() -> None:
    fields = (FieldChange("spec.template.spec.hostNetwork", None, "true"),)
    result = changes_result([Change("update", "StatefulSet", "mysql", fields, ("mysql-1", "mysql-0"))])
    assert result["changes"][0]["restarts"] == ["mysql-1", "mysql-0"]
    assert result["diff"][0]["after"].endswith("\nrestarts: mysql-1, mysql-0\n")


def test_names() -> None:
    names = rendered_result(NAMES, 2, (), Topology("mysql-1", "now"))["names"]
    assert names["instances"] == ["mysql-0", "mysql-1"]
    assert names["primary_host"] == "mysql-primary.shop.svc"
    assert removal_result([], NAMES)["names"]["instances"] == []


def test_topology() -> None:
    assert rendered_result(NAMES, 2, (), Topology("mysql-1", "now"))["topology"] == {
        "primary": "mysql-1",
        "bootstrapped": "now",
        "epoch": 1,
    }


def test_a_failure_lists_the_changes_before_it() -> None:
    change = Change("create", "Service", "mysql")
    failed = failed_result(Outcome((change,), WaitFailed("never")))
    assert failed == {**changes_result([change]), "changed": True}
    assert failed_result(Outcome((), WaitFailed("never"), unlisted=True))["changed"] is True
    assert failed_result(Outcome((), WaitFailed("never")))["changed"] is False


def test_a_stalled_rollout_tells_how_far_it_got() -> None:
    stalled = StalledRollout("late", {"mysql-1": "cloning"}, 7)
    failed = failed_result(Outcome((), WaitTimeout("late"), stalled=stalled))
    assert (failed["timed_out"], failed["progress"], failed["progress_measure"]) == (True, {"mysql-1": "cloning"}, 7)


def spellings(password: str) -> set[str]:
    encoded = base64.b64encode(password.encode()).decode()
    return {text for raw in (password, encoded) for text in (raw, json.dumps(raw)[1:-1], repr(raw)[1:-1])}


@settings(max_examples=settings().max_examples // 3)
@given(
    old=st.lists(PASSWORDS, min_size=4, max_size=4, unique=True),
    new=st.fixed_dictionaries({}, optional=dict.fromkeys(PASSWORD_OPTIONS, PASSWORDS)),
)
def test_no_password_in_any_result(old: list[str], new: dict[str, str]) -> None:
    store, runtime = FakeObjectStore(), SystemRuntime()
    store_options: dict[str, t.Any] = dict(zip(PASSWORD_OPTIONS, old, strict=True))
    shown: list[t.Any] = []
    for options in (store_options, new):
        planned = plan_deployment(store.planning(), cluster_spec(**options), runtime, FakePods(store, NAMES), wait=False)
        deployed = Deployed(Outcome(planned.changes), planned.topology)
        shown += [deployment_result(planned.spec, planned.bundle, deployed, []), repr(planned.changes)]
        for manifest in planned.bundle:
            store.apply(manifest)
    shown.append(changes_result(plan_removal(store, Names.parse("mysql", "default"), delete_data=True)))
    for text in (json.dumps(shown), json.dumps(shown, ensure_ascii=False), str(shown)):
        assert not [password for password in {*old, *new.values()} if any(each in text for each in spellings(password))]


@given(password=PASSWORDS)
def test_a_digest_tells_values_apart_in_one_run_only(password: str) -> None:
    runtime = SystemRuntime()
    assert runtime.digest(password) == runtime.digest(password)
    assert runtime.digest(password) != runtime.digest(password + "x")
    assert runtime.digest(password) != SystemRuntime().digest(password)
