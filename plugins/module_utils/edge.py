# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Ansible begins and ends: the only place with AnsibleModule, and the only one that turns errors into failures."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .argspec import CONSTRAINTS
from .errors import CollectionError, MissingLibrary

__all__ = ["run"]

# From options, and whether this is check mode, to the module's result.
Act = t.Callable[[dict[str, t.Any], bool], dict[str, t.Any]]


def run(options: dict[str, dict[str, t.Any]], act: Act) -> None:
    """Run a module with these ``options``; ends the process."""
    module = AnsibleModule(options, supports_check_mode=True, **CONSTRAINTS)
    started = time.monotonic()
    try:
        result = act(module.params, module.check_mode)
    except MissingLibrary as error:
        module.fail_json(msg=missing_required_lib(error.library), exception=error.traceback)
    except CollectionError as error:
        module.fail_json(msg=error.message, **error.details)
    for text in result.pop("warnings", []):
        module.warn(text)
    module.exit_json(**{"duration": round(time.monotonic() - started, 3), **result})
