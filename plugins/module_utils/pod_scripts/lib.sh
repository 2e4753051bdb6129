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
#   incoming/                    a clone that is still arriving. Worthless until it is renamed to mysql/.

# Constants and results are for those who source this file.
# shellcheck disable=SC2034

# Options are parsed and literals are quoted byte by byte, whatever locale the image sets.
export LC_ALL=C
# A pod's secrets must not appear in a trace, even if somebody runs a script by `bash -x`.
set +x

readonly VOLUME=/volume
readonly DATA_DIR=$VOLUME/mysql
readonly INCOMING_DIR=$VOLUME/incoming
readonly INITIALIZING_MARK=$VOLUME/.kubemysql-initializing
readonly COMPLETE_MARK=.kubemysql-complete
readonly CLONED_MARK=.kubemysql-cloned
readonly FIRST_PASSWORD_MARK=.kubemysql-first-password
readonly CONF_DIR=/etc/mysql/conf.d
readonly FIRST_START_CNF=$CONF_DIR/zz-first-start.cnf
readonly CONFIG_DIR=/kubemysql/config
readonly SECRET_DIR=/kubemysql/secret
readonly TOPOLOGY_DIR=/kubemysql/topology
readonly SOCKET=/var/run/mysqld/mysqld.sock
readonly READ_ONLY_SQL=/var/run/mysqld/kubemysql-read-only.sql
# Says "ready", or why not, as of the last look.
readonly READINESS_FILE=/var/run/mysqld/kubemysql-readiness
readonly REPLICATION_USER=kubemysql_replication
readonly CLONE_USER=kubemysql_clone
readonly ADMIN_USER=kubemysql_admin
readonly MYSQL_PORT=3306
# Open while the instance is ready; nothing is said over it.
readonly READY_PORT=3308
# How long, in seconds, peers may stay silent until an empty primary gives up.
readonly PEER_PATIENCE=${PEER_PATIENCE:-10}
# How long, in seconds, one login to a peer may take. A second is too short: a busy machine takes longer for the handshake, and
# a replica that is passed over for it leaves the work of giving its data to the primary.
readonly PEER_TIMEOUT=3
readonly GTID_MAX=9223372036854775806

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

write_read_only_sql() {
  printf 'SET GLOBAL super_read_only = ON;\n' >"$READ_ONLY_SQL"
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

# --- secrets and quoting --------------------------------------------------------------------------------------------

# The password under KEY in REPLY. Newlines at the end of the file are not part of it.
read_secret() { # KEY
  [[ -r $SECRET_DIR/$1 ]] || die "the Secret has no readable key '$1'" "add the key to the cluster's Secret"
  REPLY=$(<"$SECRET_DIR/$1")
  [[ $REPLY ]] || die "the Secret's key '$1' is empty" "give it a value"
}

# TEXT as an SQL string literal in REPLY. Holds under an sql_mode without NO_BACKSLASH_ESCAPES: see SQL_PREAMBLE.
sql_quote() { # TEXT
  local backslash="\\" quote="'"
  REPLY=${1//"$backslash"/"$backslash$backslash"}
  REPLY=$quote${REPLY//"$quote"/"$quote$quote"}$quote
}

readonly SQL_PREAMBLE="SET sql_mode = 'ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00';"

# A client option file for USER with the password under KEY; KEY '-' means no password.
option_file() { # USER KEY
  local backslash="\\" quote='"'
  printf '[client]\nuser=%s\n' "$1"
  [[ $2 != - ]] || return 0
  read_secret "$2"
  REPLY=${REPLY//"$backslash"/"$backslash$backslash"}
  REPLY=${REPLY//"$quote"/"$backslash$quote"}
  REPLY=${REPLY//$'\n'/"${backslash}n"}
  REPLY=${REPLY//$'\r'/"${backslash}r"}
  printf 'password="%s"\n' "$REPLY"
}

# How long a statement may take, in seconds; empty: as long as it likes.
LIMIT=10

# The command-line client, told everything by its arguments and stdin: no option file of the image or of the user has a say.
client() { # USER KEY OPTION...
  local user=$1 key=$2
  local limit=()
  shift 2
  [[ $key == - ]] || read_secret "$key"
  # In the foreground: in a process group of its own it would have the kernel send SIGHUP to ours whenever one of our processes
  # is stopped (a "newly orphaned process group", by setpgid(2)).
  [[ $LIMIT ]] && limit=(timeout --foreground "$LIMIT")
  "${limit[@]}" mysql --defaults-file=<(option_file "$user" "$key") --batch --skip-column-names --unbuffered \
    --default-character-set=utf8mb4 "$@"
}

local_client() { # OPTION...
  client root root-password --socket="$SOCKET" --protocol=SOCKET --connect-timeout=5 "$@"
}

peer_client() { # HOST USER KEY OPTION...
  local host=$1 user=$2 key=$3
  shift 3
  client "$user" "$key" --host="$host" --port="$MYSQL_PORT" --protocol=TCP --ssl-mode=REQUIRED --connect-timeout="$PEER_TIMEOUT" "$@"
}

# Run SQL by a client command. ANSWER is what came back: rows, or the error's text without the statement it quotes
# (statements carry passwords). ERRNO is the error's number, 0 when there was none.
ANSWER=
ERRNO=0
ask() { # SQL CLIENT_COMMAND...
  local sql=$1 status=0
  shift
  ERRNO=0
  ANSWER=$("$@" 2>&1 <<<"$SQL_PREAMBLE$sql") || status=$?
  ((status == 0)) && return 0
  ERRNO=-1
  if [[ $ANSWER =~ ERROR\ ([0-9]+) ]]; then
    ERRNO=${BASH_REMATCH[1]}
    ANSWER="ERROR ${ANSWER#*ERROR }"
  fi
  ANSWER=${ANSWER%% near \'*}
  ANSWER=${ANSWER%%$'\n'*}
  return 1
}

ask_local() { # SQL
  ask "$1" local_client
}

# --- peers ----------------------------------------------------------------------------------------------------------

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

# One row about an instance, never an empty column: bash would swallow it.
readonly PEER_SQL="
SELECT 'peer', COALESCE(NULLIF(@@report_host, ''), '-'), @@version, @@server_uuid, @@read_only,
  (SELECT COUNT(*) FROM performance_schema.replication_connection_configuration),
  (SELECT COUNT(*) FROM performance_schema.replication_connection_status c
     JOIN performance_schema.replication_applier_status a USING (channel_name)
     WHERE c.service_state = 'ON' AND a.service_state = 'ON' AND c.last_error_number = 0
       AND NOT EXISTS (SELECT * FROM performance_schema.replication_applier_status_by_worker w
                       WHERE w.channel_name = c.channel_name AND w.last_error_number <> 0)),
  (SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name = 'clone' AND plugin_status = 'ACTIVE'),
  COALESCE(NULLIF(REPLACE(@@global.gtid_executed, CHAR(10), ''), ''), '-');"

# Prints what the peer at ADDRESS says, columns parted by tabs: its row, or one of
#   absent               nothing listens there
#   silent   <reason>    no answer in time, or none that can be understood
#   refused  <reason>    a server answers, but does not let us in
ask_peer() { # ADDRESS
  local verdict
  if ask "$PEER_SQL" peer_client "$1" "$CLONE_USER" clone-password; then
    printf '%s\n' "$ANSWER"
    return
  fi
  case $ERRNO in
    2003)
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
parse_peer() { # ROW
  IFS=$'\t' read -r P_KIND P_HOST P_VERSION P_UUID P_READ_ONLY P_CHANNELS P_RUNNING P_CLONE P_GTIDS <<<"$1"
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
      refused) printf 'the peer %s runs a MySQL server (%s)\n' "${PEERS[index]}" "$P_HOST" ;;
      *) printf 'the peer %s (%s) runs a MySQL server\n' "$P_HOST" "${PEERS[index]}" ;;
    esac
  done | sort | sed -n 1p # 'the peer' sorts before 'wait:': certainty before doubt
}

# --- users ----------------------------------------------------------------------------------------------------------

# Our users, each with the least it needs. Logged to the binary log: one GTID history, replicas are clones of it.
users_sql() {
  local replication clone admin
  read_secret replication-password && sql_quote "$REPLY" && replication=$REPLY
  read_secret clone-password && sql_quote "$REPLY" && clone=$REPLY
  read_secret admin-password && sql_quote "$REPLY" && admin=$REPLY
  user_sql "$REPLICATION_USER" "$replication"
  user_sql "$CLONE_USER" "$clone"
  user_sql "$ADMIN_USER" "$admin"
  cat <<SQL
GRANT REPLICATION SLAVE ON *.* TO '$REPLICATION_USER'@'%';
GRANT BACKUP_ADMIN ON *.* TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_connection_configuration TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_connection_status TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_applier_status TO '$CLONE_USER'@'%';
GRANT SELECT ON performance_schema.replication_applier_status_by_worker TO '$CLONE_USER'@'%';
GRANT PROCESS, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO '$ADMIN_USER'@'%';
GRANT SELECT ON performance_schema.* TO '$ADMIN_USER'@'%';
GRANT ALL ON kubemysql_canary.* TO '$ADMIN_USER'@'%';
SQL
}

user_sql() { # NAME QUOTED_PASSWORD
  printf "CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED WITH caching_sha2_password BY %s REQUIRE SSL;\n" "$1" "$2"
}

# --- versions -------------------------------------------------------------------------------------------------------

# Clone demands one series on both sides, and one patch release before 8.0.37.
versions_fit() { # OWN DONOR
  local own=${1%%[^0-9.]*} donor=${2%%[^0-9.]*}
  [[ $own != "$donor" ]] || return 0
  [[ ${own%.*} == "${donor%.*}" ]] || return 1
  [[ ${own%.*} != 8.0 ]] || ((${own##*.} >= 37 && ${donor##*.} >= 37))
}

# SQL in the words that a server of VERSION knows, in REPLY: statements about replication had other ones before 8.0.23, and
# one table has its old name to this day.
dialect() { # VERSION SQL
  REPLY=${2//stored_channels/mysql.slave_master_info}
  [[ $1 == 8.0.* ]] || return 0
  local patch=${1#8.0.}
  ((10#${patch%%[^0-9]*} < 23)) || return 0
  REPLY=${REPLY//REPLICATION SOURCE TO/MASTER TO}
  REPLY=${REPLY//SOURCE_/MASTER_}
  REPLY=${REPLY//START REPLICA/START SLAVE}
  REPLY=${REPLY//STOP REPLICA/STOP SLAVE}
  REPLY=${REPLY//RESET REPLICA/RESET SLAVE}
}
