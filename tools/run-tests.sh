#!/usr/bin/env bash
# Run the stages of a table, with the machine's factor measured once: later, the tests' own work would make the machine slower
# than it is.
#
# usage: run-tests.sh TABLE [STAGE...]
#   TABLE   such as tools/stages.toml
#   STAGE   only this one, and what it needs
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
export KUBEMYSQL_MACHINE_FACTOR=${KUBEMYSQL_MACHINE_FACTOR:-$("$python" tests/machine.py)}
echo "machine factor $KUBEMYSQL_MACHINE_FACTOR"
exec "$python" tools/run_stages.py "$1" "tests/output/logs/$(basename "$1" .toml)" "${@:2}"
