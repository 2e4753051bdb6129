# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for pip's installer in ansible-test's cache: Python's own pip, which then brings what else is asked for."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own, because it turns pip's configuration off.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
packages = [argument for argument in sys.argv[1:] if not argument.startswith(("-", "pip=="))]
if packages:
    subprocess.run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *packages], check=True)
