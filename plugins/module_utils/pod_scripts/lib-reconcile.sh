#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Shared by the ways into both roles: publishes the obstacle in the way, and runs statements on this pod's server. Sourced by
# lib-primary.sh and lib-replica.sh.

# shellcheck disable=SC2034 # results are for the scripts that source this file

[[ -z ${RECONCILED-} ]] || return 0 # sourced before

# shellcheck source=lib-readiness.sh
source /kubemysql/scripts/lib-readiness.sh

# A hard link to the socket of the server that is in its role: a restarted server has a new socket, a new inode.
readonly RECONCILED=$RUN_DIR/kubemysql-reconciled

# Whether the last attempt met an obstacle that may last.
DEFERRED=

# Publish REASON as the reason why the instance is not ready, and fail, so that the caller tries again.
defer() { # REASON [WAY_OUT]
  DEFERRED=yes
  not_ready "$1${2:+ -- what to do: $2}"
  return 1
}

role_reached() { # ROLE TEXT
  DEFERRED=
  ROLE=$1
  log "$2"
}

# Fills OWN.
read_own_state() {
  if ! query_local "SELECT @@version, @@skip_networking"; then
    # A server that is starting or stopping does not answer, one that is being initialised has another root password for a
    # moment; any other that refuses its own root needs a human.
    ! is_complete || ((ERRNO < 1000 || (ERRNO >= 2000 && ERRNO < 3000))) || defer "the server refuses root's login with the Secret's root-password: $ANSWER"
    return 1
  fi
  [[ $ANSWER == *$'\t0' ]] || return 1 # the temporary server of the first initialisation
  read_own "${ANSWER%%$'\t'*}"
}

run_local() { # SQL in the syntax of the newest server, [QUOTED_PASSWORD for ':password']
  dialect "${OWN[version]}" "$1"
  REPLY=${REPLY//:password/"${2-}"}
  query_local "$REPLY" || defer "the server refused a step on the way into its role: $ANSWER"
}

# Whether this server was brought into the role that the intent named by then.
was_in_role() {
  [[ $SOCKET -ef $RECONCILED ]]
}
