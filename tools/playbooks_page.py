# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site's page of playbooks, from the playbooks of the folder named on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

INTRODUCTION = """\
# Playbooks

They take the role's variables with `-e`, and are called by their paths: Ansible takes no name with a hyphen for a playbook
of a collection.
"""


def section(path: Path, name: str) -> str:
    (play,) = yaml.safe_load(path.read_text())
    listing = f"```{{literalinclude}} ../playbooks/{name}\n:language: yaml\n```"
    return f"\n## {name}\n\n{play['name']}.\n\n{listing}\n"


def main() -> None:
    folder = Path(sys.argv[1])
    sections = [section(path, str(path.relative_to(folder))) for path in sorted(folder.rglob("*.yml"))]
    sys.stdout.write(INTRODUCTION + "".join(sections))


if __name__ == "__main__":
    main()
