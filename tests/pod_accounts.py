# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's accounts and records, made on any server by the statements of the pod scripts."""

from __future__ import annotations

from collections.abc import Mapping

from pod_bash import pod_bash

__all__ = ["account_statements", "admin_rights", "epoch_statements"]

READ_SECRET = "read_secret() { local name=${1%-password}; REPLY=${!name}; }"


def _bash(command: str, version: str, flavour: str, passwords: Mapping[str, str]) -> str:
    return pod_bash("lib-accounts.sh", f"{READ_SECRET}; {command}", version, flavour=flavour, variables=passwords)


def account_statements(version: str, passwords: Mapping[str, str], *, flavour: str = "mysql") -> list[str]:
    """The statements; ``passwords`` are those of ``replication``, ``clone`` and ``admin``."""
    return [each for each in _bash('accounts_sql "$1"', version, flavour, passwords).split(";\n") if each]


def admin_rights(version: str, *, flavour: str = "mysql") -> list[str]:
    """The rights of the administration account on all schemas."""
    return _bash('admin_rights "$1"', version, flavour, {}).split(", ")


def epoch_statements(version: str, *, flavour: str = "mysql") -> list[str]:
    """What records that the first epoch of the primary mysql-0 begins."""
    command = "source lib-epoch.sh; EPOCH=1 record_epoch_sql initialisation"
    return [each for each in _bash(command, version, flavour, {"POD_NAME": "mysql-0"}).split(";\n") if each]
