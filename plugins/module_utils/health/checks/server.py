# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a server in either role."""

from __future__ import annotations

from collections.abc import Iterator

from ...constants import ADMIN_USER
from ...mysql.status import InstanceStatus
from ..findings import Finding
from ..findings import FindingKind as Kind

__all__ = ["check"]

Findings = Iterator[Finding]
_DAY = 86400
# Long enough to renew it in working hours.
_CERTIFICATE_NOTICE = 30 * _DAY
_FILLING = 0.80
_FULL = 0.95


def check(name: str, status: InstanceStatus) -> Findings:
    if status.gtid_mode is not None and status.gtid_mode.upper() != "ON":
        yield Finding(Kind.GTID_OFF, f"gtid_mode is {status.gtid_mode}", name)
    # The primary drops it when it brings the accounts up to date.
    if status.account == f"{ADMIN_USER}@%":
        yield Finding(Kind.ACCOUNTS_OUTDATED, f"the account {status.account} is that of an older collection", name)
    yield from _certificate(name, status)
    yield from _volume(name, status)
    state = status.conditions.clone_state
    if state is not None and state != "Completed":
        yield Finding(Kind.CLONE_INCOMPLETE, f"the last clone into this instance is in the state {state!r}", name)


def _certificate(name: str, status: InstanceStatus) -> Findings:
    until = status.conditions.certificate_until
    if until is None:
        return
    days = (until - status.now) / _DAY
    if days <= 0:
        yield Finding(Kind.CERTIFICATE_EXPIRED, f"the server's certificate expired {-days:.1f} days ago", name, until)
    elif until - status.now < _CERTIFICATE_NOTICE:
        yield Finding(Kind.CERTIFICATE_EXPIRING, f"the server's certificate expires in {days:.1f} days", name)


def _volume(name: str, status: InstanceStatus) -> Findings:
    used = status.conditions.volume_used
    if used is not None and used >= _FILLING:
        kind = Kind.VOLUME_FULL if used >= _FULL else Kind.VOLUME_FILLING
        free = (status.conditions.volume_free or 0) / 2**20
        yield Finding(kind, f"{used:.0%} of the volume is in use, {free:.0f} MiB are free", name)
