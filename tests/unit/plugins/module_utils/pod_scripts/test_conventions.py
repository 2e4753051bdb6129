# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State in bash is declared, and both dialects, the modules' and the pods', spell statements alike."""

from __future__ import annotations

import re

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Dialect, Statement
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion
from ansible_collections.kubemysql.replication.plugins.module_utils.pod_scripts.embedded import SCRIPTS
from pod_bash import pod_bash

# Bash's own, the value that a function returns, and what is set for one program only.
OTHERS = {"IFS", "REPLY", "OPENSSL_CONF", "LIMIT"}
STATEMENTS: dict[Statement, str] = {
    "stop_replica": "STOP REPLICA",
    "start_replica": "START REPLICA",
    "reset_replica": "RESET REPLICA ALL",
    "replica_status": "SHOW REPLICA STATUS",
}
VERSIONS = ("5.7.44", "8.0.21", "8.0.23", "8.0.40", "8.4.6", "9.7.4")


def declared(text: str) -> set[str]:
    """The names that a script declares outside of its functions."""
    lines = re.findall(r"(?m)^(?:readonly |export |declare -gA )?[A-Z][A-Z_]*\b.*$", text)
    return {name for line in lines for name in re.findall(r"\b([A-Z][A-Z_]*)(?==| |$)", line)}


def assigned(text: str) -> set[str]:
    """The names that its functions assign to."""
    return set(re.findall(r"(?m)^ +(?:[^\"'\n]*(?:;|&&|\|\||\{) )?([A-Z][A-Z_]*)(?:\[[^\]]*\])?\+?=", text))


def test_state_is_declared_where_its_meaning_is() -> None:
    """A variable that functions share is assigned at the top of a script, beside the comment that describes it."""
    known = {name for text in SCRIPTS.values() for name in declared(text)} | OTHERS
    undeclared = {script: assigned(text) - known for script, text in SCRIPTS.items()}
    assert {script: names for script, names in undeclared.items() if names} == {}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_pods_and_modules_spell_alike(statement: Statement, version: str) -> None:
    """The pods keep the old words up to 8.0.22, which understands both."""
    query = Dialect(ServerVersion.parse(version)).query(statement)
    assert query is not None
    command = f'dialect "$1" \'{STATEMENTS[statement]}\'; printf %s "$REPLY"'
    assert pod_bash("lib-common.sh", command, version) == query.sql


@pytest.mark.parametrize("version", VERSIONS)
def test_pods_and_modules_connect_replicas_with_the_same_settings(version: str) -> None:
    query = Dialect(ServerVersion.parse(version)).query("change_source")
    assert query is not None
    pods = pod_bash("lib-common.sh", 'channel_sql host; dialect "$1" "$REPLY"; printf %s "$REPLY"', version)
    assert settings(pods) == settings(query.sql)
    assert pods.split(" TO ")[0] == query.sql.strip().split(" TO ")[0]


def settings(sql: str) -> dict[str, str]:
    """Names and values; those that differ from cluster to cluster are left out."""
    found = dict(re.findall(r"(\w+) = ([^,;\s]+)", sql))
    return {name: value if value.isdigit() and not name.endswith("_PORT") else "" for name, value in found.items()}
