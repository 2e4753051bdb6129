#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Clones by a streamed backup of a healthy peer, which is fetched and prepared: see lib-clone.sh, and lib-stream.sh for the
# protocol.

# shellcheck source=lib-clone.sh
source /kubemysql/scripts/lib-clone.sh
# shellcheck source=lib-certificate.sh
source /kubemysql/scripts/lib-certificate.sh
# shellcheck source=lib-stream.sh
source /kubemysql/scripts/lib-stream.sh
# shellcheck source=lib-coordinates.sh
source /kubemysql/scripts/lib-coordinates.sh

# How long, in seconds, to stay in a donor's queue before looking at the others again.
readonly QUEUE_PATIENCE=${QUEUE_PATIENCE:-5}
readonly WORK=/tmp/kubemysql-clone

# The certificate is needed by both sides, and by MariaDB for its clients.
prepare_for_clones() {
  make_certificate
}

# --- connection -----------------------------------------------------------------------------------------------------

# To and from the donor; their standard error is in a file.
CONNECTION_PID=
TO=
FROM=
# The nonce of this side, which ends a stream that is whole.
MY_NONCE=
disconnect() {
  [[ $CONNECTION_PID ]] || return 0
  exec {TO}>&- {FROM}<&-
  end_process "$CONNECTION_PID"
  CONNECTION_PID=
}

# Connect to the donor at ADDRESS, with files in FOLDER, and send REQUEST. The answer is in REPLY; without one this fails, with
# the reason in REPLY.
send_request() { # ADDRESS REQUEST FOLDER
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
  REPLY="its greeting is not that of a donor"
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

# Prints the answer of the peer at ADDRESS to the request `about`.
query_donor() { # ADDRESS
  CONNECTION_PID=
  send_request "$1" about "$WORK/about-$1" || REPLY="unfit $REPLY"
  printf '%s\n' "$REPLY"
  disconnect
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
    exec {fd}< <(query_donor "$address")
    fds+=("$fd")
  done
  for index in "${!PEERS[@]}"; do
    fd=${fds[index]} address=${PEERS[index]} word=
    read -r word role version <&"$fd" || true
    exec {fd}<&-
    if [[ $word != fit ]]; then
      log_once "donor $address" "peer $address cannot give its data: ${role:-it does not answer} $version"
    elif ! same_series "$version" "$VERSION"; then
      log_once "donor $address" "peer $address cannot give its data: its backups are of $version, this image's $TOOL is for $VERSION"
    elif [[ $role == replica ]]; then
      DONORS+=("$address")
    else
      last+=("$address")
    fi
  done
  DONORS+=("${last[@]}")
}

# --- the stream -----------------------------------------------------------------------------------------------------

# Fetch a backup from ADDRESS into DIRECTORY, and prepare it; logs the reason if it fails.
receive_from() { # ADDRESS DIRECTORY
  local size state
  rm -rf -- "$2"
  mkdir -- "$2"
  if ! send_request "$1" "give:$QUEUE_PATIENCE" "$WORK/connection" || [[ $REPLY != "begin "* ]]; then
    log_once "clone $1" "$1 does not give its data: $REPLY"
    disconnect
    return 1
  fi
  read -r _ size state <<<"$REPLY"
  log "cloning from $1: about $size MiB"
  rm -f -- "$WORK/trailer"
  extract "$2" <&"$FROM" &
  await_stream "$1" $! "$size" "$2"
  disconnect
  if [[ $REPLY ]]; then
    log_once "clone $1" "cloning from $1 failed: $REPLY"
    return 1
  fi
  prepare "$2" "$state" || {
    log_once "clone $1" "the backup from $1 cannot be used: $REPLY"
    return 1
  }
}

# Passes everything but the trailer to the archiver, and the trailer to a file.
extract() { # DIRECTORY
  rm -f -- "$WORK/end"
  mkfifo -- "$WORK/end"
  tail -c "$TRAILER_SIZE" <"$WORK/end" >"$WORK/trailer" &
  tee -- "$WORK/end" | head -c "-$TRAILER_SIZE" | "$ARCHIVER" -x -C "$1" >"$WORK/archiver" 2>&1
  wait $!
}

# Wait for the stream's end. REPLY is empty if it is whole, else the reason. A donor that sends nothing may wait for a lock; one
# that does not answer either has vanished.
await_stream() { # ADDRESS PID SIZE DIRECTORY
  local status=0 arrived before=-1 received begun=$SECONDS last_seen=$SECONDS last_logged=$SECONDS lost=
  received_mib && received=$REPLY
  while is_running "$2"; do
    pause 0.2
    ((SECONDS - last_seen >= 2)) || continue
    arrived=$(size_of "$4")
    if [[ $arrived != "$before" || $(query_donor "$1") != "unfit no "* ]]; then
      last_seen=$SECONDS
    elif ((SECONDS - last_seen >= DONOR_PATIENCE)); then
      lost="it has not answered for $DONOR_PATIENCE s"
      kill -KILL "$CONNECTION_PID" 2>/dev/null || true
    fi
    if ((SECONDS - last_logged >= PROGRESS_INTERVAL)); then
      last_logged=$SECONDS
      log_progress "$1" "$3" "$begun" "$received"
    fi
    before=$arrived
  done
  wait "$2" || status=$?
  check_stream "$status" "$lost"
}

# The archiver's last lines, in REPLY: the reason comes before the last one.
archiver_error() {
  one_line "$(tail -n 2 -- "$WORK/archiver" 2>/dev/null)"
}

check_stream() { # STATUS LOST
  local trailer
  trailer=$(tr -d '\0' <"$WORK/trailer" 2>/dev/null) || trailer=
  REPLY=
  if [[ $2 ]]; then
    REPLY=$2
  elif [[ $trailer == "end $MY_NONCE failed "* ]]; then
    read -r _ _ _ REPLY <<<"$trailer"
    REPLY="at the donor, $REPLY"
  elif ! [[ $trailer =~ ^"end $MY_NONCE ok "*$ ]]; then
    archiver_error
    REPLY="the stream was cut off${REPLY:+; $ARCHIVER: $REPLY}"
  elif (($1 != 0)); then
    archiver_error
    REPLY="$ARCHIVER ended with status $1: $REPLY"
  fi
}

# Make the backup in DIRECTORY a consistent data directory, and keep where its replication begins. Fails with a reason in REPLY.
prepare() { # DIRECTORY STATE
  local status=0 last
  parse_coordinates "$1" || return 1
  local gtids=$REPLY
  is_gtid_set "$2" || { REPLY="the donor's state is no set of GTIDs: '$2'" && return 1; }
  # In the background, so that this shell can be ended at any time.
  "$TOOL" --prepare --target-dir="$1" >"$WORK/prepare" 2>&1 &
  wait $! || status=$?
  last=$(tail -n 1 -- "$WORK/prepare")
  one_line "$last"
  REPLY="preparing it ended with status $status: $REPLY"
  ((status == 0)) && [[ $last == *"completed OK!" ]] || return 1
  rm -f -- "$1"/xtrabackup_* "$1"/mariadb_backup_* "$1/backup-my.cnf"
  write_coordinates "$1/$COORDINATES_FILE" "$gtids" "$2"
}

# --- the whole ------------------------------------------------------------------------------------------------------

clone_into() { # DIRECTORY
  trap disconnect EXIT
  rm -rf -- "$WORK"
  mkdir -- "$WORK"
  find_tools
  fetch_from_any receive_from "$1"
}
