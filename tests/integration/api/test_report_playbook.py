# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``playbooks/report-mysql.yml`` as somebody calls it, from a folder of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.api.module import Result, run_module
from integration.api.server import Namespace

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbooks" / "report-mysql.yml"
Report = Callable[..., str]


@pytest.fixture
def report(namespace: Namespace, tmp_path: Path) -> Report:
    """Run the playbook and return what it printed."""

    def run(*arguments: str) -> str:
        command = ["ansible-playbook", str(PLAYBOOK), "-e", f"mysql_cluster_namespace={namespace.name}", *arguments]
        done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def test_a_cluster_that_never_started(
    report: Report, present: Callable[..., Result], namespace: Namespace, tmp_path: Path
) -> None:
    present(replicas=2)
    page = tmp_path / "mysql-report.html"
    before = namespace.settled()
    assert f"The page: {page}" in report("--check")
    assert not page.exists()
    assert f"The page: {page}" in report()
    assert namespace.dump() == before
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o644
    assert f"<title>incomplete: MySQL cluster mysql in {namespace.name}</title>" in text
    assert text.count("mysql-1") > 1


def test_a_cluster_that_replicates(report: Report, namespace: Namespace, tmp_path: Path) -> None:
    deployed = run_module(namespace=namespace.name, replicas=2)
    assert not deployed.get("failed"), deployed
    assert "The cluster is healthy" in report("-e", "mysql_report_path=pages.html")
    text = (tmp_path / "pages.html").read_text(encoding="utf-8")
    assert f"<title>healthy: MySQL cluster mysql in {namespace.name}</title>" in text
    assert "mysql-0.mysql:3306" in text
    assert 'class="runs"' in text
    assert f"mysql-primary.{namespace.name}.svc:3306" in text
    assert text.count("restarts: 0") == 2
