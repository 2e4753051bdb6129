# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`state: rendered`: manifests that `kubectl apply -f` takes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from integration.api.module import run_module
from integration.api.server import Namespace

KEYS = ("root-password", "replication-password", "clone-password", "admin-password")


@pytest.fixture
def kubectl() -> str:
    home = Path(os.environ.get("KUBEMYSQL_HOME") or Path.home() / ".cache" / "kubemysql")
    found = shutil.which("kubectl", path=f"{home}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip("there is no kubectl on this machine; `make cluster` brings one")
    return found


def test_kubectl_applies_it(namespace: Namespace, kubectl: str, tmp_path: Path) -> None:
    namespace.create("Secret", "passwords", {"stringData": dict.fromkeys(KEYS, "s3cret")})
    version = ".".join(map(str, namespace.server.version))
    options = {"secret_name": "passwords", "storage_class": "there-is-none", "kubernetes_version": version}
    result = run_module(state="rendered", namespace=namespace.name, **options)
    assert result["changed"] is False
    assert result.requests == []
    path = tmp_path / "manifests.yml"
    path.write_text(yaml.safe_dump_all(result["manifests"]))

    # The cluster is the one this tier talks to, whatever the caller's own kubeconfig says.
    environment = {**os.environ, "KUBECONFIG": os.environ["K8S_AUTH_KUBECONFIG"]}
    command = [kubectl, "apply", "-f", str(path)]

    def apply() -> list[str]:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return [line.rpartition(" ")[2] for line in done.stdout.splitlines()]

    assert apply() == ["created"] * len(result["manifests"])
    before = namespace.settled()
    # Of a StatefulSet with claims kubectl always says "configured": the server completes the claims' template, and kubectl
    # takes that for a difference. Nothing is changed all the same.
    assert apply() == ["unchanged"] * (len(result["manifests"]) - 1) + ["configured"]
    assert namespace.dump() == before

    # The module takes such a cluster over as it is. It has to be told so: nothing of it is the module's, and the claims'
    # template is kubectl's.
    options = {"secret_name": "passwords", "storage_class": "there-is-none", "wait": False}
    assert "this collection did not create" in run_module(namespace=namespace.name, **options)["msg"]
    refused = run_module(namespace=namespace.name, adopt=True, **options)
    assert refused["conflicts"] == [".spec.volumeClaimTemplates"]
    adopted = run_module(namespace=namespace.name, adopt=True, force_conflicts=True, **options)
    assert len(adopted["changes"]) == len(result["manifests"])
    changed = {field for change in adopted["changes"] for field in change["fields"]}
    # Manifests cannot draw the id of the cluster.
    assert changed == {"metadata.managedFields", "data.cluster"}
    assert run_module(namespace=namespace.name, **options)["changes"] == []


def test_no_credentials_are_looked_for() -> None:
    result = run_module(state="rendered", kubeconfig="/there/is/none", host=None)
    assert len(result["manifests"]) == 11
    assert "Secret" not in {manifest["kind"] for manifest in result["manifests"]}
