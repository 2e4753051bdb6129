# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who follows a guide by copy and paste, from top to bottom."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["Block", "Reader", "blocks_of"]

DOCS = Path(__file__).resolve().parents[3] / "docs"
# A whole file begins like this; any other YAML is a part of one, or of none.
WHOLE = re.compile(r"(---\n)?(- (name|hosts):|apiVersion:)")
# The commands that take a file which the reader has written.
TAKES_A_FILE = re.compile(r"^(?:ansible-playbook|kubectl apply -f) (?:-\S+ \S+ )*(\S+\.yml)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code, and the headline of the second level that it stands under."""

    section: str
    language: str
    text: str


def blocks_of(guide: Path) -> Iterator[Block]:
    section = ""
    tokens = MarkdownIt().parse(guide.read_text(encoding="utf-8"))
    for opening, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "inline" and opening is not None and (opening.type, opening.tag) == ("heading_open", "h2"):
            section = token.content
        elif token.type == "fence" and not token.info.startswith("{"):
            yield Block(section, token.info, token.content)


class Reader:
    """Writes the files and gives the commands of guides, in a folder of its own. A command that fails ends the reading."""

    def __init__(self, folder: Path, environment: Mapping[str, str], own: Mapping[str, str]) -> None:
        """``own`` maps words of the guides to what a reader puts in their place."""
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._own = own
        # A file that no command has taken yet.
        self._draft: Block | None = None
        self._file: Path | None = None
        self._skipped: list[Block] = []

    @property
    def skipped(self) -> list[Block]:
        """The texts that no command took, and those that are no whole file."""
        return [*self._skipped, *([self._draft] if self._draft else [])]

    def follow(self, guide: str, *sections: str) -> str:
        """Follow these sections, or all of them, and return what was printed."""
        blocks = list(blocks_of(DOCS / "guides" / f"{guide}.md"))
        unknown = set(sections) - {block.section for block in blocks}
        assert not unknown, f"{guide}.md has no commands under {unknown}"
        return "".join(self._take(block) for block in blocks if not sections or block.section in sections)

    def give(self, commands: str) -> str:
        """Give these commands, and return what they printed."""
        taken = TAKES_A_FILE.search(commands)
        if taken and self._draft:
            self._file = self._folder / taken[1]
            self._file.write_text(self._personal(self._draft.text))
            self._draft = None
        argv = ["bash", "-euo", "pipefail", "-c", commands]
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, "text": True}
        done = subprocess.run(argv, cwd=self._folder, env=self._environment, check=False, **how)  # type: ignore[call-overload]
        assert done.returncode == 0, f"{commands}\nended with {done.returncode}:\n{done.stdout}"
        return str(done.stdout)

    def _take(self, block: Block) -> str:
        if block.language == "console":
            return self.give(block.text)
        if block.language == "yaml" and WHOLE.match(block.text):
            # Its name is told by the command that takes it.
            self._skipped = self.skipped
            self._draft = block
        elif block.language == "yaml" and block.text.startswith(" ") and self._file is not None:
            self._file.write_text(self._file.read_text() + block.text)
        else:
            self._skipped.append(block)
        return ""

    def _personal(self, text: str) -> str:
        for theirs, own in self._own.items():
            text = text.replace(theirs, own)
        return text
