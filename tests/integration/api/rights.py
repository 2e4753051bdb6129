# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts with some rights and no others."""

from __future__ import annotations

import typing as t

from integration.api.server import Namespace, Object

__all__ = ["by_token", "role"]


def role(namespace: Namespace, name: str, *rules: Object) -> dict[str, t.Any]:
    """Credentials of an account with these rules, as options of the module."""
    namespace.create("ServiceAccount", name, {})
    namespace.create("Role", name, {"rules": list(rules)})
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace.name}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    namespace.create("RoleBinding", name, {"roleRef": reference, "subjects": [subject]})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": None}}
    answer = namespace.server.request("POST", namespace.path("ServiceAccount", name) + "/token", request)
    return by_token(namespace, answer["status"]["token"])


def by_token(namespace: Namespace, token: str) -> dict[str, t.Any]:
    configuration = namespace.server.configuration
    return {"host": configuration.host, "ca_cert": configuration.ssl_ca_cert, "api_key": token}
