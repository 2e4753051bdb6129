# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.gtid import GtidSet
from hypothesis import given
from hypothesis import strategies as st
from unit.gtid_strategies import gtid_sets, written

A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"


def members(gtids: GtidSet) -> set[tuple[str, str, int]]:
    """The set spelled out, one by one: slow, and plainly right."""
    return {(*lane, n) for lane, found in gtids.lanes for first, last in found for n in range(first, last + 1)}


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        (" ,\n", ""),
        (f"{A}:1-5", f"{A}:1-5"),
        (f"{A}:5", f"{A}:5"),
        (f"{A}:5-5", f"{A}:5"),
        (f"{A}:7-9:1-3", f"{A}:1-3:7-9"),
        (f"{A}:1-3:4-6", f"{A}:1-6"),
        (f"{A}:1-9:3-4", f"{A}:1-9"),
        (f"{B}:1,\n{A}:2", f"{A}:2,{B}:1"),
        (f"{A.upper()}:1", f"{A}:1"),
        (f"{A}:1-5:tag:7-9", f"{A}:1-5:tag:7-9"),
        (f"{A}:tag:7-9:1-2", f"{A}:tag:1-2:7-9"),
        (f"{A}:TAG:1:other:2,{A}:3", f"{A}:3:other:2:tag:1"),
        # The server drops an interval that ends before it begins.
        (f"{A}:5-3", ""),
    ],
)
def test_normalised(text: str, normal: str) -> None:
    assert str(GtidSet.parse(text)) == normal


@pytest.mark.parametrize(
    "text", ["x", A, f"{A}:", f"{A}:0-3", f"{A}:1-", f"{A}:-3", f"{A}:a-b", f"{A}:1:2x", "0-1-5", f"{A}:1;{B}:2"]
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="GTID set"):
        GtidSet.parse(text)


def test_examples() -> None:
    primary, replica = GtidSet.parse(f"{A}:1-100"), GtidSet.parse(f"{A}:1-90,{B}:1-2")
    assert str(replica - primary) == f"{B}:1-2"
    assert str(primary - replica) == f"{A}:91-100"
    assert len(primary - replica) == 10
    assert (replica <= primary) is False
    assert (replica - primary).uuids == {B}
    assert not (replica - primary).without_uuid(B.upper())
    assert str(replica.without_uuid(B)) == f"{A}:1-90"


@given(gtid_sets, st.integers())
def test_however_it_is_written(gtids: GtidSet, seed: int) -> None:
    assert GtidSet.parse(written(gtids, seed)) == gtids
    assert GtidSet.parse(str(gtids)) == gtids


@given(gtid_sets, gtid_sets)
def test_algebra(one: GtidSet, other: GtidSet) -> None:
    assert members(one - other) == members(one) - members(other)
    assert members(one | other) == members(one) | members(other)
    assert (one <= other) == (members(one) <= members(other))
    assert len(one) == len(members(one))
    assert bool(one) == bool(members(one))
    assert GtidSet.parse(str(one - other)) == one - other
