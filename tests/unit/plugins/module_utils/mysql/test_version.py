# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion

VERSIONS = {
    "9.7.4": ServerVersion(9, 7, 4),
    "9.7.4-2": ServerVersion(9, 7, 4),
    "8.0.36-28": ServerVersion(8, 0, 36),
    "8.4.0-commercial": ServerVersion(8, 4, 0),
    "5.7.44-log": ServerVersion(5, 7, 44),
    "10.11.6-MariaDB-0+deb12u1": ServerVersion(10, 11, 6, "mariadb"),
    "5.5.5-10.11.6-MariaDB-0+deb12u1": ServerVersion(10, 11, 6, "mariadb"),
    "11.8.9-MariaDB": ServerVersion(11, 8, 9, "mariadb"),
    "5.5.5": ServerVersion(5, 5, 5),
}


@pytest.mark.parametrize("text", VERSIONS)
def test_version(text: str) -> None:
    assert ServerVersion.parse(text) == VERSIONS[text]


@pytest.mark.parametrize("text", ["", "mysql", "9", "9.7", "v9.7.4"])
def test_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is no server version"):
        ServerVersion.parse(text)


def test_version_reads_back() -> None:
    assert str(ServerVersion(9, 7, 4)) == "9.7.4"
    assert str(ServerVersion(10, 11, 6, "mariadb")) == "MariaDB 10.11.6"


@pytest.mark.parametrize(
    ("text", "version", "number"),
    [
        ("9.7", ServerVersion(9, 7), "9.7"),
        ("8.0.36-debian", ServerVersion(8, 0, 36), "8.0.36"),
        ("8.4-oraclelinux9", ServerVersion(8, 4), "8.4"),
    ],
)
def test_version_of_a_tag(text: str, version: ServerVersion, number: str) -> None:
    assert ServerVersion.of_tag(text, "mysql") == version
    assert version.number == number


@pytest.mark.parametrize("text", ["latest", "lts", "8", "v9.7", "8.0.36.1", ""])
def test_no_version_in_a_tag(text: str) -> None:
    with pytest.raises(ValueError, match="does not begin with a version"):
        ServerVersion.of_tag(text, "mysql")


def test_a_series_stands_for_its_newest_release() -> None:
    assert ServerVersion(8, 4).at_least(8, 4, 99)
    assert not ServerVersion(8, 4).at_least(8, 5)
