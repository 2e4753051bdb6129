#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run by backup.sh for each connection: standard input and output are the receiver. One backup at a time; the others wait in
# a queue for as long as they like to. See stream.sh for what is said.
set -euo pipefail
# shellcheck source=stream.sh
source /kubemysql/scripts/stream.sh

readonly LOCK=/tmp/kubemysql-giving
readonly TOOL_LOG=/tmp/kubemysql-backup.log
readonly TOOL_CNF=/tmp/kubemysql-backup.cnf
# Readiness is judged each second; when that was not done for so long, in seconds, nothing is known.
readonly FRESH=15

say() { # TEXT
  printf '%s\n' "$1" 2>/dev/null || exit 0
}

# Why this instance must not give its data, in REPLY; empty if it may.
doubt_about_myself() {
  local now
  printf -v now '%(%s)T' -1
  if ! read_text "$READINESS_FILE"; then
    REPLY="nothing is known about it yet"
  elif ((now - $(stat -c %Y -- "$READINESS_FILE") > FRESH)); then
    REPLY="its readiness was not looked at for more than $FRESH s"
  elif [[ $REPLY == ready ]]; then
    REPLY=
  fi
}

read_text() { # FILE
  [[ -s $1 ]] && REPLY=$(<"$1")
}

# Who connects has to know the clone password. Fills REQUEST and THEIR_NONCE.
let_in() {
  local mine their_proof
  mine=$(nonce)
  say "$GREETING $mine"
  read -rt "$LINE_TIMEOUT" REQUEST THEIR_NONCE their_proof || exit 0
  [[ $THEIR_NONCE =~ ^[0-9a-f]{32}$ ]] || exit 0
  proof "$REQUEST" "$mine" "$THEIR_NONCE"
  [[ $their_proof == "$REPLY" ]] || die "somebody asked for a backup without knowing the clone password"
}

tell_about() {
  local role=replica
  read_topology
  if i_am_primary; then role=primary; fi
  doubt_about_myself
  if [[ $REPLY ]]; then say "unfit $REPLY"; else say "fit $role $VERSION"; fi
}

# The lock is held by this process and by the tool, so a tool that outlives us is waited for.
give() { # SECONDS
  local size state=
  exec 9>"$LOCK"
  if ! flock -w "$1" 9; then
    say busy
    return
  fi
  doubt_about_myself
  if [[ $REPLY ]]; then
    say "unfit $REPLY"
    return
  fi
  write_tool_cnf
  if [[ $FLAVOUR == mariadb ]]; then
    ask "SELECT @@global.gtid_binlog_state" backup_client || die "the server cannot be asked for the state of its binary log: $ANSWER"
    state=$ANSWER
  fi
  size=$(size_of "$DATA_DIR")
  say "begin $size $state"
  log "giving $size MiB to ${SOCAT_PEERADDR:-${NCAT_REMOTE_ADDR:-a peer}}"
  send
}

backup_client() {
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

# The archive, and how it ended: by the tool's exit status and by its last word.
send() {
  local status=0 verdict=ok last throttle=()
  [[ -z ${CLONE_THROTTLE-} ]] || throttle=(--throttle="$CLONE_THROTTLE")
  "$TOOL" --defaults-extra-file="$TOOL_CNF" --backup --slave-info --stream=xbstream --datadir="$DATA_DIR" --socket="$SOCKET" \
    --target-dir=/tmp/kubemysql-backup --tmpdir=/tmp "${throttle[@]}" 2>"$TOOL_LOG" || status=$?
  rm -f -- "$TOOL_CNF"
  last=$(tail -n 1 -- "$TOOL_LOG")
  if ((status != 0)) || [[ $last != *"completed OK!" ]]; then
    one_line "$last"
    verdict="failed $TOOL ended with status $status: $REPLY"
    log "giving data failed: ${verdict#failed }"
  fi
  printf "%-${TRAILER_SIZE}s" "end $THEIR_NONCE $verdict" 2>/dev/null || log "the receiver has gone"
}

main() {
  find_tools
  let_in
  case $REQUEST in
    about) tell_about ;;
    give:[0-9] | give:[0-9][0-9]) give "${REQUEST#give:}" ;;
    *) say "unfit it does not know the request '$REQUEST'" ;;
  esac
}

main
