# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides by copy and paste: what they say to do works, and does what they say."""

from __future__ import annotations

import re
from pathlib import Path

from integration.guides.reader import Reader


def test_the_first_deployment_and_the_applications_that_connect(reader: Reader) -> None:
    deployed = reader.follow("first-deploy", "Deploy", "Use it")
    assert re.search(r"mysql-2 +replica +ok", deployed)
    assert "1\ta first order" in deployed
    changed = reader.follow("first-deploy", "Change it", "Look after it")
    asked, ran = re.findall(r"^localhost +: .* changed=(\d)", changed, re.MULTILINE)
    assert (asked, ran) == ("1", "1")
    assert "max_connections = 300" in changed
    connected = reader.follow("connecting")
    assert "writes_go_to\t@@read_only\nmysql-0\t0\n" in connected
    assert len(re.findall(r"^mysql-\d\t[01]$", connected, re.MULTILINE)) == 1 + 5
    moved = reader.follow("switchover")
    assert moved.count('"primary": "mysql-1"') == 3 and '"state": "healthy"' in moved
    assert [line for line in moved.splitlines() if "+data.primary: mysql-1" in line]
    reader.follow("first-deploy", "Take it down")
    assert not reader.skipped


def test_manifests_that_somebody_else_applies(reader: Reader, tmp_path: Path) -> None:
    reader.give("kubectl create namespace shop")
    followed = reader.follow("gitops")
    assert "statefulset.apps/mysql serverside-applied" in followed
    assert followed.endswith("}\n") and '"state": "healthy"' in followed
    first = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.yaml"))}
    assert len(first) == 11
    # Objects for controllers that are not here.
    assert [re.findall("^kind: (.*)", block.text, re.MULTILINE) for block in reader.skipped] == [
        ["Application"],
        ["Kustomization"],
    ]
    reader.follow("gitops", "Render")
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.yaml"))} == first


def test_an_image_of_another_registry(reader: Reader, tmp_path: Path) -> None:
    """As far as one comes without the registry."""
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"auths": {}}')
    reader.give("kubectl create namespace shop")
    followed = reader.follow("private-registry")
    assert "secret/registry-credentials created" in followed
    assert '"image": "registry.example.com:5000/mirror/mysql:8.4"' in followed
