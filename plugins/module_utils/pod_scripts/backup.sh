#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Container backup: serves backups to the cluster's other pods. Who connects is dealt with by give.sh.
set -euo pipefail
# shellcheck source=stream.sh
source /kubemysql/scripts/stream.sh

find_tools
find_program flock
shell=$(command -v bash)
log "serving backups by $TOOL $VERSION over $TRANSPORT"
tls_server "$shell /kubemysql/scripts/give.sh" &
wait $!
