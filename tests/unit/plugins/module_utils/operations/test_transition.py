# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of the server that its data cannot follow are refused in the plan."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.deploy import Deployment, deploy, plan_deployment
from params import cluster_spec
from unit.fakes.cluster import FakePods, FakeRuntime, completed, idle
from unit.fakes.store import FakeObjectStore, pod

NAMES = Names.parse("mysql", "default")
Options = dict[str, t.Any]
MYSQL_57: Options = {"image": "mysql:5.7", "xtrabackup_image": "xtrabackup:1.0"}


def plan(store: FakeObjectStore, **given: t.Any) -> Deployment:
    return plan_deployment(store.planning(), cluster_spec(**given), FakeRuntime(), FakePods(store, NAMES), wait=False)


def apply(store: FakeObjectStore, **given: t.Any) -> None:
    completed(deploy(store, plan(store, **given), FakeRuntime(), idle(store, NAMES), wait=False).outcome)


def running(**given: t.Any) -> FakeObjectStore:
    """A cluster with data whose primary was made from the template of these options."""
    store = FakeObjectStore()
    apply(store, **given)
    template = store.objects["StatefulSet", "mysql"]["spec"]["template"]["spec"]
    store.put({**pod("mysql-0", NAMES.labels), "spec": template})
    apply(store, **given)
    return store


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"image": "mysql:8.0"}, {"image": "mysql:8.4"}),
        ({"image": "mysql:8.4"}, {"image": "mysql:9.7"}),
        ({"image": "mysql:9.7.3"}, {"image": "mysql:9.7.2"}),
        (MYSQL_57, {"image": "mysql:8.0"}),
        ({"image": "mariadb:10.11"}, {"image": "mariadb:11.8"}),
        ({"image": "db:prod", "server_version": "8.4"}, {"image": "mysql:9.7"}),
        ({"config": {"lower_case_table_names": 1}}, {"config": {"lower_case_table_names": 1, "max_connections": 5}}),
        ({}, {"config": {"max_connections": 5}}),
    ],
)
def test_data_can_follow(before: Options, after: Options) -> None:
    assert plan(running(**before), **after).changed


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ({"image": "mysql:9.7"}, {"image": "mysql:8.4"}, "image: MySQL 8.4 is older than 9.7, which mysql-0 runs"),
        ({"image": "mariadb:11.8"}, {"image": "mariadb:10.11"}, "image: MariaDB 10.11 is older than 11.8, which mysql-0 runs"),
        (
            {"image": "mysql:8.0"},
            {"image": "mysql:9.7"},
            "data of 8.0, which mysql-0 runs, to 9.7 at once; upgrade to 8.4 first",
        ),
        (MYSQL_57, {"image": "mysql:8.4"}, "upgrade to 8.0 first"),
        (
            {"image": "mysql:9.7"},
            {"image": "mariadb:11.8"},
            "image: MariaDB 11.8 cannot use the data of mysql-0, which are mysql's",
        ),
        (
            {"image": "mariadb:11.8"},
            {"image": "mysql:9.7"},
            "image: MySQL 9.7 cannot use the data of mysql-0, which are mariadb's",
        ),
        ({"image": "db:prod", "server_version": "mariadb-11.8"}, {"image": "mysql:9.7"}, "which are mariadb's"),
        (
            {},
            {"config": {"lower_case_table_names": 1}},
            "config.lower_case_table_names: is 1, and the data were made with its def",
        ),
        (
            {"config": {"innodb-page-size": "32k"}},
            {},
            "config.innodb_page_size: is its default, and the data were made with 32k",
        ),
        ({}, {"replica_config": {"lower_case_table_names": 1}}, "config.lower_case_table_names: is 1 and its default, and the"),
    ],
)
def test_data_cannot_follow(before: Options, after: Options, problem: str) -> None:
    store = running(**before)
    live = dict(store.objects)
    with pytest.raises(SpecError) as error:
        plan(store, **after)
    assert problem in error.value.message
    assert error.value.message.endswith("Nothing was changed")
    assert store.objects == live


def test_a_rollout_that_stopped_at_its_first_pod_can_be_taken_back() -> None:
    """The primary still runs the server of before."""
    store = running(image="mysql:8.4")
    apply(store, image="mysql:9.7")
    assert plan(store, image="mysql:8.4").changed
    with pytest.raises(SpecError, match=r"^image: MySQL 8\.0 is older than 8\.4, which mysql-0 runs"):
        plan(store, image="mysql:8.0")


def test_without_the_primarys_pod_the_template_counts() -> None:
    store = running(image="mysql:9.7")
    del store.objects["Pod", "mysql-0"]
    with pytest.raises(SpecError, match=r"MySQL 8\.4 is older than 9\.7"):
        plan(store, image="mysql:8.4")


def test_a_cluster_without_data_may_become_any_other() -> None:
    store = FakeObjectStore()
    apply(store, image="mysql:9.7")
    assert plan(store, image="mariadb:11.8").changed
