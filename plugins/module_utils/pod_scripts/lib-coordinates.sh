#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Where replication of a streamed clone begins: parsed from the files of the backup tool, kept in a file of our own until
# replication runs. Everything is checked before it becomes part of a statement.

# Results are for the scripts that source this file.
# shellcheck disable=SC2034

# GTIDs of either flavour, without white space: uuid:1-5:7,uuid:1 and 0-100-5,1-101-9.
readonly GTID_SET_MYSQL='^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(:[0-9]+(-[0-9]+)?)+(,|$))*$'
readonly GTID_SET_MARIADB='^([0-9]+-[0-9]+-[0-9]+(,|$))*$'

is_gtid_set() { # TEXT
  if [[ $FLAVOUR == mariadb ]]; then [[ $1 =~ $GTID_SET_MARIADB ]]; else [[ $1 =~ $GTID_SET_MYSQL ]]; fi && [[ $1 != *, ]]
}

# The text of the first of FILES that exists and is not empty, in REPLY.
first_file() { # FILE...
  local file
  REPLY=
  for file; do
    [[ ! -s $file ]] || REPLY=$(<"$file")
    [[ -z $REPLY ]] || return 0
  done
}

# The coordinates in the folder of a backup, in REPLY; fails with a reason in REPLY. A replica's position comes before its own
# binary log's, since its own may hold what the primary never had.
parse_coordinates() { # FOLDER
  first_file "$1/xtrabackup_slave_info" "$1/mariadb_backup_slave_info"
  if [[ $REPLY ]]; then parse_slave_info "$REPLY"; else
    first_file "$1/xtrabackup_binlog_info" "$1/mariadb_backup_binlog_info"
    parse_binlog_info "$REPLY"
  fi
}

# A replica's position, as one or more statements: SET GLOBAL gtid_purged='…' or gtid_slave_pos = '…', in the syntax of a
# newer tool or an older one, a set over several lines. Without a GTID in it, it is a position in a file of the donor's source.
parse_slave_info() { # TEXT
  local text=${1//[[:space:]]/}
  REPLY="the donor, a replica, does not use GTIDs: ${1//$'\n'/ }"
  [[ $text =~ (gtid_purged|gtid_slave_pos|GTID_PURGED|GTID_SLAVE_POS)=[\'\"]([^\'\"]*)[\'\"] ]] || return 1
  checked_gtids "${BASH_REMATCH[2]}"
}

# file<TAB>position, and with GTIDs a third column, a set that may go over several lines. MariaDB writes three columns always.
parse_binlog_info() { # TEXT
  local file position rest
  read -r file position rest <<<"${1//$'\n'/ }" || true
  REPLY="the backup tool left no position in a binary log: '${1//$'\n'/ }'"
  [[ $file && $position =~ ^[0-9]+$ ]] || return 1
  REPLY="the donor does not use GTIDs: '${1//$'\n'/ }'"
  [[ $rest || $FLAVOUR == mariadb ]] || return 1
  checked_gtids "${rest//[[:space:]]/}"
}

checked_gtids() { # TEXT
  REPLY="these are no GTIDs: '$1'"
  is_gtid_set "$1" || return 1
  REPLY=$1
}

# Synced before the rename that makes the clone ours. STATE is the donor's gtid_binlog_state before the backup, for MariaDB.
write_coordinates() { # FILE GTIDS STATE
  place_mark "$1" "gtids=$2"$'\n'"state=$3"
}

# Fills COORDINATES[gtids] and COORDINATES[state]; fails with a reason in REPLY.
read_coordinates() { # FILE
  local gtids state
  { IFS= read -r gtids && IFS= read -r state; } <"$1" || true
  REPLY="$1 is damaged"
  [[ ${gtids-} == gtids=* && ${state-} == state=* ]] || return 1
  checked_gtids "${gtids#gtids=}" && COORDINATES[gtids]=$REPLY || return 1
  checked_gtids "${state#state=}" && COORDINATES[state]=$REPLY
}
