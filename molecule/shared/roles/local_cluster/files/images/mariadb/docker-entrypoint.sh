#!/usr/bin/env bash
# Entrypoint of the local test image: the documented contract of the official mariadb image (its variables with either
# prefix, its init folder, its order of events), so that what works here works with the image that users run.
set -euo pipefail
shopt -s nullglob
# shellcheck source-path=SCRIPTDIR source=../common/entrypoint-lib.sh
. /usr/local/lib/entrypoint-lib.sh

start_timeout_seconds=60

docker_process_sql() {
  local password=$MARIADB_ROOT_PASSWORD
  if [[ ${1:-} == --dont-use-mysql-root-password ]]; then
    password=""
    shift
  fi
  if [[ -n $MARIADB_DATABASE ]]; then
    set -- "--database=$MARIADB_DATABASE" "$@"
  fi
  mariadb --defaults-extra-file=<(option_file "$password") --protocol=socket --user=root --host=localhost \
    --socket="$socket" --skip-ssl "$@"
}

# read_either NAME [DEFAULT]: a variable under MariaDB's prefix, or else under MySQL's.
read_either() {
  local name=MARIADB_$1
  read_variable "MYSQL_$1" ""
  read_variable "$name" ""
  local other=MYSQL_$1
  if [[ -z ${!name} ]]; then
    printf -v "$name" %s "${!other:-${2:-}}"
  fi
  export "${name?}"
}

start_temporary_server() {
  "$@" --skip-networking --default-time-zone=SYSTEM --socket="$socket" --wsrep_on=OFF --skip-slave-start \
    --loose-innodb_buffer_pool_load_at_startup=0 &
  temporary_server=$!
  local deadline=$((SECONDS + start_timeout_seconds))
  until docker_process_sql --dont-use-mysql-root-password --database=mysql <<<"SELECT 1" &>/dev/null; do
    if ! kill -0 "$temporary_server" 2>/dev/null || ((SECONDS > deadline)); then
      mysql_error "Unable to start server."
    fi
    sleep 0.1
  done
}

load_time_zones() {
  if [[ -z $MARIADB_INITDB_SKIP_TZINFO ]]; then
    mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2>/dev/null |
      docker_process_sql --dont-use-mysql-root-password --database=mysql
  fi
}

set_up_accounts() {
  if [[ -n $MARIADB_RANDOM_ROOT_PASSWORD ]]; then
    MARIADB_ROOT_PASSWORD=$(openssl rand -base64 24)
    export MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD=$MARIADB_ROOT_PASSWORD
    mysql_note "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
  fi
  local password remote="" database="" user=""
  password=$(sql_quote "$MARIADB_ROOT_PASSWORD")
  if [[ $MARIADB_ROOT_HOST != localhost ]]; then
    remote="CREATE USER 'root'@'$MARIADB_ROOT_HOST' IDENTIFIED BY '$password';
      GRANT ALL ON *.* TO 'root'@'$MARIADB_ROOT_HOST' WITH GRANT OPTION;"
  fi
  if [[ -n $MARIADB_DATABASE ]]; then
    database="CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"
  fi
  if [[ -n $MARIADB_USER && -n $MARIADB_PASSWORD ]]; then
    user="CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$(sql_quote "$MARIADB_PASSWORD")';"
    if [[ -n $MARIADB_DATABASE ]]; then
      user+="GRANT ALL ON \`${MARIADB_DATABASE//_/\\_}\`.* TO '$MARIADB_USER'@'%';"
    fi
  fi
  # Root's accounts are not for replicas: nothing of that goes to the binary log; the rest does.
  docker_process_sql --dont-use-mysql-root-password --database=mysql <<SQL
SET @log_bin = @@SESSION.sql_log_bin;
SET SESSION sql_log_bin = 0;
DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';
EXECUTE IMMEDIATE CONCAT("DROP USER IF EXISTS 'root'@'", @@hostname, "'");
SET PASSWORD FOR 'root'@'localhost' = PASSWORD('$password');
$remote
SET SESSION sql_log_bin = @log_bin;
$database
$user
SQL
}

initialize() {
  if [[ -z $MARIADB_ROOT_PASSWORD && -z $MARIADB_ALLOW_EMPTY_ROOT_PASSWORD && -z $MARIADB_RANDOM_ROOT_PASSWORD ]]; then
    mysql_error "Database is uninitialized and password option is not specified: set one of" \
      "MARIADB_ROOT_PASSWORD, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD"
  fi
  # An init folder that cannot be listed shows now, not behind a half-initialized database.
  ls /docker-entrypoint-initdb.d/ >/dev/null
  mysql_note "Initializing database files"
  mariadb-install-db --datadir="$datadir" --rpm --auth-root-authentication-method=normal --skip-test-db \
    --default-time-zone=SYSTEM --enforce-storage-engine= --skip-log-bin "${@:2}"
  mysql_note "Database files initialized"
  mysql_note "Starting temporary server"
  start_temporary_server "$@"
  mysql_note "Temporary server started."
  load_time_zones
  set_up_accounts
  run_init_files /docker-entrypoint-initdb.d/*
  mysql_note "Stopping temporary server"
  kill "$temporary_server"
  wait "$temporary_server" || mysql_error "Unable to shut down server."
  mysql_note "MariaDB init process done. Ready for start up."
}

if [[ ${1:-} == -* ]]; then
  set -- mariadbd "$@"
fi
if [[ ${1:-} == mariadbd || ${1:-} == mysqld ]] && ! wants_help "$@"; then
  mysql_note "Entrypoint script for MariaDB Server started."
  read_settings "$@"
  create_directories
  if [[ $EUID -eq 0 ]]; then
    mysql_note "Switching to dedicated user 'mysql'"
    exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
  fi
  read_either ROOT_HOST %
  for name in DATABASE USER PASSWORD ROOT_PASSWORD INITDB_SKIP_TZINFO RANDOM_ROOT_PASSWORD; do
    read_either "$name"
  done
  # The two images name this one differently.
  : "${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:=${MARIADB_ALLOW_EMPTY_PASSWORD:-${MYSQL_ALLOW_EMPTY_PASSWORD:-}}}"
  if [[ ! -d $datadir/mysql ]]; then
    initialize "$@"
  fi
fi
exec "$@"
