# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that spells object names, host names and selectors of a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .constants import COMPONENT, DATA_VOLUME, LABEL_COMPONENT, LABEL_INSTANCE, LABEL_MANAGED_BY, LABEL_NAME, MANAGED_BY
from .errors import SpecError

__all__ = ["MAX_NAME", "Names", "check_dns_label", "check_dns_subdomain", "check_not_in_names", "ordinal_of"]

# A DNS label: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_MAX_LABEL = 63
_MAX_SUBDOMAIN = 253
# The StatefulSet controller labels pods `controller-revision-hash: <name>-<hash>`, a hash of up to ten characters,
# and refuses to create them when that value is no valid label: kubernetes/kubernetes#64023.
MAX_NAME = _MAX_LABEL - len("-0123456789")


def check_dns_label(option: str, value: str, max_length: int = _MAX_LABEL) -> str:
    """Return ``value`` if it is a DNS label of at most ``max_length`` characters, else raise ``SpecError``."""
    if len(value) > max_length:
        raise SpecError(option, f"{value!r} has {len(value)} characters; at most {max_length} are possible here")
    if not _DNS_LABEL.fullmatch(value):
        raise SpecError(
            option, f"{value!r} is not a DNS label: use a-z, 0-9 and '-', beginning and ending with a letter or digit"
        )
    return value


def check_dns_subdomain(option: str, value: str) -> str:
    """Return ``value`` if it is DNS labels parted by dots, of at most 253 characters, else raise ``SpecError``."""
    if len(value) > _MAX_SUBDOMAIN:
        raise SpecError(option, f"{value!r} has {len(value)} characters; at most {_MAX_SUBDOMAIN} are possible here")
    for label in value.split("."):
        check_dns_label(option, label, _MAX_SUBDOMAIN)
    return value


def ordinal_of(pod: str) -> int:
    """The ordinal at the end of a StatefulSet pod's name: ``mysql-2`` gives 2."""
    return int(pod.rpartition("-")[2])


@dataclass(frozen=True)
class Names:
    """Names of everything that belongs to the cluster ``cluster`` in ``namespace``."""

    cluster: str
    namespace: str
    secret_name: str | None = None

    @classmethod
    def parse(cls, cluster: str, namespace: str, secret_name: str | None = None) -> Names:
        """Check the options and return the names made of them."""
        check_dns_label("name", cluster, MAX_NAME)
        if cluster[0].isdigit():
            # Services take RFC 1035 labels only, until Kubernetes 1.34 relaxed that.
            raise SpecError("name", f"{cluster!r} begins with a digit; a Service's name must begin with a letter")
        check_dns_label("namespace", namespace)
        return cls(cluster, namespace, secret_name)

    def config(self, digest: str) -> str:
        """The ConfigMap of the my.cnf files whose content has this digest."""
        return f"{self.cluster}-config-{digest}"

    def scripts(self, digest: str) -> str:
        """The ConfigMap of the pod scripts whose content has this digest."""
        return f"{self.cluster}-scripts-{digest}"

    @property
    def thresholds(self) -> str:
        return f"{self.cluster}-thresholds"

    @property
    def topology(self) -> str:
        return f"{self.cluster}-topology"

    @property
    def secret(self) -> str:
        return self.secret_name or self.cluster

    @property
    def headless_service(self) -> str:
        return self.cluster

    @property
    def read_service(self) -> str:
        return f"{self.cluster}-read"

    @property
    def primary_service(self) -> str:
        return f"{self.cluster}-primary"

    @property
    def stateful_set(self) -> str:
        return self.cluster

    @property
    def service_account(self) -> str:
        return self.cluster

    @property
    def pod_disruption_budget(self) -> str:
        return self.cluster

    @property
    def network_policy(self) -> str:
        return self.cluster

    def instance(self, ordinal: int) -> str:
        """The pod with this ordinal, which is what reports call an instance."""
        return f"{self.cluster}-{ordinal}"

    def instances(self, replicas: int) -> tuple[str, ...]:
        return tuple(self.instance(ordinal) for ordinal in range(replicas))

    def is_instance(self, pod: str) -> bool:
        """Whether this is the name of an instance, with whatever ordinal."""
        return re.fullmatch(re.escape(self.cluster) + r"-[0-9]+", pod) is not None

    def claim_of(self, instance: str) -> str:
        return f"{DATA_VOLUME}-{instance}"

    @property
    def claim_prefix(self) -> str:
        return self.claim_of(f"{self.cluster}-")

    def host(self, instance: str) -> str:
        """The name under which the other pods of the namespace reach an instance, ready or not."""
        return f"{instance}.{self.headless_service}"

    def service_host(self, service: str) -> str:
        """The name under which pods of any namespace reach a Service."""
        return f"{service}.{self.namespace}.svc"

    @property
    def selector(self) -> dict[str, str]:
        """Labels that select this cluster's pods and nothing else of the namespace; immutable once deployed."""
        return {LABEL_NAME: "mysql", LABEL_INSTANCE: self.cluster}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object."""
        return {**self.selector, LABEL_COMPONENT: COMPONENT, LABEL_MANAGED_BY: MANAGED_BY}


def check_not_in_names(option: str, password: str, names: Names) -> None:
    """Raise ``SpecError`` if Ansible, which masks passwords wherever they occur, would mask the cluster's names with it."""
    objects = (names.thresholds, names.topology, names.claim_of(names.instance(0)), names.config("0"), names.scripts("0"))
    hosts = map(names.service_host, (names.headless_service, names.read_service, names.primary_service))
    if any(password in text for text in (*objects, *hosts)):
        raise SpecError(option, "is part of the name of an object, so Ansible would mask that in every result; use another one")
