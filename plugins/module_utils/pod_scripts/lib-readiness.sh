#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Readiness: `openssl s_server` listens on READY_PORT while the instance is ready, and the kubelet's probe connects to that
# port. openssl is the one program that every supported image has and that keeps a port open; it exchanges no data here. The
# check runs each second over one session that stays open, since a probe that starts a client each time costs thirty times as
# much. The acknowledgement holds the reason if the instance is not ready. Everything unknown counts as "not ready", and when this
# script ends the port is closed. Sourced by lib-reconcile.sh.

# shellcheck source=lib-peers.sh
source /kubemysql/scripts/lib-peers.sh
# shellcheck source=lib-acknowledge.sh
source /kubemysql/scripts/lib-acknowledge.sh
# shellcheck source=lib-handover.sh
source /kubemysql/scripts/lib-handover.sh

# How long the server may take for one answer, in seconds.
readonly ANSWER_TIMEOUT=${ANSWER_TIMEOUT:-4}
# Between two readings of how full the volume is, in seconds.
readonly VOLUME_INTERVAL=30

# --- the result -----------------------------------------------------------------------------------------------------

# The role that the instance is in; empty if it is in none.
ROLE=

not_ready() { # REASON
  publish_not_ready "$ROLE" "$1"
}

# The role of a server that does not answer is unknown.
server_silent() { # REASON
  publish_not_ready "" "$1"
}

publish_not_ready() { # ROLE REASON
  close_ready_port
  acknowledge "$1" false "$2"
  log_change "not ready: $2"
}

ready() {
  open_ready_port
  acknowledge "$ROLE" true
  log_change ready
}

# The log repeats nothing that differs in numbers only, such as a lag that grows.
PUBLISHED=
PUBLICATIONS=0
log_change() { # TEXT
  PUBLICATIONS=$((PUBLICATIONS + 1))
  [[ ${PUBLISHED//[0-9]/} == "${1//[0-9]/}" ]] || log "$1"
  PUBLISHED=$1
}

# Opens the port, with a server that has no certificate: no data are exchanged.
READY_PORT_PID=
open_ready_port() {
  if is_running "$READY_PORT_PID"; then return; fi
  [[ -z $READY_PORT_PID ]] || log_once ready_port "port $READY_PORT had to be opened again: something closed it, or uses it"
  listen_argument "$POD_IP" "$READY_PORT"
  openssl s_server -quiet -nocert -accept "$REPLY" </dev/null >/dev/null 2>&1 &
  READY_PORT_PID=$!
}

close_ready_port() {
  end_process "$READY_PORT_PID"
  READY_PORT_PID=
}

# --- the session ----------------------------------------------------------------------------------------------------

# The session's client, and the ends of the pipes that lead to it and from it.
CLIENT_PID=
QUESTIONS=
ANSWERS=
open_session() {
  coproc SESSION { LIMIT='' local_client "$SESSION_COLUMNS" 2>&1; }
  # Bash takes its own two descriptors back when the client ends.
  exec {ANSWERS}<&"${SESSION[0]}" {QUESTIONS}>&"${SESSION[1]}"
  CLIENT_PID=$!
  VOLUME_READ_AT=
  printf '%s\n' "$SQL_PREAMBLE" >&"$QUESTIONS" || true
}

close_session() {
  [[ $CLIENT_PID ]] || return 0
  exec {QUESTIONS}>&- {ANSWERS}<&-
  end_process "$CLIENT_PID"
  CLIENT_PID=
}

# Run SQL that returns one row, which is in ANSWER, or the error. After any error the session is opened anew.
query_session() { # SQL
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

# Statements that publish how full the volume is, and how much a clone would copy, as user variables of this session, in REPLY.
# They are read through performance_schema.
VOLUME_READ_AT=
volume_sql() {
  local block blocks free data
  REPLY=
  [[ -z $VOLUME_READ_AT ]] || ((SECONDS - VOLUME_READ_AT >= VOLUME_INTERVAL)) || return 0
  read -r block blocks free < <(stat -f -c '%S %b %a' "$VOLUME_DIR") || return 0
  # Files may vanish meanwhile.
  read -r data _ < <(du -sm --exclude='binlog.*' --exclude='relay-bin.*' -- "$DATA_DIR" 2>/dev/null) || return 0
  VOLUME_READ_AT=$SECONDS
  REPLY="SET @kubemysql_volume_size = $((block * blocks)), @kubemysql_volume_free = $((block * free)), @kubemysql_data_mib = $data;"
}

# --- the check ------------------------------------------------------------------------------------------------------

# Each gives in REPLY why the instance with this STATUS is not ready, empty if it is.
why_primary_not_ready() {
  REPLY=
  if [[ ${STATUS[source_host]} != - ]]; then
    REPLY="the topology names $POD_NAME the primary, but it has replica configuration (source ${STATUS[source_host]})"
  elif [[ ${STATUS[read_only]} != 0 || ${STATUS[super_read_only]} != 0 ]]; then
    REPLY="the primary is read-only"
  fi
}

# The file changes when the kubelet refreshes the ConfigMap; what cannot be read leaves the last value in force.
MAX_LAG=
read_max_lag() {
  if read_line "$THRESHOLDS_DIR/$THRESHOLD_MAX_LAG" && [[ $REPLY =~ ^[0-9]+$ ]]; then MAX_LAG=$((10#$REPLY)); fi
}

# An error's text in REPLY, without the statement if that may hold a password or its hash.
public_error() { # TEXT
  REPLY=$1
  case ${1^^} in
    *" QUERY: "*IDENTIFIED* | *" QUERY: "*PASSWORD*) REPLY=${1%% Query: *} ;;
  esac
}

# A thread's error, or that it does not run, in REPLY.
why_not_replicating() {
  REPLY=
  if [[ ${STATUS[receiver]} != ON || ${STATUS[receiver_errno]} != 0 ]]; then
    public_error "${STATUS[receiver_error]}"
    REPLY="the receiver thread is ${STATUS[receiver]}, error ${STATUS[receiver_errno]}: $REPLY"
  elif [[ ${STATUS[applier]} != ON || ${STATUS[applier_errno]} != 0 ]]; then
    public_error "${STATUS[applier_error]}"
    REPLY="the applier thread is ${STATUS[applier]}, error ${STATUS[applier_errno]}: $REPLY"
  fi
}

# While the primary is being moved, both the old one and the new one are right.
is_right_source() { # HOST
  [[ $1 == "$PRIMARY_HOST" ]] || { in_handover && [[ $1 == "$HANDOVER_TO.$SERVICE" ]]; }
}

why_replica_not_ready() {
  why_not_replicating
  if [[ ${STATUS[source_host]} == - ]]; then
    REPLY="the replica has no replica configuration"
  elif ! is_right_source "${STATUS[source_host]}"; then
    REPLY="the replica's source is ${STATUS[source_host]}, the topology's primary is $PRIMARY_HOST"
  elif [[ ${STATUS[super_read_only]} != 1 ]]; then
    REPLY="the replica is writable ($READ_ONLY_VARIABLE is OFF)"
  elif [[ $REPLY ]]; then
    return 0
  elif ! [[ ${STATUS[lag]} =~ ^[0-9]+$ ]]; then
    REPLY="the lag is unknown (${STATUS[lag]})"
  elif [[ -z $MAX_LAG ]]; then
    REPLY="the greatest lag allowed is unknown ($THRESHOLDS_DIR/$THRESHOLD_MAX_LAG is missing or no number)"
  elif ((STATUS[lag] > MAX_LAG)); then
    REPLY="the replica is ${STATUS[lag]} s behind, more than $MAX_LAG s"
  fi
}

why_not_ready() {
  if [[ -z $PRIMARY ]]; then
    REPLY="the topology names no primary"
  elif [[ ${STATUS[kind]} != ready ]]; then
    REPLY="the server's answer cannot be understood: $ANSWER"
  elif [[ ${STATUS[performance_schema]} != 1 ]]; then
    REPLY="performance_schema is OFF: nothing can be known about replication"
  elif in_handover; then
    why_not_ready_in_handover
  elif is_primary; then
    why_primary_not_ready
  else
    why_replica_not_ready
  fi
}

# Checks once; the result is published by the port and by the acknowledgement.
check_readiness() {
  read_max_lag
  volume_sql
  if ! read_status_row "$REPLY"; then
    server_silent "$ANSWER"
    return
  fi
  why_not_ready
  if [[ $REPLY ]]; then not_ready "$REPLY"; else ready; fi
}
