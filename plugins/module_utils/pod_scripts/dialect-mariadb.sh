#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is said to MariaDB. Sourced by lib.sh; dialect-mysql.sh has the same functions and constants for MySQL.
#
# MariaDB's GTIDs are positions, no sets: domain-server-number says that this number was reached. A history is told by
# gtid_binlog_state, the last number by domain and server, and by gtid_slave_pos: https://mariadb.com/kb/en/gtid/

# Results and constants are for those who source lib.sh.
# shellcheck disable=SC2034,SC2153

readonly CLIENT=mariadb
readonly SERVER_PROGRAM=mariadbd
# The session of readiness.sh: the status statement's columns differ from version to version.
readonly SESSION_COLUMNS=--column-names
readonly LOCAL_TLS=(--skip-ssl)
# Encrypted; by whom, the account's password tells, which is not sent.
readonly PEER_TLS=(--ssl --skip-ssl-verify-server-cert)
# There is nothing that keeps administrators from writing; none of our accounts is one.
readonly READ_ONLY_VARIABLE=read_only
readonly READ_ONLY_ARGUMENTS=(--read-only=ON)
# A shutdown does not wait for replicas.
readonly DISCONNECT_SQL=

readonly HISTORY_SQL="CONCAT_WS(',', NULLIF(@@global.gtid_binlog_state, ''), NULLIF(@@global.gtid_slave_pos, ''))"

# --- words ----------------------------------------------------------------------------------------------------------

# SQL in the words that MariaDB knows, in REPLY.
dialect() { # VERSION SQL
  REPLY=${2//SET GLOBAL super_read_only = ON/SET GLOBAL read_only = ON}
  REPLY=${REPLY//SET GLOBAL super_read_only = OFF/DO 0}
}

# --- instances ------------------------------------------------------------------------------------------------------

# Asks by a client command for one row of SQL and for the channels; the first is in ROW, and so are a channel's columns, if
# there is any. CHANNELS says how many there are.
ask_status() { # SQL CLIENT_COMMAND...
  local sql=$1 COLUMN_NAMES=--column-names
  shift
  ask "$sql; SHOW ALL SLAVES STATUS" "$@" || return
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

# Threads and errors are worth a look at one channel only, the one that we set up.
thread_state() { # VALUE
  REPLY=OFF
  [[ $1 != Yes ]] || REPLY=ON
  [[ $1 != Connecting && $1 != Preparing ]] || REPLY=CONNECTING
}

# Whether nothing listens at ADDRESS. The client says the same of every connection that failed.
refuses() { # ADDRESS
  local answer
  # shellcheck disable=SC2016 # expanded by the shell that is started
  answer=$(timeout --foreground "$PEER_TIMEOUT" bash -c ': <"/dev/tcp/$0/$1"' "$1" "$MYSQL_PORT" 2>&1) || true
  [[ $answer == *"Connection refused"* ]]
}

# What the peer at ADDRESS says, as parse_peer takes it, in REPLY.
peer_row() { # ADDRESS
  local running=0
  if ! ask_status "SELECT @@report_host AS host, @@version AS version, @@server_id AS id, @@read_only AS read_only,
    $HISTORY_SQL AS history" peer_client "$1" "$CLONE_USER" clone-password; then
    if ((ERRNO == 2002)) && refuses "$1"; then ANSWER+=" (111)"; fi
    return 1
  fi
  [[ ${ROW[Slave_IO_Running]-} != Yes || ${ROW[Slave_SQL_Running]-} != Yes ]] || running=1
  printf -v REPLY 'peer\t%s\t%s\t%s\t%s\t%s\t%s\t0\t%s' "${ROW[host]:--}" "${ROW[version]}" "${ROW[id]}" \
    "$(flag "${ROW[read_only]}")" "$CHANNELS" "$running" "${ROW[history]:--}"
}

# Newer servers have more values than two.
flag() { # VALUE
  case $1 in
    0 | OFF) printf 0 ;;
    *) printf 1 ;;
  esac
}

# Fills S_*: see replication.sh.
own_row() { # VERSION
  ask_status "SELECT @@version AS version, @@server_id AS id, @@read_only AS read_only, $HISTORY_SQL AS history" local_client ||
    return
  S_VERSION=${ROW[version]} S_ID=${ROW[id]} S_READ_ONLY=$(flag "${ROW[read_only]}") S_EXECUTED=${ROW[history]}
  S_STORED=$CHANNELS S_HOST=${ROW[Master_Host]:--} S_USER=${ROW[Master_User]:--} S_PORT=${ROW[Master_Port]:-0}
  S_RECEIVED=${ROW[Gtid_IO_Pos]-} S_SECURE=0
  [[ ${ROW[Using_Gtid]-} != Slave_Pos || ${ROW[Master_SSL_Allowed]-} != Yes ]] || S_SECURE=1
  thread_state "${ROW[Slave_IO_Running]-No}" && S_IO=$REPLY
  thread_state "${ROW[Slave_SQL_Running]-No}" && S_SQL=$REPLY
}

# Asks the primary HOST; fills M_*. What it has purged it does not tell.
source_row() { # HOST
  local COLUMN_NAMES=--column-names
  ask "SELECT @@server_id AS id, $HISTORY_SQL AS history, @@global.gtid_binlog_pos AS position" \
    peer_client "$1" "$REPLICATION_USER" replication-password || return
  ROW=()
  read_table
  M_ID=${ROW[id]} M_HISTORY=${ROW[history]} M_EXECUTED=${ROW[position]}
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

# What we have and the primary has not. What only the primary itself can have begun is left out: the primary judges that when
# the replica connects.
executed_beyond_source() {
  beyond "$S_EXECUTED" "$M_HISTORY" except "$M_ID"
}

received_beyond_source() {
  beyond "$S_RECEIVED" "$M_HISTORY"
}

# Only the attempt to connect tells: it fails with error 1236.
purged_by_source() {
  REPLY=
}

# What this server began, according to a peer that has GTIDS, and does not have any more.
lost_here() { # GTIDS
  beyond "$1" "$S_EXECUTED" only "$S_ID"
}

# Whether the position GTIDS was reached here: yes or nothing.
reached() { # GTIDS
  ask_local "SELECT MASTER_GTID_WAIT('$1', 0)" || return
  REPLY=
  [[ $ANSWER != 0 ]] || REPLY=yes
}

# --- channel --------------------------------------------------------------------------------------------------------

# :password is a quoted literal. From 11.4 on certificates are verified if nobody objects, and ours are no public ones.
channel_sql() { # HOST
  REPLY="CHANGE MASTER TO MASTER_HOST = '$1', MASTER_PORT = $MYSQL_PORT, MASTER_USER = '$REPLICATION_USER',
    MASTER_PASSWORD = :password, MASTER_USE_GTID = slave_pos, MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 0,
    MASTER_CONNECT_RETRY = 2;"
}

# Starts the threads of a channel that is right. The password is set anew each time, as nobody can compare it with the
# Secret's; it cannot be set while a thread runs. What was received and not applied is fetched again.
resume_sql() {
  REPLY="START REPLICA;"
  [[ $S_IO == ON && $S_SQL == ON ]] || REPLY="STOP REPLICA; CHANGE MASTER TO MASTER_USER = '$REPLICATION_USER', MASTER_PASSWORD = :password; START REPLICA;"
}

# The donor's state from before the backup, brought to exactly where the backup ended: a state that claims less would have
# a replica skip what is missing, one that claims more would refuse what comes next. The last of a domain goes last.
clone_history() {
  local gtid state=
  for gtid in ${C_STATE//,/ }; do
    [[ ,$C_GTIDS == *",${gtid%-*}-"* ]] || state+=$gtid,
  done
  REPLY=$state$C_GTIDS
}

# What makes the history of a streamed clone begin where its backup ended; C_* are its coordinates. The binary log is told of
# everything that came before, so that this instance can feed replicas later on.
start_point_sql() {
  local state position
  clone_history
  sql_quote "$REPLY" && state=$REPLY
  sql_quote "$C_GTIDS" && position=$REPLY
  REPLY="RESET MASTER; SET GLOBAL gtid_binlog_state = $state; SET GLOBAL gtid_slave_pos = $position;"
}

# --- accounts -------------------------------------------------------------------------------------------------------

identified() { # VERSION QUOTED_PASSWORD
  printf 'IDENTIFIED BY %s' "$2"
}

# The least that each account needs.
grants_sql() {
  cat <<SQL
GRANT REPLICATION SLAVE ON *.* TO '$REPLICATION_USER'@'%';
GRANT SLAVE MONITOR ON *.* TO '$CLONE_USER'@'%';
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, SLAVE MONITOR ON *.* TO '$CLONE_USER'@'localhost';
GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR, REPLICATION MASTER ADMIN ON *.* TO '$ADMIN_USER'@'%';
GRANT SELECT ON performance_schema.* TO '$ADMIN_USER'@'%';
GRANT ALL ON kubemysql_canary.* TO '$ADMIN_USER'@'%';
SQL
}

# Sets root's password during the first initialisation: the entrypoint has no more use for the one that it was given.
root_password_sql() { # VERSION QUOTED_PASSWORD
  printf 'ALTER USER root@localhost IDENTIFIED BY %s;\n' "$2"
}

first_password_mark() { # VERSION
  REPLY=
}

# --- readiness ------------------------------------------------------------------------------------------------------

# Asks over the session of readiness.sh, SQL before the question; fills R_*. The lag is what the status statement says.
readiness_row() { # SQL
  local text line
  ask_session "$1 SELECT @@read_only AS read_only; SHOW ALL SLAVES STATUS; SELECT 'finish' AS finish;" || return
  text=$ANSWER
  while IFS= read -rt "$ANSWER_TIMEOUT" -u "$ANSWERS" line && [[ $line != finish ]]; do text+=$'\n'$line; done
  if [[ ${line-} != finish ]] || ! IFS= read -rt "$ANSWER_TIMEOUT" -u "$ANSWERS" _; then
    ANSWER="no answer within $ANSWER_TIMEOUT s"
    close_session
    return 1
  fi
  read_status "$text"
  R_KIND=ready R_PERFORMANCE_SCHEMA=1 R_READ_ONLY=$(flag "${ROW[read_only]}") R_HOST=${ROW[Master_Host]:--}
  R_SUPER_READ_ONLY=$R_READ_ONLY R_LAG=${ROW[Seconds_Behind_Master]-NULL}
  thread_state "${ROW[Slave_IO_Running]-No}" && R_IO=$REPLY
  thread_state "${ROW[Slave_SQL_Running]-No}" && R_SQL=$REPLY
  R_IO_ERRNO=${ROW[Last_IO_Errno]-0} R_IO_ERROR=${ROW[Last_IO_Error]-}
  R_SQL_ERRNO=${ROW[Last_SQL_Errno]-0} R_SQL_ERROR=${ROW[Last_SQL_Error]-}
}
