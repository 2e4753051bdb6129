#!/usr/bin/env bash
# Unpack the engine's packages, and give iptables the names that Debian's alternatives would.
#
# usage: as fetch_packages.sh
set -euo pipefail

"$(dirname "$0")/../fetch_packages.sh" "$@"
for name in {iptables,ip6tables}{,-save,-restore}; do
  ln -sfn xtables-nft-multi "$3/usr/sbin/$name"
done
