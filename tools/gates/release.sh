#!/usr/bin/env bash
# The tarball: what it holds, what Galaxy's importer says about it, and whether it works from where it is installed.
#
# usage: release.sh GROUP...
#   GROUP   those of ansible-test.sh: versions of ansible-core to use the installed collection with
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/gates/lib.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ansible-galaxy collection build --output-path "$work" >"$work/build.log"
tarball=$(echo "$work"/kubemysql-replication-*.tar.gz)

# Built where people build it, among environments and caches: none of these may be in it.
stray=$(tar --list --file "$tarball" | grep -v -e '/$' -e '^MANIFEST.json$' -e '^FILES.json$' | sort |
  comm -23 - <(git ls-files --cached --others --exclude-standard | LC_ALL=C sort))
if [[ -n $stray ]]; then
  echo "The tarball holds files that Git does not know; add them to build_ignore in galaxy.yml:" >&2
  echo "$stray" >&2
  exit 1
fi

importer=$(venv_of galaxy-importer python3)
(
  # Style is judged by `make lint` already, with newer tools than the importer brings.
  export GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true
  cd "$work"
  PATH=$importer/bin:$PATH python -m galaxy_importer.main "$tarball"
) >"$work/importer.log" 2>&1 || {
  cat "$work/importer.log" >&2
  exit 1
}
if grep -E 'WARNING|ERROR' "$work/importer.log" >&2; then
  exit 1
fi

export ANSIBLE_COLLECTIONS_PATH=$work/installed
ansible-galaxy collection install --offline --pre -p "$work/installed" "$tarball" >"$work/install.log"
collection=$work/installed/ansible_collections/kubemysql/replication
cp tools/gates/use.yml "$work"
cd "$work"
for module in "$collection"/plugins/modules/*.py; do
  name=kubemysql.replication.$(basename "$module" .py)
  ansible-doc --json --type module "$name" >documentation.json
  grep -q "\"$name\": {" documentation.json
done
ansible-doc --json --type role kubemysql.replication.mysql_cluster >documentation.json
grep -q '"kubemysql.replication.mysql_cluster": {' documentation.json

# What ansible-builder would install into an execution environment.
"$importer/bin/ansible-builder" introspect "$work/installed" >requirements.txt
grep -q PyMySQL requirements.txt
for group; do
  # Said by ansible-test.sh already, if the machine has no Python for it.
  if [[ -d $KUBEMYSQL_HOME/venv/$group ]]; then
    "$KUBEMYSQL_HOME/venv/$group/bin/ansible-playbook" use.yml
  fi
done
echo "$(basename "$tarball"), $(du -k "$tarball" | cut -f 1) KiB, imports, installs and works."
