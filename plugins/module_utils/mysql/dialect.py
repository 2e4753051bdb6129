# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements by server version. The words master and slave are spelled here and nowhere else.

A statement that changed its name has one row per name in ``_SPELLINGS``, newest first; a server takes the first row
that is not newer than itself. Statements select columns under the collection's own names; only the columns of the status
statement, which the server names itself, have to be translated.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ..constants import OWN_SCHEMA
from .lag import LAG_SQL
from .query import Query
from .version import Flavour, ServerVersion

__all__ = ["Dialect", "Statement"]

Statement = t.Literal[
    "replica_status",
    "list_replicas",
    "instance",
    "conditions",
    "clone_state",
    "applier",
    "history",
    "wait_for_executed",
    "log_position",
    "wait_for_position",
    "anonymous_transactions",
    "set_gtid_consistency",
    "set_gtid_mode",
    "read_only",
    "set_lock_wait_timeout",
    "set_read_only_off",
    "set_read_only_on",
    "set_read_only_super",
    "client_sessions",
    "kill_session",
    "prepared_transactions",
    "stop_replica",
    "start_replica",
    "reset_replica",
    "change_source",
    "rotate_binary_log",
    "writing_sessions",
    "lock",
    "newest_epoch",
    "record_epoch",
]

# Everything about an instance in one round trip. Names that a server does not know are left out of its own row.
_INSTANCE_MYSQL = """
SELECT @@global.version AS version, @@global.server_id AS server_id, @@global.server_uuid AS server_uuid,
  @@global.read_only AS read_only, @@global.super_read_only AS super_read_only, @@global.log_bin AS log_bin,
  @@global.report_host AS report_host, @@global.gtid_mode AS gtid_mode, @@global.gtid_executed AS gtid_executed,
  @@global.gtid_purged AS gtid_purged, NULL AS gtid_state, NULL AS gtid_position, CURRENT_USER() AS account,
  UNIX_TIMESTAMP(NOW(6)) AS now
"""
_INSTANCE_MARIADB = """
SELECT @@global.version AS version, @@global.server_id AS server_id, NULL AS server_uuid,
  @@global.read_only AS read_only, NULL AS super_read_only, @@global.log_bin AS log_bin,
  @@global.report_host AS report_host, NULL AS gtid_mode, NULL AS gtid_executed,
  NULL AS gtid_purged, @@global.gtid_binlog_state AS gtid_state, @@global.gtid_binlog_pos AS gtid_position,
  CURRENT_USER() AS account, UNIX_TIMESTAMP(NOW(6)) AS now
"""

# Conditions that can become a problem. The certificate's end is English text, in UTC. The pod reports the volume in user
# variables of the session that checks readiness: see pod_scripts/lib-readiness.sh. A commit that waits for a replica is found
# by its state, since counters do not distinguish one that hangs from many that take turns. The clone plugin is detected by a
# variable of its own: reading the list of plugins needs a temporary table on disk, and a full volume has no room for it.
_TOLD_BY_POD = """
  (SELECT MAX(CAST(CAST(variable_value AS CHAR) AS DECIMAL(30))) FROM performance_schema.user_variables_by_thread
    WHERE variable_name = 'kubemysql_volume_size') AS volume_size,
  (SELECT MAX(CAST(CAST(variable_value AS CHAR) AS DECIMAL(30))) FROM performance_schema.user_variables_by_thread
    WHERE variable_name = 'kubemysql_volume_free') AS volume_free"""
_CERTIFICATE = "TIMESTAMPDIFF(SECOND, '1970-01-01', STR_TO_DATE(variable_value, '%%b %%e %%H:%%i:%%s %%Y GMT'))"
_CONDITIONS_MYSQL = f"""
SELECT (SELECT {_CERTIFICATE} FROM performance_schema.global_status
    WHERE variable_name = 'Ssl_server_not_after') AS certificate_until,
  (SELECT MAX(processlist_time) FROM performance_schema.threads
    WHERE processlist_state LIKE 'Waiting for semi-sync ACK%%') AS semi_sync_wait,
  (SELECT COUNT(*) FROM performance_schema.global_variables WHERE variable_name = 'clone_max_concurrency') AS cloning,
  {_TOLD_BY_POD}
"""  # noqa: S608 - made of constants
_CONDITIONS_MARIADB = f"""
SELECT (SELECT {_CERTIFICATE} FROM information_schema.global_status
    WHERE variable_name = 'Ssl_server_not_after') AS certificate_until,
  (SELECT MAX(time) FROM information_schema.processlist WHERE state LIKE 'Waiting for semi-sync ACK%%') AS semi_sync_wait,
  0 AS cloning,
  {_TOLD_BY_POD}
"""  # noqa: S608 - made of constants

# The unnamed channel, the only one that this collection sets up. Where a time is zero there is none.
_APPLIER = f"""
SELECT
  (SELECT seconds FROM ({LAG_SQL}) delay WHERE channel_name = '') AS lag_seconds,
  connection.last_received_at, worker.error, connection.failed_at AS receiver_failed_at, worker.failed_at AS applier_failed_at,
  UNIX_TIMESTAMP(NOW(6)) AS now
FROM (
  SELECT MAX(NULLIF(UNIX_TIMESTAMP(LAST_QUEUED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP), 0)) AS last_received_at,
    MAX(NULLIF(UNIX_TIMESTAMP(LAST_ERROR_TIMESTAMP), 0)) AS failed_at
  FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = '') AS connection
CROSS JOIN (
  SELECT MAX(NULLIF(LAST_ERROR_MESSAGE, '')) AS error, MAX(NULLIF(UNIX_TIMESTAMP(LAST_ERROR_TIMESTAMP), 0)) AS failed_at
  FROM performance_schema.replication_applier_status_by_worker WHERE CHANNEL_NAME = '') AS worker
"""  # noqa: S608 - made of constants

_ANONYMOUS = """
SELECT CAST(variable_value AS UNSIGNED) AS ongoing FROM performance_schema.global_status
WHERE variable_name = 'Ongoing_anonymous_transaction_count'
"""

# Clients are known by the name of their thread: a replica's own threads have the user who started them. An autocommitted
# statement is a transaction as long as it runs. `untracked`: the server does not record transactions.
# information_schema.innodb_trx would need a temporary table on disk, and a full volume has no room for it.
_SESSIONS_MYSQL = """
SELECT thread.processlist_id AS id, thread.processlist_user AS user, thread.processlist_host AS host,
  thread.processlist_command AS command, thread.processlist_time AS seconds,
  FLOOR(trx.timer_wait / 1000000000000) AS transaction_seconds,
  (SELECT COUNT(*) FROM performance_schema.setup_consumers
    WHERE name IN ('events_transactions_current', 'thread_instrumentation', 'global_instrumentation') AND enabled = 'NO')
    + (SELECT COUNT(*) FROM performance_schema.setup_instruments
      WHERE name = 'transaction' AND (enabled = 'NO' OR timed = 'NO')) AS untracked
FROM performance_schema.threads thread
LEFT JOIN performance_schema.events_transactions_current trx ON trx.thread_id = thread.thread_id AND trx.state = 'ACTIVE'
WHERE (thread.name = 'thread/sql/one_connection' OR thread.name LIKE 'thread/thread_pool/%%')
  AND thread.processlist_id <> CONNECTION_ID() AND thread.processlist_user IS NOT NULL
  AND thread.processlist_command NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
"""
# The begin of a transaction is in the time zone of the server's machine, whatever that of the session is.
_SESSIONS_MARIADB = """
SELECT thread.id, thread.user, thread.host, thread.command, thread.time AS seconds, 0 AS untracked,
  TIMESTAMPDIFF(SECOND, trx.trx_started, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM')) AS transaction_seconds
FROM information_schema.processlist thread
LEFT JOIN information_schema.innodb_trx trx ON trx.trx_mysql_thread_id = thread.id
WHERE thread.id <> CONNECTION_ID() AND thread.user NOT IN ('system user', 'event_scheduler', 'unauthenticated user')
  AND thread.command NOT IN ('Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker')
"""

# A statement that writes holds this lock until it ends, and nobody can close the server for writes meanwhile.
_WRITING = """
SELECT DISTINCT thread.processlist_id AS id, thread.processlist_user AS user, thread.processlist_host AS host,
  thread.processlist_command AS command, thread.processlist_time AS seconds, NULL AS transaction_seconds
FROM performance_schema.metadata_locks locks
JOIN performance_schema.threads thread ON thread.thread_id = locks.owner_thread_id
WHERE locks.object_type = 'GLOBAL' AND locks.lock_type = 'INTENTION_EXCLUSIVE' AND locks.lock_status = 'GRANTED'
  AND thread.processlist_id IS NOT NULL AND thread.processlist_id <> CONNECTION_ID()
"""
_LOCK = "SELECT GET_LOCK(%s, 0) AS locked"
# The table and its columns: see pod_scripts/lib-epoch.sh.
_NEWEST_EPOCH = f"SELECT epoch, primary_name FROM {OWN_SCHEMA}.epochs ORDER BY epoch DESC LIMIT 1"  # noqa: S608 - a constant
_RECORD_EPOCH = (
    f"INSERT INTO {OWN_SCHEMA}.epochs (epoch, primary_name, began_at, reason) "  # noqa: S608 - a constant
    "VALUES (%s, %s, UTC_TIMESTAMP(6), %s)"
)

# As the pods connect their replicas: see pod_scripts/dialect-….sh.
_CHANGE_SOURCE = """
CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_PORT = %s, SOURCE_USER = %s, SOURCE_PASSWORD = %s,
  SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 2,
  SOURCE_RETRY_COUNT = 4294967295
"""
_CHANGE_MASTER_80 = _CHANGE_SOURCE.replace("REPLICATION SOURCE", "MASTER").replace("SOURCE_", "MASTER_")
_CHANGE_MASTER_57 = _CHANGE_MASTER_80.replace("GET_MASTER_PUBLIC_KEY = 1, ", "")
# Without the demotion a former primary would ask for transactions that it has itself.
_CHANGE_MASTER_MARIADB = """
CHANGE MASTER TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = %s, MASTER_PASSWORD = %s,
  MASTER_USE_GTID = slave_pos, MASTER_DEMOTE_TO_SLAVE = 1, MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 0,
  MASTER_CONNECT_RETRY = 2
"""

_Rows: t.TypeAlias = "tuple[tuple[tuple[int, int, int], str | None], ...]"

# The oldest version that has each spelling, as MySQL Shell and command_resolver of community.mysql have it.
_SPELLINGS: Mapping[Flavour, Mapping[Statement, _Rows]] = {
    "mysql": {
        "replica_status": (((8, 0, 22), "SHOW REPLICA STATUS"), ((5, 7, 0), "SHOW SLAVE STATUS")),
        "list_replicas": (((8, 0, 22), "SHOW REPLICAS"), ((5, 7, 0), "SHOW SLAVE HOSTS")),
        "instance": (((5, 7, 8), _INSTANCE_MYSQL),),
        "conditions": (((5, 7, 8), _CONDITIONS_MYSQL),),
        "clone_state": (
            ((8, 0, 17), "SELECT state FROM performance_schema.clone_status WHERE destination = 'LOCAL INSTANCE'"),
            ((5, 7, 0), None),
        ),
        "applier": (((8, 0, 1), _APPLIER), ((5, 7, 0), None)),
        "history": (((5, 7, 0), "SELECT @@global.gtid_executed AS gtid_executed, NULL AS gtid_state"),),
        "wait_for_executed": (((5, 7, 5), "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s) AS timed_out"),),
        "log_position": (((8, 2, 0), "SHOW BINARY LOG STATUS"), ((5, 7, 0), "SHOW MASTER STATUS")),
        "wait_for_position": (
            ((8, 0, 26), "SELECT SOURCE_POS_WAIT(%s, %s, %s) AS events"),
            ((5, 7, 0), "SELECT MASTER_POS_WAIT(%s, %s, %s) AS events"),
        ),
        "anonymous_transactions": (((5, 7, 6), _ANONYMOUS),),
        "set_gtid_consistency": (((5, 7, 6), "SET GLOBAL enforce_gtid_consistency = %s"),),
        "set_gtid_mode": (((5, 7, 6), "SET GLOBAL gtid_mode = %s"),),
        "read_only": (((5, 7, 8), "SELECT @@global.read_only AS read_only, @@global.super_read_only AS super_read_only"),),
        "set_lock_wait_timeout": (((5, 7, 0), "SET SESSION lock_wait_timeout = %s"),),
        # Each of the two variables takes the other one along.
        "set_read_only_off": (((5, 7, 8), "SET GLOBAL read_only = OFF"),),
        "set_read_only_on": (((5, 7, 8), "SET GLOBAL read_only = ON, GLOBAL super_read_only = OFF"),),
        "set_read_only_super": (((5, 7, 8), "SET GLOBAL super_read_only = ON"),),
        "client_sessions": (((5, 7, 0), _SESSIONS_MYSQL),),
        "kill_session": (((5, 7, 0), "KILL %s"),),
        "prepared_transactions": (((5, 7, 5), "XA RECOVER CONVERT XID"),),
        "stop_replica": (((8, 0, 22), "STOP REPLICA"), ((5, 7, 0), "STOP SLAVE")),
        "start_replica": (((8, 0, 22), "START REPLICA"), ((5, 7, 0), "START SLAVE")),
        "reset_replica": (((8, 0, 22), "RESET REPLICA ALL"), ((5, 7, 0), "RESET SLAVE ALL")),
        "change_source": (((8, 0, 23), _CHANGE_SOURCE), ((8, 0, 4), _CHANGE_MASTER_80), ((5, 7, 0), _CHANGE_MASTER_57)),
        "rotate_binary_log": (((5, 7, 0), "FLUSH BINARY LOGS"),),
        "writing_sessions": (((5, 7, 3), _WRITING),),
        "lock": (((5, 7, 5), _LOCK),),
        "newest_epoch": (((5, 7, 0), _NEWEST_EPOCH),),
        "record_epoch": (((5, 7, 0), _RECORD_EPOCH),),
    },
    "mariadb": {
        "replica_status": (((10, 5, 1), "SHOW REPLICA STATUS"), ((10, 0, 0), "SHOW SLAVE STATUS")),
        "list_replicas": (((10, 5, 1), "SHOW REPLICA HOSTS"), ((10, 0, 0), "SHOW SLAVE HOSTS")),
        "instance": (((10, 0, 0), _INSTANCE_MARIADB),),
        "conditions": (((10, 5, 2), _CONDITIONS_MARIADB),),
        "clone_state": (((10, 0, 0), None),),
        "applier": (((10, 0, 0), None),),
        "history": (((10, 0, 5), "SELECT NULL AS gtid_executed, @@global.gtid_binlog_state AS gtid_state"),),
        "wait_for_executed": (((10, 0, 9), "SELECT MASTER_GTID_WAIT(%s, %s) AS timed_out"),),
        # Every transaction of MariaDB's has a GTID.
        "log_position": (((10, 0, 0), None),),
        "wait_for_position": (((10, 0, 0), None),),
        "anonymous_transactions": (((10, 0, 0), None),),
        "set_gtid_consistency": (((10, 0, 0), None),),
        "set_gtid_mode": (((10, 0, 0), None),),
        "read_only": (((10, 0, 0), "SELECT @@global.read_only AS read_only, NULL AS super_read_only"),),
        "set_lock_wait_timeout": (((10, 0, 0), "SET SESSION lock_wait_timeout = %s"),),
        "set_read_only_off": (((10, 0, 0), "SET GLOBAL read_only = OFF"),),
        "set_read_only_on": (((10, 0, 0), "SET GLOBAL read_only = ON"),),
        "set_read_only_super": (((10, 0, 0), "SET GLOBAL read_only = ON"),),
        "client_sessions": (((10, 0, 0), _SESSIONS_MARIADB),),
        "kill_session": (((10, 0, 0), "KILL %s"),),
        "prepared_transactions": (((10, 3, 3), "XA RECOVER FORMAT = 'SQL'"),),
        "stop_replica": (((10, 5, 1), "STOP REPLICA"), ((10, 0, 0), "STOP SLAVE")),
        "start_replica": (((10, 5, 1), "START REPLICA"), ((10, 0, 0), "START SLAVE")),
        "reset_replica": (((10, 5, 1), "RESET REPLICA ALL"), ((10, 0, 0), "RESET SLAVE ALL")),
        "change_source": (((10, 10, 1), _CHANGE_MASTER_MARIADB),),
        "rotate_binary_log": (((10, 0, 0), "FLUSH BINARY LOGS"),),
        # Known by a plugin only.
        "writing_sessions": (((10, 0, 0), None),),
        "lock": (((10, 0, 2), _LOCK),),
        "newest_epoch": (((10, 0, 0), _NEWEST_EPOCH),),
        "record_epoch": (((10, 0, 0), _RECORD_EPOCH),),
    },
}

# Old column names of the status statement, or their beginnings, and the names since 8.0.22.
_OLD_PREFIXES = (
    ("Seconds_Behind_Master", "Seconds_Behind_Source"),
    ("Relay_Master_Log_File", "Relay_Source_Log_File"),
    ("Read_Master_Log_Pos", "Read_Source_Log_Pos"),
    ("Exec_Master_Log_Pos", "Exec_Source_Log_Pos"),
    ("Get_master_public_key", "Get_Source_public_key"),
    ("Master_", "Source_"),
    ("Slave_", "Replica_"),
)


@dataclass(frozen=True)
class Dialect:
    """The statements and column names of a server of this version."""

    version: ServerVersion

    def query(self, statement: Statement, *args: str | float) -> Query | None:
        """The statement as this version spells it; None if it has no such statement."""
        for since, sql in _SPELLINGS[self.version.flavour][statement]:
            if self.version.at_least(*since):
                return None if sql is None else Query(sql, args)
        return None

    def status_column(self, column: str) -> str:
        """The newest name of a column of the status statement."""
        for old, new in _OLD_PREFIXES:
            if column.startswith(old):
                return new + column[len(old) :]
        return column
