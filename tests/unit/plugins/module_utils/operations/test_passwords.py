# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords: generated once and kept, given ones win while there is nothing yet, and a running cluster's never change."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import SECRET_KEYS
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.operations.passwords import (
    check_foreign_secret,
    read_password,
    resolve_passwords,
)
from ansible_collections.kubemysql.replication.plugins.module_utils.options import PASSWORD_OPTIONS
from ansible_collections.kubemysql.replication.plugins.module_utils.state.passwords import parse_passwords
from params import cluster_spec
from unit.fakes.cluster import FakeRuntime
from unit.fakes.store import FakeObjectStore

OPTIONS = sorted(PASSWORD_OPTIONS)


def secret(name: str = "mysql", **passwords: str) -> Manifest:
    data = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in passwords.items()}
    return {"kind": "Secret", "metadata": {"name": name}, "data": data}


COMPLETE = {option: f"kept-{option}" for option in OPTIONS}


def resolve(live: Manifest | None, *, bootstrapped: bool = False, **given: str) -> dict[str, str]:
    return resolve_passwords(cluster_spec(**given), live, bootstrapped=bootstrapped, generate=FakeRuntime().password)


def test_a_new_cluster_gets_four_different_ones() -> None:
    passwords = resolve(None)
    assert passwords.keys() == set(SECRET_KEYS)
    assert len(set(passwords.values())) == len(SECRET_KEYS)


@pytest.mark.parametrize("bootstrapped", [False, True])
def test_what_the_secret_has_is_kept(bootstrapped: bool) -> None:
    passwords = resolve(secret(**COMPLETE), bootstrapped=bootstrapped)
    assert passwords == {key: f"kept-{option}" for option, key in PASSWORD_OPTIONS.items()}


def test_key_by_key() -> None:
    passwords = resolve(secret(root_password="kept"), clone_password="given")
    assert passwords["root-password"] == "kept"
    assert passwords["clone-password"] == "given"
    assert passwords["admin-password"].startswith("generated-")


@pytest.mark.parametrize("option", OPTIONS)
def test_a_given_one_wins_before_there_are_accounts(option: str) -> None:
    given: dict[str, t.Any] = {option: "given"}
    passwords = resolve(secret(**COMPLETE), **given)
    assert passwords[PASSWORD_OPTIONS[option]] == "given"


@pytest.mark.parametrize("option", OPTIONS)
def test_a_different_one_is_refused_once_there_are_accounts(option: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolve(secret(**COMPLETE), bootstrapped=True, **{option: "s3cret"})
    assert caught.value.option == option
    assert f"{option}: differs from {PASSWORD_OPTIONS[option]} in Secret mysql" in caught.value.message
    assert not any(value in caught.value.message for value in ("s3cret", "kept-"))


@pytest.mark.parametrize("option", OPTIONS)
def test_the_same_one_is_fine(option: str) -> None:
    live = secret(**COMPLETE)
    assert resolve(live, bootstrapped=True, **{option: COMPLETE[option]}) == parse_passwords(live)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_lost_one_is_not_made_up_once_there_are_accounts(option: str) -> None:
    rest = {name: value for name, value in COMPLETE.items() if name != option}
    with pytest.raises(SpecError) as caught:
        resolve(secret(**rest), bootstrapped=True)
    assert f"{option}: Secret mysql has no {PASSWORD_OPTIONS[option]}" in caught.value.message
    assert f"give the present password with {option}" in caught.value.message
    assert resolve(secret(**rest), bootstrapped=True, **{option: "given"})[PASSWORD_OPTIONS[option]] == "given"


def test_a_lost_secret_is_refused() -> None:
    with pytest.raises(SpecError, match="Restore the Secret"):
        resolve(None, bootstrapped=True)


def test_a_foreign_secret_with_everything() -> None:
    check_foreign_secret(FakeObjectStore(secret("mine", **COMPLETE)), "mine")


@pytest.mark.parametrize(
    ("live", "problem"),
    [
        (None, "there is no Secret 'mine'; create it with the keys root-password, replication-password, "),
        (secret("mine", root_password="a"), "Secret 'mine' lacks replication-password, clone-password, admin-password"),
        (secret("mine", **{**COMPLETE, "root_password": ""}), "Secret 'mine' lacks root-password"),
        (secret("mine", **{**COMPLETE, "root_password": "\n"}), "root-password of Secret 'mine' is empty"),
        (secret("mine", **{**COMPLETE, "root_password": "a\nb"}), "root-password of Secret 'mine' holds a control character"),
        (
            secret("mine", **{**COMPLETE, "replication_password": "p" * 33}),
            "replication-password of Secret 'mine' has more than 32 bytes",
        ),
        (
            {"kind": "Secret", "metadata": {"name": "mine"}, "data": {"root-password": "//8="}},
            "root-password of Secret 'mine' is not UTF-8 text",
        ),
    ],
)
def test_a_foreign_secret_that_does_not_do(live: Manifest | None, problem: str) -> None:
    store = FakeObjectStore(*([live] if live else []))
    with pytest.raises(SpecError) as caught:
        check_foreign_secret(store, "mine")
    assert caught.value.message.startswith(f"secret_name: {problem}")
    assert "kept-" not in caught.value.message


def test_a_newline_at_the_end_is_an_editors() -> None:
    assert parse_passwords(secret(root_password="a\n")) == {"root-password": "a"}


def test_what_else_a_secret_holds_is_left_aside() -> None:
    live = secret(**COMPLETE)
    live["data"]["ca.der"] = "//8="
    assert parse_passwords(live).keys() == set(SECRET_KEYS)


def test_reading_one() -> None:
    store = FakeObjectStore(secret(**COMPLETE))
    assert read_password(store, "mysql", "admin-password") == "kept-admin_password"
    with pytest.raises(SpecError, match="there is no Secret 'other' with the key admin-password"):
        read_password(store, "other", "admin-password")
