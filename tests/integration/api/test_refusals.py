# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An impossible request is refused before anything is changed, with the way out."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from integration.api.module import Result, run_module
from integration.api.rights import by_token, role
from integration.api.server import Namespace, Object

Run = Callable[..., Result]
KEYS = ("root-password", "replication-password", "clone-password", "admin-password")


def rule(group: str, resources: str, verbs: str) -> Object:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}


CORE = rule("", "configmaps secrets services serviceaccounts", "get list patch create delete")
PODS = rule("", "pods", "get list")
CLAIMS = rule("", "persistentvolumeclaims", "list")
APPS = rule("apps", "statefulsets", "get list patch create delete")
NETWORK = rule("networking.k8s.io", "networkpolicies", "get list patch create delete")
POLICY = rule("policy", "poddisruptionbudgets", "get list patch create delete")


def test_a_missing_right_is_named(present: Run, namespace: Namespace) -> None:
    reading = {**APPS, "verbs": ["get", "list"]}
    credentials = role(namespace, "reader", CORE, PODS, CLAIMS, reading, NETWORK, POLICY)
    before = namespace.settled()
    for check in (True, False):
        result = present(**credentials, check=check)
        assert result["failed"]
        assert result["status"] == 403
        for word in ("cannot apply StatefulSet mysql", "statefulsets", "reader", "cannot patch", "docs/permissions.md"):
            assert word in result["msg"]
        assert namespace.dump() == before


def test_no_right_at_all(present: Run, namespace: Namespace) -> None:
    result = present(**role(namespace, "nobody"))
    assert "cannot list objects of kind StatefulSet" in result["msg"]
    assert "forbidden" in result["msg"]


def test_wrong_credentials(present: Run, namespace: Namespace) -> None:
    result = present(**by_token(namespace, "some-token"))
    assert result["status"] == 401
    assert "the API server does not accept the credentials (401 Unauthorized)" in result["msg"]
    assert "some-token" not in result.printed


def test_a_certificate_of_somebody_else(present: Run, namespace: Namespace) -> None:
    credentials = {**by_token(namespace, "some-token"), "ca_cert": None}
    result = present(**credentials)
    assert "certificate verify failed" in result["msg"].lower()
    assert "Check ca_cert, client_cert and validate_certs" in result["msg"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_no_api_server(state: str) -> None:
    result = run_module(state=state, host="https://127.0.0.1:9", api_key="some-token")
    assert result["failed"]
    for word in ("no answer from https://127.0.0.1:9", "Connection refused", "kubeconfig, context and host"):
        assert word in result["msg"]


def test_no_such_kubeconfig() -> None:
    result = run_module(kubeconfig="/there/is/none")
    assert result["msg"].startswith("kubeconfig: /there/is/none cannot be used: ")
    assert "K8S_AUTH_KUBECONFIG" in result["msg"]


@pytest.mark.parametrize("content", ["", "{]", "just a text", "apiVersion: v1\nkind: Config\n", "users: 3\n"])
def test_a_kubeconfig_that_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    result = run_module(kubeconfig=str(path))
    assert result["failed"]
    assert result["msg"].startswith(f"kubeconfig: {path} cannot be used: ")


def test_no_such_context(present: Run) -> None:
    result = present(context="there-is-none")
    assert "there-is-none" in result["msg"]
    assert "Set kubeconfig" in result["msg"]


def test_a_certificate_file_that_is_not_there(present: Run, namespace: Namespace) -> None:
    result = present(**{**by_token(namespace, "some-token"), "ca_cert": "/there/is/none.crt"})
    assert result["failed"]
    assert result["msg"] == "ca_cert: there is no file /there/is/none.crt that can be read"


@pytest.mark.usefixtures("server")
def test_no_such_namespace() -> None:
    for check in (True, False):
        result = run_module(namespace="there-is-none", wait=False, check=check)
        assert result["msg"].startswith("namespace: 'there-is-none' does not exist; create it with: kubectl create namespace")
    assert run_module(namespace="there-is-none", state="absent")["changed"] is False


def test_no_such_secret(present: Run, namespace: Namespace) -> None:
    before = namespace.settled()
    result = present(secret_name="passwords")
    assert result["msg"].startswith("secret_name: there is no Secret 'passwords'; create it with the keys root-password, ")
    assert result["option"] == "secret_name"
    assert namespace.dump() == before


def test_a_secret_that_lacks_a_key(present: Run, namespace: Namespace) -> None:
    namespace.create("Secret", "passwords", {"stringData": {"root-password": "a", "admin-password": ""}})
    before = namespace.settled()
    result = present(secret_name="passwords", check=True)
    assert "lacks replication-password, clone-password, admin-password; it needs root-password, " in result["msg"]
    assert namespace.dump() == before


def test_a_secret_of_the_user_is_read_and_never_changed(present: Run, absent: Run, namespace: Namespace) -> None:
    # A certificate in the same Secret is no text, and no concern of ours.
    data = {"ca.der": base64.b64encode(b"\x30\x82\xff\xfe").decode()}
    namespace.create("Secret", "passwords", {"stringData": dict.fromkeys(KEYS, "s3cret"), "data": data})
    before = namespace.live("Secret", "passwords")
    assert present(secret_name="passwords")["changed"]
    assert present(secret_name="passwords")["changes"] == []
    assert "mysql" not in namespace.names("Secret")
    assert absent(secret_name="passwords", delete_data=True)["changed"]
    assert namespace.live("Secret", "passwords") == before


def test_a_secret_whose_password_is_no_text(present: Run, namespace: Namespace) -> None:
    data = {key: base64.b64encode(b"\xff\xfe").decode() for key in KEYS}
    namespace.create("Secret", "passwords", {"data": data})
    result = present(secret_name="passwords")
    assert result["msg"].startswith("secret_name: root-password of Secret 'passwords' ")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"storage_size": "512Mi"}, ["storage_size: 512Mi is less than the 1Gi", "cannot shrink", "Set it to 1Gi or more"]),
        ({"storage_size": "2Gi"}, ["storage_size: 2Gi is more than the 1Gi", "--cascade=orphan"]),
        ({"storage_class": "another"}, ["storage_class: the claims have 'there-is-none'", "'another'", "--cascade=orphan"]),
    ],
)
def test_storage_of_a_living_cluster(present: Run, namespace: Namespace, given: dict[str, str], words: list[str]) -> None:
    present(replicas=1)
    before = namespace.settled()
    for check in (True, False):
        result = present(replicas=1, check=check, **given)
        assert result["failed"]
        assert all(word in result["msg"] for word in words)
        assert namespace.dump() == before


def test_what_the_server_refuses_is_said_before_anything_is_changed(present: Run, namespace: Namespace) -> None:
    """Here not the first of the objects, so that some would be there already."""
    before = namespace.settled()
    result = present(read_service_annotations={"not a key": "x"})
    assert result["failed"]
    assert "cannot apply Service mysql-read: " in result["msg"]
    assert "not a key" in result["msg"]
    assert namespace.dump() == before


def test_a_removal_that_may_not_go_all_the_way_says_how_far_it_went(present: Run, absent: Run, namespace: Namespace) -> None:
    present(replicas=1)
    credentials = role(namespace, "halfway", CORE, PODS, APPS, {**NETWORK, "verbs": ["get", "list"]}, POLICY)
    before = namespace.settled()
    foretold = absent(**credentials, check=True)
    assert namespace.dump() == before
    result = absent(**credentials, wait=False)
    assert "cannot delete NetworkPolicy mysql" in foretold["msg"]
    assert result["msg"] == foretold["msg"]
    assert result["changed"] is True
    assert namespace.get("StatefulSet", "mysql") is None


def test_a_quota_on_objects(present: Run, namespace: Namespace) -> None:
    namespace.create("ResourceQuota", "small", {"spec": {"hard": {"count/statefulsets.apps": "0"}}})
    namespace.settled()
    result = present()
    assert result["failed"]
    assert "cannot apply StatefulSet mysql" in result["msg"]
    assert "exceeded quota: small" in result["msg"]
    assert "Raise the quota" in result["msg"]


WITHOUT_LIBRARY = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "kubernetes":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubemysql.replication.plugins.modules import mysql_cluster

with patch_module_args({"state": sys.argv[1]}):
    mysql_cluster.main()
"""


def without_library(state: str) -> dict[str, t.Any]:
    command = [sys.executable, "-c", WITHOUT_LIBRARY, state]
    environment = {**os.environ, "PYTHONPATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", ".tree")}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    result: dict[str, t.Any] = yaml.safe_load(done.stdout)
    return result


def test_without_the_library_manifests_can_be_rendered() -> None:
    assert len(without_library("rendered")["manifests"]) == 11


@pytest.mark.parametrize("state", ["present", "absent"])
def test_without_the_library_the_failure_names_it(state: str) -> None:
    result = without_library(state)
    assert result["failed"]
    assert "Failed to import the required Python library (kubernetes)" in result["msg"]
