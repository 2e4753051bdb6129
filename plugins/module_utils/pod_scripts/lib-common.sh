#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Basics of every pod script: constants, log, topology, marks on the volume, access to servers.
#
# Marks on the volume. Every one of them is synced before the step that relies on it.
#   .kubemysql-initializing      at the volume's root: the first initialisation was begun here. Without the next mark in
#                                the data directory no client can have written yet, so the data directory may be wiped.
#   mysql/.kubemysql-complete    inside the data directory, so that one rename moves data and mark together: complete.
#   mysql/.kubemysql-cloned      the data are a clone: replication settings in them are the donor's, not ours.
#   mysql/.kubemysql-root-password-temporary   root has the entrypoint's password beside its own: see run-mysqld.sh.
#   mysql/.kubemysql-root-password-pending     root gets its password by the init file of the next start: see write_init_sql.
#   mysql/.kubemysql-coordinates               where replication of a streamed clone begins; removed when it has begun.
#   .kubemysql-cluster           at the volume's root: which cluster and epoch the claim belongs to: see lib-epoch.sh.
#   incoming/                    a clone that is still arriving. Worthless until it is renamed to mysql/.

# shellcheck disable=SC2034 # constants and results are for the scripts that source this file

[[ -z ${INCOMING_DIR-} ]] || return 0 # sourced before

# First of all: the kernel drops a signal for which a container's first process has no handler, and the pod would last for its
# whole grace period.
trap 'exit 143' TERM INT
# Options are parsed and literals are quoted byte by byte, whatever locale the image sets.
export LC_ALL=C
# Older shells take an empty array for an unset variable.
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || set +u
# A trace by `bash -x` would hold passwords.
set +x

# shellcheck source=lib-constants.sh
source /kubemysql/scripts/lib-constants.sh

readonly INCOMING_DIR=$VOLUME_DIR/incoming
readonly INITIALIZING_MARK=$VOLUME_DIR/.kubemysql-initializing
readonly COMPLETE_MARK=.kubemysql-complete
readonly CLONED_MARK=.kubemysql-cloned
readonly COORDINATES_FILE=.kubemysql-coordinates
readonly TEMPORARY_PASSWORD_MARK=.kubemysql-root-password-temporary PENDING_PASSWORD_MARK=.kubemysql-root-password-pending
readonly FIRST_START_CNF=$CONF_DIR/zz-first-start.cnf
readonly INIT_SQL=$RUN_DIR/kubemysql-init.sql
# The acknowledgement: see lib-acknowledge.sh. It is written by every check, so its age is that of the last one.
readonly ACK_FILE=$RUN_DIR/kubemysql-ack/acknowledgement
readonly ACK_KEY=$RUN_DIR/kubemysql-ack.pem
readonly TERMINATION_LOG=${TERMINATION_LOG:-/dev/termination-log}
readonly CERTIFICATE=$TLS_DIR/instance.crt
readonly CERTIFICATE_KEY=$TLS_DIR/instance.key
readonly AUTHORITY=$TLS_DIR/authority.crt
# How long to look for a donor, and how long a donor may be silent during a clone, in seconds.
readonly CLONE_TIMEOUT=${CLONE_TIMEOUT:-600}
readonly DONOR_PATIENCE=${DONOR_PATIENCE:-30}
# How long, in seconds, one login to a peer may take. A second is too short: a busy machine takes longer for the handshake, and
# a replica that is passed over for it leaves the work of giving its data to the primary.
readonly PEER_TIMEOUT=3
# Between two log lines about the progress of a clone, in seconds.
readonly PROGRESS_INTERVAL=${PROGRESS_INTERVAL:-10}

log() {
  printf '%(%Y-%m-%dT%H:%M:%S%z)T [kubemysql] %s\n' -1 "$*" >&2
}

# die REASON [WAY_OUT]. ON_DIE names a function that gets the text.
ON_DIE=
die() {
  local text="$1${2:+ -- what to do: $2}"
  log "FAILED: $text"
  [[ -z $ON_DIE ]] || "$ON_DIE" "$text"
  exit 1
}

# Log TEXT unless it was the last line about TOPIC: a loop must not repeat itself. -g: the file may be sourced by a function.
declare -gA LOGGED
log_once() { # TOPIC TEXT
  [[ ${LOGGED[$1]:-} == "$2" ]] && return
  LOGGED[$1]=$2
  log "$2"
}

# Wait by a read that never returns data: it starts no process.
NEVER=
pause() { # SECONDS
  [[ $NEVER ]] || exec {NEVER}<> <(:)
  read -rt "$1" -u "$NEVER" || true
}

# Whether the process runs; PID may be empty.
is_running() { # PID
  [[ $1 ]] && kill -0 "$1" 2>/dev/null
}

# Ends a process that holds nothing that it would have to save; PID may be empty.
end_process() { # PID
  [[ $1 ]] || return 0
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# --- who am I -------------------------------------------------------------------------------------------------------

ordinal() {
  [[ $POD_NAME =~ -([0-9]+)$ ]] || die "POD_NAME '$POD_NAME' does not end in an ordinal" "run this in a StatefulSet's pod"
  printf '%d' "$((10#${BASH_REMATCH[1]}))"
}

# Read the topology into INTENT, by key, and into variables of their own, which are empty if it cannot be read. PRIMARY_HOST is
# the primary's name in DNS. The kubelet may change the files meanwhile; the next reading then gets them all.
declare -gA INTENT
CLUSTER=
EPOCH=
PRIMARY=
PRIMARY_HOST=
BOOTSTRAPPED=
read_topology() {
  local file
  INTENT=()
  for file in "$TOPOLOGY_DIR"/*; do
    if read_line "$file"; then INTENT[${file##*/}]=$REPLY; fi
  done
  CLUSTER=${INTENT[cluster]-}
  EPOCH=${INTENT[epoch]-}
  PRIMARY=${INTENT[primary]-}
  BOOTSTRAPPED=${INTENT[bootstrapped]-}
  PRIMARY_HOST=$PRIMARY.$SERVICE
}

# First word of FILE in REPLY; a missing final newline is fine, a missing or empty file is not.
read_line() { # FILE
  REPLY=
  [[ -r $1 ]] || return 1
  read -r REPLY <"$1" || [[ $REPLY ]]
}

require_topology() {
  read_topology
  [[ $PRIMARY ]] || die "the topology names no primary ($TOPOLOGY_DIR/primary is missing or empty)" \
    "restore the cluster's topology ConfigMap: run the deployment again"
}

is_primary() {
  [[ $PRIMARY == "$POD_NAME" ]]
}

# --- marks ----------------------------------------------------------------------------------------------------------

# The mark's content is for humans; its existence is what counts. File and directory are synced: it survives a power cut.
place_mark() { # FILE TEXT
  printf '%s\n' "$2" >"$1"
  sync "$1" "${1%/*}"
}

is_complete() {
  [[ -e $DATA_DIR/$COMPLETE_MARK ]]
}

# A directory that cannot be read must not pass for an empty one.
has_data() {
  local entries
  [[ -r $VOLUME_DIR && -w $VOLUME_DIR && -x $VOLUME_DIR ]] || die "$VOLUME_DIR is not readable and writable by user $UID" "give the pod an fsGroup"
  [[ -e $DATA_DIR ]] || return 1
  entries=$(find -H "$DATA_DIR" -mindepth 1 -maxdepth 1 -print -quit) || die "$DATA_DIR cannot be read" "mend its permissions"
  [[ $entries ]]
}

# The first initialisation has begun and has not been completed.
is_unfinished() {
  [[ -e $INITIALIZING_MARK ]] && ! is_complete
}

# The file of statements, one a line, which the server executes before it accepts connections.
write_init_sql() {
  local password_sql=
  [[ ! -e $DATA_DIR/$PENDING_PASSWORD_MARK ]] || password_sql=$(pending_password_sql)
  rm -f -- "$INIT_SQL"
  (
    umask 077
    printf '%sSET GLOBAL %s = ON;\n' "${password_sql:+$password_sql$'\n'}" "$READ_ONLY_VARIABLE" >"$INIT_SQL"
  )
}

pending_password_sql() {
  local password
  read_secret root-password && sql_quote "$REPLY"
  password=$REPLY
  dialect - "SET GLOBAL super_read_only = OFF;"
  printf '%s\nSET sql_log_bin = 0;\nALTER USER root@localhost IDENTIFIED BY %s;\n' "$REPLY" "$password"
}

# Makes the clone in INCOMING_DIR the data directory by one rename. Data and marks are synced before it, so nothing is missing
# after it. auto.cnf is the donor's identity.
commit_incoming() {
  rm -f -- "$INCOMING_DIR/auto.cnf"
  place_mark "$INCOMING_DIR/$CLONED_MARK" "$POD_NAME"
  place_mark "$INCOMING_DIR/$COMPLETE_MARK" "cloned by $POD_NAME"
  # File by file: a kernel before 5.8 does not report write errors when a whole file system is synced.
  find "$INCOMING_DIR" -exec sync -- {} +
  rm -f -- "$INITIALIZING_MARK"
  mv -T -- "$INCOMING_DIR" "$DATA_DIR"
  sync "$VOLUME_DIR"
}

# Removes what an interrupted first initialisation left. Nothing else removes a data directory; see the mark above.
wipe_unfinished() {
  is_unfinished || die "refusing to wipe $DATA_DIR: it is not an unfinished first initialisation"
  has_data || return 0
  [[ -z $BOOTSTRAPPED ]] || die "$DATA_DIR holds an interrupted first initialisation, but the cluster was bootstrapped at $BOOTSTRAPPED" \
    "look at the volume; delete this pod's claim and the pod if it is worthless"
  log "the first initialisation was interrupted before any client could connect: wiping $DATA_DIR and starting over"
  rm -rf -- "$DATA_DIR"
  rm -f -- "$FIRST_START_CNF"
  sync "$VOLUME_DIR"
}

# --- servers --------------------------------------------------------------------------------------------------------

# shellcheck source=lib-client.sh
source /kubemysql/scripts/lib-client.sh
# The states of servers, by column. The dialects fill them.
#   OWN          this pod's server; OWN[id] is its identity in GTIDs
#   SOURCE       the topology's primary, as a source of replication
#   PEER         another instance; PEER[kind] is "peer", or the reason why nothing else is known: see query_peer
#   STATUS       this pod's server as readiness sees it
#   COORDINATES  where the replication of a streamed clone begins
declare -gA OWN SOURCE PEER STATUS COORDINATES
readonly FLAVOUR=${FLAVOUR:-mysql} CLONE_METHOD=${CLONE_METHOD:-plugin}
# SQL and options that differ between MySQL and MariaDB.
# shellcheck source=dialect-mysql.sh
source "/kubemysql/scripts/dialect-$FLAVOUR.sh"
