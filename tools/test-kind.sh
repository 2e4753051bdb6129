#!/usr/bin/env bash
# Run the tests that need several nodes on a kind cluster of three, and take it down in the end, however they ended.
#
# usage: test-kind.sh [STAGE...]
#   STAGE   only this one of tools/stages-kind.toml, and what it needs
set -euo pipefail
cd "$(dirname "$0")/.."

export KUBEMYSQL_PROVIDER=kind
export KUBEMYSQL_KIND_CONFIG=${KUBEMYSQL_KIND_CONFIG:-$PWD/molecule/shared/roles/local_cluster/files/kind/nodes-3.yml}
mkdir -p tests/output/logs
trap 'make --no-print-directory cluster-down >tests/output/logs/cluster-down.log' EXIT
tools/run-tests.sh tools/stages-kind.toml "$@"
