#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Handover: while a module moves the primary, the topology has the key `handover`, `from=OLD to=NEW epoch=N`. Until it is gone
# `primary` and `epoch` are the old ones. The module acts on the servers. A pod judges by their state, and acts only on a server
# that has started since it was last in its role:
#   the old primary  becomes writable only if the new one answers, is read-only, replicates, and has no transaction that the old
#                    one lacks. So the new one has not begun its epoch. A silent peer proves nothing.
#   the new primary  becomes writable only if its own data hold the row of its epoch. Otherwise it is a replica of the old one.
#   others           are replicas of the old primary.
# Sourced by lib-readiness.sh. The functions that act are called by run-replication.sh, which has `defer` and `run_local`.

# shellcheck disable=SC2034,SC2154 # variables of the scripts that source this file

# Whether the primary is being moved. HANDOVER_TO and HANDOVER_EPOCH are empty if the key cannot be read.
HANDOVER_TO=
HANDOVER_EPOCH=
in_handover() {
  HANDOVER_TO=
  HANDOVER_EPOCH=
  [[ ${INTENT[handover]-} ]] || return 1
  if [[ ${INTENT[handover]} =~ ^from=([^ ]+)\ to=([^ ]+)\ epoch=([1-9][0-9]{0,17})$ ]]; then
    HANDOVER_TO=${BASH_REMATCH[2]}
    HANDOVER_EPOCH=${BASH_REMATCH[3]}
  fi
}

is_handover_target() {
  [[ $HANDOVER_TO == "$POD_NAME" ]]
}

# --- readiness ------------------------------------------------------------------------------------------------------

# Since when this instance neither takes writes nor replicates, by SECONDS; empty if it does either.
CLOSED_SINCE=

# As why_primary_not_ready, while the primary is being moved: the state decides, and gives the role.
why_not_ready_in_handover() {
  local since=$CLOSED_SINCE
  CLOSED_SINCE=
  REPLY=
  if [[ ${STATUS[source_host]} != - ]] || ! { is_primary || is_handover_target; }; then
    ROLE=replica
    why_replica_not_ready
  elif [[ ${STATUS[read_only]} == 0 ]]; then
    ROLE=primary
  else
    ROLE=replica
    ! is_primary || ROLE=primary
    CLOSED_SINCE=${since:-$SECONDS}
    why_closed_for_too_long
  fi
}

# Data that nothing is added to are at most as old as that has been so.
why_closed_for_too_long() {
  if [[ -z $MAX_LAG ]]; then
    REPLY="the greatest lag allowed is unknown ($THRESHOLDS_DIR/$THRESHOLD_MAX_LAG is missing or no number)"
  elif ((SECONDS - CLOSED_SINCE > MAX_LAG)); then
    REPLY="the primary is being moved, and $POD_NAME has neither taken writes nor replicated for more than $MAX_LAG s"
  fi
}

# --- roles ----------------------------------------------------------------------------------------------------------

readonly COMPLETE_HANDOVER="run mysql_cluster_primary again: it completes the move of the primary or goes back"

# Brings a server that has started into its role. One that was in its role before is left as it is.
reconcile_in_handover() {
  if [[ $SOCKET -ef $SETTLED ]]; then
    role_by_state
    role_reached "$REPLY" "$POD_NAME is left as it is while the primary is being moved"
  elif is_primary; then
    reopen_old_primary
  elif is_handover_target && has_begun_epoch; then
    open_new_primary
  else
    reconcile_replica
  fi
}

# The role of the server with this OWN state, in REPLY.
role_by_state() {
  REPLY=replica
  if is_primary || [[ ${OWN[channels]} == 0 && ${OWN[read_only]} == 0 ]]; then REPLY=primary; fi
}

# Whether this instance's own data hold the row of the new primary's epoch.
has_begun_epoch() {
  [[ $HANDOVER_EPOCH ]] && read_data_epoch && [[ $DATA_EPOCH ]] || return 1
  query_local "SELECT COUNT(*) FROM $EPOCH_TABLE WHERE epoch = $HANDOVER_EPOCH AND primary_name = '$POD_NAME'" || return 1
  [[ $ANSWER == 1 ]]
}

open_new_primary() {
  no_channel_is_left || return
  query_peers
  peers_allow_writes || return
  run_local "SET GLOBAL read_only = OFF" || return
  role_reached primary "$POD_NAME is the primary of epoch $HANDOVER_EPOCH and writable"
}

# The new primary is asked again when only the last statement is missing: it may have begun its epoch meanwhile.
reopen_old_primary() {
  no_channel_is_left || return
  epoch_is_current || return
  new_primary_has_not_begun || return
  run_local "SET GLOBAL super_read_only = OFF" || return
  if ! new_primary_has_not_begun; then
    run_local "SET GLOBAL super_read_only = ON" || true
    return 1
  fi
  run_local "SET GLOBAL read_only = OFF" || return
  role_reached primary "$POD_NAME is the primary and writable again: $HANDOVER_TO replicates and has not taken over"
}

no_channel_is_left() {
  [[ ${OWN[channels]} == 0 ]] ||
    defer "$POD_NAME has replica configuration (source ${OWN[source_host]#-}) and is to be the primary: it stays read-only" \
      "$COMPLETE_HANDOVER"
}

new_primary_has_not_begun() {
  local row found="it does not answer"
  query_peers
  peers_allow_writes || return
  for row in "${PEER_ROWS[@]}"; do
    parse_peer "$row"
    [[ ${PEER[kind]} == peer && ${PEER[host]} == "$HANDOVER_TO.$SERVICE" ]] || continue
    unknown_here "${PEER[gtids]#-}" || return 1
    found=
    if [[ ${PEER[read_only]} != 1 ]]; then
      found="it is writable"
    elif [[ ${PEER[channels]} == 0 ]]; then
      found="it does not replicate"
    elif [[ $REPLY ]]; then
      found="it has transactions that $POD_NAME lacks ($REPLY)"
    fi
    break
  done
  [[ -z $found ]] ||
    defer "the primary is being moved to ${HANDOVER_TO:-an unknown instance}, and that it has not taken over is not certain: $found. $POD_NAME stays read-only" \
      "$COMPLETE_HANDOVER"
}
