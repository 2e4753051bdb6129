# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as it was before accounts had a version, for tests of upgrades."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

__all__ = ["unpack_older"]

COMMIT = "6318106"


def unpack_older(folder: Path) -> Path:
    """Make ``folder`` one in which Ansible finds the older collection; the collection's own folder."""
    collection = folder / "ansible_collections/kubemysql/replication"
    collection.mkdir(parents=True)
    repository = Path(__file__).resolve().parent.parent
    archive = subprocess.run(["git", "archive", COMMIT], cwd=repository, check=False, capture_output=True)
    if archive.returncode:
        pytest.skip(f"needs the history of the repository with commit {COMMIT}: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "--extract", "--directory", collection], input=archive.stdout, check=True)
    return collection
