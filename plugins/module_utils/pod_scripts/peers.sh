#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Asks the cluster's other instances, and refuses to start an empty primary beside them. Sourced, never run.

# shellcheck source=lib.sh
source /kubemysql/scripts/lib.sh

# How long, in seconds, peers may stay silent until an empty primary gives up.
readonly PEER_PATIENCE=${PEER_PATIENCE:-10}

# Addresses of the cluster's other pods in PEERS, ready or not. RESOLVED says whether the name gave anything at all.
PEERS=()
RESOLVED=
find_peers() {
  local address kind
  PEERS=()
  RESOLVED=
  while read -r address kind _; do
    [[ $kind == STREAM ]] || continue
    RESOLVED=yes
    [[ $address == "$POD_IP" ]] || PEERS+=("$address")
  done < <(getent ahosts "$SERVICE" || true)
}

# Prints what the peer at ADDRESS says, columns parted by tabs: its row, or one of
#   absent               nothing listens there
#   silent   <reason>    no answer in time, or none that can be understood
#   refused  <reason>    a server answers, but does not let us in
ask_peer() { # ADDRESS
  local verdict
  if peer_row "$1"; then
    printf '%s\n' "$REPLY"
    return
  fi
  case $ERRNO in
    2002 | 2003)
      verdict=silent
      [[ $ANSWER == *"(111)"* ]] && verdict=absent
      ;;
    -1 | 2013) verdict=silent ;;
    *) verdict=refused ;;
  esac
  printf '%s\t%s\n' "$verdict" "${ANSWER:-no answer in time}"
}

# Ask all peers at the same time. PEER_ROWS[i] is what PEERS[i] said.
PEER_ROWS=()
ask_peers() {
  local address fd index fds=()
  find_peers
  PEER_ROWS=()
  for address in "${PEERS[@]}"; do
    exec {fd}< <(ask_peer "$address")
    fds+=("$fd")
  done
  for index in "${!PEERS[@]}"; do
    fd=${fds[index]}
    IFS= read -r "PEER_ROWS[$index]" <&"$fd" || PEER_ROWS[index]=$'silent\tno answer'
    exec {fd}<&-
  done
}

# A row's columns. P_KIND is 'peer' for a server that let us in; all the others are set only then, but P_HOST is the reason.
# shellcheck disable=SC2034 # for those who source this file
parse_peer() { # ROW
  IFS=$'\t' read -r P_KIND P_HOST P_VERSION _ P_READ_ONLY P_CHANNELS P_RUNNING P_CLONE P_GTIDS <<<"$1"
}

# The MiB that have come in over this pod's network since it was made, in REPLY. Files tell less of a clone: the server gives
# them their full size before their content arrives.
received_mib() {
  local name bytes sum=0
  while read -r name bytes _; do
    [[ $name != *: ]] || sum=$((sum + bytes))
  done </proc/net/dev
  REPLY=$((sum >> 20))
}

# Says how far a clone is that began at BEGUN, when RECEIVED MiB had come in, in the words that mysql_cluster understands.
# TOTAL_MIB may be empty, and is about what will come.
tell_progress() { # ADDRESS TOTAL_MIB BEGUN RECEIVED
  local arrived rate text
  received_mib
  arrived=$((REPLY - $4))
  rate=$((arrived / (SECONDS > $3 ? SECONDS - $3 : 1)))
  text="cloning from $1: $arrived${2:+ of $2} MiB, $rate MiB/s"
  if [[ $2 ]] && ((rate > 0 && arrived < $2)); then text+=", $((($2 - arrived) / rate)) s left"; fi
  log "$text"
}

# Let FETCH_FROM try one donor after the other, and look for donors again, until one has given its data; then COMMIT makes
# them this instance's own. Both scripts that fetch data have a `find_donors` of their own, which fills DONORS.
DONORS=()
fetch() { # FETCH_FROM COMMIT
  local donor deadline=$((SECONDS + CLONE_TIMEOUT))
  while :; do
    find_donors
    for donor in "${DONORS[@]}"; do
      "$1" "$donor" || continue
      "$2"
      log "cloned from $donor; the data directory is complete"
      return
    done
    ((SECONDS < deadline)) || break
    pause 0.2
  done
  die "no peer could give its data within $CLONE_TIMEOUT s; the reasons are above" \
    "the primary $PRIMARY, or a replica of it, has to run; this is tried again from the start"
}

# A cluster that was bootstrapped has its data somewhere: never start an empty primary over them.
refuse_if_bootstrapped() {
  [[ -z $BOOTSTRAPPED ]] || die "$POD_NAME is the primary of a cluster that was bootstrapped at $BOOTSTRAPPED, but its volume is empty; the replicas hold the data" \
    "make one of the replicas the primary; this pod is then cloned from it"
}

# An empty primary must never stand over instances that hold data: refuse if any peer has a server that answers, or if
# that cannot be found out. On a fresh deployment the peers wait in their init containers and refuse connections at once.
refuse_if_peers_have_data() {
  local reason deadline=$((SECONDS + PEER_PATIENCE))
  while :; do
    ask_peers
    reason=$(doubt_about_peers)
    [[ $reason ]] || return 0
    if [[ $reason != "wait: "* ]] || ((SECONDS >= deadline)); then break; fi
    say_once peers "not initialising yet: ${reason#wait: }"
    pause 0.2
  done
  die "this volume is empty, and ${reason#wait: }: an empty primary must not start over instances that hold data" \
    "if a peer has the data, make it the primary and delete this pod's claim; if all data are really to be dropped, delete the peers first"
}

# Prints why an empty primary must not start, given what the peers said; begins with 'wait: ' while that may still change.
doubt_about_peers() {
  local index
  if [[ -z $RESOLVED ]]; then
    printf "wait: the name '%s' does not resolve, so the peers cannot be asked\n" "$SERVICE"
    return
  fi
  for index in "${!PEERS[@]}"; do
    parse_peer "${PEER_ROWS[index]}"
    case $P_KIND in
      absent) ;;
      silent) printf 'wait: the peer %s does not answer (%s)\n' "${PEERS[index]}" "$P_HOST" ;;
      refused) printf 'the peer %s runs a server (%s)\n' "${PEERS[index]}" "$P_HOST" ;;
      *) printf 'the peer %s (%s) runs a server\n' "$P_HOST" "${PEERS[index]}" ;;
    esac
  done | sort | sed -n 1p # 'the peer' sorts before 'wait:': certainty before doubt
}
