# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod gets the scripts that it uses: none is missing, none is too many."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.manifests.bundle import render
from ansible_collections.kubemysql.replication.plugins.module_utils.pod_scripts.embedded import SCRIPTS
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from params import cluster_spec

# All pods', those of either way to clone, and those of a backup tool in an image of its own.
COMMON = {
    "lib-acknowledge.sh",
    "lib-accounts.sh",
    "lib-client.sh",
    "lib-clone.sh",
    "lib-common.sh",
    "lib-configure.sh",
    "lib-constants.sh",
    "lib-coordinates.sh",
    "lib-epoch.sh",
    "lib-handover.sh",
    "lib-peers.sh",
    "lib-primary.sh",
    "lib-readiness.sh",
    "lib-reconcile.sh",
    "lib-replica.sh",
    "run-initdb-accounts.sh",
    "run-liveness.sh",
    "run-mysqld.sh",
    "run-pre-stop.sh",
    "run-provision.sh",
    "run-replication.sh",
}
STREAM = {"lib-certificate.sh", "lib-clone-stream.sh", "lib-stream.sh", "run-donor-session.sh", "run-donor.sh"}
MYSQL = {"dialect-mysql.sh", "lib-lag.sh"}
CASES = {
    "mysql": ({"image": "mysql:9.7"}, COMMON | MYSQL | {"lib-clone-plugin.sh"}),
    "mysql 5.7": (
        {"image": "mysql:5.7", "xtrabackup_image": "percona/percona-xtrabackup:2.4"},
        COMMON | STREAM | MYSQL | {"run-clone-stream.sh"},
    ),
    "mariadb": ({"image": "mariadb:11.4"}, COMMON | STREAM | {"dialect-mariadb.sh"}),
}


def rendered(case: str) -> tuple[dict[str, str], str]:
    """The data of the ConfigMap with the scripts, and the pod template as text."""
    spec = cluster_spec(**CASES[case][0])
    bundle = render(spec, Topology("mysql-0"), kubernetes=(1, 30))
    (scripts,) = (each["data"] for each in bundle if each["metadata"]["name"].startswith(spec.names.scripts("")))
    return scripts, json.dumps(bundle[-1]["spec"]["template"])


@pytest.mark.parametrize("case", CASES)
def test_each_cluster_gets_its_scripts_and_no_others(case: str) -> None:
    scripts, _template = rendered(case)
    assert scripts.keys() == CASES[case][1]
    assert all(scripts[name] == SCRIPTS[name] for name in scripts)


@pytest.mark.parametrize("case", CASES)
def test_every_file_that_is_sourced_or_run_is_there(case: str) -> None:
    """By the path in the pod, with the variables that the template sets."""
    scripts, template = rendered(case)
    variables = dict(re.findall(r'"name": "(FLAVOUR|CLONE_METHOD)", "value": "(\w+)"', template))
    assert len(variables) == 2
    named = re.findall(r'"subPath": "([^"]+)"', template)
    for text in (template, *scripts.values()):
        for path in re.findall(r"/kubemysql/scripts/([^\s\"]+)", text):
            named.append(re.sub(r"\$(\w+)", lambda match: variables[match[1]], path))
    assert set(named) == scripts.keys()


def test_no_script_is_left_over() -> None:
    assert {name for _options, names in CASES.values() for name in names} == SCRIPTS.keys()


def test_scripts_are_embedded_without_comments() -> None:
    """An edited comment must not change the checksum in the pod template, which restarts every database."""
    for name, text in SCRIPTS.items():
        first, *others = text.splitlines()
        assert first == "#!/usr/bin/env bash"
        assert not [line for line in others if line.lstrip().startswith("#")], name
