# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions and constants of the pod scripts, used outside of a pod."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["pod_bash"]

SCRIPTS = Path(__file__).resolve().parent.parent / "plugins" / "module_utils" / "pod_scripts"
# The scripts source each other by the path that they have in a pod.
SOURCE = f'set -euo pipefail; source() {{ builtin source "{SCRIPTS}/${{1##*/}}"; }}'


def pod_bash(
    script: str, command: str, version: str, *, flavour: str = "mysql", variables: Mapping[str, str] | None = None
) -> str:
    """The output of ``command``, which may use what ``script`` defines; ``$1`` is the server's version."""
    method = "plugin" if flavour == "mysql" and not version.startswith("5.7") else "stream"
    environment = {"PATH": os.environ["PATH"], "FLAVOUR": flavour, "CLONE_METHOD": method, **(variables or {})}
    argv = ["bash", "-c", f"{SOURCE}; source {script}; {command}", "bash", version]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stdout
