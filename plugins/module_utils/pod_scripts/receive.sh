#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run by provision.sh, or as the init container `clone` where the server's image has no backup tool: fetches a backup from a
# healthy peer, prepares it, and makes it this instance's data. See stream.sh for what is said.
set -euo pipefail
# shellcheck source=peers.sh
source /kubemysql/scripts/peers.sh
# shellcheck source=stream.sh
source /kubemysql/scripts/stream.sh
# shellcheck source=coordinates.sh
source /kubemysql/scripts/coordinates.sh

# How long, in seconds, to stay in a donor's queue before looking at the others again.
readonly QUEUE_PATIENCE=${QUEUE_PATIENCE:-5}
readonly WORK=/tmp/kubemysql-receive

# --- connection -----------------------------------------------------------------------------------------------------

# To and from the donor; their standard error is in a file.
CONNECTION_PID=
TO=
FROM=
hang_up() {
  [[ $CONNECTION_PID ]] || return 0
  exec {TO}>&- {FROM}<&-
  kill -KILL "$CONNECTION_PID" 2>/dev/null || true
  wait "$CONNECTION_PID" 2>/dev/null || true
  CONNECTION_PID=
}

# Ask the donor at ADDRESS, with files in FOLDER; its answer to REQUEST is in REPLY, or why there is none, and then this fails.
call() { # ADDRESS REQUEST FOLDER
  local greeting mine
  rm -rf -- "$3"
  mkdir -- "$3"
  mkfifo -- "$3/to" "$3/from"
  tls_client "$1" <"$3/to" >"$3/from" 2>"$3/errors" &
  CONNECTION_PID=$!
  exec {TO}>"$3/to" {FROM}<"$3/from"
  if ! IFS= read -rt "$LINE_TIMEOUT" -u "$FROM" greeting; then
    connection_error "$3/errors"
    return 1
  fi
  REPLY="it does not speak the language of backups"
  [[ $greeting =~ ^"$GREETING "([0-9a-f]{32})$ ]] || return 1
  mine=$(nonce)
  proof "$2" "${BASH_REMATCH[1]}" "$mine"
  MY_NONCE=$mine
  # Not by this shell: a donor that has gone would end it.
  (printf '%s %s %s\n' "$2" "$mine" "$REPLY" >&"$TO") 2>/dev/null || true
  IFS= read -rt $((LINE_TIMEOUT + QUEUE_PATIENCE)) -u "$FROM" REPLY && return
  REPLY="it does not answer"
  return 1
}

connection_error() { # FILE
  local errors
  errors=$(<"$1")
  case ${errors,,} in
    *refused*) REPLY="no server yet" ;;
    *verif*) REPLY="its certificate was not made with this cluster's clone-password: the Secret has changed since one of the two pods started" ;;
    *) one_line "${errors##*$'\n'}" && REPLY="no connection${REPLY:+ ($REPLY)}" ;;
  esac
}

# --- donors ---------------------------------------------------------------------------------------------------------

# Prints what the peer at ADDRESS says about itself.
ask_about() { # ADDRESS
  CONNECTION_PID=
  call "$1" about "$WORK/about-$1" || REPLY="unfit $REPLY"
  printf '%s\n' "$REPLY"
  hang_up
}

same_series() { # VERSION VERSION
  [[ ${1%.*} == "${2%.*}" ]]
}

# Addresses of healthy donors in DONORS: replicas first, the primary last.
find_donors() {
  local address fd word role version last=() fds=() index
  find_peers
  DONORS=()
  for address in "${PEERS[@]}"; do
    exec {fd}< <(ask_about "$address")
    fds+=("$fd")
  done
  for index in "${!PEERS[@]}"; do
    fd=${fds[index]} address=${PEERS[index]} word=
    read -r word role version <&"$fd" || true
    exec {fd}<&-
    if [[ $word != fit ]]; then
      say_once "donor $address" "peer $address cannot give its data: ${role:-it does not answer} $version"
    elif ! same_series "$version" "$VERSION"; then
      say_once "donor $address" "peer $address cannot give its data: its backups are of $version, this image's $TOOL is for $VERSION"
    elif [[ $role == replica ]]; then
      DONORS+=("$address")
    else
      last+=("$address")
    fi
  done
  DONORS+=("${last[@]}")
}

# --- the stream -----------------------------------------------------------------------------------------------------

# Fetch a backup from ADDRESS into INCOMING_DIR; fails with the reason said.
receive_from() { # ADDRESS
  local size state
  rm -rf -- "$INCOMING_DIR"
  mkdir -- "$INCOMING_DIR"
  if ! call "$1" "give:$QUEUE_PATIENCE" "$WORK/connection" || [[ $REPLY != "begin "* ]]; then
    say_once "clone $1" "$1 does not give its data: $REPLY"
    hang_up
    return 1
  fi
  read -r _ size state <<<"$REPLY"
  log "cloning from $1: about $size MiB"
  rm -f -- "$WORK/trailer"
  extract <&"$FROM" &
  await_stream "$1" $! "$size"
  hang_up
  if [[ $REPLY ]]; then
    say_once "clone $1" "cloning from $1 failed: $REPLY"
    return 1
  fi
  prepare "$state" || {
    say_once "clone $1" "the backup from $1 cannot be used: $REPLY"
    return 1
  }
}

# Everything but the trailer goes to the archiver, and the trailer to a file.
extract() {
  rm -f -- "$WORK/end"
  mkfifo -- "$WORK/end"
  tail -c "$TRAILER_SIZE" <"$WORK/end" >"$WORK/trailer" &
  tee -- "$WORK/end" | head -c "-$TRAILER_SIZE" | "$ARCHIVER" -x -C "$INCOMING_DIR" >"$WORK/archiver" 2>&1
  wait $!
}

# Wait for the stream's end; why it does not count is in REPLY, empty if it counts. A donor that sends nothing may have to wait
# for a lock; one that does not even answer has vanished.
await_stream() { # ADDRESS PID SIZE
  local status=0 arrived before=-1 received begun=$SECONDS last_seen=$SECONDS last_said=$SECONDS lost=
  received_mib && received=$REPLY
  while kill -0 "$2" 2>/dev/null; do
    pause 0.2
    ((SECONDS - last_seen >= 2)) || continue
    arrived=$(size_of "$INCOMING_DIR")
    if [[ $arrived != "$before" || $(ask_about "$1") != "unfit no "* ]]; then
      last_seen=$SECONDS
    elif ((SECONDS - last_seen >= DONOR_PATIENCE)); then
      lost="it has not answered for $DONOR_PATIENCE s"
      kill -KILL "$CONNECTION_PID" 2>/dev/null || true
    fi
    if ((SECONDS - last_said >= PROGRESS_INTERVAL)); then
      last_said=$SECONDS
      tell_progress "$1" "$3" "$begun" "$received"
    fi
    before=$arrived
  done
  wait "$2" || status=$?
  judge_stream "$status" "$lost"
}

# The reason comes before the last line.
archivers_word() {
  one_line "$(tail -n 2 -- "$WORK/archiver" 2>/dev/null)"
}

judge_stream() { # STATUS LOST
  local trailer
  trailer=$(tr -d '\0' <"$WORK/trailer" 2>/dev/null) || trailer=
  REPLY=
  if [[ $2 ]]; then
    REPLY=$2
  elif [[ $trailer == "end $MY_NONCE failed "* ]]; then
    read -r _ _ _ REPLY <<<"$trailer"
    REPLY="at the donor, $REPLY"
  elif ! [[ $trailer =~ ^"end $MY_NONCE ok "*$ ]]; then
    archivers_word
    REPLY="the stream was cut off${REPLY:+; $ARCHIVER says: $REPLY}"
  elif (($1 != 0)); then
    archivers_word
    REPLY="$ARCHIVER ended with status $1: $REPLY"
  fi
}

# Make a consistent data directory of the backup, and keep where its replication begins. Fails with a reason in REPLY.
prepare() { # STATE
  local status=0 last
  parse_coordinates "$INCOMING_DIR" || return 1
  local gtids=$REPLY
  is_gtid_set "$1" || { REPLY="the donor's state is none: '$1'" && return 1; }
  # In the background, so that this shell can be ended at any time.
  "$TOOL" --prepare --target-dir="$INCOMING_DIR" >"$WORK/prepare" 2>&1 &
  wait $! || status=$?
  last=$(tail -n 1 -- "$WORK/prepare")
  one_line "$last"
  REPLY="preparing it ended with status $status: $REPLY"
  ((status == 0)) && [[ $last == *"completed OK!" ]] || return 1
  rm -f -- "$INCOMING_DIR"/xtrabackup_* "$INCOMING_DIR"/mariadb_backup_* "$INCOMING_DIR/backup-my.cnf"
  write_coordinates "$INCOMING_DIR/$COORDINATES" "$gtids" "$1"
}

# --- life -----------------------------------------------------------------------------------------------------------

main() {
  trap hang_up EXIT
  need_topology
  if is_complete || [[ -e $INITIALIZING_MARK ]]; then
    return
  fi
  rm -rf -- "$WORK"
  mkdir -- "$WORK"
  find_tools
  fetch receive_from commit_incoming
}

main
