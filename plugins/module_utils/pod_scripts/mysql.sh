#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Container mysql: hands over to the image's own entrypoint. Every start is read-only, the container `replication` gives
# the instance its role; only the very first initialisation of the primary has to write.
set -euo pipefail
# shellcheck source=peers.sh
source /kubemysql/scripts/peers.sh

CHILD=
STOPPING=
stop() {
  STOPPING=yes
  [[ -z $CHILD ]] || kill -TERM "$CHILD" 2>/dev/null || true
}

# Run the entrypoint, and the server that it becomes, as a child, and pass SIGTERM on. As the container's first process they
# would not get it before they have a handler for it, since the kernel drops what a first process has no handler for: a pod
# that is deleted while it starts would last for its whole grace period.
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

# The entrypoint puts root's password into its environment, and into SQL and option files without quoting it. So it gets
# a password to throw away; users.sh sets the real one beside it and the container `replication` discards this one.
first_start() {
  local file=/tmp/kubemysql-first-root-password
  i_am_primary || die "the topology has named $PRIMARY the primary since this volume was prepared" "delete this pod: it is then cloned"
  # Only this container may have restarted, after a crash in the middle: nothing that was checked before is taken for granted.
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
  # Values that somebody persisted win over option files and over the command line, but not over the init file, which the
  # server executes before it lets anybody in.
  write_init_sql
  supervise docker-entrypoint.sh "$SERVER_PROGRAM" "${READ_ONLY_ARGUMENTS[@]}" --init-file="$INIT_SQL"
}

main() {
  need_topology
  if is_complete; then later_start; fi
  if is_unfinished; then first_start; fi
  die "$DATA_DIR was not prepared: neither complete nor to be initialised" \
    "the init container 'provision' has to run before this container; see its log"
}

main
