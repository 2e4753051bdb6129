# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the table of layers in docs/design.md from the import contract in pyproject.toml.

``--check`` writes nothing and fails if the table is out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "design.md"
CONTRACT = ROOT / "pyproject.toml"
LAYERS = re.compile(r'name = "Dependencies run downwards".*?\nlayers = \[\n(.*?)\n\]', re.DOTALL)
BEGIN, END = "<!-- layers: written by tests/generate_layers.py -->\n", "<!-- end of layers -->"
# The content of each part of `module_utils`, and the things outside that it knows.
PARTS = {
    "entry": ("options → use case → result; one file per module, named as it", "Ansible, both adapters"),
    "results": ("every key of every result, typed", "values"),
    "operations": (
        "what changes a cluster: deploy, adopt, remove, rollout, switchover, GTID switch; plans and differences",
        "ports",
    ),
    "health": ("observe, checks, findings, assessment, canary, verify", "ports"),
    "state": ("reads the live objects, topology, passwords and acknowledgements", "port of Kubernetes"),
    "manifests": ("renders one object per function", "values"),
    "spec": ("the desired cluster: `ClusterSpec`, `Topology`", "values"),
    "mysql": ("port, client, sessions, dialects, GTIDs, versions, my.cnf", "PyMySQL, in `client.py` only"),
    "kube": (
        "port, client, connection, kinds, ownership, pods, images",
        "kubernetes, in `connection.py` only",
    ),
    "names": ("names of objects and hosts, selectors", "values"),
    "options": ("checks that the options of several modules share", "values"),
    "parallel": ("parallel calls", "threads"),
    "pod_scripts": ("what runs in pods", "bash"),
    "times": ("RFC 3339", "values"),
    "wait": ("clock and polling", "time"),
    "constants": ("constants that pods and modules share", "values"),
    "errors": ("one class for each reaction to an error", "values"),
}


def layers() -> list[list[str]]:
    """The parts of each layer, the uppermost first."""
    found = LAYERS.search(CONTRACT.read_text())
    if found is None:
        raise SystemExit("pyproject.toml has no contract called 'Dependencies run downwards'")
    return [re.split(r" [:|] ", line.strip().strip(",").strip('"')) for line in found[1].splitlines()]


def table() -> str:
    rows = ["| layer | part of `module_utils` | what is in it | knows |", "| --- | --- | --- | --- |"]
    for number, parts in enumerate(layers(), start=1):
        rows += [f"| {number} | `{part}` | {PARTS[part][0]} | {PARTS[part][1]} |" for part in parts]
    return "\n".join(rows) + "\n"


def document() -> str:
    before, begin, rest = DOCUMENT.read_text().partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit("docs/design.md lacks the marks of the table")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    text = document()
    if "--check" not in sys.argv:
        DOCUMENT.write_text(text)
    elif text != DOCUMENT.read_text():
        print("docs/design.md is out of date; run: make generate", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
