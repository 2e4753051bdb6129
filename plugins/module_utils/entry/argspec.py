# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of all modules, each defined once. The documentation is checked against them."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback

from ..constants import ADMIN_USER, KEY_ADMIN

__all__ = ["CONSTRAINTS", "cluster_options", "info_options", "primary_options", "verify_options"]

Options = dict[str, dict[str, t.Any]]

CONSTRAINTS: dict[str, t.Any] = {"required_together": [("client_cert", "client_key")]}


def _from_environment(**option: t.Any) -> dict[str, t.Any]:
    name = option.pop("env")
    return {**option, "fallback": (env_fallback, [f"K8S_AUTH_{name}"])}


def _authentication() -> Options:
    return {
        "kubeconfig": _from_environment(type="path", env="KUBECONFIG"),
        "context": _from_environment(type="str", env="CONTEXT"),
        "host": _from_environment(type="str", env="HOST"),
        "api_key": _from_environment(type="str", no_log=True, env="API_KEY"),
        "ca_cert": _from_environment(type="path", env="SSL_CA_CERT", aliases=["ssl_ca_cert"]),
        "client_cert": _from_environment(type="path", env="CERT_FILE", aliases=["cert_file"]),
        "client_key": _from_environment(type="path", no_log=False, env="KEY_FILE", aliases=["key_file"]),
        "validate_certs": _from_environment(type="bool", env="VERIFY_SSL", aliases=["verify_ssl"]),
    }


def _identity() -> Options:
    return {
        "name": {"type": "str", "default": "mysql"},
        "namespace": {"type": "str", "default": "default"},
    }


def _pods() -> Options:
    return {
        "image": {"type": "str", "default": "docker.io/library/mysql:9.7"},
        "image_pull_policy": {"type": "str", "default": "IfNotPresent", "choices": ["Always", "IfNotPresent", "Never"]},
        "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "registry": {"type": "str"},
        "server_version": {"type": "str"},
        "xtrabackup_image": {"type": "str"},
        "resources": {"type": "dict", "default": {"requests": {"cpu": "100m", "memory": "512Mi"}}},
        "node_selector": {"type": "dict", "default": {}},
        "tolerations": {"type": "list", "elements": "dict", "default": []},
        "affinity": {"type": "dict"},
        "pod_labels": {"type": "dict", "default": {}},
        "pod_annotations": {"type": "dict", "default": {}},
    }


def _mysql() -> Options:
    return {
        "replicas": {"type": "int", "default": 3},
        "config": {"type": "dict", "default": {}},
        "primary_config": {"type": "dict", "default": {}},
        "replica_config": {"type": "dict", "default": {}},
        "server_id_base": {"type": "int", "default": 100},
        "max_lag": {"type": "int", "default": 30},
        "clone_method": {"type": "str", "default": "auto", "choices": ["auto", "clone_plugin", "xtrabackup"]},
        "clone_throttle": {"type": "int"},
        "storage_size": {"type": "str", "default": "1Gi"},
        "storage_class": {"type": "str"},
        "delete_data": {"type": "bool", "default": False},
    }


def _secrets() -> Options:
    passwords = ("root_password", "replication_password", "clone_password", "admin_password")
    return {
        "secret_name": {"type": "str", "no_log": False},
        **{name: {"type": "str", "no_log": True} for name in passwords},
    }


def _services() -> Options:
    service_type = {"type": "str", "default": "ClusterIP", "choices": ["ClusterIP", "NodePort", "LoadBalancer"]}
    return {
        "read_service_type": service_type,
        "primary_service_type": service_type,
        "service_labels": {"type": "dict", "default": {}},
        "read_service_annotations": {"type": "dict", "default": {}},
        "primary_service_annotations": {"type": "dict", "default": {}},
        "network_policy": {"type": "bool", "default": True},
        "pod_disruption_budget": {"type": "bool", "default": True},
    }


def cluster_options() -> Options:
    """The options of ``mysql_cluster``."""
    return {
        "state": {"type": "str", "default": "present", "choices": ["present", "absent", "rendered"]},
        **_identity(),
        **_mysql(),
        **_pods(),
        **_secrets(),
        **_services(),
        "adopt": {"type": "bool", "default": False},
        "adopt_user": {"type": "str", "default": "root"},
        "adopt_password": {"type": "str", "no_log": True, "default": ""},
        "kubernetes_version": {"type": "str"},
        "force_conflicts": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
        **_authentication(),
    }


def _instances() -> Options:
    return {
        **_identity(),
        "max_lag": {"type": "int", "default": 30},
        "connect_timeout": {"type": "int", "default": 5},
        "selector": {"type": "dict"},
        "primary": {"type": "str"},
        "connection": {"type": "str", "default": "port_forward", "choices": ["port_forward", "direct"]},
        "port": {"type": "int", "default": 3306},
        "tls": {"type": "bool", "default": True},
        "user": {"type": "str", "default": ADMIN_USER},
        "password": {"type": "str", "no_log": True},
        "secret_name": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "default": KEY_ADMIN, "no_log": False},
    }


def info_options() -> Options:
    """The options of ``mysql_cluster_info``."""
    return {**_instances(), **_authentication()}


def primary_options() -> Options:
    """The options of ``mysql_cluster_primary``."""
    return {
        "action": {"type": "str", "required": True, "choices": ["switchover"]},
        **_identity(),
        "instance": {"type": "str"},
        "secret_name": {"type": "str", "no_log": False},
        "max_pause": {"type": "int", "default": 5},
        "wait_timeout": {"type": "int", "default": 60},
        **_authentication(),
    }


def verify_options() -> Options:
    """The options of ``mysql_cluster_verify``."""
    return {
        **_instances(),
        "canary": {"type": "bool", "default": True},
        "canary_timeout": {"type": "int", "default": 10},
        "accept_states": {"type": "list", "elements": "str", "default": [], "choices": ["degraded", "incomplete", "offline"]},
        "ignore_findings": {"type": "list", "elements": "str", "default": []},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 120},
        **_authentication(),
    }
