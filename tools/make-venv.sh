#!/usr/bin/env bash
# Make a virtual environment with the versions that a group of pyproject.toml pins.
#
# usage: make-venv.sh PYTHON FOLDER GROUP
set -euo pipefail

python=$1
folder=$2
group=$3

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Python 3.11 or newer is needed for the tools; $python is $("$python" --version). Say which with PYTHON=..." >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  # Debian splits this part of Python off.
  if [[ $(id -u) -ne 0 ]]; then
    echo "$python lacks the module venv; on Debian: apt-get install python3-venv" >&2
    exit 1
  fi
  apt-get -q update
  apt-get -q install --yes --no-install-recommends python3-venv
fi

# The one asked for may be the environment's own, which is about to go.
python=$("$python" -c 'import sys; print(sys._base_executable)')

echo "Installing $group into $folder (about 30 seconds)"
rm -rf "$folder"
"$python" -m venv "$folder"
# Python compiles what it imports, once; installing would compile all, of which most is never imported.
"$folder/bin/python" -m pip install -q --no-compile --disable-pip-version-check 'pip>=25.1'
"$folder/bin/python" -m pip install -q --no-compile --group "$group"
touch "$folder/.complete"
