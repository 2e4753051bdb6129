# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes' quantities, as far as sizes need them: ``1Gi``, ``500M``, ``1.5Ti``, ``1e9``.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal

from ..errors import SpecError

__all__ = ["parse_quantity"]

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([eE][+-]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i)?)")
_BINARY = {suffix: Decimal(2) ** (10 * power) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
_DECIMAL = {suffix: Decimal(10) ** power for suffix, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)}


def parse_quantity(option: str, text: str) -> Decimal:
    """Return the value of a positive quantity, in bytes (or cores); raise ``SpecError`` naming ``option`` otherwise."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise SpecError(option, f"{text!r} is not a quantity; examples are 500M, 1Gi, 1.5Ti")
    number, exponent, suffix = match.groups()
    value = Decimal(number + (exponent or ""))
    value *= {**_BINARY, **_DECIMAL}[suffix] if suffix else 1
    if value <= 0:
        raise SpecError(option, f"{text!r} is not more than zero")
    return value
