# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make cluster` with the provider kind ends with a cluster that can be used, whatever it finds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import eventually, scaled

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ["KUBEMYSQL_HOME"])
Note = dict[str, Any]


def bring_up(**environment: str) -> Note:
    """Run what `make cluster` runs. Return the note of the cluster that is up then, each of whose nodes is ready."""
    command = ["ansible-playbook", "molecule/shared/cluster-up.yml"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(600),
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert ready_nodes(), "a node is not ready"
    note: Note = json.loads((HOME / "local-cluster.json").read_text(encoding="utf-8"))
    return note


def ready_nodes() -> list[str]:
    """The names of all nodes, or none if one of them is not ready."""
    command = [HOME / "kubectl", f"--kubeconfig={HOME / 'kubeconfig'}", "get", "nodes", "--output=json"]
    items = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["items"]
    states = [
        condition["status"] for node in items for condition in node["status"]["conditions"] if condition["type"] == "Ready"
    ]
    return [node["metadata"]["name"] for node in items] if set(states) == {"True"} else []


@pytest.fixture
def note() -> Iterator[Note]:
    """A kind cluster that can be used, before and after."""
    if os.environ.get("KUBEMYSQL_PROVIDER") != "kind":
        pytest.skip("needs KUBEMYSQL_PROVIDER=kind; `make test-kind ONLY=local_cluster` gives it")
    yield bring_up()
    assert bring_up()["provider"] == "kind"


def engine(note: Note, *arguments: str) -> str:
    return subprocess.run([note["docker"], *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def containers(note: Note) -> list[str]:
    return [node["container"] for node in note["nodes"]]


def identities(note: Note) -> list[str]:
    return engine(note, "inspect", "--format={{.Id}}", *containers(note)).split()


@pytest.mark.parametrize("fault", ["pause", "kill"])
def test_nodes_that_do_not_run_are_started(note: Note, fault: str) -> None:
    """The same nodes, with all that is on them."""
    before = identities(note)
    engine(note, fault, *containers(note))
    assert identities(bring_up()) == before


def test_a_cluster_whose_creation_was_interrupted_is_made_anew(note: Note) -> None:
    plane = containers(note)[0]
    image = engine(note, "inspect", "--format={{.Config.Image}}", plane).strip()
    environment = {**os.environ, "PATH": f"{Path(note['docker']).parent}{os.pathsep}{os.environ['PATH']}"}
    same = [f"--name={note['cluster']}", f"--kubeconfig={HOME / 'kubeconfig'}"]
    subprocess.run([note["kind"], "delete", "cluster", *same], env=environment, check=True)
    with subprocess.Popen(
        [note["kind"], "create", "cluster", *same, f"--config={HOME / 'kind.yml'}", f"--image={image}"], env=environment
    ) as creation:
        eventually("the first node", lambda: plane in engine(note, "ps", "--format={{.Names}}").split())
        creation.kill()
    assert sorted(containers(bring_up())) == sorted(containers(note))


def test_one_provider_takes_the_place_of_the_other(note: Note) -> None:
    native = bring_up(KUBEMYSQL_PROVIDER="native")
    assert native["provider"] == "native"
    assert len(ready_nodes()) == 1
    again = bring_up()
    assert again["provider"] == "kind"
    assert len(ready_nodes()) == len(note["nodes"])


def test_auto_falls_back_to_native_where_the_node_image_cannot_be_pulled(note: Note, tmp_path: Path) -> None:
    """With an engine and a kind that are there already, and no registry: our engine plays that of somebody else.

    Its client becomes a link to the one here. Another content has it written again with the next engine of ours.
    """
    if not note["loads_images"]:
        pytest.skip("the engine here has a registry")
    client = tmp_path / "docker"
    shutil.copy(note["docker"], client)
    client.write_text(f"{client.read_text(encoding='utf-8')}# a copy\n", encoding="utf-8")
    for name, program in {"kind": shutil.which(note["kind"]), "kubectl": HOME / "kubectl"}.items():
        assert program is not None
        (tmp_path / name).symlink_to(Path(program).resolve())
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert bring_up(KUBEMYSQL_PROVIDER="auto", DOCKER_HOST=note["docker_host"], PATH=path)["provider"] == "native"
