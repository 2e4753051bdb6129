#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Container `donor`: serves backups to the cluster's other pods, which clone from it. run-donor-session.sh serves one
# connection.
set -euo pipefail
# shellcheck source=lib-stream.sh
source /kubemysql/scripts/lib-stream.sh

find_tools
find_program flock
shell=$(command -v bash)
log "serving backups by $TOOL $VERSION over $TRANSPORT"
tls_server "$shell /kubemysql/scripts/run-donor-session.sh" &
wait $!
