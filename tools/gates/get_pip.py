# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for pip's installer in ansible-test's cache: Python's own pip, then the versions asked for."""

from __future__ import annotations

import runpy
import subprocess
import sys

# Options of the installer, which pip itself does not know.
INSTALLERS_OWN = {"--no-setuptools", "--no-wheel"}

# In a process of its own, because it turns pip's configuration off.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
sys.argv[1:] = ["install", *(argument for argument in sys.argv[1:] if argument not in INSTALLERS_OWN)]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
