# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rendered manifests against the reviewed ones in tests/golden; ``UPDATE_GOLDEN=1 pytest`` writes them anew."""

from __future__ import annotations

import functools
import json
import os
import typing as t
from pathlib import Path

import kubernetes_validate.utils
import pytest
import yaml
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.manifest import Manifest
from ansible_collections.kubemysql.replication.plugins.module_utils.manifests.bundle import NEWEST_KUBERNETES, Bundle, render
from ansible_collections.kubemysql.replication.plugins.module_utils.spec import Topology
from params import cluster_spec

GOLDEN = Path(__file__).parents[4] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/spec.yml"))
PASSWORDS = {"root-password": "r", "replication-password": "p", "clone-password": "c", "admin-password": "a"}


class Text(str):
    """A string of several lines, written as a block."""


class Dumper(yaml.SafeDumper):
    """Readable diffs: no anchors, texts as blocks."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


Dumper.add_representer(Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|"))


def bundle_of(case: str) -> Bundle:
    given = yaml.safe_load((GOLDEN / case / "spec.yml").read_text()) or {}
    version = given.pop("kubernetes_version", None)
    kubernetes = tuple(map(int, version.split("."))) if version else NEWEST_KUBERNETES
    spec = cluster_spec(**given)
    passwords = None if spec.secret_is_foreign else {**PASSWORDS, **spec.passwords}
    return render(spec, Topology(spec.names.instance(0)), kubernetes=t.cast("tuple[int, int]", kubernetes), passwords=passwords)


def readable(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: readable(below) for key, below in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    return Text(value) if isinstance(value, str) and "\n" in value else value


def mounted(bundle: Bundle, volume: str) -> Manifest:
    """The ConfigMap that a volume of the pod template names."""
    volumes = {each["name"]: each for each in bundle[-1]["spec"]["template"]["spec"]["volumes"]}
    name = volumes[volume]["configMap"]["name"]
    (found,) = [each for each in bundle if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", name)]
    return found


def dump(bundle: Bundle) -> str:
    """YAML of the bundle; the scripts have tests of their own and would drown everything else."""
    scripts = mounted(bundle, "scripts")
    shown = []
    for manifest in bundle:
        if manifest is scripts:
            manifest = {**manifest, "data": dict.fromkeys(manifest["data"], "...")}
        shown.append(readable(manifest))
    text = yaml.dump(shown, Dumper=Dumper, sort_keys=True, width=120)
    name, _dash, digest = scripts["metadata"]["name"].rpartition("-")
    return text.replace(f"{name}-{digest}", f"{name}-DIGEST")


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    path = GOLDEN / case / "manifests.yml"
    rendered = dump(bundle_of(case))
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(rendered)
    assert rendered == path.read_text()


@pytest.mark.parametrize("case", CASES)
def test_twice_the_same_bytes(case: str) -> None:
    assert json.dumps(bundle_of(case)) == json.dumps(bundle_of(case))


@pytest.fixture(autouse=True, scope="module")
def _schemas_read_once() -> t.Iterator[None]:
    """The library parses megabytes of schemas anew for each object; parsing them once saves most of this file's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", functools.cache(kubernetes_validate.utils.schema_contents))
        yield


@pytest.mark.parametrize("case", [case for case in CASES if case != "kubernetes-1.20"])
@pytest.mark.parametrize("schema", [f"1.{minor}" for minor in range(25, 38)])
def test_every_schema_version_accepts_it(case: str, schema: str) -> None:
    for manifest in bundle_of(case):
        kubernetes_validate.validate(manifest, schema, strict=True)


def test_a_misspelt_field_is_noticed() -> None:
    stateful_set = bundle_of("defaults")[-1]
    stateful_set["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(stateful_set, "1.37", strict=True)


@pytest.mark.parametrize("case", CASES)
def test_restricted_pod_security(case: str) -> None:
    """The rules of the level `restricted`: https://kubernetes.io/docs/concepts/security/pod-security-standards/."""
    pod = bundle_of(case)[-1]["spec"]["template"]["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & pod.keys()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    allowed = {"name", "configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim", "downwardAPI"}
    assert all(volume.keys() <= allowed for volume in pod["volumes"])
    for container in [*pod["initContainers"], *pod["containers"]]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        assert not {"privileged", "procMount", "runAsUser"} & security.keys()
        assert all("hostPort" not in port for port in container.get("ports", []))


def test_no_password_in_pods() -> None:
    spec = cluster_spec(root_password="s3cret-root", admin_password="s3cret-admin")
    bundle = render(spec, Topology("mysql-0"), kubernetes=(1, 30), passwords={**PASSWORDS, **spec.passwords})
    others = [manifest for manifest in bundle if manifest["kind"] != "Secret"]
    assert "s3cret" not in yaml.safe_dump_all(others)


def test_scaling_does_not_touch_the_pod_template() -> None:
    three, five = (
        render(cluster_spec(replicas=replicas), Topology("mysql-0"), kubernetes=(1, 30))[-1]["spec"] for replicas in (3, 5)
    )
    assert three["template"] == five["template"]
    assert three["volumeClaimTemplates"] == five["volumeClaimTemplates"]


def test_topology_does_not_touch_the_pod_template() -> None:
    spec = cluster_spec()
    one, other = (
        render(spec, topology, kubernetes=(1, 30))[-1]
        for topology in (Topology("mysql-0"), Topology("mysql-1", "2026-01-01T00:00:00Z"))
    )
    assert one == other


def test_thresholds_do_not_touch_the_pod_template() -> None:
    """The pods read them from a mounted ConfigMap; see `test_max_lag_is_read_live` in tests/scripts."""
    one, other = (
        render(cluster_spec(image="mariadb:11.4", **given), Topology("mysql-0"), kubernetes=(1, 30))
        for given in ({"max_lag": 30}, {"max_lag": 10, "clone_throttle": 5})
    )
    assert one[-1] == other[-1]
    assert mounted(one, "config") == mounted(other, "config")
    before, after = (mounted(bundle, "thresholds")["data"] for bundle in (one, other))
    assert (before["max_lag"], after["max_lag"], after["clone_throttle"]) == ("30", "10", "5")
    assert "clone_throttle" not in before
    changed = render(cluster_spec(image="mariadb:11.4", config={"max_connections": 5}), Topology("mysql-0"), kubernetes=(1, 30))
    assert one[-1] != changed[-1]


def names_of(**given: t.Any) -> dict[str, str]:
    bundle = render(cluster_spec(**given), Topology("mysql-0"), kubernetes=(1, 20))
    return {volume: mounted(bundle, volume)["metadata"]["name"] for volume in ("config", "scripts", "thresholds", "topology")}


def test_another_content_of_what_a_template_depends_on_is_another_object() -> None:
    before, options = names_of(), names_of(config={"max_connections": 5})
    assert options["config"] != before["config"]
    assert {**options, "config": before["config"]} == before
    other_flavour = names_of(image="mariadb:11.4")
    assert other_flavour["scripts"] != before["scripts"]
    # The order in which options are given does not count, nor do values that other objects hold.
    one, two = {"max_connections": 5, "table_open_cache": 9}, {"table_open_cache": 9, "max_connections": 5}
    assert names_of(config=one) == names_of(config=two)
    assert names_of(replicas=5, max_lag=7, pod_labels={"team": "shop"}) == before


def test_what_a_template_depends_on_cannot_be_changed() -> None:
    bundle = bundle_of("defaults")
    immutable = {each["metadata"]["name"] for each in bundle if each.get("immutable")}
    assert immutable == {mounted(bundle, volume)["metadata"]["name"] for volume in ("config", "scripts")}


def test_names_that_begin_as_those_of_a_longer_cluster_do_not_meet() -> None:
    """Each name ends with a word of its own, or with a word and a digest."""
    one, other = (names_of(name=name) for name in ("shop", "shop-config"))
    assert set(one.values()).isdisjoint(other.values())
