#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# preStop hook of the container `mysql`: disconnects replicas, which would delay the shutdown. It succeeds whatever happens.
set -euo pipefail
# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

LIMIT=5
[[ -z $DISCONNECT_SQL ]] || query_local "$DISCONNECT_SQL" || log "stopping without disconnecting the replicas first: $ANSWER"
