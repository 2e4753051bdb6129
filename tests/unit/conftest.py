# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test gives pytest a configuration of its own, so the folder of helpers is named here and not in pyproject.toml.

No example has a deadline: its time depends on the machine. The profile `whole` is that of `make properties`; elsewhere, as
under each version of ansible-core, a few examples show that the code runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent.parent))
settings.register_profile("whole", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("quick")
