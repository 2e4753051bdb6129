# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: what is refused, and that every name made of an accepted one is valid."""

from __future__ import annotations

import re

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.names import MAX_NAME, Names, ordinal_of
from hypothesis import given
from hypothesis import strategies as st

LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
valid_names = st.from_regex(r"[a-z]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True)


@given(valid_names, st.integers(min_value=0, max_value=9999))
def test_every_derived_name_is_a_label(name: str, ordinal: int) -> None:
    names = Names.parse(name, "shop")
    instance = names.instance(ordinal)
    derived = (names.thresholds, names.topology, names.read_service, names.primary_service, names.headless_service, instance)
    assert all(LABEL.fullmatch(each) for each in derived)
    assert ordinal_of(instance) == ordinal
    assert names.is_instance(instance)
    assert not names.is_instance(f"other-{instance}") and not names.is_instance(f"{name}-x")
    assert names.host(instance).split(".") == [instance, name]
    # The StatefulSet controller makes a label value of the name and a hash of at most ten characters.
    assert len(f"{names.stateful_set}-0123456789") <= 63


def refusal(name: str) -> SpecError | None:
    try:
        Names.parse(name, "shop")
    except SpecError as error:
        return error
    return None


@given(st.text(max_size=80))
def test_whatever_is_accepted_is_a_label(name: str) -> None:
    error = refusal(name)
    if error is not None:
        assert error.message.startswith("name: ")
    else:
        assert LABEL.fullmatch(name)
        assert len(name) <= MAX_NAME


@pytest.mark.parametrize(
    ("name", "namespace", "problem"),
    [
        ("My-SQL", "shop", "name: 'My-SQL' is not a DNS label"),
        ("mysql-", "shop", "name: 'mysql-' is not a DNS label"),
        ("my.sql", "shop", "name: 'my.sql' is not a DNS label"),
        ("", "shop", "name: '' is not a DNS label"),
        ("8mysql", "shop", "name: '8mysql' begins with a digit"),
        ("m" * 53, "shop", "has 53 characters; at most 52 are possible"),
        ("mysql", "Shop", "namespace: 'Shop' is not a DNS label"),
        ("mysql", "s" * 64, "namespace: "),
    ],
)
def test_refused(name: str, namespace: str, problem: str) -> None:
    with pytest.raises(SpecError) as error:
        Names.parse(name, namespace)
    assert problem in error.value.message


def test_another_secret() -> None:
    assert Names.parse("mysql", "shop").secret == "mysql"
    assert Names.parse("mysql", "shop", "mine").secret == "mine"
