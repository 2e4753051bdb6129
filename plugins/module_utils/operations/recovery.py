# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognises a cluster whose topology or Secret was deleted.

The kubelet keeps what it has mounted, so running pods still have both: they acknowledge the topology that they have read. A
missing object is taken for that of a new cluster only if no claim can hold data.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import SpecError, Unreachable
from ..kube.port import ObjectStore
from ..names import Names
from ..parallel import map_parallel
from ..spec import Topology
from ..state.acknowledgement import Acknowledgement, AckReader
from ..state.reader import read_pods
from ..state.topology import parse_topology, topology_of

__all__ = ["claims_hold_data", "recover_topology"]


def recover_topology(store: ObjectStore, read: AckReader, names: Names) -> Topology | None:
    """The topology of a cluster without a ConfigMap that the collection has labelled; None for a new cluster.

    The pod of every claim has to answer: a silent one may know a newer epoch. Raises ``SpecError`` if one does not, or if the
    answers do not name one primary.
    """
    unlabelled = parse_topology(store.get("ConfigMap", names.topology))
    if unlabelled is not None:
        return unlabelled
    claims = _claims(store, names)
    if not claims:
        return None
    found = _acknowledgements(store, read, names)
    known = [topology for ack in found.values() if (topology := topology_of(ack.intent, "an acknowledgement")) is not None]
    newest = max((topology.epoch for topology in known), default=0)
    candidates = {(each.primary, each.cluster): each for each in known if each.epoch == newest}
    in_data = max((ack.data_epoch or 0 for ack in found.values()), default=0)
    silent = claims - {names.claim_of(pod) for pod in found}
    if silent or len(candidates) != 1 or in_data > newest:
        raise SpecError("name", _unknown(names, claims, silent, known, in_data))
    (topology,) = candidates.values()
    times = [each.bootstrapped for each in known if each.bootstrapped]
    # A handover that had not been committed is given up: a committed one shows in the data's epoch.
    return replace(topology, bootstrapped=min(times, default=None), handover=None)


def claims_hold_data(store: ObjectStore, read: AckReader, names: Names) -> bool:
    """True unless the pod of every claim acknowledges that its claim is empty."""
    claims = _claims(store, names)
    found = _acknowledgements(store, read, names) if claims else {}
    empty = {names.claim_of(pod) for pod, ack in found.items() if not ack.data}
    return bool(claims - empty)


def _claims(store: ObjectStore, names: Names) -> set[str]:
    """The instances' claims that have a volume. One that is pending never had any."""
    claims = store.list("PersistentVolumeClaim", names.selector)
    prefix = names.claim_prefix
    bound = (each["metadata"]["name"] for each in claims if (each.get("status") or {}).get("phase") != "Pending")
    return {name for name in bound if name.startswith(prefix) and name.removeprefix(prefix).isdigit()}


def _acknowledgements(store: ObjectStore, read: AckReader, names: Names) -> dict[str, Acknowledgement]:
    def ask(pod: str) -> Acknowledgement | None:
        try:
            return read(pod)
        except Unreachable:
            return None

    answers = map_parallel(ask, sorted(filter(names.is_instance, read_pods(store, names.selector))))
    return {pod: answer for pod, answer in answers.items() if answer is not None}


def _unknown(names: Names, claims: set[str], silent: set[str], known: list[Topology], in_data: int) -> str:
    seen = ", ".join(sorted({f"{each.primary} of epoch {each.epoch}" for each in known})) or "nothing"
    epoch = max(in_data, *(each.epoch for each in known), 1)
    return (
        f"ConfigMap {names.topology} is missing, and the claims {', '.join(sorted(claims))} may hold data whose primary is not "
        f"certain (the pods acknowledge: {seen}; the newest epoch in their data: {in_data or 'unknown'}; no answer from "
        f"the pods of: {', '.join(sorted(silent)) or 'no claim'}). Start these pods and run again, or restore it: "
        f"kubectl -n {names.namespace} create configmap {names.topology} --from-literal=primary=THE_PRIMARY "
        f"--from-literal=epoch={epoch} --from-literal=bootstrapped=$(date -u +%Y-%m-%dT%H:%M:%SZ). "
        "If the data are worthless, remove them: state: absent, delete_data: true"
    )
