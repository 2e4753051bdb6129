# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests of a run, and its output, which never holds a password."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable

from integration.api.module import Result
from integration.api.server import Namespace

Run = Callable[..., Result]
GIVEN = {
    "root_password": "root-s3cret-'\"\\$",
    "replication_password": "replication-s3cret",
    "clone_password": "clone-s3cret",
    "admin_password": "admin-s3cret",
}


def spellings(password: str) -> set[str]:
    """A password as it could stand in an output."""
    encoded = base64.b64encode(password.encode()).decode()
    return {password, encoded, json.dumps(password)[1:-1], json.dumps(encoded)[1:-1], password.replace("'", "''")}


def assert_hidden(passwords: dict[str, str], output: str) -> None:
    shown = [name for name, password in passwords.items() if any(text in output for text in spellings(password))]
    assert not shown, f"the output shows {shown}"


def stored(namespace: Namespace) -> dict[str, str]:
    data = namespace.live("Secret", "mysql")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_no_password_in_a_result(present: Run, absent: Run, namespace: Namespace) -> None:
    present(replicas=1)
    generated = stored(namespace)
    outputs = [present(replicas=1, diff=True, check=True, **GIVEN)]
    assert outputs[0]["changes"][0]["fields"] == [f"data.{key}" for key in sorted(generated)]
    outputs += [present(replicas=1, diff=True, **GIVEN), present(replicas=1, diff=True)]
    assert set(stored(namespace).values()) == set(GIVEN.values())
    namespace.patch("Secret", "mysql", {"data": {"root-password": "b3RoZXI="}}, manager="their-tool")
    conflict = present(replicas=1, diff=True, **GIVEN)
    assert conflict["status"] == 409
    outputs += [conflict, present(replicas=1, diff=True, force_conflicts=True, **GIVEN)]
    outputs += [absent(diff=True, check=True, delete_data=True), absent(diff=True, delete_data=True)]
    for output in outputs:
        assert_hidden({**GIVEN, **generated, "other": "b3RoZXI="}, output.printed)


def test_no_password_on_the_terminal(namespace: Namespace) -> None:
    """Ansible's own output, as talkative as it gets."""
    options = {"namespace": namespace.name, "wait": False, "replicas": 1, "storage_class": "there-is-none"}
    module = "kubemysql.replication.mysql_cluster"
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1"}

    def run(**more: object) -> str:
        arguments = json.dumps({**options, **more})
        command = ["ansible", "localhost", "-m", module, "-a", arguments, "-vvvv", "--diff"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    first = run()
    generated = stored(namespace)
    second = run(**GIVEN)
    assert "Secret/mysql (update)" in second
    for output in (first, second):
        assert "StatefulSet" in output or "Secret" in output
        assert_hidden({**GIVEN, **generated}, output)


def test_a_run_with_nothing_to_do_costs_the_same_for_one_and_for_nine(present: Run, namespace: Namespace) -> None:
    costs = {}
    for replicas in (1, 9):
        assert present(replicas=replicas)["changed"]
        namespace.settled()
        result = present(replicas=replicas)
        assert result["changes"] == []
        costs[replicas] = [request.method for request in result.requests]
    assert costs[1] == costs[9]
    # One list for each kind, one dry run for each object, the version, and the primary's pod.
    assert len(costs[1]) <= 20
