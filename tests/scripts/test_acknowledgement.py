# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acknowledgement of a pod, read as the module reads it, on both flavours and whatever the server does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import ACK_PORT
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import (
    Acknowledgement,
    parse_acknowledgement,
)
from scripts.pods import Pair, Pod
from waiting import eventually


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> Pair:
    """A running primary and replica of the flavour that the test names."""
    pair: Pair = request.getfixturevalue(request.param)
    return pair


BOTH = pytest.mark.parametrize("servers", ["shared_pair", "shared_mariadb_pair"], indirect=True)


def answers(pod: Pod, what: str, **wanted: object) -> Acknowledgement:
    """Wait until the pod acknowledges with these fields."""

    def matches() -> Acknowledgement | None:
        found = pod.asked()
        return found if found and all(getattr(found, name) == value for name, value in wanted.items()) else None

    return eventually(f"{pod.name}: {what}", matches)


def topology(pod: Pod) -> dict[str, str]:
    """The keys of the topology that hold something."""
    files = {file.name: file.read_text(encoding="utf-8") for file in (pod.cluster.base / "topology").iterdir()}
    return {name: text for name, text in files.items() if text}


@contextmanager
def intent(pod: Pod, key: str, value: str) -> Iterator[None]:
    """With another key in the topology."""
    file = pod.cluster.base / "topology" / key
    file.write_text(value, encoding="utf-8")
    try:
        yield
    finally:
        file.unlink()


@BOTH
def test_role_intent_and_readiness(servers: Pair) -> None:
    for pod, role in zip(servers, ("primary", "replica"), strict=True):
        found = answers(pod, "to be ready", ready=True)
        assert (found.role, found.reason) == (role, None)
        assert found.intent["primary"] == "mysql-0"
        assert answers(pod, "another check", ready=True).at >= found.at


def test_a_document_is_replaced_and_never_rewritten(shared_pair: Pair) -> None:
    """Whoever reads a file that is rewritten may find it empty."""
    primary, _replica = shared_pair
    before = answers(primary, "to be ready", ready=True)
    with primary.ack_file.open(encoding="utf-8") as reader:
        eventually("a later document", lambda: answers(primary, "to be ready", ready=True).at > before.at + 2)
        assert parse_acknowledgement(reader.read()).at <= before.at + 2


@BOTH
def test_a_changed_intent_is_acknowledged_and_ends_no_readiness(servers: Pair) -> None:
    """The port of the readiness probe is the same process all the time."""
    gates = [pod.ready_port_pid() for pod in servers]
    with intent(servers[0], "note", '7"\\ é'):
        for pod in servers:
            # Bytes that are not ASCII cannot break the document.
            answers(pod, "the new key", intent=topology(pod) | {"note": '7"\\ ??'}, ready=True, reason=None)
    assert [pod.ready_port_pid() for pod in servers] == gates


@BOTH
def test_a_server_that_is_down_is_acknowledged_and_so_is_the_next(servers: Pair) -> None:
    _primary, replica = servers
    server = replica.container("mysql")
    server.kill()
    server.wait()
    found = answers(replica, "that its server is down", ready=False, role=None)
    assert found.reason
    assert found.intent["primary"] == "mysql-0"
    replica.start_mysql()
    answers(replica, "its role", ready=True, role="replica")


@BOTH
def test_an_intent_is_acknowledged_while_the_server_is_frozen(servers: Pair) -> None:
    primary, _replica = servers
    os.kill(primary.mysqld_pid(), signal.SIGSTOP)
    try:
        with intent(primary, "note", "8"):
            answers(primary, "the new intent", intent={**topology(primary), "note": "8"})
            assert "no answer within" in (answers(primary, "that it is not ready", ready=False).reason or "")
    finally:
        os.kill(primary.mysqld_pid(), signal.SIGCONT)
    answers(primary, "its role", ready=True, role="primary")


@BOTH
def test_a_pod_that_is_gone_does_not_answer_and_its_successor_does(servers: Pair) -> None:
    _primary, replica = servers
    replica.stop()
    with pytest.raises(Unreachable, match=r"does not acknowledge|refused"):
        replica.acknowledgement()
    replica.restart_all()
    answers(replica, "its role", ready=True, role="replica")


@BOTH
def test_a_lost_topology_is_acknowledged(servers: Pair) -> None:
    folder = servers[0].cluster.base / "topology"
    kept = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    for file in folder.iterdir():
        file.unlink()
    try:
        for pod, role in zip(servers, ("primary", "replica"), strict=True):
            found = answers(pod, "that there is no topology", intent={}, ready=False, role=role)
            assert found.reason == "the topology names no primary"
    finally:
        servers[0].cluster.write("topology", kept)
    for pod, role in zip(servers, ("primary", "replica"), strict=True):
        answers(pod, "its role", ready=True, role=role)


def test_a_connection_that_is_left_open_holds_up_no_new_intent(shared_pair: Pair) -> None:
    primary, _replica = shared_pair
    connect = f"s = socket.create_connection(('{primary.address}', {ACK_PORT}))"
    idle = f"import socket, time; {connect}; print('open', flush=True); time.sleep(600)"
    with subprocess.Popen([*primary.cluster.on_network, sys.executable, "-S", "-c", idle], stdout=subprocess.PIPE) as held:
        try:
            assert held.stdout and held.stdout.readline() == b"open\n"
            with intent(primary, "note", "9"):
                answers(primary, "the new intent", intent={**topology(primary), "note": "9"})
        finally:
            held.kill()


def test_a_container_that_ends_leaves_its_acknowledgement(shared_pair: Pair) -> None:
    """The init container of a replica without data, which finds a topology that names no primary."""
    cluster = shared_pair[0].cluster
    with cluster.newcomer() as pod:
        topology = cluster.base / "topology" / "primary"
        topology.write_text("", encoding="utf-8")
        try:
            pod.run("provision", expect=1)
        finally:
            topology.write_text("mysql-0", encoding="utf-8")
        left = pod.last_words("provision")
        assert "primary" not in left.intent
        assert left.reason and left.reason.startswith("the topology names no primary")
