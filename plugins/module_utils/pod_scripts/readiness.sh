#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sourced by replication.sh: is the instance in its role and fit for clients? Asked each second over one session that stays
# open; the answer is a TCP port that is open while the instance is ready, which is what the kubelet probes, and a file that
# says why it is not. A probe that starts a client each time costs thirty times as much, so it could not be asked as often.
# Everything that cannot be known counts as "not ready", and without this script the port is closed.

# shellcheck source=peers.sh
source /kubemysql/scripts/peers.sh

# Seconds that the server may take for one answer.
readonly ANSWER_TIMEOUT=${ANSWER_TIMEOUT:-4}
# Between two looks at how full the volume is, in seconds.
readonly VOLUME_INTERVAL=30

# --- the answer -----------------------------------------------------------------------------------------------------

not_ready() { # REASON
  close_gate
  tell "not ready: $1"
}

ready() {
  open_gate
  tell ready
}

# The file is written at every look, so its age says when the last one was. The log repeats nothing that differs in numbers
# only, such as a lag that grows.
TOLD=
tell() { # TEXT
  printf '%s\n' "$1" >"$READINESS_FILE"
  [[ ${TOLD//[0-9]/} == "${1//[0-9]/}" ]] || log "$1"
  TOLD=$1
}

# The open port. Nobody talks over it, so a server without a certificate does: one that everybody's image has.
GATE_PID=
open_gate() {
  local address=$POD_IP
  if [[ $GATE_PID ]] && kill -0 "$GATE_PID" 2>/dev/null; then return; fi
  [[ -z $GATE_PID ]] || say_once gate "port $READY_PORT had to be opened again: something closed it, or uses it"
  [[ $address != *:* ]] || address="[$address]"
  address+=:$READY_PORT
  # OpenSSL 1.0, which MySQL 5.7's image has, takes a port alone.
  [[ $(openssl version) != "OpenSSL 1.0."* ]] || address=$READY_PORT
  openssl s_server -quiet -nocert -accept "$address" </dev/null >/dev/null 2>&1 &
  GATE_PID=$!
}

close_gate() {
  [[ $GATE_PID ]] || return 0
  kill -KILL "$GATE_PID" 2>/dev/null || true
  wait "$GATE_PID" 2>/dev/null || true
  GATE_PID=
}

# --- the question ---------------------------------------------------------------------------------------------------

# The session's client, and the ends of the pipes that lead to it and from it.
CLIENT_PID=
QUESTIONS=
ANSWERS=
open_session() {
  # shellcheck disable=SC2119 # no options of ours
  coproc SESSION { LIMIT='' COLUMN_NAMES=$SESSION_COLUMNS local_client 2>&1; }
  # Bash takes its own two descriptors back when the client ends.
  exec {ANSWERS}<&"${SESSION[0]}" {QUESTIONS}>&"${SESSION[1]}"
  CLIENT_PID=$!
  VOLUME_SEEN=
  TOLD_BY_SQL=
  printf '%s\n' "$SQL_PREAMBLE" >&"$QUESTIONS" || true
}

close_session() {
  [[ $CLIENT_PID ]] || return 0
  exec {QUESTIONS}>&- {ANSWERS}<&-
  kill -KILL "$CLIENT_PID" 2>/dev/null || true
  wait "$CLIENT_PID" 2>/dev/null || true
  CLIENT_PID=
}

# Put SQL that answers with one row; the row, or what went wrong, is in ANSWER. After any trouble the session is opened anew.
ask_session() { # SQL
  [[ $CLIENT_PID ]] || open_session
  ANSWER=
  if { printf '%s\n' "${1//$'\n'/ }" >&"$QUESTIONS"; } 2>/dev/null && IFS= read -rt "$ANSWER_TIMEOUT" -u "$ANSWERS" ANSWER &&
    [[ $ANSWER != ERROR* ]]; then
    return 0
  fi
  : "${ANSWER:=no answer within $ANSWER_TIMEOUT s}"
  close_session
  return 1
}

# How full the volume is, and how much a clone would have to copy, told as user variables of this session: whoever may read
# performance_schema learns it by SQL.
VOLUME_SEEN=
volume_sql() {
  local block blocks free data
  REPLY=
  [[ -z $VOLUME_SEEN ]] || ((SECONDS - VOLUME_SEEN >= VOLUME_INTERVAL)) || return 0
  read -r block blocks free < <(stat -f -c '%S %b %a' "$VOLUME") || return 0
  # A file may go while it is being looked at.
  read -r data _ < <(du -sm --exclude='binlog.*' --exclude='relay-bin.*' -- "$DATA_DIR" 2>/dev/null) || return 0
  VOLUME_SEEN=$SECONDS
  REPLY="SET @kubemysql_volume_size = $((block * blocks)), @kubemysql_volume_free = $((block * free)), @kubemysql_data_mib = $data;"
}

# --- the judgement --------------------------------------------------------------------------------------------------

# Why the primary, or a replica, is not fit for clients, in REPLY; empty if it is. R_* are the answer's columns.
doubt_about_primary() {
  REPLY=
  if [[ $R_HOST != - ]]; then
    REPLY="the topology names $POD_NAME the primary, but it has replica configuration (source $R_HOST)"
  elif [[ $R_READ_ONLY != 0 || $R_SUPER_READ_ONLY != 0 ]]; then
    REPLY="the primary is read-only"
  fi
}

# An error's text, without the statement if that may hold a password or what was made of one, in REPLY.
public_error() { # TEXT
  REPLY=$1
  case ${1^^} in
    *" QUERY: "*IDENTIFIED* | *" QUERY: "*PASSWORD*) REPLY=${1%% Query: *} ;;
  esac
}

# What a thread failed of, in REPLY, or that it does not run.
doubt_about_threads() {
  REPLY=
  if [[ $R_IO != ON || $R_IO_ERRNO != 0 ]]; then
    public_error "$R_IO_ERROR"
    REPLY="the receiver thread is $R_IO, error $R_IO_ERRNO: $REPLY"
  elif [[ $R_SQL != ON || $R_SQL_ERRNO != 0 ]]; then
    public_error "$R_SQL_ERROR"
    REPLY="the applier thread is $R_SQL, error $R_SQL_ERRNO: $REPLY"
  fi
}

doubt_about_replica() {
  doubt_about_threads
  if [[ $R_HOST == - ]]; then
    REPLY="the replica has no replica configuration"
  elif [[ $R_HOST != "$PRIMARY_HOST" ]]; then
    REPLY="the replica's source is $R_HOST, the topology's primary is $PRIMARY_HOST"
  elif [[ $R_SUPER_READ_ONLY != 1 ]]; then
    REPLY="the replica is writable ($READ_ONLY_VARIABLE is OFF)"
  elif [[ $REPLY ]]; then
    return 0
  elif ! [[ $R_LAG =~ ^[0-9]+$ ]]; then
    REPLY="the lag is unknown ($R_LAG)"
  elif ((R_LAG > MAX_LAG)); then
    REPLY="the replica is $R_LAG s behind, more than $MAX_LAG s"
  fi
}

doubt_about_role() {
  if [[ -z $PRIMARY ]]; then
    REPLY="the topology names no primary"
  elif [[ $R_KIND != ready ]]; then
    REPLY="the server's answer cannot be understood: $ANSWER"
  elif [[ $R_PERFORMANCE_SCHEMA != 1 ]]; then
    REPLY="performance_schema is OFF: nothing can be known about replication"
  elif i_am_primary; then
    doubt_about_primary
  else
    doubt_about_replica
  fi
}

# What was said of the last look, told as a user variable, too: the modules quote it.
TOLD_BY_SQL=
told_sql() {
  REPLY=
  [[ $TOLD != "$TOLD_BY_SQL" ]] || return 0
  TOLD_BY_SQL=$TOLD
  sql_quote "$TOLD"
  REPLY="SET @kubemysql_readiness = $REPLY;"
}

# Look, and answer by port and file.
judge() {
  local facts
  volume_sql
  facts=$REPLY
  told_sql
  if ! readiness_row "$facts$REPLY"; then
    not_ready "$ANSWER"
    return
  fi
  doubt_about_role
  if [[ $REPLY ]]; then not_ready "$REPLY"; else ready; fi
}
