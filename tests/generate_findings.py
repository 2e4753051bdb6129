# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/findings.md from the code that judges. ``--check`` writes nothing and fails if the file is out of date."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "findings.md"
sys.path.insert(0, str(ROOT / ".tree"))

from ansible_collections.kubemysql.replication.plugins.module_utils.replication.assess import STATES  # noqa: E402
from ansible_collections.kubemysql.replication.plugins.module_utils.replication.findings import FindingKind  # noqa: E402

INTRODUCTION = """\
# Findings and states

Generated from the code by `tests/generate_findings.py`; do not edit.

`mysql_cluster_verify` and `mysql_cluster_info` find facts about a cluster, and say in one word what they amount to.

## States

The first that holds is the state. *Critical* and *unknown* findings keep a cluster from being healthy: what cannot be
checked is never taken for well. Warnings do not. `ignore` takes findings out of the judgement, and leaves them in the
report.

"""


def one_line(text: str) -> str:
    return " ".join(text.split())


def row(kind: FindingKind) -> str:
    severity = kind.severity + (", lasting" if kind.value.lasting else "")
    return f"| `{kind.code}` | {severity} | {kind.value.predicate} | {kind.value.remedy} |\n"


def document() -> str:
    states = [f"- **{name}**: {one_line(inspect.getdoc(predicate) or '')}\n" for name, predicate in STATES]
    rows = [row(kind) for kind in FindingKind]
    return (
        f"{INTRODUCTION}{''.join(states)}\n## Findings\n\n"
        "A *lasting* finding does not mend itself: seen twice in a row, it ends the wait.\n\n"
        "| code | severity | holds when | what to do |\n| --- | --- | --- | --- |\n" + "".join(rows)
    )


def main() -> int:
    text = document()
    if "--check" in sys.argv:
        if DOCUMENT.exists() and DOCUMENT.read_text() == text:
            return 0
        print(f"{DOCUMENT.relative_to(ROOT)} is out of date; run: make generate", file=sys.stderr)
        return 1
    DOCUMENT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
