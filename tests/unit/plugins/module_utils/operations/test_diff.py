# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live against planned: which fields differ, what is immutable, and that Secrets show nothing."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import CollectionError, ImmutableChange, SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.manifests.bundle import render
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.diff import (
    FieldChange,
    check_immutable,
    field_changes,
    redact,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from params import cluster_spec


def stateful_set(**given: object) -> Manifest:
    return render(cluster_spec(**given), Topology("mysql-0"), kubernetes=(1, 30))[-1]


def test_bookkeeping_of_the_server_is_no_difference() -> None:
    before = {"metadata": {"name": "a", "resourceVersion": "1", "managedFields": [1]}, "status": {"x": 1}}
    after = {"metadata": {"name": "a", "resourceVersion": "2", "generation": 2}, "status": {"x": 2}}
    assert field_changes(before, after) == ()


def test_paths_name_what_a_person_would_point_at() -> None:
    before = {"data": {"primary.cnf": "a\nb"}, "spec": {"list": [1, 2], "containers": [{"name": "mysql", "image": "x"}]}}
    after = {
        "data": {"primary.cnf": "a\nc"},
        "spec": {"list": [1, 3], "containers": [{"name": "mysql", "image": "y"}], "on": True},
    }
    assert field_changes(before, after) == (
        FieldChange("data[primary.cnf]", "a\nb", "a\nc"),
        FieldChange("spec.containers[mysql].image", "x", "y"),
        FieldChange("spec.list[1]", "2", "3"),
        FieldChange("spec.on", None, "true"),
    )


def test_two_mounts_of_one_volume_do_not_hide_each_other() -> None:
    mounts = [{"name": "scripts", "mountPath": path} for path in ("/a", "/b")]
    assert len(field_changes(None, {"spec": mounts})) == 4


def test_a_secret_is_digests_before_it_is_compared() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "mysql"}, "data": {"root-password": "aHVudGVyMg=="}}
    redacted = redact(secret, lambda value: f"<{len(value)}>")
    assert redacted["data"] == {"root-password": "<12>"}
    assert secret["data"] == {"root-password": "aHVudGVyMg=="}


def test_an_unchanged_or_missing_stateful_set_is_fine() -> None:
    check_immutable(None, stateful_set())
    check_immutable(stateful_set(), stateful_set(replicas=5, config={"max_connections": 5}))


def test_equal_sizes_in_other_words_are_fine() -> None:
    check_immutable(stateful_set(storage_size="1024Mi"), stateful_set(storage_size="1Gi"))


@pytest.mark.parametrize(
    ("live", "desired", "error", "words"),
    [
        (
            {"storage_size": "2Gi"},
            {"storage_size": "1Gi"},
            SpecError,
            ["storage_size: 1Gi is less than the 2Gi", "Set it to 2Gi or more"],
        ),
        ({}, {"storage_size": "2Gi"}, ImmutableChange, ["storage_size: 2Gi is more than the 1Gi", "--cascade=orphan"]),
        (
            {"storage_class": "slow"},
            {"storage_class": "fast"},
            ImmutableChange,
            ["storage_class: ", "'slow'", "'fast'", "--cascade=orphan"],
        ),
    ],
)
def test_storage(live: dict[str, object], desired: dict[str, object], error: type[CollectionError], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        check_immutable(stateful_set(**live), stateful_set(**desired))
    assert all(word in caught.value.message for word in words)


@pytest.mark.parametrize(
    ("field", "value"),
    [("serviceName", "other"), ("podManagementPolicy", "OrderedReady"), ("selector", {"matchLabels": {"app": "mysql"}})],
)
def test_immutable_fields(field: str, value: object) -> None:
    live = copy.deepcopy(stateful_set())
    live["spec"][field] = value
    with pytest.raises(ImmutableChange) as caught:
        check_immutable(live, stateful_set())
    assert f"spec.{field} is {value!r} and would become" in caught.value.message
    assert "kubectl delete statefulset mysql --cascade=orphan" in caught.value.message


def test_foreign_claims() -> None:
    live = copy.deepcopy(stateful_set())
    live["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] = "other"
    with pytest.raises(ImmutableChange, match="has no volume claim called 'data'"):
        check_immutable(live, stateful_set())
