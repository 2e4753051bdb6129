# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API server that restarts while a module waits."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster, mysql_cluster_verify
from integration.api.interruption import InterruptedRelay
from integration.api.module import Result, run_module
from integration.api.server import Namespace
from waiting import scaled

# The HTTP library leaves a broken socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
# The first look takes about ten requests; the connection breaks in one of the next.
MESSAGES, REFUSALS = 40, 3


def interrupted(namespace: Namespace) -> InterruptedRelay:
    address = urlsplit(str(namespace.server.configuration.host))
    return InterruptedRelay((address.hostname or "", address.port or 443), messages=MESSAGES, refusals=REFUSALS)


def through(relay: InterruptedRelay, namespace: Namespace) -> dict[str, object]:
    configuration = namespace.server.configuration
    files = {"ca_cert": "ssl_ca_cert", "client_cert": "cert_file", "client_key": "key_file"}
    credentials = {option: getattr(configuration, attribute) for option, attribute in files.items()}
    return {"host": f"https://127.0.0.1:{relay.port}", "kubeconfig": None, "context": None, **credentials}


def test_verification_goes_on(present: Callable[..., Result], namespace: Namespace) -> None:
    present(replicas=1)
    with interrupted(namespace) as relay:
        options = {**through(relay, namespace), "wait_timeout": scaled(6)}
        result = run_module(module=mysql_cluster_verify, namespace=namespace.name, **options)
        assert relay.refused == REFUSALS
    assert "api_unavailable" not in result
    assert result["state"] == "incomplete", result["msg"]


def test_a_deployment_goes_on(present: Callable[..., Result], namespace: Namespace) -> None:
    present(replicas=1)
    with interrupted(namespace) as relay:
        options = {**through(relay, namespace), "wait": True, "wait_timeout": scaled(6), "storage_class": "there-is-none"}
        result = run_module(module=mysql_cluster, namespace=namespace.name, replicas=1, **options)
        assert relay.refused == REFUSALS
    assert result["timed_out"], result["msg"]
