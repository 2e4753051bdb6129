#!/usr/bin/env bash
# The sanity tests of ansible-test and the unit tests, under one version of ansible-core.
#
# usage: [FULL=1] ansible-test.sh GROUP PYTHON...
#   FULL     any text: also what needs one version only, the style checks and the unit tests in ansible-test's isolation
#   GROUP    group of pyproject.toml that names the version, such as core-2.19
#   PYTHON   versions of Python that it runs on; the first that the machine has is taken
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/gates/lib.sh

group=$1
python=$(first_python "${@:2}")
if [[ -z $python ]]; then
  echo "NOT RUN: $group needs one of Python ${*:2}, and this machine has none of them." >&2
  exit 0
fi
venv=$(venv_of "$group" "$python")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ansible-test hands neither pip's variables nor XDG's on to what it starts. This home has pip's files where the user's are,
# and keeps ansible-test's own environments from one run to the next. Each version has one of its own: ansible-test does not
# expect another one beside it to make the same environment.
home=$KUBEMYSQL_HOME/ansible-test/$group
mkdir -p "$home/.config" "$home/.cache" "$home/.ansible/test/cache"
ln -sfn "${XDG_CONFIG_HOME:-$HOME/.config}/pip" "$home/.config/pip"
ln -sfn "${PIP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pip}" "$home/.cache/pip"

# ansible-test downloads pip's installer from a host of its own. What it finds under that name in its cache does the same
# with nothing but Python and a package index.
requirements=$("$venv/bin/python" -c 'import ansible_test as a; print(a.__path__[0] + "/_internal/python_requirements.py")')
sed -n "s/^ *pip='\([0-9.]*\)'.*/\1/p" "$requirements" | while read -r version; do
  cp tools/gates/get_pip.py "$home/.ansible/test/cache/get_pip_${version//./_}.py"
done

# Sanity tests compile and import the modules with every interpreter on PATH.
path=$venv/bin
for version in 3.10 3.11 3.12 3.13 3.14; do
  found=$(find_python "$version")
  path+=${found:+:$(dirname "$found")}
done
run() {
  env HOME="$home" PATH="$path:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" ansible-test "$@"
}

# As for shellcheck, `make lint` runs the same program with fewer exceptions.
skipped=(shellcheck)
if [[ -z ${FULL:-} ]]; then
  skipped+=(pep8 pylint yamllint)
  # In ansible-test each test is a process of its own, which takes five times as long.
  "$venv/bin/python" -m pytest -q --ignore tests/unit/tools tests/unit
fi
cd "$(copy_of_tree "$work")"
# None of these is released; `make lint` judges them.
unreleased=(benchmarks/ molecule/ tests/ tools/)
run sanity --color no "${skipped[@]/#/--skip-test=}" "${unreleased[@]/#/--exclude=}"
if [[ -n ${FULL:-} ]]; then
  run units --color no --python "$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
fi
