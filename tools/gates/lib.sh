# What the gates share. Sourced by them, with `set -euo pipefail` and the project's root as the current folder.
# shellcheck shell=bash

# The interpreter of this version of Python, or nothing: on PATH, or kept by pyenv, whose shims answer for versions that
# they then refuse to start.
find_python() {
  local candidate
  for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys._base_executable)'
      return
    fi
  done
}

# The first of these versions of Python that the machine has, or nothing.
first_python() {
  local version python
  for version; do
    python=$(find_python "$version")
    if [[ -n $python ]]; then
      echo "$python"
      return
    fi
  done
}

# A virtual environment with a dependency group of pyproject.toml, made anew when any pin has changed: its folder.
venv_of() {
  local group=$1 python=$2 folder=$KUBEMYSQL_HOME/venv/$1 wanted
  wanted=$("$python" --version && sed -n '/^\[dependency-groups\]/,/^\[tool/p' pyproject.toml)
  if [[ ! -e $folder/.pins || $(<"$folder/.pins") != "$wanted" ]]; then
    # errexit does not reach into command substitutions, and a half-made environment must not count as made.
    tools/make-venv.sh "$python" "$folder" "$group" >&2 || return
    echo "$wanted" >"$folder/.pins"
  fi
  echo "$folder"
}

# The files that Git knows or would add, as they are now. ansible-test wants them in a real folder of this name, and tools
# that walk through everything see no environments and caches there.
copy_of_tree() {
  local folder=$1/ansible_collections/kubemysql/replication
  mkdir -p "$folder"
  git ls-files -z --cached --others --exclude-standard --deduplicate |
    tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory "$folder"
  echo "$folder"
}
