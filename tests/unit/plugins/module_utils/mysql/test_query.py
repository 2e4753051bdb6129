# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.query import Query, identifier


@pytest.mark.parametrize(("name", "quoted"), [("plain", "`plain`"), ("a`b", "`a``b`"), ("50%", "`50%%`"), ("ü x", "`ü x`")])
def test_identifier(name: str, quoted: str) -> None:
    assert identifier(name) == quoted


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_no_identifier(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        identifier(name)


def test_arguments_never_show() -> None:
    query = Query("SELECT %s,\n   7 %% 4", ("secret-word",))
    assert "secret-word" not in repr(query) + str(query) + query.masked
    assert query.masked == "SELECT %s, 7 % 4"
