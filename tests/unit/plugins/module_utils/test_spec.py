# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module options to ClusterSpec: each wrong input names its option and the way out."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.server import Server
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion
from params import cluster_spec

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"replicas": 0}, "replicas: found 0, expected at least 1"),
        ({"replicas": -3}, "replicas: found -3, expected at least 1"),
        ({"server_id_base": 0}, "server_id_base: found 0, expected at least 1"),
        ({"server_id_base": 2**32 - 2, "replicas": 3}, "exceeds the largest server_id"),
        ({"max_lag": 0}, "max_lag: found 0"),
        ({"storage_size": "1GB"}, "storage_size: '1GB' is not a quantity"),
        ({"storage_size": "-1Gi"}, "storage_size: '-1Gi' is not a quantity"),
        ({"image": "MySQL"}, "image: 'MySQL' is not an image reference"),
        ({"image": "mysql"}, "cannot be read from its tag; set server_version"),
        ({"image": "mysql:latest"}, "cannot be read from its tag; set server_version"),
        ({"image": f"mysql@{DIGEST}"}, "cannot be read from its tag; set server_version"),
        (
            {"image": "mysql:5.6"},
            "image: MySQL 5.6 is not supported; supported are MySQL 5.7, MySQL 8.0.17 to 9, MariaDB 10.11 to 11",
        ),
        ({"image": "mysql:8.0.16"}, "image: MySQL 8.0.16 is not supported"),
        ({"image": "mysql:10.11"}, "image: MySQL 10.11 is not supported"),
        ({"image": "mariadb:10.6"}, "image: MariaDB 10.6 is not supported"),
        ({"image": "db:1", "server_version": "mariadb-12.1"}, "server_version: MariaDB 12.1 is not supported"),
        ({"image": "mariadb:lts"}, "cannot be read from its tag; set server_version"),
        (
            {"image": "mysql:5.7", "xtrabackup_image": None},
            "xtrabackup_image: MySQL 5.7 is cloned by xtrabackup, which its image does not hold",
        ),
        ({"xtrabackup_image": "xtrabackup:1.0"}, "xtrabackup_image: is for clone_method xtrabackup, and MySQL 9.7 is cloned"),
        ({"image": "mysql:5.7", "xtrabackup_image": "X"}, "xtrabackup_image: 'X' is not an image reference"),
        ({"clone_method": "xtrabackup"}, "clone_method: MySQL 9.7 cannot be cloned by xtrabackup; use clone_plugin, or auto"),
        (
            {"image": "mariadb:11.4", "clone_method": "clone_plugin"},
            "clone_method: MariaDB 11.4 cannot be cloned by clone_plugin",
        ),
        ({"clone_throttle": 10}, "clone_throttle: is for clone_method xtrabackup; for MySQL 9.7 use config.clone_max_data_b"),
        ({"image": "mariadb:11.4", "clone_throttle": 0}, "clone_throttle: found 0, expected at least 1"),
        (
            {"image": "mariadb:11.4", "config": {"gtid-domain-id": 2}},
            "config.gtid-domain-id: the collection sets gtid_domain_id",
        ),
        ({"image": "mysql:latest", "server_version": "new"}, "server_version: 'new' does not begin with a version"),
        ({"registry": "registry example"}, "registry: 'registry example' is not a registry"),
        ({"resources": {"request": {"cpu": 1}}}, "resources.request: expected requests or limits"),
        ({"resources": {"requests": {"memory": "much"}}}, "resources.requests.memory: 'much' is not a quantity"),
        ({"resources": {"requests": "1Gi"}}, "resources.requests: expected a dict"),
        ({"root_password": ""}, "root_password: is empty"),
        ({"name": "shop", "root_password": "shop"}, "root_password: is part of the name of an object, so Ansible would mask"),
        ({"admin_password": "mysql-0"}, "admin_password: is part of the name of an object"),
        ({"namespace": "production", "clone_password": "pro"}, "clone_password: is part of the name of an object"),
        ({"replication_password": "primary"}, "replication_password: is part of the name of an object"),
        ({"root_password": "a\nb"}, "root_password: holds a control character"),
        ({"replication_password": "p" * 33}, "replication_password: has more than 32 bytes"),
        ({"replication_password": "ä" * 17}, "replication_password: has more than 32 bytes"),
        ({"secret_name": "mine", "clone_password": "x"}, "clone_password: cannot be combined with secret_name"),
        ({"secret_name": "Mine"}, "secret_name: 'Mine' is not a DNS label"),
        ({"pod_labels": {"app.kubernetes.io/name": "x"}}, "pod_labels.app.kubernetes.io/name: the collection sets this label"),
        ({"service_labels": {"app.kubernetes.io/instance": "x"}}, "service_labels.app.kubernetes.io/instance: "),
        ({"pod_annotations": {"a": {"b": "c"}}}, "pod_annotations.a: expected a string"),
        ({"config": {"gtid_mode": "OFF"}}, "config.gtid_mode: the collection sets gtid_mode itself"),
        ({"replica_config": {"super-read-only": False}}, "replica_config.super-read-only: the collection sets"),
    ],
)
def test_refused(given: dict[str, t.Any], problem: str) -> None:
    with pytest.raises(SpecError) as error:
        cluster_spec(**given)
    assert problem in error.value.message
    assert error.value.option.partition(".")[0] in given


def test_the_error_about_a_password_does_not_hold_it() -> None:
    for password in ("hunter2\n", "hunter2" * 9):
        with pytest.raises(SpecError) as error:
            cluster_spec(replication_password=password)
        assert "hunter2" not in error.value.message


@pytest.mark.parametrize(
    ("given", "server", "method"),
    [
        ({"image": f"mysql@{DIGEST}", "server_version": "8.4"}, Server(ServerVersion(8, 4)), "clone_plugin"),
        ({"image": "mysql:8.0.17"}, Server(ServerVersion(8, 0, 17)), "clone_plugin"),
        ({"image": "mysql:5.7.44", "xtrabackup_image": "xtrabackup:1.0"}, Server(ServerVersion(5, 7, 44)), "xtrabackup"),
        ({"image": "mariadb:10.11"}, Server(ServerVersion(10, 11, flavour="mariadb")), "xtrabackup"),
        (
            {"image": "r.example.com:5000/mirror/mariadb:11.8.3-noble"},
            Server(ServerVersion(11, 8, 3, flavour="mariadb")),
            "xtrabackup",
        ),
        (
            {"image": "db:prod", "server_version": "mariadb-10.11.6"},
            Server(ServerVersion(10, 11, 6, flavour="mariadb")),
            "xtrabackup",
        ),
        ({"image": "my-mariadb:1", "server_version": "mysql-9.7"}, Server(ServerVersion(9, 7)), "clone_plugin"),
    ],
)
def test_server_and_clone_method(given: dict[str, t.Any], server: Server, method: str) -> None:
    spec = cluster_spec(**given)
    assert spec.server == server
    assert spec.clone_method == method


def test_registry_replaces_the_images_own() -> None:
    spec = cluster_spec(registry="registry.example.com")
    assert spec.image == "registry.example.com/library/mysql:9.7"
    spec = cluster_spec(
        registry="registry.example.com", image="mysql:5.7", xtrabackup_image="gcr.io/google-samples/xtrabackup:1.0"
    )
    assert spec.xtrabackup_image == "registry.example.com/google-samples/xtrabackup:1.0"


def test_numbers_in_dicts_become_strings() -> None:
    spec = cluster_spec(node_selector={"zone": 1}, resources={"limits": {"cpu": 2}})
    assert spec.node_selector == {"zone": "1"}
    assert spec.resources == {"limits": {"cpu": "2"}}


def test_booleans_in_labels_and_annotations_are_those_of_kubernetes() -> None:
    given = {"example.com/on": True, "example.com/off": False, "example.com/quoted": "True"}
    expected = {"example.com/on": "true", "example.com/off": "false", "example.com/quoted": "True"}
    options = ("node_selector", "pod_labels", "pod_annotations", "service_labels")
    services = ("read_service_annotations", "primary_service_annotations")
    spec = cluster_spec(**dict.fromkeys((*options, *services), given))
    assert [getattr(spec, option) for option in (*options, *services)] == [expected] * 6
