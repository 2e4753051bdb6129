#!/usr/bin/env bash
# Turn a freshly installed root file system into the layout of the official mysql image.
#
# usage: customize.sh ROOT, with IMAGE_CONTEXT (the folder of this file) and IMAGE_VERSION in the environment.
set -euo pipefail

root=$1
: "${IMAGE_CONTEXT:?}" "${IMAGE_VERSION:?}"
# shellcheck source-path=SCRIPTDIR source=../common/customize-lib.sh
. "$IMAGE_CONTEXT/../common/customize-lib.sh"

require_version "$root" mysqld
rm -f "$root/etc/mysql/my.cnf"
lay_out "$root" /etc/my.cnf
install -d -m 0750 -o 999 -g 999 "$root/var/lib/mysql-files"

# Statically linked tools of seven megabytes each that no pod and no test calls.
for tool in ibd2sdi innochecksum myisam_ftdump myisamchk myisamlog myisampack mysql_config_editor \
  mysql_migrate_keyring mysql_secure_installation mysqlimport mysqlshow perror; do
  rm -f "$root/usr/bin/$tool"
done
