#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the pod scripts share. Sourced, never run.
#
# Marks on the volume. Every one of them is synced before the step that relies on it.
#   .kubemysql-initializing      at the volume's root: the first initialisation was begun here. Without the next mark in
#                                the data directory no client can have written yet, so the data directory may be wiped.
#   mysql/.kubemysql-complete    inside the data directory, so that one rename moves data and mark together: complete.
#   mysql/.kubemysql-cloned      the data are a clone: replication settings in them are the donor's, not ours.
#   mysql/.kubemysql-first-password   root still has the entrypoint's password beside its own: see mysql.sh.
#   mysql/.kubemysql-late-password    root has another password until the server's next start: see write_init_sql.
#   mysql/.kubemysql-coordinates      where replication of a streamed clone begins; gone when it has begun.
#   incoming/                    a clone that is still arriving. Worthless until it is renamed to mysql/.

# shellcheck disable=SC2034 # constants and results are for those who source this file

[[ -z ${VOLUME-} ]] || return 0 # sourced before

# First of all: a container's first process does not get a signal that it has no handler for, and the pod would last for its
# whole grace period.
trap 'exit 143' TERM INT
# Options are parsed and literals are quoted byte by byte, whatever locale the image sets.
export LC_ALL=C
# Older shells take an empty array for an unset variable.
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || set +u
# A pod's secrets must not appear in a trace, even if somebody runs a script by `bash -x`.
set +x

readonly VOLUME=/volume
readonly DATA_DIR=$VOLUME/mysql
readonly INCOMING_DIR=$VOLUME/incoming
readonly INITIALIZING_MARK=$VOLUME/.kubemysql-initializing
readonly COMPLETE_MARK=.kubemysql-complete
readonly CLONED_MARK=.kubemysql-cloned
readonly COORDINATES=.kubemysql-coordinates
readonly FIRST_PASSWORD_MARK=.kubemysql-first-password LATE_PASSWORD_MARK=.kubemysql-late-password
readonly CONF_DIR=/etc/mysql/conf.d
readonly FIRST_START_CNF=$CONF_DIR/zz-first-start.cnf
readonly CONFIG_DIR=/kubemysql/config
readonly SECRET_DIR=/kubemysql/secret
readonly TLS_DIR=/kubemysql/tls
readonly TOPOLOGY_DIR=/kubemysql/topology
readonly SOCKET=/var/run/mysqld/mysqld.sock
readonly INIT_SQL=/var/run/mysqld/kubemysql-init.sql
# Says "ready", or why not, as of the last look.
readonly READINESS_FILE=/var/run/mysqld/kubemysql-readiness
readonly REPLICATION_USER=kubemysql_replication
readonly CLONE_USER=kubemysql_clone
readonly ADMIN_USER=kubemysql_admin
readonly CERTIFICATE=$TLS_DIR/instance.crt
readonly CERTIFICATE_KEY=$TLS_DIR/instance.key
readonly AUTHORITY=$TLS_DIR/authority.crt
readonly MYSQL_PORT=3306
readonly BACKUP_PORT=3307
# Open while the instance is ready; nothing is said over it.
readonly READY_PORT=3308
# How long to look for a donor that gives, and how long a donor may be gone in the middle of it, in seconds.
readonly CLONE_TIMEOUT=${CLONE_TIMEOUT:-600}
readonly DONOR_PATIENCE=${DONOR_PATIENCE:-30}
# How long, in seconds, one login to a peer may take. A second is too short: a busy machine takes longer for the handshake, and
# a replica that is passed over for it leaves the work of giving its data to the primary.
readonly PEER_TIMEOUT=3
# Between two lines that say how far a clone is, in seconds.
readonly PROGRESS_INTERVAL=${PROGRESS_INTERVAL:-10}

log() {
  printf '%(%Y-%m-%dT%H:%M:%S%z)T [kubemysql] %s\n' -1 "$*" >&2
}

# die REASON [WAY_OUT]
die() {
  log "FAILED: $1${2:+ -- what to do: $2}"
  exit 1
}

# Log TEXT unless it is what was said last about TOPIC: a loop must not repeat itself.
declare -A SAID=()
say_once() { # TOPIC TEXT
  [[ ${SAID[$1]:-} == "$2" ]] && return
  SAID[$1]=$2
  log "$2"
}

# Wait by a read that never gets anything: no process is started for it.
NEVER=
pause() { # SECONDS
  [[ $NEVER ]] || exec {NEVER}<> <(:)
  read -rt "$1" -u "$NEVER" || true
}

# --- who am I -------------------------------------------------------------------------------------------------------

ordinal() {
  [[ $POD_NAME =~ -([0-9]+)$ ]] || die "POD_NAME '$POD_NAME' does not end in an ordinal" "run this in a StatefulSet's pod"
  printf '%d' "$((10#${BASH_REMATCH[1]}))"
}

# PRIMARY and BOOTSTRAPPED as the topology says now, and the name under which the primary is reached. An unreadable
# topology names nobody.
PRIMARY=
PRIMARY_HOST=
BOOTSTRAPPED=
read_topology() {
  PRIMARY=
  BOOTSTRAPPED=
  read_line "$TOPOLOGY_DIR/primary" && PRIMARY=$REPLY
  PRIMARY_HOST=$PRIMARY.$SERVICE
  read_line "$TOPOLOGY_DIR/bootstrapped" && BOOTSTRAPPED=$REPLY
  return 0
}

# First word of FILE in REPLY; a missing final newline is fine, a missing or empty file is not.
read_line() { # FILE
  REPLY=
  [[ -r $1 ]] || return 1
  read -r REPLY <"$1" || [[ $REPLY ]]
}

need_topology() {
  read_topology
  [[ $PRIMARY ]] || die "the topology names no primary ($TOPOLOGY_DIR/primary is missing or empty)" \
    "restore the cluster's topology ConfigMap: run the deployment again"
}

i_am_primary() {
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
  [[ -r $VOLUME && -w $VOLUME && -x $VOLUME ]] || die "$VOLUME is not readable and writable by user $UID" "give the pod an fsGroup"
  [[ -e $DATA_DIR ]] || return 1
  entries=$(find -H "$DATA_DIR" -mindepth 1 -maxdepth 1 -print -quit) || die "$DATA_DIR cannot be read" "mend its permissions"
  [[ $entries ]]
}

# The first initialisation was begun and did not get to its end.
is_unfinished() {
  [[ -e $INITIALIZING_MARK ]] && ! is_complete
}

# What the server executes before it lets anybody in: a line is a statement.
write_init_sql() {
  local first=
  [[ ! -e $DATA_DIR/$LATE_PASSWORD_MARK ]] || first=$(late_password_sql)
  rm -f -- "$INIT_SQL"
  (
    umask 077
    printf '%sSET GLOBAL %s = ON;\n' "${first:+$first$'\n'}" "$READ_ONLY_VARIABLE" >"$INIT_SQL"
  )
}

late_password_sql() {
  local password
  read_secret root-password && sql_quote "$REPLY"
  password=$REPLY
  dialect - "SET GLOBAL super_read_only = OFF;"
  printf '%s\nSET sql_log_bin = 0;\nALTER USER root@localhost IDENTIFIED BY %s;\n' "$REPLY" "$password"
}

# The rename is the moment at which what has arrived becomes ours: before it everything is synced, marks included, after it
# nothing is missing. auto.cnf is the donor's identity.
commit_incoming() {
  rm -f -- "$INCOMING_DIR/auto.cnf"
  place_mark "$INCOMING_DIR/$CLONED_MARK" "$POD_NAME"
  place_mark "$INCOMING_DIR/$COMPLETE_MARK" "cloned by $POD_NAME"
  # File by file: a kernel before 5.8 says nothing of a write error when a whole file system is synced.
  find "$INCOMING_DIR" -exec sync -- {} +
  rm -f -- "$INITIALIZING_MARK"
  mv -T -- "$INCOMING_DIR" "$DATA_DIR"
  sync "$VOLUME"
}

# What an interrupted first initialisation left. The only place that removes a data directory; see the mark above.
wipe_unfinished() {
  is_unfinished || die "refusing to wipe $DATA_DIR: it is not an unfinished first initialisation"
  has_data || return 0
  [[ -z $BOOTSTRAPPED ]] || die "$DATA_DIR holds an interrupted first initialisation, but the cluster was bootstrapped at $BOOTSTRAPPED" \
    "look at the volume; delete this pod's claim and the pod if it is worthless"
  log "the first initialisation was interrupted before any client could connect: wiping $DATA_DIR and starting over"
  rm -rf -- "$DATA_DIR"
  rm -f -- "$FIRST_START_CNF"
  sync "$VOLUME"
}

# --- what is said to servers ----------------------------------------------------------------------------------------

# shellcheck source=client.sh
source /kubemysql/scripts/client.sh
# Everything that is said differently to MySQL and to MariaDB.
readonly FLAVOUR=${FLAVOUR:-mysql} CLONE_METHOD=${CLONE_METHOD:-clone_plugin}
# shellcheck source=dialect-mysql.sh
source "/kubemysql/scripts/dialect-$FLAVOUR.sh"
