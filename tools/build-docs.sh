#!/usr/bin/env bash
# Build the documentation's site: the Markdown files as they are, and a page for each module, role and playbook.
#
# usage: build-docs.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

site=$1
source=$site/source
rm -rf "$site"
mkdir -p "$source"
# tests: pages link to them.
git ls-files -z --cached --others --exclude-standard -- '*.md' ':!roles' docs playbooks tests COPYING |
  tar --create --null --files-from=- | tar --extract --directory "$source"

mkdir -m 700 "$source/docs/collection"
antsibull-docs collection --use-current --squash-hierarchy --dest-dir "$source/docs/collection" kubemysql.replication
python tools/playbooks_page.py "$source/playbooks" >"$source/docs/playbooks.md"
sphinx-build --quiet --fail-on-warning --keep-going -b html -c docs "$source" "$site/html"
echo "$site/html/docs/index.html"
