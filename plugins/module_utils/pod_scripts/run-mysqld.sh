#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Container `mysql`: runs the image's own entrypoint. Every start is read-only, except for the first initialisation of the
# primary; the container `replication` gives the instance its role.
set -euo pipefail
# shellcheck source=lib-peers.sh
source /kubemysql/scripts/lib-peers.sh
# shellcheck source=lib-acknowledge.sh
source /kubemysql/scripts/lib-acknowledge.sh

CHILD=
STOPPING=
stop() {
  STOPPING=yes
  [[ -z $CHILD ]] || kill -TERM "$CHILD" 2>/dev/null || true
}

# Run the entrypoint, and the server that it becomes, as a child, and pass SIGTERM on. The kernel drops a signal for which a
# container's first process has no handler, so a pod that is deleted while it starts would last for its whole grace period.
supervise() { # COMMAND...
  local status
  trap stop TERM INT
  "$@" &
  CHILD=$!
  [[ -z $STOPPING ]] || stop
  while :; do
    status=0
    wait "$CHILD" || status=$?
    # A signal ends the wait, but not the child.
    kill -0 "$CHILD" 2>/dev/null || exit "$status"
  done
}

# The entrypoint puts root's password into its environment, and into SQL and option files without quoting it. So it gets a
# temporary one; run-initdb-accounts.sh sets the real one beside it, and the container `replication` discards the temporary one.
first_start() {
  local file=/tmp/kubemysql-temporary-root-password
  is_primary || die "the topology has named $PRIMARY the primary since this volume was prepared" "delete this pod: it is then cloned"
  # Only this container may have restarted, after a crash in the middle: everything is checked again.
  wipe_unfinished
  refuse_if_bootstrapped
  refuse_if_peers_have_data
  rm -f -- "$FIRST_START_CNF"
  (
    umask 077
    printf 'Kk1-%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >"$file"
  )
  # MariaDB's entrypoint knows these names, too.
  export MYSQL_ROOT_PASSWORD_FILE=$file MYSQL_ROOT_HOST=localhost
  unset MYSQL_ROOT_PASSWORD MYSQL_ALLOW_EMPTY_PASSWORD MYSQL_RANDOM_ROOT_PASSWORD MYSQL_ONETIME_PASSWORD
  log "first initialisation of the primary"
  supervise docker-entrypoint.sh "$SERVER_PROGRAM"
}

later_start() {
  # An initialised server needs no password from its environment.
  unset MYSQL_ROOT_PASSWORD MYSQL_ROOT_PASSWORD_FILE
  # Persisted values win over option files and over the command line, but not over the init file, which the server executes
  # before it accepts connections.
  write_init_sql
  supervise docker-entrypoint.sh "$SERVER_PROGRAM" "${READ_ONLY_ARGUMENTS[@]}" --init-file="$INIT_SQL"
}

main() {
  require_topology
  leave_acknowledgement "the server ended"
  if is_complete; then later_start; fi
  if is_unfinished; then first_start; fi
  die "$DATA_DIR was not prepared: neither complete nor to be initialised" \
    "the init container 'provision' has to run before this container; see its log"
}

main
