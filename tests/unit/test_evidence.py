# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every finding has a test that makes it happen on a real server, or a reason why there is none."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind
from evidence import IMPOSSIBLE, TESTS

ROOT = Path(__file__).resolve().parents[2]


def test_every_finding_has_one_or_the_other() -> None:
    assert set(TESTS) | set(IMPOSSIBLE) == {kind.code for kind in FindingKind}
    assert set(TESTS) & set(IMPOSSIBLE) == set()


@pytest.mark.parametrize(("code", "test"), TESTS.items(), ids=TESTS)
def test_the_test_exists_and_its_file_speaks_of_the_finding(code: str, test: str) -> None:
    file, _colons, name = test.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    assert name in functions
    assert f'"{code}"' in text or f"Kind.{code.upper()}" in text
