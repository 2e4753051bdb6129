#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Tries donors until one has given its data, and logs the progress. lib-clone-plugin.sh and lib-clone-stream.sh source this file
# and have the same functions:
#   prepare_for_clones          what a pod needs before others can clone from it or it from others
#   clone_into DIRECTORY        fetches the data of a peer; DIRECTORY is complete, and synced by nobody, when this returns
#   find_donors                 fills DONORS

# shellcheck source=lib-peers.sh
source /kubemysql/scripts/lib-peers.sh
# shellcheck source=lib-acknowledge.sh
source /kubemysql/scripts/lib-acknowledge.sh

# The MiB that have come in over this pod's network since it was made, in REPLY. Files do not show the progress of a clone: the
# server gives them their full size before their content arrives.
received_mib() {
  local name bytes sum=0
  while read -r name bytes _; do
    [[ $name != *: ]] || sum=$((sum + bytes))
  done </proc/net/dev
  REPLY=$((sum >> 20))
}

# Acknowledges and logs the progress of a clone that began at BEGUN, when RECEIVED MiB had come in. TOTAL_MIB is about what will
# come, and may be empty.
log_progress() { # ADDRESS TOTAL_MIB BEGUN RECEIVED
  local arrived rate text
  received_mib
  arrived=$((REPLY - $4))
  rate=$((arrived / (SECONDS > $3 ? SECONDS - $3 : 1)))
  text="cloning from $1: $arrived${2:+ of $2} MiB, $rate MiB/s"
  if [[ $2 ]] && ((rate > 0 && arrived < $2)); then text+=", $((($2 - arrived) / rate)) s left"; fi
  acknowledge "" false "$text" "$arrived" "$2"
  log "$text"
}

# Runs FETCH DONOR DIRECTORY with one donor after the other, and looks for donors again, until one has given its data. DONOR
# gets its address.
DONORS=()
DONOR=
fetch_from_any() { # FETCH DIRECTORY
  local deadline=$((SECONDS + CLONE_TIMEOUT))
  while :; do
    find_donors
    for DONOR in "${DONORS[@]}"; do
      if "$1" "$DONOR" "$2"; then return; fi
    done
    acknowledge "" false "no peer has given its data yet"
    ((SECONDS < deadline)) || break
    pause 0.2
  done
  die "no peer could give its data within $CLONE_TIMEOUT s; the reasons are above" \
    "the primary $PRIMARY, or a replica of it, has to run; this is tried again from the start"
}

# Makes this instance's data a clone of a peer's.
clone_data() {
  clone_into "$INCOMING_DIR"
  commit_incoming
  log "cloned from $DONOR; the data directory is complete"
}
