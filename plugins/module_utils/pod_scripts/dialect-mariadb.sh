#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SQL and client options for MariaDB. Sourced by lib-common.sh; dialect-mysql.sh has the same functions and constants.
#
# MariaDB's GTIDs are positions, no sets: domain-server-number means that this number was reached. A history is
# gtid_binlog_state, the last number by domain and server, and gtid_slave_pos: https://mariadb.com/kb/en/gtid/

# Results and constants are for the scripts that source lib-common.sh. The arrays are declared there.
# shellcheck disable=SC2034,SC2153,SC2154

readonly CLIENT=mariadb
readonly SERVER_PROGRAM=mariadbd
# For the session of lib-readiness.sh: the status statement's columns differ from version to version.
readonly SESSION_COLUMNS=--column-names
readonly LOCAL_TLS=(--skip-ssl)
# Encrypted without verification of the certificate: the password authenticates, and is not sent.
readonly PEER_TLS=(--ssl --skip-ssl-verify-server-cert)
# Administrators can write all the same. Of our accounts, only the one that is bound to the pod can.
readonly READ_ONLY_VARIABLE=read_only
readonly READ_ONLY_ARGUMENTS=(--read-only=ON)
# A shutdown does not wait for replicas.
readonly DISCONNECT_SQL=

readonly HISTORY_SQL="CONCAT_WS(',', NULLIF(@@global.gtid_binlog_state, ''), NULLIF(@@global.gtid_slave_pos, ''))"

# --- syntax ---------------------------------------------------------------------------------------------------------

# SQL in MariaDB's syntax, in REPLY.
dialect() { # VERSION SQL
  REPLY=${2//SET GLOBAL super_read_only = ON/SET GLOBAL read_only = ON}
  REPLY=${REPLY//SET GLOBAL super_read_only = OFF/DO 0}
}

# --- instances ------------------------------------------------------------------------------------------------------

# The number of channels.
CHANNELS=0
# Runs SQL, which returns one row, and reads the channels. ROW gets the row and one channel's columns.
query_status() { # SQL CLIENT_COMMAND...
  local sql=$1
  shift
  query "$sql; SHOW ALL SLAVES STATUS" "$@" --column-names || return
  read_status "$ANSWER"
}

read_status() { # TEXT
  local lines
  mapfile -t lines <<<"$1"
  ROW=()
  read_row "${lines[0]}" "${lines[1]-}"
  CHANNELS=$((${#lines[@]} > 3 ? ${#lines[@]} - 3 : 0))
  ((CHANNELS == 0)) || read_row "${lines[2]}" "${lines[3]}"
}

# ON, OFF or CONNECTING, as MySQL reports a thread, in REPLY.
thread_state() { # VALUE
  REPLY=OFF
  [[ $1 != Yes ]] || REPLY=ON
  [[ $1 != Connecting && $1 != Preparing ]] || REPLY=CONNECTING
}

# Whether ADDRESS refuses connections. The client reports every failed connection with the same text.
refuses() { # ADDRESS
  local answer
  # shellcheck disable=SC2016 # expanded by the shell that is started
  answer=$(timeout --foreground "$PEER_TIMEOUT" bash -c ': <"/dev/tcp/$0/$1"' "$1" "$MYSQL_PORT" 2>&1) || true
  [[ $answer == *"Connection refused"* ]]
}

# One row about the peer at ADDRESS, as parse_peer takes it, in REPLY.
read_peer() { # ADDRESS
  local running=0
  if ! query_status "SELECT @@report_host AS host, @@version AS version, @@server_id AS id, @@read_only AS read_only,
    $HISTORY_SQL AS history" peer_client "$1" "$CLONE_USER" clone-password; then
    if ((ERRNO == 2002)) && refuses "$1"; then ANSWER+=" (111)"; fi
    return 1
  fi
  [[ ${ROW[Slave_IO_Running]-} != Yes || ${ROW[Slave_SQL_Running]-} != Yes ]] || running=1
  printf -v REPLY 'peer\t%s\t%s\t%s\t%s\t%s\t%s\t0\t%s' "${ROW[host]:--}" "${ROW[version]}" "${ROW[id]}" \
    "$(flag "${ROW[read_only]}")" "$CHANNELS" "$running" "${ROW[history]:--}"
}

# Newer servers have more than two values.
flag() { # VALUE
  case $1 in
    0 | OFF) printf 0 ;;
    *) printf 1 ;;
  esac
}

# Fills OWN.
read_own() { # VERSION
  query_status "SELECT @@version AS version, @@server_id AS id, @@read_only AS read_only, $HISTORY_SQL AS history" local_client ||
    return
  OWN[version]=${ROW[version]} OWN[id]=${ROW[id]} OWN[read_only]=$(flag "${ROW[read_only]}") OWN[executed]=${ROW[history]}
  OWN[channels]=$CHANNELS OWN[source_host]=${ROW[Master_Host]:--} OWN[source_user]=${ROW[Master_User]:--}
  OWN[source_port]=${ROW[Master_Port]:-0}
  OWN[received]=${ROW[Gtid_IO_Pos]-} OWN[source_secure]=0
  [[ ${ROW[Using_Gtid]-} != Slave_Pos || ${ROW[Master_SSL_Allowed]-} != Yes ]] || OWN[source_secure]=1
  thread_state "${ROW[Slave_IO_Running]-No}" && OWN[receiver]=$REPLY
  thread_state "${ROW[Slave_SQL_Running]-No}" && OWN[applier]=$REPLY
}

# Fills SOURCE from the server HOST. MariaDB does not report what it has purged.
read_source() { # HOST
  query "SELECT @@server_id AS id, $HISTORY_SQL AS history, @@global.gtid_binlog_pos AS position" \
    peer_client "$1" "$REPLICATION_USER" replication-password --column-names || return
  read_table
  SOURCE[id]=${ROW[id]} SOURCE[history]=${ROW[history]} SOURCE[executed]=${ROW[position]}
}

# --- histories ------------------------------------------------------------------------------------------------------

# The positions of GTIDS that HISTORY has not reached, in REPLY; of the server ONLY alone, or of all but the server EXCEPT.
beyond() { # GTIDS HISTORY [only|except SERVER_ID]
  local gtid key
  local -A last=()
  REPLY=
  for gtid in ${2//,/ }; do
    key=${gtid%-*}
    ((${gtid##*-} <= ${last[$key]:-0})) || last[$key]=${gtid##*-}
  done
  for gtid in ${1//,/ }; do
    key=${gtid%-*}
    [[ ${3-} != only || ${key#*-} == "$4" ]] || continue
    [[ ${3-} != except || ${key#*-} != "$4" ]] || continue
    ((${gtid##*-} <= ${last[$key]:-0})) || [[ ,$REPLY, == *",$gtid,"* ]] || REPLY+=${REPLY:+,}$gtid
  done
}

# Positions that OWN has reached and SOURCE has not. Those with the source's own identity are left out: the source checks them
# when the replica connects.
executed_beyond_source() {
  beyond "${OWN[executed]}" "${SOURCE[history]}" except "${SOURCE[id]}"
}

received_beyond_source() {
  beyond "${OWN[received]}" "${SOURCE[history]}"
}

# Found out by the attempt to connect, which fails with error 1236.
purged_by_source() {
  REPLY=
}

# Positions among a peer's GTIDS that began on this server and are not in its history any more.
lost_here() { # GTIDS
  beyond "$1" "${OWN[executed]}" only "${OWN[id]}"
}

# Positions among a peer's GTIDS that this server has not reached.
unknown_here() { # GTIDS
  beyond "$1" "${OWN[executed]}"
}

# Whether the position GTIDS was reached here: REPLY is yes or empty.
reached() { # GTIDS
  query_local "SELECT MASTER_GTID_WAIT('$1', 0)" || return
  REPLY=
  [[ $ANSWER != 0 ]] || REPLY=yes
}

# --- channel --------------------------------------------------------------------------------------------------------

# :password is a quoted literal. From 11.4 on certificates are verified by default, and no public authority signed ours.
channel_sql() { # HOST
  REPLY="CHANGE MASTER TO MASTER_HOST = '$1', MASTER_PORT = $MYSQL_PORT, MASTER_USER = '$REPLICATION_USER',
    MASTER_PASSWORD = :password, MASTER_USE_GTID = slave_pos, MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 0,
    MASTER_CONNECT_RETRY = 2;"
}

# Starts the threads of a channel that is right. The password is set anew each time, as nobody can compare it with the
# Secret's; it cannot be set while a thread runs. Transactions that were received and not applied are fetched again.
resume_sql() {
  REPLY="START REPLICA;"
  [[ ${OWN[receiver]} == ON && ${OWN[applier]} == ON ]] || REPLY="STOP REPLICA; CHANGE MASTER TO MASTER_USER = '$REPLICATION_USER', MASTER_PASSWORD = :password; START REPLICA;"
}

# The donor's state from before the backup, brought to exactly where the backup ended: a state that claims less would have
# a replica skip what is missing, one that claims more would refuse what comes next. The last of a domain goes last.
clone_history() {
  local gtid state=
  for gtid in ${COORDINATES[state]//,/ }; do
    [[ ,${COORDINATES[gtids]} == *",${gtid%-*}-"* ]] || state+=$gtid,
  done
  REPLY=$state${COORDINATES[gtids]}
}

# Statements that begin the history of a streamed clone at COORDINATES, in REPLY. The binary log gets the state of everything
# before, so that this instance can feed replicas later on.
start_point_sql() {
  local state position
  clone_history
  sql_quote "$REPLY" && state=$REPLY
  sql_quote "${COORDINATES[gtids]}" && position=$REPLY
  REPLY="RESET MASTER; SET GLOBAL gtid_binlog_state = $state; SET GLOBAL gtid_slave_pos = $position;"
}

# --- accounts -------------------------------------------------------------------------------------------------------

identified() { # VERSION QUOTED_PASSWORD
  printf 'IDENTIFIED BY %s' "$2"
}

# Rights of the administration account. docs/accounts.md lists the operation that needs each.
admin_rights() { # VERSION
  printf 'PROCESS, RELOAD, SLAVE MONITOR, REPLICATION MASTER ADMIN, '
  printf 'CONNECTION ADMIN, READ_ONLY ADMIN, REPLICATION SLAVE ADMIN'
}

# The rights that each other account needs, no more.
grants_sql() {
  cat <<SQL
GRANT REPLICATION SLAVE ON *.* TO '$REPLICATION_USER'@'%';
GRANT SLAVE MONITOR ON *.* TO '$CLONE_USER'@'%';
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, SLAVE MONITOR ON *.* TO '$CLONE_USER'@'localhost';
SQL
}

# Sets root's password during the first initialisation: the entrypoint does not use its own any more.
root_password_sql() { # VERSION QUOTED_PASSWORD
  printf 'ALTER USER root@localhost IDENTIFIED BY %s;\n' "$2"
}

initial_password_mark() { # VERSION
  REPLY=
}

# --- readiness ------------------------------------------------------------------------------------------------------

# Fills STATUS over the session of lib-readiness.sh. SQL is run before, in the same round trip. The lag is that of the status
# statement, as it is for the modules: MariaDB has no times of transactions.
read_status_row() { # SQL
  local text line
  query_session "$1 SELECT @@read_only AS read_only; SHOW ALL SLAVES STATUS; SELECT 'finish' AS finish;" || return
  text=$ANSWER
  while IFS= read -rt "$ANSWER_TIMEOUT" -u "$ANSWERS" line && [[ $line != finish ]]; do text+=$'\n'$line; done
  if [[ ${line-} != finish ]] || ! IFS= read -rt "$ANSWER_TIMEOUT" -u "$ANSWERS" _; then
    ANSWER="no answer within $ANSWER_TIMEOUT s"
    close_session
    return 1
  fi
  read_status "$text"
  STATUS[kind]=ready STATUS[performance_schema]=1 STATUS[read_only]=$(flag "${ROW[read_only]}")
  STATUS[source_host]=${ROW[Master_Host]:--}
  STATUS[super_read_only]=${STATUS[read_only]} STATUS[lag]=${ROW[Seconds_Behind_Master]-NULL}
  thread_state "${ROW[Slave_IO_Running]-No}" && STATUS[receiver]=$REPLY
  thread_state "${ROW[Slave_SQL_Running]-No}" && STATUS[applier]=$REPLY
  STATUS[receiver_errno]=${ROW[Last_IO_Errno]-0} STATUS[receiver_error]=${ROW[Last_IO_Error]-}
  STATUS[applier_errno]=${ROW[Last_SQL_Errno]-0} STATUS[applier_error]=${ROW[Last_SQL_Error]-}
}
