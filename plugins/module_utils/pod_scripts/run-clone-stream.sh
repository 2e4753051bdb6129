#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Init container `clone`, for clusters whose backup tool is in another image than the server: clones if run-provision.sh has
# left the volume empty for it.
set -euo pipefail
# shellcheck source=lib-clone-stream.sh
source /kubemysql/scripts/lib-clone-stream.sh

require_topology
begin_acknowledging "the container clone ended"
if ! is_complete && [[ ! -e $INITIALIZING_MARK ]]; then clone_data; fi
