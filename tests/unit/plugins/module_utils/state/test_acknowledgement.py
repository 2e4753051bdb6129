# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod's answer is data: each field has its type, or the document is not used."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import Unreachable
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement import parse_acknowledgement
from ansible_collections.kubemysql.replication.plugins.module_utils.state.acknowledgement_reader import (
    read_acknowledgement,
)

DOCUMENT = {
    "version": 1,
    "at": 1767225600,
    "intent": {"epoch": "3", "primary": "mysql-1"},
    "role": "replica",
    "ready": False,
    "data": True,
    "data_epoch": 3,
    "received_mib": 5,
    "total_mib": None,
    "reason": "behind",
}


def test_every_field() -> None:
    found = parse_acknowledgement(json.dumps(DOCUMENT))
    assert (found.at, found.role, found.ready, found.reason) == (1767225600, "replica", False, "behind")
    assert (found.received_mib, found.total_mib) == (5, None)
    assert (found.data, found.data_epoch) == (True, 3)
    assert found.has_seen({"epoch": "3", "primary": "mysql-1"}) and found.has_seen({"epoch": "3"})
    assert not found.has_seen({"epoch": "4", "primary": "mysql-1"}) and not found.has_seen({"handover": "x"})


@pytest.mark.parametrize(
    "spoilt",
    [
        {"version": 2},
        {"version": None},
        {"intent": None},
        {"intent": {"epoch": 3}},
        {"intent": ["primary"]},
        {"role": "source"},
        {"role": 1},
        {"role": ["primary"]},
        {"at": "now"},
        {"at": True},
        {"at": -1},
        {"ready": "true"},
        {"data": None},
        {"data_epoch": "3"},
        {"reason": 5},
        {"received_mib": "5"},
        {"total_mib": [5]},
    ],
)
def test_a_field_of_another_type_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"it is|its"):
        parse_acknowledgement(json.dumps({**DOCUMENT, **spoilt}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "\x00", b"\xff\xfe{", "[" * 100000])
def test_what_is_no_document_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json has its own words
        parse_acknowledgement(text)


class Tunnel:
    """Leads to a server that answers the first bytes with ``answer``, without any encryption, and closes; or never answers."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._here, self._there = socket.socketpair()

    def connect(self, pod: str, port: int, timeout: float) -> socket.socket:
        assert (pod, port) == ("mysql-0", 3309)
        self._here.settimeout(timeout)
        if self._answer is not None:
            threading.Thread(target=self._serve, args=(self._answer,), daemon=True).start()
        return self._here

    def _serve(self, answer: bytes) -> None:
        with self._there:
            self._there.recv(4096)
            self._there.sendall(answer)

    def close(self) -> None:
        self._there.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 200 ok\r\n\r\n{}", b"\x16\x03\x01", b"J\x00\x00\x00\n9.7.0\x00"])
def test_a_server_that_is_no_such_port_is_no_answer(answer: bytes) -> None:
    with pytest.raises(Unreachable, match="mysql-0 does not acknowledge on its port 3309"):
        read_acknowledgement(Tunnel(answer), "mysql-0", 5)


def test_a_server_that_sends_nothing_is_given_up() -> None:
    with closing(Tunnel(None)) as tunnel, pytest.raises(Unreachable, match="timed out"):
        read_acknowledgement(tunnel, "mysql-0", 0.1)
