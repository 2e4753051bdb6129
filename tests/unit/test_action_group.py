# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``module_defaults`` for the group must reach every module that takes the options which all of them share."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GROUP = "mysql_cluster"
SHARED = {"kubemysql.replication.identity", "kubemysql.replication.kubernetes_auth"}
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))


def documentation(path: Path) -> dict[str, t.Any]:
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "DOCUMENTATION":
            loaded: dict[str, t.Any] = yaml.safe_load(ast.literal_eval(statement.value))
            return loaded
    raise AssertionError(f"{path.name} has no DOCUMENTATION")


def test_the_group_holds_every_module_with_shared_options() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    sharing = {path.stem for path in MODULES if set(documentation(path)["extends_documentation_fragment"]) >= SHARED}
    assert sharing
    assert set(runtime["action_groups"][GROUP]) == sharing


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_says_that_it_is_in_the_group(path: Path) -> None:
    assert "kubemysql.replication.attributes" in documentation(path)["extends_documentation_fragment"]
