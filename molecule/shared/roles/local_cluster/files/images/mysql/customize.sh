#!/usr/bin/env bash
# Turn a freshly installed root file system into the layout of the official mysql image.
#
# usage: customize.sh ROOT, with IMAGE_CONTEXT (the folder of this file) and IMAGE_VERSION in the environment.
set -euo pipefail

root=$1
: "${IMAGE_CONTEXT:?}" "${IMAGE_VERSION:?}"

# The suite moves on by itself; an image must never carry a tag that its server does not have.
installed=$(chroot "$root" mysqld --version)
if [[ $installed != *" $IMAGE_VERSION."* ]]; then
  echo "this suite has another server than $IMAGE_VERSION: $installed" >&2
  exit 1
fi

if ! chroot "$root" getent passwd mysql >/dev/null; then
  chroot "$root" groupadd --system --gid 999 mysql
  chroot "$root" useradd --system --uid 999 --gid 999 --home-dir /var/lib/mysql --no-create-home mysql
fi
install -D -m 0644 "$IMAGE_CONTEXT/my.cnf" "$root/etc/my.cnf"
install -D -m 0755 "$IMAGE_CONTEXT/docker-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
install -D -m 0644 "$IMAGE_CONTEXT/../common/entrypoint-lib.sh" "$root/usr/local/lib/entrypoint-lib.sh"
rm -f "$root/etc/mysql/my.cnf"
install -d "$root/etc/mysql/conf.d" "$root/docker-entrypoint-initdb.d"
install -d -m 1777 -o 999 -g 999 "$root/var/lib/mysql" "$root/run/mysqld"
install -d -m 0750 -o 999 -g 999 "$root/var/lib/mysql-files"

# Statically linked tools of seven megabytes each that no pod and no test calls.
for tool in ibd2sdi innochecksum myisam_ftdump myisamchk myisamlog myisampack mysql_config_editor \
  mysql_migrate_keyring mysql_secure_installation mysqlimport mysqlshow perror; do
  rm -f "$root/usr/bin/$tool"
done
