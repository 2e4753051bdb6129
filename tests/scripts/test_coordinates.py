# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of backup tools about where replication begins, and their parsing.

MariaDB's files are those of a real tool. The others follow the documentation of Percona XtraBackup 2.4 and 8.4, whose
servers cannot be installed here: their statements are tested as text.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.constants import MYSQL_PORT, REPLICATION_USER
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.dialect import Dialect
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import ServerVersion
from scripts.cluster import SCRIPTS
from waiting import scaled

ONE = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
TWO = "4f22fa47-71ca-11e1-9e33-c80aa9429562"
MARIADB_CHANGE = "CHANGE MASTER TO master_use_gtid = slave_pos\n"
OLD_CHANGE = "CHANGE MASTER TO MASTER_AUTO_POSITION=1;\n"
NEW_CHANGE = "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION=1;\n"
SET = f"{ONE}:1-5:7,{TWO}:1"


def bash(command: str, *arguments: str, flavour: str = "mysql", method: str = "stream") -> subprocess.CompletedProcess[str]:
    """Run bash with the scripts that the command sources by ``use``."""
    # The scripts source each other by the path that they have in a pod.
    setting = f"""set -euo pipefail
        source() {{ builtin source "{SCRIPTS}/${{1##*/}}"; }}
        FLAVOUR={flavour} CLONE_METHOD={method}
        source lib-common.sh; source lib-accounts.sh; source lib-coordinates.sh
    """
    argv = ["bash", "-c", f"{setting}\n{command}", "bash", *arguments]
    own = {"PATH": os.environ["PATH"]}
    return subprocess.run(argv, check=False, capture_output=True, text=True, env=own, timeout=scaled(30))


def parsed(folder: Path, flavour: str, files: dict[str, str]) -> tuple[bool, str]:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = 'status=0; parse_coordinates "$1" || status=$?; printf %s "$REPLY"; exit $status'
    done = bash(command, str(folder), flavour=flavour)
    assert not done.stderr
    return done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("flavour", "files", "gtids"),
    [
        ("mariadb", {"xtrabackup_binlog_info": "binlog.000001\t1128\t0-100-5\n"}, "0-100-5"),
        ("mariadb", {"xtrabackup_binlog_info": "binlog.000001\t1128\t0-100-5,1-7-12\n"}, "0-100-5,1-7-12"),
        ("mariadb", {"mariadb_backup_binlog_info": "binlog.000001\t1128\t0-100-5\n"}, "0-100-5"),
        # A donor without any transaction.
        ("mariadb", {"xtrabackup_binlog_info": "binlog.000001\t329\t\n"}, ""),
        (
            "mariadb",
            {
                "xtrabackup_binlog_info": "binlog.000002\t9\t0-101-99\n",
                "xtrabackup_slave_info": "SET GLOBAL gtid_slave_pos = '0-100-14';\n" + MARIADB_CHANGE,
            },
            "0-100-14",
        ),
        ("mysql", {"xtrabackup_binlog_info": f"mysql-0-bin.000003\t1234\t{ONE}:1-5\n"}, f"{ONE}:1-5"),
        ("mysql", {"xtrabackup_binlog_info": f"binlog.000003\t1234\t{ONE}:1-5:7,\n{TWO}:1\n"}, SET),
        ("mysql", {"xtrabackup_slave_info": "", "xtrabackup_binlog_info": f"b.000003\t1\t{ONE}:1\n"}, f"{ONE}:1"),
        (
            "mysql",
            {"xtrabackup_slave_info": f"SET GLOBAL gtid_purged='{ONE}:1-5:7,\n{TWO}:1';\n" + OLD_CHANGE},
            SET,
        ),
        (
            "mysql",
            {"xtrabackup_slave_info": f"SET GLOBAL gtid_purged='{ONE}:1';\n" + NEW_CHANGE},
            f"{ONE}:1",
        ),
    ],
)  # fmt: skip
def test_coordinates(tmp_path: Path, flavour: str, files: dict[str, str], gtids: str) -> None:
    assert parsed(tmp_path, flavour, files) == (True, gtids)


@pytest.mark.parametrize(
    ("flavour", "files", "reason"),
    [
        ("mysql", {}, "left no position"),
        ("mysql", {"xtrabackup_binlog_info": "mysql-0-bin.000003\t1234\n"}, "does not use GTIDs"),
        ("mysql", {"xtrabackup_binlog_info": "mysql-0-bin.000003\n"}, "left no position"),
        ("mysql", {"xtrabackup_binlog_info": "binlog.000003\t12 34\tx\n"}, "no GTIDs"),
        ("mysql", {"xtrabackup_binlog_info": f"binlog.000003\t1\t{ONE}:1-5'; DROP DATABASE shop; --\n"}, "no GTIDs"),
        ("mysql", {"xtrabackup_binlog_info": f"binlog.000003\t1\t{ONE}:1-5,\n"}, "no GTIDs"),
        (
            "mysql",
            {"xtrabackup_slave_info": "CHANGE MASTER TO MASTER_LOG_FILE='b.000001', MASTER_LOG_POS=4;\n"},
            "not use GTIDs",
        ),
        ("mysql", {"xtrabackup_slave_info": "SET GLOBAL gtid_purged='0-100-5';\n"}, "no GTIDs"),
        ("mariadb", {"xtrabackup_slave_info": "SET GLOBAL gtid_slave_pos = '0-100-5;0';\n"}, "no GTIDs"),
        ("mariadb", {"xtrabackup_binlog_info": f"binlog.000003\t1\t{ONE}:1\n"}, "no GTIDs"),
    ],
)
def test_no_coordinates(tmp_path: Path, flavour: str, files: dict[str, str], reason: str) -> None:
    found, told = parsed(tmp_path, flavour, files)
    assert not found and reason in told, told


@pytest.mark.parametrize(("gtids", "state"), [("0-100-5", "0-101-4,0-100-3"), ("", ""), ("0-100-5,1-7-12", "")])
def test_coordinates_are_kept_as_they_are(tmp_path: Path, gtids: str, state: str) -> None:
    show = 'printf "%s|%s" "${COORDINATES[gtids]}" "${COORDINATES[state]}"'
    command = f'write_coordinates "$1" "$2" "$3"; read_coordinates "$1"; {show}'
    assert bash(command, str(tmp_path / "c"), gtids, state, flavour="mariadb").stdout == f"{gtids}|{state}"


@pytest.mark.parametrize("text", ["", "gtids=0-100-5\n", "gtids=0-100-5\nstate='\n", "state=\ngtids=\n"])
def test_a_damaged_file_is_noticed(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text, encoding="utf-8")
    assert bash('read_coordinates "$1"', str(tmp_path / "c"), flavour="mariadb").returncode == 1


@pytest.mark.parametrize(
    ("state", "gtids", "history"),
    [
        ("", "0-100-5", "0-100-5"),
        ("0-100-3", "0-100-5", "0-100-5"),
        # The pair that the backup ended with is brought to its end, and is the domain's last.
        ("0-100-3,0-101-7", "0-100-9", "0-101-7,0-100-9"),
        ("0-100-3,1-100-7", "0-100-9", "1-100-7,0-100-9"),
        ("10-100-3", "0-100-9", "10-100-3,0-100-9"),
    ],
)
def test_history_of_a_clone(state: str, gtids: str, history: str) -> None:
    command = 'COORDINATES[state]=$1 COORDINATES[gtids]=$2; clone_history; printf %s "$REPLY"'
    assert bash(command, state, gtids, flavour="mariadb").stdout == history


@pytest.mark.parametrize(
    ("gtids", "history", "rule", "beyond"),
    [
        ("0-100-5", "0-100-5", "", ""),
        ("0-100-6", "0-100-5", "", "0-100-6"),
        ("0-100-6", "", "", "0-100-6"),
        ("0-101-4", "0-100-9", "", "0-101-4"),
        ("0-100-6,0-101-4,0-100-6", "0-100-5,0-101-4,0-101-3", "", "0-100-6"),
        ("0-100-6,0-101-4", "", "except 100", "0-101-4"),
        ("0-100-6,0-101-4,1-100-2", "1-100-2", "only 100", "0-100-6"),
        ("10-100-6", "0-100-6", "", "10-100-6"),
        ("", "0-100-5", "", ""),
    ],
)
def test_positions_beyond_a_history(gtids: str, history: str, rule: str, beyond: str) -> None:
    command = 'beyond "$1" "$2" ${3-}; printf %s "$REPLY"'
    assert bash(command, gtids, history, rule, flavour="mariadb").stdout == beyond


def test_statements_for_mysql_5_7() -> None:
    command = f"""
        OWN[version]=5.7.44-log OWN[receiver]=OFF COORDINATES[gtids]={SET}
        read_secret() {{ REPLY="it's"; }}
        start_point_sql; start=$REPLY; channel_sql mysql-0.mysql
        dialect 5.7.44 "$start $REPLY START REPLICA;"; printf '%s\\n' "$REPLY"
        resume_sql; dialect 5.7.44 "$REPLY"; printf '%s\\n' "$REPLY"
        accounts_sql 5.7.44-log
        root_password_sql 5.7.44 x; initial_password_mark 5.7.44; printf '%s\\n' "$REPLY"
        pending_password_sql
    """
    said = bash(command).stdout
    assert [" ".join(line.split()) for line in said.splitlines()[:2]] == [
        f"SET GLOBAL super_read_only = OFF; RESET MASTER; SET GLOBAL gtid_purged = '{SET}'; SET GLOBAL super_read_only = ON; "
        "CHANGE MASTER TO MASTER_HOST = 'mysql-0.mysql', MASTER_PORT = 3306, MASTER_USER = 'kubemysql_replication',"
        " MASTER_PASSWORD = :password, MASTER_AUTO_POSITION = 1, MASTER_SSL = 1, MASTER_CONNECT_RETRY = 2, "
        "MASTER_RETRY_COUNT = 4294967295; START SLAVE;",
        "START SLAVE SQL_THREAD;STOP SLAVE IO_THREAD; CHANGE MASTER TO MASTER_USER = 'kubemysql_replication', "
        "MASTER_PASSWORD = :password; START SLAVE IO_THREAD;",
    ]
    for word in ("REPLICA ", "SOURCE", "caching_sha2_password", "RETAIN", "BACKUP_ADMIN", "PUBLIC_KEY"):
        assert word not in said.replace("REPLICATION SLAVE", ""), word
    native = "IDENTIFIED WITH mysql_native_password BY 'it''s'"
    assert f"CREATE USER IF NOT EXISTS 'kubemysql_clone'@'%' {native} REQUIRE SSL;\n" in said
    assert f"CREATE USER IF NOT EXISTS 'kubemysql_clone'@'localhost' {native};\n" in said
    assert "GRANT RELOAD, PROCESS, LOCK TABLES, REPLICATION CLIENT ON *.* TO 'kubemysql_clone'@'localhost';\n" in said
    assert said.endswith(
        ".kubemysql-root-password-pending\nSET GLOBAL super_read_only = OFF;\nSET sql_log_bin = 0;\n"
        "ALTER USER root@localhost IDENTIFIED BY 'it''s';\n"
    )


@pytest.mark.parametrize(
    ("flavour", "version"), [("mysql", "9.7.1"), ("mysql", "8.0.22"), ("mysql", "5.7.44"), ("mariadb", "10.11.6-MariaDB")]
)
def test_pods_and_modules_connect_a_replica_alike(flavour: str, version: str) -> None:
    command = 'channel_sql host; dialect "$1" "$REPLY"; printf %s "$REPLY"'
    of_pods = bash(command, version, flavour=flavour).stdout.strip(";").split("TO ")[1]
    query = Dialect(ServerVersion.parse(version)).query(
        "change_source", "'host'", MYSQL_PORT, f"'{REPLICATION_USER}'", ":password"
    )
    assert query is not None
    of_modules = (query.sql % query.args).split("TO ")[1]
    options = [{" ".join(option.split()) for option in text.split(",")} for text in (of_pods, of_modules)]
    # A former primary is demoted: the pods have none yet.
    assert options[1] - options[0] == ({"MASTER_DEMOTE_TO_SLAVE = 1"} if flavour == "mariadb" else set())
    assert options[0] <= options[1]
