# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster's whole life with the rights that docs/permissions.md lists, and no others."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import yaml
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster_primary, mysql_cluster_verify
from integration.api.module import run_module
from integration.api.rights import role
from integration.api.server import Namespace
from waiting import scaled

DOCUMENT = Path(__file__).parents[3] / "docs" / "permissions.md"
PATIENCE = scaled(120)


def documented_rules() -> list[dict[str, t.Any]]:
    # The rights for an adoption are listed after the others.
    block = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)[0]
    rules: list[dict[str, t.Any]] = yaml.safe_load(block)["rules"]
    return rules


def test_a_wrong_image_is_mended_and_the_cluster_lives_and_goes(namespace: Namespace) -> None:
    options = {"namespace": namespace.name, **role(namespace, "deployer", *documented_rules())}
    wrong = run_module(**options, replicas=2, image="localhost:9/mysql:9.7", wait_timeout=PATIENCE)
    assert "ImagePullBackOff" in wrong["msg"]

    # The replica cannot be ready before the primary, and the controller would wait for the replica.
    right = run_module(**options, replicas=2, wait_timeout=PATIENCE)
    assert not right.get("failed"), right["msg"]

    verified = run_module(module=mysql_cluster_verify, **options, wait_timeout=PATIENCE)
    assert verified["state"] == "healthy", verified
    assert verified["canary"]["arrived"]

    moved = run_module(module=mysql_cluster_primary, **options, action="switchover", wait_timeout=PATIENCE)
    assert (moved.get("failed"), moved["primary"], moved["epoch"]) == (None, "mysql-1", 2), moved
    assert moved.get("warnings", []) == []

    gone = run_module(**options, state="absent", delete_data=True)
    assert not gone.get("failed"), gone["msg"]
    assert namespace.names("PersistentVolumeClaim") == set()
