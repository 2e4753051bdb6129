# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.entry.session import open_client, open_cluster
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError


def test_the_account_on_loopback_is_refused_for_direct_connections() -> None:
    params = {"connect_timeout": 5, "connection": "direct", "user": "kubemysql_admin"}
    with pytest.raises(SpecError, match=r"user: kubemysql_admin .* port_forward .* account of your own"), open_cluster(params):
        pass


@pytest.mark.parametrize(
    "name", ["K8S_AUTH_PROXY", "K8S_AUTH_PROXY_HEADERS_BASIC_AUTH", "K8S_AUTH_IMPERSONATE_USER", "K8S_AUTH_USERNAME"]
)
def test_settings_of_kubernetes_core_that_are_not_supported_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SpecError, match=f"^{name}: is set, and this collection does not support it"):
        open_client({}, dry_run=True)
