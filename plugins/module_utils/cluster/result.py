# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of ``mysql_cluster``: the only place that spells its keys. No value of a Secret gets here."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ..diff import Change, FieldChange
from ..kube.port import Manifest
from ..manifests.bundle import Bundle
from ..names import Names
from ..spec import Topology
from .progress import Progress

__all__ = ["changes_result", "names_result", "public_manifests", "timeout_result", "topology_result"]


def changes_result(changes: Iterable[Change]) -> dict[str, t.Any]:
    """``changed``, ``changes`` and the ``diff`` that ``--diff`` prints."""
    real = [change for change in changes if change.action != "none"]
    return {
        "changed": bool(real),
        "changes": [
            {
                "action": change.action,
                "kind": change.kind,
                "name": change.name,
                "fields": [field.path for field in change.fields],
            }
            for change in real
        ],
        "diff": [_diff(change) for change in real],
    }


def _diff(change: Change) -> dict[str, str]:
    header = f"{change.kind}/{change.name}"
    before, after = _lines(change.fields, "before"), _lines(change.fields, "after")
    if change.action == "delete" and not before:
        before = "exists\n"
    return {"before_header": header, "after_header": f"{header} ({change.action})", "before": before, "after": after}


def _lines(fields: Iterable[FieldChange], side: t.Literal["before", "after"]) -> str:
    """One line per field; the lines of a text, such as a my.cnf file, one by one."""
    texts = [(field.path, getattr(field, side)) for field in fields]
    return "".join(f"{path}: {line}\n" for path, text in texts if text is not None for line in text.splitlines() or [""])


def timeout_result(progress: Progress) -> dict[str, t.Any]:
    """What a caller needs to know to go on waiting where this run gave up."""
    return {"timed_out": True, "progress": dict(progress.lines), "progress_measure": progress.reached}


def names_result(names: Names, replicas: int | None) -> dict[str, t.Any]:
    """Everything that a later task may want to address, so that no playbook spells a name again."""
    return {
        "namespace": names.namespace,
        "stateful_set": names.stateful_set,
        "headless_service": names.headless_service,
        "read_service": names.read_service,
        "primary_service": names.primary_service,
        "read_host": names.service_host(names.read_service),
        "primary_host": names.service_host(names.primary_service),
        "secret": names.secret,
        "config": names.config,
        "topology": names.topology,
        "instances": list(names.instances(replicas)) if replicas is not None else [],
    }


def topology_result(topology: Topology) -> dict[str, t.Any]:
    return {"primary": topology.primary, "bootstrapped": topology.bootstrapped}


def public_manifests(bundle: Bundle) -> list[Manifest]:
    """The manifests in apply order, without the Secret."""
    return [manifest for manifest in bundle if manifest["kind"] != "Secret"]
