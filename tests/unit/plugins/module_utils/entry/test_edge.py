# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: a result is printed, an error becomes a failure with its details, and what is a bug stays one."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils import basic
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.edge import Act, run
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import (
    ApiConflict,
    CollectionError,
    MissingLibrary,
    SpecError,
    SqlError,
    WaitFailed,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.results.module import Failure

OPTIONS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "default": "mysql"},
    "kubeconfig": {"type": "path"},
    "password": {"type": "str", "no_log": True},
    "storage_class": {"type": "str"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
}


def hand_over(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, t.Any]) -> None:
    """As ansible.module_utils.testing does from 2.19 on, for older versions as well."""
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)


@pytest.fixture
def outcome(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., dict[str, t.Any]]:
    def go(act: Act, **arguments: t.Any) -> dict[str, t.Any]:
        hand_over(monkeypatch, arguments)
        with pytest.raises(SystemExit):
            run(OPTIONS, act)
        printed: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return printed

    return go


@pytest.mark.parametrize("check", [True, False])
def test_a_result(outcome: t.Callable[..., dict[str, t.Any]], check: bool) -> None:
    result = outcome(lambda params, mode: {"changed": mode, "seen": params["name"]}, name="shop", _ansible_check_mode=check)
    assert (result["changed"], result["seen"]) == (check, "shop")
    assert result["duration"] >= 0


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SpecError("replicas", "found 0"), {"msg": "replicas: found 0", "option": "replicas"}),
        (ApiConflict("theirs", 409, conflicts=[".data"]), {"msg": "theirs", "status": 409, "conflicts": [".data"]}),
        (SqlError("refused", 1227), {"msg": "refused", "errno": 1227}),
        (WaitFailed("never"), {"msg": "never"}),
    ],
)
def test_an_error(outcome: t.Callable[..., dict[str, t.Any]], error: CollectionError, expected: dict[str, t.Any]) -> None:
    def act(_params: dict[str, t.Any], _check: bool) -> dict[str, t.Any]:
        raise error

    result = outcome(act)
    assert result["failed"] is True
    assert {key: result[key] for key in expected} == expected


def test_a_failure_with_a_result(outcome: t.Callable[..., dict[str, t.Any]]) -> None:
    result = outcome(lambda _params, _check: Failure("late", {"changed": True}))
    assert (result["failed"], result["msg"], result["changed"]) == (True, "late", True)
    assert result["duration"] >= 0


def test_a_missing_library_is_named(outcome: t.Callable[..., dict[str, t.Any]]) -> None:
    def act(_params: dict[str, t.Any], _check: bool) -> dict[str, t.Any]:
        raise MissingLibrary("kubernetes")

    result = outcome(act)
    assert "Failed to import the required Python library (kubernetes)" in result["msg"]


def test_a_certificate_needs_its_key(outcome: t.Callable[..., dict[str, t.Any]]) -> None:
    result = outcome(lambda _params, _check: {}, client_cert="/c")
    assert result["failed"] is True
    assert "client_key" in result["msg"]


def test_a_bug_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def act(_params: dict[str, t.Any], _check: bool) -> dict[str, t.Any]:
        raise ZeroDivisionError

    hand_over(monkeypatch, {})
    with pytest.raises(ZeroDivisionError):
        run(OPTIONS, act)


def test_empty_text_is_not_given(outcome: t.Callable[..., dict[str, t.Any]]) -> None:
    result = outcome(lambda params, _check: {"seen": params}, name="", storage_class="", kubeconfig="", password="")
    given = {name: result["seen"][name] for name in ("name", "storage_class", "kubeconfig", "password")}
    # An account may have no password, and an empty name must not become the default one.
    assert given == {"name": "", "storage_class": None, "kubeconfig": None, "password": ""}


@pytest.mark.parametrize(
    "content", [{"users": [{"token": "SECRET"}]}, '{"token": "SECRET"}', "users:\n- token: SECRET\n", "-----\nSECRET\n-----"]
)
@pytest.mark.parametrize("option", ["kubeconfig", "client_key"])
def test_content_in_place_of_a_path_is_refused_and_not_repeated(
    outcome: t.Callable[..., dict[str, t.Any]], option: str, content: object
) -> None:
    given = {option: content, **({"client_cert": "/cert"} if option == "client_key" else {})}
    result = outcome(lambda *_: pytest.fail("was run"), **given)
    assert result["msg"] == f"{option}: holds content, not a path; write it into a file, and give the file's path"
    assert "SECRET" not in json.dumps(result)
