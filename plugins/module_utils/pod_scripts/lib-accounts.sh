#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SQL that creates the collection's own accounts.

# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

# Statements for all accounts and their rights. They go to the binary log: there is one GTID history, replicas are clones of it.
accounts_sql() { # VERSION
  account_sql "$1" "$REPLICATION_USER" replication-password
  account_sql "$1" "$CLONE_USER" clone-password
  account_sql "$1" "$ADMIN_USER" admin-password
  [[ $CLONE_METHOD != stream ]] || account_sql "$1" "$CLONE_USER" clone-password localhost
  grants_sql
}

# The account that backs up logs in over the socket, which needs no encryption.
account_sql() { # VERSION NAME KEY [HOST]
  read_secret "$3"
  sql_quote "$REPLY"
  printf "CREATE USER IF NOT EXISTS '%s'@'%s' %s%s;\n" "$2" "${4-%}" "$(identified "$1" "$REPLY")" "$([[ ${4-} ]] || printf ' REQUIRE SSL')"
}

# A query that returns 1 if all accounts exist.
accounts_exist_sql() {
  local local_accounts=0
  [[ $CLONE_METHOD != stream ]] || local_accounts=1
  cat <<SQL
SELECT 3 = (SELECT COUNT(*) FROM mysql.user WHERE host = '%' AND user IN ('$REPLICATION_USER', '$CLONE_USER', '$ADMIN_USER'))
  AND $local_accounts <= (SELECT COUNT(*) FROM mysql.user WHERE host = 'localhost' AND user = '$CLONE_USER');
SQL
}
