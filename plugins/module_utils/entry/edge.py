# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only importer of ``AnsibleModule``, and the only place that turns errors into failures."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..errors import CollectionError, MissingLibrary
from ..results.module import Failure, Result, failure_of, timed
from .argspec import CONSTRAINTS
from .inputs import contents_in_place_of_paths, normalised

__all__ = ["Act", "run"]

# From options, and whether this is check mode, to the module's result.
Act = t.Callable[[dict[str, t.Any], bool], "Result | Failure"]


def run(options: dict[str, dict[str, t.Any]], act: Act) -> None:
    """Run a module with these ``options``; ends the process."""
    module = AnsibleModule(options, supports_check_mode=True, **CONSTRAINTS)
    # Ansible shows all options of a module that fails.
    module.no_log_values.update(contents_in_place_of_paths(module.params, options).values())
    started = time.monotonic()
    outcome: Result | Failure
    try:
        outcome = act(normalised(module.params, options), module.check_mode)
    except MissingLibrary as error:
        module.fail_json(msg=missing_required_lib(error.library), exception=error.traceback)
    except CollectionError as error:
        outcome = failure_of(error)
    seconds = time.monotonic() - started
    if isinstance(outcome, Failure):
        module.fail_json(msg=outcome.message, **timed(outcome.result, seconds))
        return
    result = timed(outcome, seconds)
    for text in result.pop("warnings", []):
        module.warn(text)
    module.exit_json(**result)
