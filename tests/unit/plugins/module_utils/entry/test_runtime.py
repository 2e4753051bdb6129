# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.kubemysql.replication.plugins.module_utils.entry.runtime import SystemRuntime


def test_generated_passwords_satisfy_the_usual_policies() -> None:
    runtime = SystemRuntime()
    passwords = {runtime.password() for _round in range(200)}
    assert len(passwords) == 200
    for password in passwords:
        assert re.fullmatch(r"[A-Za-z0-9._-]{24}", password)
        assert all(re.search(wanted, password) for wanted in ("[a-z]", "[A-Z]", "[0-9]", "[-._]"))
