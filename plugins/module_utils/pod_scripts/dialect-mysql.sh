#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is said to MySQL. Sourced by lib.sh; dialect-mariadb.sh has the same functions and constants for MariaDB.

# Results and constants are for those who source lib.sh.
# shellcheck disable=SC2034

readonly CLIENT=mysql
readonly SERVER_PROGRAM=mysqld
# The session of readiness.sh: MySQL's question has one row.
readonly SESSION_COLUMNS=--skip-column-names
readonly LOCAL_TLS=()
readonly PEER_TLS=(--ssl-mode=REQUIRED)
# What keeps everybody from writing, and what the server is started with for that.
readonly READ_ONLY_VARIABLE=super_read_only
readonly READ_ONLY_ARGUMENTS=(--read-only=ON --super-read-only=ON)
# A server with a replica connected takes ten seconds to shut down, since it waits for the thread that feeds it. Lasts until
# the server ends, and lets nobody in again meanwhile but administrators.
readonly DISCONNECT_SQL="SET GLOBAL offline_mode = ON"
readonly GTID_MAX=9223372036854775806

# --- words ----------------------------------------------------------------------------------------------------------

# SQL in the words that a server of VERSION knows, in REPLY: statements about replication had other ones before 8.0.23, and
# one table has its old name to this day.
dialect() { # VERSION SQL
  REPLY=${2//stored_channels/mysql.slave_master_info}
  case $1 in
    5.7.*) REPLY=${REPLY//GET_SOURCE_PUBLIC_KEY = 1, /} ;;
    8.0.*)
      local patch=${1#8.0.}
      ((10#${patch%%[^0-9]*} < 23)) || return 0
      ;;
    *) return 0 ;;
  esac
  REPLY=${REPLY//REPLICATION SOURCE TO/MASTER TO}
  REPLY=${REPLY//SOURCE_/MASTER_}
  REPLY=${REPLY//START REPLICA/START SLAVE}
  REPLY=${REPLY//STOP REPLICA/STOP SLAVE}
  REPLY=${REPLY//RESET REPLICA/RESET SLAVE}
}

# Clone demands one series on both sides, and one patch release before 8.0.37.
versions_fit() { # OWN DONOR
  local own=${1%%[^0-9.]*} donor=${2%%[^0-9.]*}
  [[ $own != "$donor" ]] || return 0
  [[ ${own%.*} == "${donor%.*}" ]] || return 1
  [[ ${own%.*} != 8.0 ]] || ((${own##*.} >= 37 && ${donor##*.} >= 37))
}

# --- instances ------------------------------------------------------------------------------------------------------

# One row about an instance, never an empty column: bash would swallow it. The clone plugin is known by a variable of its own:
# a list of plugins would take room on a volume that may be full.
readonly PEER_SQL="
SELECT 'peer', COALESCE(NULLIF(@@report_host, ''), '-'), @@version, @@server_uuid, @@read_only,
  (SELECT COUNT(*) FROM performance_schema.replication_connection_configuration),
  (SELECT COUNT(*) FROM performance_schema.replication_connection_status c
     JOIN performance_schema.replication_applier_status a USING (channel_name)
     WHERE c.service_state = 'ON' AND a.service_state = 'ON' AND c.last_error_number = 0
       AND NOT EXISTS (SELECT * FROM performance_schema.replication_applier_status_by_worker w
                       WHERE w.channel_name = c.channel_name AND w.last_error_number <> 0)),
  (SELECT COUNT(*) FROM performance_schema.global_variables WHERE variable_name = 'clone_max_concurrency'),
  COALESCE(NULLIF(REPLACE(@@global.gtid_executed, CHAR(10), ''), ''), '-');"

# What the peer at ADDRESS says, as parse_peer takes it, in REPLY.
peer_row() { # ADDRESS
  ask "$PEER_SQL" peer_client "$1" "$CLONE_USER" clone-password || return
  REPLY=$ANSWER
}

# Fills S_*: see replication.sh.
own_row() { # VERSION
  dialect "$1" "
    SELECT 'own', @@version, @@server_uuid, @@read_only + @@super_read_only,
      (SELECT COUNT(*) FROM stored_channels),
      COALESCE(NULLIF(c.host, ''), '-'), COALESCE(NULLIF(c.user, ''), '-'), COALESCE(c.port, 0),
      COALESCE(c.auto_position = '1' AND c.ssl_allowed = 'YES', 0),
      COALESCE(s.service_state, 'OFF'), COALESCE(a.service_state, 'OFF'),
      COALESCE(NULLIF(REPLACE(s.received_transaction_set, CHAR(10), ''), ''), '-'),
      COALESCE(NULLIF(REPLACE(@@global.gtid_executed, CHAR(10), ''), ''), '-')
    FROM (SELECT '' AS channel_name) one
    LEFT JOIN performance_schema.replication_connection_configuration c USING (channel_name)
    LEFT JOIN performance_schema.replication_connection_status s USING (channel_name)
    LEFT JOIN performance_schema.replication_applier_status a USING (channel_name);"
  ask_local "$REPLY" || return
  IFS=$'\t' read -r _ S_VERSION S_ID S_READ_ONLY S_STORED S_HOST S_USER S_PORT S_SECURE S_IO S_SQL S_RECEIVED S_EXECUTED \
    <<<"$ANSWER"
  S_RECEIVED=${S_RECEIVED#-}
  S_EXECUTED=${S_EXECUTED#-}
}

# Asks the primary HOST; fills M_*.
source_row() { # HOST
  ask "SELECT @@server_uuid, COALESCE(NULLIF(REPLACE(@@global.gtid_executed, CHAR(10), ''), ''), '-'),
    COALESCE(NULLIF(REPLACE(@@global.gtid_purged, CHAR(10), ''), ''), '-')" \
    peer_client "$1" "$REPLICATION_USER" replication-password || return
  IFS=$'\t' read -r M_ID M_EXECUTED M_PURGED <<<"$ANSWER"
  M_EXECUTED=${M_EXECUTED#-}
  M_PURGED=${M_PURGED#-}
}

# --- histories ------------------------------------------------------------------------------------------------------

# Each gives transactions in REPLY, empty if there are none, and fails if the server does not answer.
subtract() { # SQL_EXPRESSION
  ask_local "SELECT 'gtids', $1" || return
  REPLY=${ANSWER#*$'\t'}
}

# What we have executed and the primary has not. What only the primary itself can have begun is left out: the primary judges
# that when the replica connects.
executed_beyond_source() {
  subtract "GTID_SUBTRACT(GTID_SUBTRACT('$S_EXECUTED', '$M_EXECUTED'), '$M_ID:1-$GTID_MAX')"
}

received_beyond_source() {
  subtract "GTID_SUBTRACT('$S_RECEIVED', '$M_EXECUTED')"
}

purged_by_source() {
  subtract "GTID_SUBTRACT('$M_PURGED', CONCAT_WS(',', '$S_EXECUTED', '$S_RECEIVED'))"
}

# What this server began, according to a peer that has GTIDS, and does not have any more.
lost_here() { # GTIDS
  subtract "GTID_SUBTRACT(GTID_SUBTRACT('$1', @@global.gtid_executed), GTID_SUBTRACT('$1', '$S_ID:1-$GTID_MAX'))"
}

# Whether GTIDS have been executed here: yes or nothing.
reached() { # GTIDS
  ask_local "SELECT GTID_SUBSET('$1', @@global.gtid_executed)" || return
  REPLY=
  [[ $ANSWER != 1 ]] || REPLY=yes
}

# --- channel --------------------------------------------------------------------------------------------------------

# In the words of the newest server; :password is a quoted literal.
channel_sql() { # HOST
  REPLY="CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$1', SOURCE_PORT = $MYSQL_PORT, SOURCE_USER = '$REPLICATION_USER',
    SOURCE_PASSWORD = :password, SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1, GET_SOURCE_PUBLIC_KEY = 1,
    SOURCE_CONNECT_RETRY = 2, SOURCE_RETRY_COUNT = 4294967295;"
  # Two words in one line, for the dialect.
  REPLY=${REPLY//$'\n' /}
}

# Starts the threads of a channel that is right. The password is set anew each time, as nobody can compare it with the
# Secret's. With the applier running that keeps the relay logs: they may hold transactions that exist nowhere else any more.
resume_sql() {
  REPLY="START REPLICA SQL_THREAD;"
  [[ $S_IO == ON ]] || REPLY+="STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_USER = '$REPLICATION_USER', SOURCE_PASSWORD = :password; START REPLICA IO_THREAD;"
}

clone_history() {
  REPLY=$C_GTIDS
}

# What makes the history of a streamed clone begin where its backup ended; C_* are its coordinates. The variable is set to
# OFF for it, since the sets are kept in a table; read_only stays on.
start_point_sql() {
  sql_quote "$C_GTIDS"
  REPLY="SET GLOBAL super_read_only = OFF; RESET MASTER; SET GLOBAL gtid_purged = $REPLY; SET GLOBAL super_read_only = ON;"
}

# --- accounts -------------------------------------------------------------------------------------------------------

# How an account's password is given; the default method of 5.7 is the only one that it has.
identified() { # VERSION QUOTED_PASSWORD
  local plugin=caching_sha2_password
  [[ $1 != 5.7.* ]] || plugin=mysql_native_password
  printf 'IDENTIFIED WITH %s BY %s' "$plugin" "$2"
}

# The least that each account needs.
grants_sql() {
  cat <<SQL
GRANT REPLICATION SLAVE ON *.* TO '$REPLICATION_USER'@'%';
GRANT SELECT ON performance_schema.replication_connection_configuration TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_connection_status TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_applier_status TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_applier_status_by_worker TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.user_variables_by_thread TO '$CLONE_USER'@'%';
GRANT PROCESS, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO '$ADMIN_USER'@'%';
GRANT SELECT ON performance_schema.* TO '$ADMIN_USER'@'%';
GRANT ALL ON kubemysql_canary.* TO '$ADMIN_USER'@'%';
SQL
  if [[ $CLONE_METHOD == xtrabackup ]]; then
    printf "GRANT RELOAD, PROCESS, LOCK TABLES, REPLICATION CLIENT ON *.* TO '%s'@'localhost';\n" "$CLONE_USER"
  else
    printf "GRANT BACKUP_ADMIN ON *.* TO '%s'@'%%';\n" "$CLONE_USER"
  fi
}

# Sets root's password during the first initialisation, beside the one that the entrypoint still uses. 5.7 knows no second
# password: there the first start's init file sets it.
root_password_sql() { # VERSION QUOTED_PASSWORD
  [[ $1 != 5.7.* ]] || return 0
  printf 'ALTER USER root@localhost IDENTIFIED WITH caching_sha2_password BY %s RETAIN CURRENT PASSWORD;\n' "$2"
}

# The mark that the first password leaves.
first_password_mark() { # VERSION
  REPLY=$FIRST_PASSWORD_MARK
  [[ $1 != 5.7.* ]] || REPLY=$LATE_PASSWORD_MARK
}

# --- readiness ------------------------------------------------------------------------------------------------------

# Lag, in seconds, is the greater of two:
# - the receiver's: the age of what is arriving now. Old transactions arriving mean a backlog at the primary; 3 s of
#   silence, or a heartbeat, mean that there is no more of it.
# - the applier's: the age of the oldest transaction that was received and is not applied yet.
# Seconds_Behind_Source knows nothing of the first, and drops to 0 while the receiver has a backlog.
readonly READY_SQL="
WITH delay AS (
  SELECT s.channel_name,
    CASE
      WHEN s.queueing_transaction <> '' THEN
        UNIX_TIMESTAMP(NOW(6)) - UNIX_TIMESTAMP(s.queueing_transaction_original_commit_timestamp)
      WHEN UNIX_TIMESTAMP(s.last_queued_transaction_end_queue_timestamp) > UNIX_TIMESTAMP(NOW(6)) - 3
           AND s.last_heartbeat_timestamp <= s.last_queued_transaction_end_queue_timestamp THEN
        UNIX_TIMESTAMP(s.last_queued_transaction_start_queue_timestamp)
          - UNIX_TIMESTAMP(s.last_queued_transaction_original_commit_timestamp)
      ELSE 0
    END AS receiver,
    IF(GTID_SUBSET(s.received_transaction_set, @@global.gtid_executed), 0,
      UNIX_TIMESTAMP(NOW(6)) - COALESCE(
        (SELECT MIN(NULLIF(UNIX_TIMESTAMP(w.applying_transaction_original_commit_timestamp), 0))
           FROM performance_schema.replication_applier_status_by_worker w WHERE w.channel_name = s.channel_name),
        (SELECT MIN(NULLIF(UNIX_TIMESTAMP(k.processing_transaction_original_commit_timestamp), 0))
           FROM performance_schema.replication_applier_status_by_coordinator k WHERE k.channel_name = s.channel_name),
        NULLIF(UNIX_TIMESTAMP(s.last_queued_transaction_original_commit_timestamp), 0))) AS applier
  FROM performance_schema.replication_connection_status s
), failure AS (
  SELECT channel_name, last_error_number, last_error_message
    FROM performance_schema.replication_applier_status_by_worker WHERE last_error_number <> 0
  UNION ALL
  SELECT channel_name, last_error_number, last_error_message
    FROM performance_schema.replication_applier_status_by_coordinator WHERE last_error_number <> 0
)
SELECT 'ready', @@read_only, @@super_read_only, @@performance_schema,
  COALESCE(NULLIF(c.host, ''), '-'), COALESCE(s.service_state, '-'), COALESCE(a.service_state, '-'),
  COALESCE(s.last_error_number, 0), COALESCE(NULLIF(s.last_error_message, ''), '-'),
  COALESCE((SELECT MAX(last_error_number) FROM failure e WHERE e.channel_name = one.channel_name), 0),
  COALESCE((SELECT MAX(last_error_message) FROM failure e WHERE e.channel_name = one.channel_name), '-'),
  COALESCE(FLOOR(GREATEST(delay.receiver, delay.applier, 0)), 'NULL')
FROM (SELECT '' AS channel_name) one
LEFT JOIN performance_schema.replication_connection_configuration c USING (channel_name)
LEFT JOIN performance_schema.replication_connection_status s USING (channel_name)
LEFT JOIN performance_schema.replication_applier_status a USING (channel_name)
LEFT JOIN delay USING (channel_name);"

# 5.7 has no times of transactions: its lag is what the status statement says.
readonly READY_SQL_57="
SELECT 'ready', @@read_only, @@super_read_only, @@performance_schema,
  COALESCE(NULLIF(c.host, ''), '-'), COALESCE(s.service_state, '-'), COALESCE(a.service_state, '-'),
  COALESCE(s.last_error_number, 0), COALESCE(NULLIF(s.last_error_message, ''), '-'),
  COALESCE((SELECT MAX(last_error_number) FROM performance_schema.replication_applier_status_by_worker), 0),
  COALESCE((SELECT MAX(NULLIF(last_error_message, '')) FROM performance_schema.replication_applier_status_by_worker), '-'),
  'SHOW'
FROM (SELECT '' AS channel_name) one
LEFT JOIN performance_schema.replication_connection_configuration c USING (channel_name)
LEFT JOIN performance_schema.replication_connection_status s USING (channel_name)
LEFT JOIN performance_schema.replication_applier_status a USING (channel_name);"

# Asks over the session of readiness.sh, SQL before the question; fills R_*.
readiness_row() { # SQL
  local question=$READY_SQL
  [[ $S_VERSION != 5.7.* ]] || question=$READY_SQL_57
  ask_session "$1$question" || return
  IFS=$'\t' read -r R_KIND R_READ_ONLY R_SUPER_READ_ONLY R_PERFORMANCE_SCHEMA R_HOST R_IO R_SQL R_IO_ERRNO R_IO_ERROR \
    R_SQL_ERRNO R_SQL_ERROR R_LAG <<<"$ANSWER"
  [[ $R_LAG != SHOW ]] || lag_by_statement
}

# The columns of 5.7's statement are known by name only.
lag_by_statement() {
  local COLUMN_NAMES=--column-names
  R_LAG=NULL
  ask_local "SHOW SLAVE STATUS" || return
  read_table
  R_LAG=${ROW[Seconds_Behind_Master]-0}
}
