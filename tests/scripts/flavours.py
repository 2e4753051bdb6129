# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two servers, as far as they differ for those who start pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Servers that are small and quick; nothing here survives a power cut, and nothing has to.
SMALL: Mapping[str, object] = {
    "innodb_buffer_pool_size": "16M",
    "innodb_doublewrite": "OFF",
    "table_open_cache": 200,
    "max_connections": 30,
}
SMALL_MYSQL = {
    **SMALL,
    "innodb_redo_log_capacity": "8M",
    "innodb_log_buffer_size": "1M",
    "innodb_undo_log_truncate": "OFF",
    "replica_parallel_workers": 2,
}
SMALL_MARIADB = {**SMALL, "innodb_log_file_size": "8M"}


@dataclass(frozen=True)
class Flavour:
    """The differences between the two servers. ``server`` and ``client`` are programs; ``version`` is the image's tag."""

    name: str
    version: str
    config: Mapping[str, object]
    server: str
    client: str
    peer_tls: tuple[str, ...]
    local_tls: tuple[str, ...] = ()


MYSQL = Flavour("mysql", "9.7", SMALL_MYSQL, "mysqld", "mysql", ("--ssl-mode=REQUIRED",))
MARIADB = Flavour("mariadb", "10.11", SMALL_MARIADB, "mariadbd", "mariadb", ("--ssl",), ("--skip-ssl",))
