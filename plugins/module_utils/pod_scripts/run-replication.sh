#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Container `replication`: brings the instance into its role each time mysqld has started or the topology has changed, and
# otherwise checks readiness each second: see lib-readiness.sh. Every step can be repeated. An obstacle on the way into the role
# is published as the reason why the instance is not ready. While the primary is being moved, lib-handover.sh has the conditions.
set -euo pipefail
# shellcheck source=lib-primary.sh
source /kubemysql/scripts/lib-primary.sh
# shellcheck source=lib-replica.sh
source /kubemysql/scripts/lib-replica.sh
# shellcheck source=lib-configure.sh
source /kubemysql/scripts/lib-configure.sh

# A hard link to the socket of the server that is being brought into its role.
readonly CANDIDATE=$RUN_DIR/kubemysql-candidate
# The same for a server that was in its role at some time. Another start of this container leaves it: see lib-handover.sh.
readonly SETTLED=$RUN_DIR/kubemysql-settled
# Epoch and primary of the intent that is worked on, and of the one for which the server was brought into its role.
CANDIDATE_TERM=
RECONCILED_TERM=

is_reconciled() {
  # An unreadable topology changes no role; readiness reports it.
  was_in_role && [[ -z $PRIMARY || "$EPOCH $PRIMARY" == "$RECONCILED_TERM" ]]
}

# Reads the intent. A new one is acknowledged at once, before it is judged: readiness stays as it is until then.
# A handover that is gone without another primary was given up: every instance returns to its role.
LAST_INTENT=
read_intent() {
  local role=$ROLE ready=false handover=${INTENT[handover]-}
  read_topology
  [[ -z $handover || ${INTENT[handover]-} || -z $PRIMARY ]] || RECONCILED_TERM='' CANDIDATE_TERM=''
  json_intent
  [[ $REPLY != "$LAST_INTENT" ]] || return 0
  LAST_INTENT=$REPLY
  [[ "$EPOCH $PRIMARY" == "$RECONCILED_TERM" ]] || role=
  [[ -z $READY_PORT_PID ]] || ready=true
  acknowledge "$role" "$ready" "the topology was not judged yet"
  leave_acknowledgement "the container replication ended"
  close_ack_port
}

# The init file has set root's password: this login has used it.
forget_pending_password() {
  [[ -e $DATA_DIR/$PENDING_PASSWORD_MARK ]] || return 0
  rm -f -- "$DATA_DIR/$PENDING_PASSWORD_MARK"
  write_init_sql
}

reconcile() {
  [[ -S $SOCKET ]] || return 1
  if ! [[ $SOCKET -ef $CANDIDATE ]]; then
    CATCH_UP=
    ln -f -- "$SOCKET" "$CANDIDATE" 2>/dev/null || return 1
  fi
  if [[ "$EPOCH $PRIMARY" != "$CANDIDATE_TERM" ]]; then
    CATCH_UP=
    CANDIDATE_TERM="$EPOCH $PRIMARY"
    RECONCILED_TERM=
    ROLE=
  fi
  read_own_state || return
  is_complete || defer "the server runs on data that are not marked complete: it is left alone" \
    "delete the pod" || return
  forget_pending_password
  [[ $PRIMARY ]] || defer "the topology names no primary: $POD_NAME stays as it is" || return
  reconcile_role || return
  in_handover || configure_role
  ln -f -- "$CANDIDATE" "$RECONCILED"
  ln -f -- "$CANDIDATE" "$SETTLED"
  RECONCILED_TERM="$EPOCH $PRIMARY"
  mark_claim
}

reconcile_role() {
  if in_handover; then
    reconcile_in_handover
  elif is_primary; then
    reconcile_primary
  else
    reconcile_replica
  fi
}

# Brings the instance into its role. A changed intent alone does not end readiness: only an obstacle does, or a server that does
# not answer.
reconcile_or_report() {
  if ! was_in_role; then
    close_session
    ROLE=
    [[ $DEFERRED ]] || not_ready "the server has not been brought into its role yet"
  fi
  local before=$PUBLICATIONS
  if reconcile; then return 0; fi
  [[ $DEFERRED ]] || ((PUBLICATIONS > before)) || not_ready "the server has not been brought into its role yet"
  return 1
}

main() {
  trap 'exit 0' TERM INT
  # A client that has ended is noticed by its missing answer.
  trap '' PIPE
  rm -f -- "$RECONCILED" "$CANDIDATE"
  log "watching over the role of $POD_NAME"
  while :; do
    read_intent
    open_ack_port
    if is_reconciled; then
      check_readiness
      pause 1
      continue
    fi
    if reconcile_or_report; then continue; fi
    if [[ $DEFERRED && -S $SOCKET ]]; then pause 2; else pause 0.2; fi
  done
}

main
