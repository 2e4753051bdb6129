#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Reads the state of the cluster's other instances, and refuses to start an empty primary beside them.

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

# How long, in seconds, an empty primary waits for the answers of its peers.
readonly PEER_PATIENCE=${PEER_PATIENCE:-10}

# Addresses of the cluster's other pods in PEERS, ready or not. RESOLVED is yes if the name had any address at all.
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

# Prints the state of the peer at ADDRESS, columns parted by tabs: its row, or one of
#   absent               nothing listens there
#   silent   <reason>    no answer in time, or none that can be understood
#   refused  <reason>    a server answers, but refuses the login
query_peer() { # ADDRESS
  local verdict
  if read_peer "$1"; then
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

# Query all peers at the same time. PEER_ROWS[i] is the answer of PEERS[i].
PEER_ROWS=()
query_peers() {
  local address fd index fds=()
  find_peers
  PEER_ROWS=()
  for address in "${PEERS[@]}"; do
    exec {fd}< <(query_peer "$address")
    fds+=("$fd")
  done
  for index in "${!PEERS[@]}"; do
    fd=${fds[index]}
    IFS= read -r "PEER_ROWS[$index]" <&"$fd" || PEER_ROWS[index]=$'silent\tno answer'
    exec {fd}<&-
  done
}

# The columns of a row that query_peer printed, in PEER. PEER[host] is the reason unless PEER[kind] is peer.
parse_peer() { # ROW
  read_columns PEER "$1" kind host version - read_only channels running clone gtids
}

# A cluster that was bootstrapped has its data somewhere: never start an empty primary over them.
refuse_if_bootstrapped() {
  [[ -z $BOOTSTRAPPED ]] || die "$POD_NAME is the primary of a cluster that was bootstrapped at $BOOTSTRAPPED, but its volume is empty; the replicas hold the data" \
    "make one of the replicas the primary; this pod is then cloned from it"
}

# An empty primary must never start beside instances that hold data: refuse if any peer has a server that answers, or if the
# state of a peer cannot be found out. On a fresh deployment the peers wait in their init containers and refuse connections.
refuse_if_peers_have_data() {
  local reason deadline=$((SECONDS + PEER_PATIENCE))
  while :; do
    query_peers
    reason=$(why_not_initialise)
    [[ $reason ]] || return 0
    if [[ $reason != "wait: "* ]] || ((SECONDS >= deadline)); then break; fi
    log_once peers "not initialising yet: ${reason#wait: }"
    pause 0.2
  done
  die "this volume is empty, and ${reason#wait: }: an empty primary must not start over instances that hold data" \
    "if a peer has the data, make it the primary and delete this pod's claim; if all data are really to be dropped, delete the peers first"
}

# Prints why an empty primary must not start; begins with 'wait: ' while that may still change.
why_not_initialise() {
  local index
  if [[ -z $RESOLVED ]]; then
    printf "wait: the name '%s' does not resolve, so the state of the peers is unknown\n" "$SERVICE"
    return
  fi
  for index in "${!PEERS[@]}"; do
    parse_peer "${PEER_ROWS[index]}"
    case ${PEER[kind]} in
      absent) ;;
      silent) printf 'wait: the peer %s does not answer (%s)\n' "${PEERS[index]}" "${PEER[host]}" ;;
      refused) printf 'the peer %s runs a server (%s)\n' "${PEERS[index]}" "${PEER[host]}" ;;
      *) printf 'the peer %s (%s) runs a server\n' "${PEER[host]}" "${PEERS[index]}" ;;
    esac
  done | sort | sed -n 1p # 'the peer' sorts before 'wait:': a certain refusal before one that may pass
}
