#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run by run-donor.sh for each connection: standard input and output lead to the receiver. One backup at a time; other receivers
# wait in a queue for the time that they request. See lib-stream.sh for the protocol.
set -euo pipefail
# shellcheck source=lib-stream.sh
source /kubemysql/scripts/lib-stream.sh

readonly LOCK=/tmp/kubemysql-giving
readonly TOOL_LOG=/tmp/kubemysql-donor.log
readonly TOOL_CNF=/tmp/kubemysql-donor.cnf
# Readiness is checked each second; a result that is older than this, in seconds, is worth nothing.
readonly FRESH=15

send_line() { # TEXT
  printf '%s\n' "$1" 2>/dev/null || exit 0
}

# Why this instance must not give its data, in REPLY; empty if it may.
why_not_fit() {
  local now
  printf -v now '%(%s)T' -1
  if ! read_text "$ACK_FILE"; then
    REPLY="nothing is known about it yet"
  elif ((now - $(stat -c %Y -- "$ACK_FILE") > FRESH)); then
    REPLY="its readiness was not checked for more than $FRESH s"
  elif [[ $REPLY == *'"ready":true'* ]]; then
    REPLY=
  else
    REPLY=${REPLY##*'"reason":"'}
    REPLY="not ready: ${REPLY%'"}'}"
  fi
}

read_text() { # FILE
  [[ -s $1 ]] && REPLY=$(<"$1")
}

# The receiver has to know the clone password. Fills REQUEST and THEIR_NONCE.
authenticate() {
  local mine their_proof
  mine=$(nonce)
  send_line "$GREETING $mine"
  read -rt "$LINE_TIMEOUT" REQUEST THEIR_NONCE their_proof || exit 0
  [[ $THEIR_NONCE =~ ^[0-9a-f]{32}$ ]] || exit 0
  proof "$REQUEST" "$mine" "$THEIR_NONCE"
  [[ $their_proof == "$REPLY" ]] || die "somebody asked for a backup without knowing the clone password"
}

report_fitness() {
  local role=replica
  read_topology
  if is_primary; then role=primary; fi
  why_not_fit
  if [[ $REPLY ]]; then send_line "unfit $REPLY"; else send_line "fit $role $VERSION"; fi
}

# The lock is held by this process and by the tool, so the next one waits for a tool that outlives this process.
give_backup() { # SECONDS
  local size state=
  exec 9>"$LOCK"
  if ! flock -w "$1" 9; then
    send_line busy
    return
  fi
  why_not_fit
  if [[ $REPLY ]]; then
    send_line "unfit $REPLY"
    return
  fi
  write_tool_cnf
  if [[ $FLAVOUR == mariadb ]]; then
    query "SELECT @@global.gtid_binlog_state" donor_client || die "the state of the binary log cannot be read: $ANSWER"
    state=$ANSWER
  fi
  size=$(size_of "$DATA_DIR")
  send_line "begin $size $state"
  log "giving $size MiB to ${SOCAT_PEERADDR:-${NCAT_REMOTE_ADDR:-a peer}}"
  send_archive
}

donor_client() {
  client "$CLONE_USER" clone-password --socket="$SOCKET" --protocol=SOCKET "${LOCAL_TLS[@]}"
}

# The tool reads its option file more than once, so it has to be a real one; which group it reads depends on its age.
write_tool_cnf() {
  (
    umask 077
    option_file "$CLONE_USER" clone-password >"$TOOL_CNF"
    option_file "$CLONE_USER" clone-password | sed '1s/client/xtrabackup/' >>"$TOOL_CNF"
  )
}

# Sends the archive, and its result: the tool's exit status and last line.
send_archive() {
  local status=0 result=ok last throttle=()
  if read_line "$THRESHOLDS_DIR/$THRESHOLD_CLONE_THROTTLE"; then throttle=(--throttle="$REPLY"); fi
  "$TOOL" --defaults-extra-file="$TOOL_CNF" --backup --slave-info --stream=xbstream --datadir="$DATA_DIR" --socket="$SOCKET" \
    --target-dir=/tmp/kubemysql-donor --tmpdir=/tmp "${throttle[@]}" 2>"$TOOL_LOG" || status=$?
  rm -f -- "$TOOL_CNF"
  last=$(tail -n 1 -- "$TOOL_LOG")
  if ((status != 0)) || [[ $last != *"completed OK!" ]]; then
    one_line "$last"
    result="failed $TOOL ended with status $status: $REPLY"
    log "giving data failed: ${result#failed }"
  fi
  printf "%-${TRAILER_SIZE}s" "end $THEIR_NONCE $result" 2>/dev/null || log "the receiver has gone"
}

main() {
  find_tools
  authenticate
  case $REQUEST in
    about) report_fitness ;;
    give:[0-9] | give:[0-9][0-9]) give_backup "${REQUEST#give:}" ;;
    *) send_line "unfit unknown request '$REQUEST'" ;;
  esac
}

main
