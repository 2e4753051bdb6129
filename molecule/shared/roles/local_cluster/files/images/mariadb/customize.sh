#!/usr/bin/env bash
# Turn a freshly installed root file system into the layout of the official mariadb image.
#
# usage: customize.sh ROOT, with IMAGE_CONTEXT (the folder of this file) and IMAGE_VERSION in the environment.
set -euo pipefail

root=$1
: "${IMAGE_CONTEXT:?}" "${IMAGE_VERSION:?}"
# shellcheck source-path=SCRIPTDIR source=../common/customize-lib.sh
. "$IMAGE_CONTEXT/../common/customize-lib.sh"

require_version "$root" mariadbd
rm -rf "$root/etc/mysql"
lay_out "$root" /etc/mysql/my.cnf
install -d "$root/etc/mysql/mariadb.conf.d"
