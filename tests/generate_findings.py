# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/findings.md from the code that judges, and from the tests that make each finding happen.

``--check`` writes nothing and fails if the file is out of date.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "findings.md"
sys.path.insert(0, str(ROOT / ".tree"))

from ansible_collections.kubemysql.replication.plugins.module_utils.health.assess import STATES  # noqa: E402
from ansible_collections.kubemysql.replication.plugins.module_utils.health.findings import FindingKind  # noqa: E402
from evidence import IMPOSSIBLE, TESTS  # noqa: E402

INTRODUCTION = """\
# Findings and states

Generated from the code by `tests/generate_findings.py`; do not edit.

`mysql_cluster_verify` and `mysql_cluster_info` find facts about a cluster, and say in one word what they amount to.

## States

The first that holds is the state. *Critical* and *unknown* findings keep a cluster from being healthy: what cannot be
checked is never taken for well. Warnings do not. `ignore_findings` takes findings out of the judgement, and leaves them in the
report.

"""


def one_line(text: str) -> str:
    return " ".join(text.split())


def row(kind: FindingKind) -> str:
    severity = kind.severity + (", needs action" if kind.value.needs_action else "")
    return f"| `{kind.code}` | {severity} | {kind.value.predicate} | {kind.value.remedy} |\n"


def evidence(kind: FindingKind) -> str:
    if kind.code in IMPOSSIBLE:
        return f"| `{kind.code}` | not made to happen: {IMPOSSIBLE[kind.code]} |\n"
    file, _colons, test = TESTS[kind.code].partition("::")
    return f"| `{kind.code}` | [`{test}`](../{file}) |\n"


def document() -> str:
    states = [f"- **{name}**: {one_line(inspect.getdoc(predicate) or '')}\n" for name, predicate in STATES]
    rows = "".join(row(kind) for kind in FindingKind)
    tests = "".join(evidence(kind) for kind in FindingKind)
    return (
        f"{INTRODUCTION}{''.join(states)}\n## Findings\n\n"
        "A finding that *needs action* does not clear by itself: if two looks in a row find it, the wait ends.\n\n"
        f"| code | severity | holds when | what to do |\n| --- | --- | --- | --- |\n{rows}\n"
        "## Seen on real servers\n\n"
        "Each finding is made to happen by a test: servers are broken, the finding is looked for, and they are mended again.\n"
        "Those that nothing could make happen are tested on made-up answers.\n\n"
        f"| code | test |\n| --- | --- |\n{tests}"
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
