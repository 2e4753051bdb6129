# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's accounts, made on any server by the statements of the pod scripts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["account_statements", "admin_rights"]

SCRIPTS = Path(__file__).resolve().parent.parent / "plugins" / "module_utils" / "pod_scripts"
# The scripts source each other by the path that they have in a pod.
SOURCED = f"""set -euo pipefail
source() {{ builtin source "{SCRIPTS}/${{1##*/}}"; }}
source lib-accounts.sh
read_secret() {{ local name=${{1%-password}}; REPLY=${{!name}}; }}
"""


def _bash(command: str, version: str, flavour: str, variables: Mapping[str, str]) -> str:
    method = "plugin" if flavour == "mysql" and not version.startswith("5.7") else "stream"
    own = {"PATH": os.environ["PATH"], "FLAVOUR": flavour, "CLONE_METHOD": method, **variables}
    return subprocess.run(
        ["bash", "-c", f"{SOURCED}{command}", "bash", version], check=True, capture_output=True, text=True, env=own
    ).stdout


def account_statements(version: str, passwords: Mapping[str, str], *, flavour: str = "mysql") -> list[str]:
    """The statements; ``passwords`` are those of ``replication``, ``clone`` and ``admin``."""
    return [each for each in _bash('accounts_sql "$1"', version, flavour, passwords).split(";\n") if each]


def admin_rights(version: str, *, flavour: str = "mysql") -> list[str]:
    """The rights of the administration account on all schemas."""
    return _bash('admin_rights "$1"', version, flavour, {}).split(", ")
