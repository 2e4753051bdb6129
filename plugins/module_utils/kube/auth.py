# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection to the API server: the options of every module, as one value."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KubernetesAuth"]


@dataclass(frozen=True)
class KubernetesAuth:
    """Credentials and address. Files are paths on the host that runs the module; ``api_key`` is a bearer token."""

    kubeconfig: str | None
    context: str | None
    host: str | None
    api_key: str | None
    ca_cert: str | None
    client_cert: str | None
    client_key: str | None
    validate_certs: bool | None

    @classmethod
    def from_params(cls, params: Mapping[str, t.Any]) -> KubernetesAuth:
        return cls(**{name: params[name] for name in cls.__dataclass_fields__})
