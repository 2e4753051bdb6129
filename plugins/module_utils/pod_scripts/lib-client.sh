#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs SQL through the command-line client: passwords, quoting, parsing of answers. Sourced by lib-common.sh.

# Results are for the scripts that source lib-common.sh; constants that are not set here are lib-common.sh's and the dialect's.
# shellcheck disable=SC2034,SC2154

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

# How long a statement may take, in seconds; empty: without a limit.
LIMIT=10

# Runs the command-line client. All options are arguments: option files of the image and of the user are not read. The last one
# of several wins: --column-names is for statements whose columns are known by name only.
client() { # USER KEY OPTION...
  local user=$1 key=$2
  local limit=()
  shift 2
  [[ $key == - ]] || read_secret "$key"
  # In the foreground: in a process group of its own it would have the kernel send SIGHUP to ours whenever one of our processes
  # is stopped (a "newly orphaned process group", by setpgid(2)).
  [[ $LIMIT ]] && limit=(timeout --foreground "$LIMIT")
  "${limit[@]}" "$CLIENT" --defaults-file=<(option_file "$user" "$key") --batch --skip-column-names --unbuffered \
    --default-character-set=utf8mb4 "$@"
}

local_client() { # OPTION...
  client root root-password --socket="$SOCKET" --protocol=SOCKET "${LOCAL_TLS[@]}" --connect-timeout=5 "$@"
}

peer_client() { # HOST USER KEY OPTION...
  local host=$1 user=$2 key=$3
  shift 3
  client "$user" "$key" --host="$host" --port="$MYSQL_PORT" --protocol=TCP "${PEER_TLS[@]}" \
    --connect-timeout="$PEER_TIMEOUT" "$@"
}

# Run SQL by a client command. ANSWER gets the rows, or the error's text without the statement it quotes (statements carry
# passwords). ERRNO gets the error's number, 0 without an error, -1 if the client gave none.
ANSWER=
ERRNO=0
query() { # SQL CLIENT_COMMAND...
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

query_local() { # SQL
  query "$1" local_client
}

# The columns of the row TEXT, parted by tabs, into the associative array ARRAY, under one KEY each; - skips a column. A last
# column that is missing is empty.
read_columns() { # ARRAY TEXT KEY...
  local array=$1 target values key index=0
  # A tab is white space, of which several would count as one.
  IFS=$'\x1f' read -ra values <<<"${2//$'\t'/$'\x1f'}"
  shift 2
  for key; do
    target="${array}[$key]"
    [[ $key == - ]] || printf -v "$target" '%s' "${values[index]-}"
    index=$((index + 1))
  done
}

# A header and a row of a client's answer into ROW, by column.
declare -gA ROW
read_row() { # HEADER ROW
  local names values index
  # A tab is white space, of which several would count as one.
  IFS=$'\x1f' read -ra names <<<"${1//$'\t'/$'\x1f'}"
  IFS=$'\x1f' read -ra values <<<"${2//$'\t'/$'\x1f'}"
  for index in "${!names[@]}"; do ROW[${names[index]}]=${values[index]-}; done
}

# The answer's only row into ROW, which is empty if there is no row.
read_table() {
  ROW=()
  [[ $ANSWER != *$'\n'* ]] || read_row "${ANSWER%%$'\n'*}" "${ANSWER#*$'\n'}"
}
