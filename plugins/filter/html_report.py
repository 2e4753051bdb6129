# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation and wiring of the filter; the page is made in plugin_utils/html_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: html_report
short_description: A MySQL cluster's state as one HTML page
version_added: 1.0.0
description:
  - Makes a page of what M(kubemysql.replication.mysql_cluster_info) or M(kubemysql.replication.mysql_cluster_verify) returned.
  - It shows the assessment, every finding with its evidence and what to do about it, the topology and every instance.
  - The page needs nothing else. It has no script, loads nothing, and can be read on a phone and printed.
author:
  - The kubemysql.replication authors (@kubemysql)
positional: _input, name, namespace, looked_at
options:
  _input:
    description: The module's result.
    type: dict
    required: true
  name:
    description: Name of the cluster.
    type: str
    required: true
  namespace:
    description: Namespace of the cluster.
    type: str
    required: true
  looked_at:
    description: When the module ran, in RFC 3339, such as V(2026-01-01T12:00:00Z).
    type: str
    required: true
seealso:
  - module: kubemysql.replication.mysql_cluster_info
"""

EXAMPLES = r"""
- name: Look at the cluster
  kubemysql.replication.mysql_cluster_info:
    namespace: shop
  register: cluster

- name: Write the page
  ansible.builtin.copy:
    content: "{{ cluster | kubemysql.replication.html_report('mysql', 'shop', now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ')) }}"
    dest: mysql-report.html
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.names import Names
from ansible_collections.kubemysql.replication.plugins.module_utils.results.types import HealthResult
from ansible_collections.kubemysql.replication.plugins.module_utils.times import parse_time
from ansible_collections.kubemysql.replication.plugins.plugin_utils.html_report.page import render


def html_report(facts: object, name: str, namespace: str, looked_at: str) -> str:
    if not isinstance(facts, Mapping) or not {"state", "endpoints", "instances", "findings"} <= facts.keys():
        found = f"a dict with {', '.join(sorted(facts)) or 'nothing'}" if isinstance(facts, Mapping) else type(facts).__name__
        raise AnsibleFilterError(
            f"html_report: expected the result of mysql_cluster_info or mysql_cluster_verify, found {found}; "
            "a task that was skipped, or failed before it looked, has none"
        )
    try:
        names, time = Names.parse(name, namespace), parse_time(looked_at)
    except SpecError as error:
        raise AnsibleFilterError(f"html_report: {error.message}") from error
    except ValueError as error:
        raise AnsibleFilterError(f"html_report: looked_at: expected a time such as 2026-01-01T12:00:00Z: {error}") from error
    return render(t.cast(HealthResult, facts), names, time)


class FilterModule:
    """The filters of this file; Ansible loads this class."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"html_report": html_report}
