# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count what docs/readers-table.md compares: prints this project's row. Run it in the project's root."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

PLUGINS = Path("plugins")
# Text for users, which is no code.
DOCUMENTS = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
GENERATED = {"embedded.py"}
LEAK = re.compile(r"\.fail(_json)?\(")


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.name not in GENERATED)


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def code_lines(module: Path) -> int:
    """Lines of a module less those of its documents."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    texts = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in DOCUMENTS]
    return lines_of(module) - sum(map(length, texts))


def functions() -> Iterator[ast.FunctionDef]:
    for path in sources(PLUGINS):
        yield from (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef))


def main() -> None:
    modules = [code_lines(path) for path in (PLUGINS / "modules").glob("*.py") if path.name != "__init__.py"]
    found = list(functions())
    lengths = sorted(map(length, found))
    typed = sum(node.returns is not None for node in found)
    utils = sources(PLUGINS / "module_utils")
    leaks = sum(len(LEAK.findall(path.read_text(encoding="utf-8"))) for path in utils)
    old = sum("__metaclass__" in path.read_text(encoding="utf-8") for path in sources(PLUGINS))
    plugin_lines, unit_lines = (sum(map(lines_of, sources(folder))) for folder in (PLUGINS, Path("tests/unit")))
    figures = [
        f"{statistics.median(modules):.0f} / {max(modules)}",
        f"{statistics.median(lengths):.0f} / {lengths[len(lengths) * 95 // 100]} / {lengths[-1]}",
        f"{100 * typed / len(found):.0f} %",
        f"{1000 * leaks / sum(map(lines_of, utils)):.1f}",
        f"{old}/{len(sources(PLUGINS))}",
        f"{unit_lines / plugin_lines:.2f}",
    ]
    print(f"| this collection | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
