#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# preStop hook of the container mysql: sends replicas away that would hold up the shutdown. Never stands in the way of the stop
# itself.
set -euo pipefail
# shellcheck source=lib.sh
source /kubemysql/scripts/lib.sh

LIMIT=5
[[ -z $DISCONNECT_SQL ]] || ask_local "$DISCONNECT_SQL" || log "stopping without disconnecting the replicas first: $ANSWER"
