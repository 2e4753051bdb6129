# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quantities and image references: the two small languages that options are written in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.image import ImageReference
from ansible_collections.kubemysql.replication.plugins.module_utils.kube.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1Gi", 2**30),
        ("1.5Ki", 1536),
        ("500M", 500_000_000),
        ("1e9", 10**9),
        ("1E3", 1000),
        ("2E", 2 * 10**18),
        ("100m", Decimal("0.1")),
        ("3", 3),
        (".5", Decimal("0.5")),
    ],
)
def test_quantity(text: str, value: int | Decimal) -> None:
    assert parse_quantity("storage_size", text) == value


@pytest.mark.parametrize("text", ["", "1GB", "1 Gi", "Gi", "-1Gi", "0", "0Gi", "1Gi ", "ten", "1,5Gi", "1e999", "1gi"])
def test_no_quantity(text: str) -> None:
    with pytest.raises(SpecError, match=r"^storage_size: "):
        parse_quantity("storage_size", text)


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag"),
    [
        ("mysql", None, "mysql", None),
        ("mysql:9.7", None, "mysql", "9.7"),
        ("library/mysql:8.4", None, "library/mysql", "8.4"),
        ("docker.io/library/mysql:9.7", "docker.io", "library/mysql", "9.7"),
        ("localhost:5000/mysql:8.0.36", "localhost:5000", "mysql", "8.0.36"),
        ("registry:5000/a/b/mysql", "registry:5000", "a/b/mysql", None),
        ("r.example.com/my_sql:v1", "r.example.com", "my_sql", "v1"),
    ],
)
def test_image(text: str, registry: str | None, repository: str, tag: str | None) -> None:
    image = ImageReference.parse("image", text)
    assert (image.registry, image.repository, image.tag) == (registry, repository, tag)
    assert str(image) == text


def test_image_with_digest_from_another_registry() -> None:
    digest = "sha256:" + "0" * 64
    image = ImageReference.parse("image", f"docker.io/library/mysql:8.4@{digest}")
    assert str(image.pulled_from("registry.example.com:5000/mirror")) == (
        f"registry.example.com:5000/mirror/library/mysql:8.4@{digest}"
    )


@pytest.mark.parametrize("text", ["", "MySQL", "mysql:", "mysql:9.7:1", "a b", "mysql@sha256:12", "/mysql", "mysql//x"])
def test_no_image(text: str) -> None:
    with pytest.raises(SpecError, match=r"^image: "):
        ImageReference.parse("image", text)
