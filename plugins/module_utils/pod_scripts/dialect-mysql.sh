#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SQL and client options for MySQL. Sourced by lib-common.sh; dialect-mariadb.sh has the same functions and constants.

# Results and constants are for the scripts that source lib-common.sh. The arrays are declared there.
# shellcheck disable=SC2034,SC2154

readonly CLIENT=mysql
readonly SERVER_PROGRAM=mysqld
# For the session of lib-readiness.sh: MySQL's answer is one row.
readonly SESSION_COLUMNS=--skip-column-names
readonly LOCAL_TLS=()
readonly PEER_TLS=(--ssl-mode=REQUIRED)
# The variable that stops all writes, and the arguments that set it at the start.
readonly READ_ONLY_VARIABLE=super_read_only
readonly READ_ONLY_ARGUMENTS=(--read-only=ON --super-read-only=ON)
# A server with a replica connected takes ten seconds to shut down, since it waits for the thread that feeds it. Lasts until
# the server ends; only administrators can log in meanwhile.
readonly DISCONNECT_SQL="SET GLOBAL offline_mode = ON"
readonly GTID_MAX=9223372036854775806

# shellcheck source=lib-lag.sh
source /kubemysql/scripts/lib-lag.sh

# --- syntax ---------------------------------------------------------------------------------------------------------

# SQL in the syntax of a server of VERSION, in REPLY: statements about replication were renamed in 8.0.23, one table was not.
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
  REPLY=${REPLY//SHOW REPLICA/SHOW SLAVE}
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

# One row about the peer at ADDRESS, as parse_peer takes it, in REPLY.
read_peer() { # ADDRESS
  query "$PEER_SQL" peer_client "$1" "$CLONE_USER" clone-password || return
  REPLY=$ANSWER
}

# Fills OWN. OWN[channels] also counts a channel that could not be loaded, as after a clone from a replica.
read_own() { # VERSION
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
  query_local "$REPLY" || return
  read_columns OWN "$ANSWER" - version id read_only channels source_host source_user source_port source_secure receiver applier \
    received executed
  OWN[received]=${OWN[received]#-}
  OWN[executed]=${OWN[executed]#-}
}

# Fills SOURCE from the server HOST.
read_source() { # HOST
  query "SELECT @@server_uuid, COALESCE(NULLIF(REPLACE(@@global.gtid_executed, CHAR(10), ''), ''), '-'),
    COALESCE(NULLIF(REPLACE(@@global.gtid_purged, CHAR(10), ''), ''), '-')" \
    peer_client "$1" "$REPLICATION_USER" replication-password || return
  read_columns SOURCE "$ANSWER" id executed purged
  SOURCE[executed]=${SOURCE[executed]#-}
  SOURCE[purged]=${SOURCE[purged]#-}
}

# --- histories ------------------------------------------------------------------------------------------------------

# Each gives transactions in REPLY, empty if there are none, and fails if the server does not answer.
subtract() { # SQL_EXPRESSION
  query_local "SELECT 'gtids', $1" || return
  REPLY=${ANSWER#*$'\t'}
}

# Transactions that OWN has executed and SOURCE has not. Those with the source's own identity are left out: the source checks
# them when the replica connects.
executed_beyond_source() {
  subtract "GTID_SUBTRACT(GTID_SUBTRACT('${OWN[executed]}', '${SOURCE[executed]}'), '${SOURCE[id]}:1-$GTID_MAX')"
}

received_beyond_source() {
  subtract "GTID_SUBTRACT('${OWN[received]}', '${SOURCE[executed]}')"
}

purged_by_source() {
  subtract "GTID_SUBTRACT('${SOURCE[purged]}', CONCAT_WS(',', '${OWN[executed]}', '${OWN[received]}'))"
}

# Transactions among a peer's GTIDS that began on this server and are not in its history any more.
lost_here() { # GTIDS
  subtract "GTID_SUBTRACT(GTID_SUBTRACT('$1', @@global.gtid_executed), GTID_SUBTRACT('$1', '${OWN[id]}:1-$GTID_MAX'))"
}

# Transactions among a peer's GTIDS that this server does not have.
unknown_here() { # GTIDS
  subtract "GTID_SUBTRACT('$1', @@global.gtid_executed)"
}

# Whether GTIDS have been executed here: REPLY is yes or empty.
reached() { # GTIDS
  query_local "SELECT GTID_SUBSET('$1', @@global.gtid_executed)" || return
  REPLY=
  [[ $ANSWER != 1 ]] || REPLY=yes
}

# --- channel --------------------------------------------------------------------------------------------------------

# In the syntax of the newest server; :password is a quoted literal.
channel_sql() { # HOST
  REPLY="CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$1', SOURCE_PORT = $MYSQL_PORT, SOURCE_USER = '$REPLICATION_USER',
    SOURCE_PASSWORD = :password, SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1, GET_SOURCE_PUBLIC_KEY = 1,
    SOURCE_CONNECT_RETRY = 2, SOURCE_RETRY_COUNT = 4294967295;"
  # `dialect` replaces words that stand in one line.
  REPLY=${REPLY//$'\n' /}
}

# Starts the threads of a channel that is right. The password is set anew each time, as nobody can compare it with the
# Secret's. With the applier running that keeps the relay logs: they may hold transactions that exist nowhere else any more.
resume_sql() {
  REPLY="START REPLICA SQL_THREAD;"
  [[ ${OWN[receiver]} == ON ]] || REPLY+="STOP REPLICA IO_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_USER = '$REPLICATION_USER', SOURCE_PASSWORD = :password; START REPLICA IO_THREAD;"
}

clone_history() {
  REPLY=${COORDINATES[gtids]}
}

# Statements that begin the history of a streamed clone at COORDINATES, in REPLY. super_read_only is OFF for it, since the sets
# are kept in a table; read_only stays on.
start_point_sql() {
  sql_quote "${COORDINATES[gtids]}"
  REPLY="SET GLOBAL super_read_only = OFF; RESET MASTER; SET GLOBAL gtid_purged = $REPLY; SET GLOBAL super_read_only = ON;"
}

# --- accounts -------------------------------------------------------------------------------------------------------

# The clause that sets a password. 5.7 lacks caching_sha2_password.
identified() { # VERSION QUOTED_PASSWORD
  local plugin=caching_sha2_password
  [[ $1 != 5.7.* ]] || plugin=mysql_native_password
  printf 'IDENTIFIED WITH %s BY %s' "$plugin" "$2"
}

# Rights of the administration account. docs/accounts.md lists the operation that needs each.
admin_rights() { # VERSION
  printf 'RELOAD, REPLICATION CLIENT, REPLICATION SLAVE, '
  case $1 in
    # It has no finer ones.
    5.7.*) printf 'SUPER' ;;
    *) printf 'CONNECTION_ADMIN, REPLICATION_SLAVE_ADMIN, SYSTEM_USER, SYSTEM_VARIABLES_ADMIN, XA_RECOVER_ADMIN' ;;
  esac
}

# The rights that each other account needs, no more.
grants_sql() {
  cat <<SQL
GRANT REPLICATION SLAVE ON *.* TO '$REPLICATION_USER'@'%';
GRANT SELECT ON performance_schema.replication_connection_configuration TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_connection_status TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_applier_status TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_applier_status_by_worker TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.user_variables_by_thread TO '$CLONE_USER'@'%';
SQL
  if [[ $CLONE_METHOD == stream ]]; then
    printf "GRANT RELOAD, PROCESS, LOCK TABLES, REPLICATION CLIENT ON *.* TO '%s'@'localhost';\n" "$CLONE_USER"
  else
    printf "GRANT BACKUP_ADMIN ON *.* TO '%s'@'%%';\n" "$CLONE_USER"
  fi
}

# Sets root's password during the first initialisation, beside the one that the entrypoint still uses. 5.7 has no second
# password: there the init file of the first start sets it.
root_password_sql() { # VERSION QUOTED_PASSWORD
  [[ $1 != 5.7.* ]] || return 0
  printf 'ALTER USER root@localhost IDENTIFIED WITH caching_sha2_password BY %s RETAIN CURRENT PASSWORD;\n' "$2"
}

# The mark that the first initialisation leaves about root's password, in REPLY.
initial_password_mark() { # VERSION
  REPLY=$TEMPORARY_PASSWORD_MARK
  [[ $1 != 5.7.* ]] || REPLY=$PENDING_PASSWORD_MARK
}

# --- readiness ------------------------------------------------------------------------------------------------------

readonly READY_SQL="
WITH failure AS (
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
  COALESCE(CEILING(delay.seconds), 'NULL')
FROM (SELECT '' AS channel_name) one
LEFT JOIN performance_schema.replication_connection_configuration c USING (channel_name)
LEFT JOIN performance_schema.replication_connection_status s USING (channel_name)
LEFT JOIN performance_schema.replication_applier_status a USING (channel_name)
LEFT JOIN ($LAG_SQL) delay USING (channel_name);"

# 5.7 has no times of transactions.
readonly READY_SQL_57="
SELECT 'ready', @@read_only, @@super_read_only, @@performance_schema,
  COALESCE(NULLIF(c.host, ''), '-'), COALESCE(s.service_state, '-'), COALESCE(a.service_state, '-'),
  COALESCE(s.last_error_number, 0), COALESCE(NULLIF(s.last_error_message, ''), '-'),
  COALESCE((SELECT MAX(last_error_number) FROM performance_schema.replication_applier_status_by_worker), 0),
  COALESCE((SELECT MAX(NULLIF(last_error_message, '')) FROM performance_schema.replication_applier_status_by_worker), '-'),
  'NULL'
FROM (SELECT '' AS channel_name) one
LEFT JOIN performance_schema.replication_connection_configuration c USING (channel_name)
LEFT JOIN performance_schema.replication_connection_status s USING (channel_name)
LEFT JOIN performance_schema.replication_applier_status a USING (channel_name);"

# Fills STATUS over the session of lib-readiness.sh. SQL is run before, in the same round trip. The lag is rounded up, so that it
# exceeds a number of whole seconds whenever the exact one does.
read_status_row() { # SQL
  local question=$READY_SQL
  [[ ${OWN[version]} != 5.7.* ]] || question=$READY_SQL_57
  query_session "$1$question" || return
  read_columns STATUS "$ANSWER" kind read_only super_read_only performance_schema source_host receiver applier receiver_errno \
    receiver_error applier_errno applier_error lag
  [[ ${STATUS[lag]} != NULL || ${STATUS[receiver]} != ON || ${STATUS[applier]} != ON ]] || read_lag_by_statement
}

# The columns of the status statement are known by name only.
read_lag_by_statement() {
  dialect "${OWN[version]}" "SHOW REPLICA STATUS FOR CHANNEL ''"
  query "$REPLY" local_client --column-names || return
  read_table
  STATUS[lag]=${ROW[Seconds_Behind_Source]-${ROW[Seconds_Behind_Master]-NULL}}
}
