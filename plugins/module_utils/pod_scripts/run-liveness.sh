#!/usr/bin/env bash
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Liveness and startup probe: succeeds if mysqld answers at all. Errors such as "access denied" and "too many connections" are
# answers, too: a restart would mend neither. The state of replication does not count. With the argument `wait`, for the startup
# probe, it tries again until its time is up, so that a server that has started is noticed at once and not by the next probe.
set -euo pipefail
# shellcheck source=lib-common.sh
source /kubemysql/scripts/lib-common.sh

LIMIT=${PROBE_TIMEOUT:-4}
# Without a readable password the answer is "access denied", and good enough.
key=root-password
[[ -s $SECRET_DIR/$key ]] || key=-

answers() {
  query "SELECT 1" client root "$key" --socket="$SOCKET" --protocol=SOCKET "${LOCAL_TLS[@]}" --connect-timeout="$LIMIT" ||
    ((ERRNO >= 1000 && ERRNO < 2000)) || ((ERRNO >= 3000))
}

while :; do
  if answers; then exit 0; fi
  if [[ ${1-} != wait ]] || ((SECONDS >= LIMIT)); then break; fi
  pause 0.2
done
printf 'mysqld does not answer: %s\n' "${ANSWER:-nothing within $LIMIT s}"
exit 1
