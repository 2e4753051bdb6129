# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rendered my.cnf in the hands of the programs that read it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.mycnf import parse_options, render_cnf
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.server import Server
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rootfs import root_file_system

FILE = "tmp/rendered.cnf"
values = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def root() -> Path:
    return root_file_system()


@pytest.fixture
def cnf(root: Path) -> Iterator[Path]:
    path = root / FILE
    yield path
    path.unlink(missing_ok=True)


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["chroot", str(root), *command], capture_output=True, text=True, check=False)


def rendered(options: dict[str, object]) -> str:
    server = Server(ServerVersion(9, 7))
    return render_cnf(server, parse_options("config", options, server))


def test_the_server_accepts_the_defaults(root: Path, cnf: Path) -> None:
    cnf.write_text(rendered({"max_connections": 77}))
    done = run(root, "mysqld", f"--defaults-file=/{FILE}", "--user=root", "--datadir=/tmp", "--validate-config")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_server_refuses_what_it_does_not_know(root: Path, cnf: Path) -> None:
    cnf.write_text(rendered({"no_such_option": 1}))
    done = run(root, "mysqld", f"--defaults-file=/{FILE}", "--user=root", "--datadir=/tmp", "--validate-config")
    assert done.returncode == 1
    assert "no_such_option" in done.stderr


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(values, min_size=1, max_size=40))
def test_any_printable_value_is_read_back_as_it_was_given(root: Path, cnf: Path, texts: list[str]) -> None:
    """An option of its own for each text: one run of the parser checks many."""
    options = {f"value_{number}": text for number, text in enumerate(texts)}
    cnf.write_text(rendered(options))
    done = run(root, "my_print_defaults", f"--defaults-file=/{FILE}", "mysqld")
    assert done.returncode == 0, done.stderr
    read = dict(line.removeprefix("--").split("=", 1) for line in done.stdout.split("\n") if line.startswith("--value_"))
    assert read == options
