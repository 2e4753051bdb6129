#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# preStop hook of the container mysql. A server with a replica connected takes ten seconds to shut down, since it waits for the
# thread that feeds the replica; without anybody connected, one. Never stands in the way of the stop itself.
set -euo pipefail
# shellcheck source=lib.sh
source /kubemysql/scripts/lib.sh

LIMIT=5
# Lasts until the server ends, and lets nobody in again meanwhile but administrators.
ask_local "SET GLOBAL offline_mode = ON" || log "stopping without disconnecting the replicas first: $ANSWER"
