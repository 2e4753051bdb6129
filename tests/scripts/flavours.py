# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two servers, as far as they differ for those who start pods."""

from __future__ import annotations

from dataclasses import dataclass

BASE_CNF = """\
[mysqld]
datadir = /volume/mysql
socket = /var/run/mysqld/mysqld.sock
gtid_mode = ON
enforce_gtid_consistency = ON
log_bin = binlog
relay_log = relay-bin
skip_replica_start = ON
skip_name_resolve = ON
plugin_load_add = mysql_clone.so
mysqlx = OFF
innodb_redo_log_capacity = 8M
innodb_buffer_pool_size = 16M
innodb_log_buffer_size = 1M
innodb_doublewrite = OFF
innodb_undo_log_truncate = OFF
table_open_cache = 200
max_connections = 30
replica_parallel_workers = 2
"""
MARIADB_CNF = """\
[mysqld]
datadir = /volume/mysql
socket = /var/run/mysqld/mysqld.sock
gtid_domain_id = 0
gtid_strict_mode = ON
log_bin = binlog
log_slave_updates = ON
binlog_format = ROW
relay_log = relay-bin
skip_slave_start = ON
skip_name_resolve = ON
innodb_log_file_size = 8M
innodb_buffer_pool_size = 16M
innodb_doublewrite = OFF
table_open_cache = 200
max_connections = 30
"""


@dataclass(frozen=True)
class Flavour:
    """What differs between the two servers; ``programs`` are the server's and the client's."""

    name: str
    clone_method: str
    cnf: str
    server: str
    client: str
    peer_tls: tuple[str, ...]
    local_tls: tuple[str, ...] = ()


MYSQL = Flavour("mysql", "clone_plugin", BASE_CNF, "mysqld", "mysql", ("--ssl-mode=REQUIRED",))
MARIADB = Flavour("mariadb", "xtrabackup", MARIADB_CNF, "mariadbd", "mariadb", ("--ssl",), ("--skip-ssl",))
