# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""my.cnf: layers, ownership, quoting. That mysqld reads the same values back is tested with its own parser elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible_collections.kubemysql.replication.plugins.module_utils.errors import SpecError
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.mycnf import Options, render_cnf
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.mycnf import parse_options as parse_options_of
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.refused_options import owned_by
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.server import Server
from ansible_collections.kubemysql.replication.plugins.module_utils.mysql.version import Flavour, ServerVersion
from hypothesis import given
from hypothesis import strategies as st

NEWEST = Server(ServerVersion(9, 7))
MARIADB = Server(ServerVersion(10, 11, flavour="mariadb"))
FLAVOURS: tuple[Flavour, ...] = ("mysql", "mariadb")
values = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=40)


def parse_options(option: str, config: Mapping[str, object], flavour: Flavour = "mysql") -> Options:
    return parse_options_of(option, config, NEWEST if flavour == "mysql" else MARIADB)


def lines(text: str) -> dict[str, str]:
    header, *rest = text.splitlines()
    assert header == "[mysqld]"
    return dict(line.split(" = ", 1) for line in rest)


def read_back(value: str) -> str:
    """The value as the server's option-file parser reads it: quotes stripped, escapes undone."""
    if value.startswith('"'):
        return value[1:-1].replace("\\\\", "\0").replace('\\"', '"').replace("\\t", "\t").replace("\0", "\\")
    return value


@given(st.dictionaries(st.sampled_from(["max_connections", "init_connect", "sql_mode", "time_zone"]), values))
def test_any_printable_value_survives(config: dict[str, str]) -> None:
    rendered = lines(render_cnf(NEWEST, parse_options("config", config)))
    for name, value in config.items():
        assert read_back(rendered[name]) == value


@given(st.dictionaries(st.sampled_from(["max_connections", "mysqlx", "relay_log_recovery"]), values), values)
def test_later_layers_win_over_earlier_ones_and_defaults(config: dict[str, str], value: str) -> None:
    role = parse_options("replica_config", {"mysqlx": value})
    rendered = lines(render_cnf(NEWEST, parse_options("config", config), role))
    assert read_back(rendered["mysqlx"]) == value


def test_rendering_does_not_depend_on_order() -> None:
    one = parse_options("config", {"max_connections": 5, "event_scheduler": False})
    other = parse_options("config", {"event-scheduler": False, "MAX_CONNECTIONS": 5})
    assert render_cnf(NEWEST, one) == render_cnf(NEWEST, other)


def test_numbers_booleans_and_lists() -> None:
    options = {"max_connections": 5, "event_scheduler": False, "early_plugin_load": ["a", "b"]}
    text = render_cnf(NEWEST, parse_options("config", options))
    assert "max_connections = 5\n" in text
    assert "event_scheduler = OFF\n" in text
    assert "early_plugin_load = a\nearly_plugin_load = b\n" in text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (604800.0, "604800"),
        ("604800.0", "604800"),
        (0.5, "0.5"),
        ("0.5", "0.5"),
        (75.25, "75.25"),
        (2**63, "9223372036854775808"),
        ("1.5G", "1.5G"),
        ("8.0.3", "8.0.3"),
    ],
)
def test_whole_numbers_have_no_fraction(value: object, written: str) -> None:
    assert f"some_option = {written}\n" in render_cnf(NEWEST, parse_options("config", {"some_option": value}))


@pytest.mark.parametrize("value", [1024**3 * 0.7, "751619276.8", float("nan"), float("inf"), -2e6 - 0.5])
def test_a_size_that_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(SpecError, match=r"^config.innodb_buffer_pool_size: found \S+, expected a whole number; round it"):
        parse_options("config", {"innodb_buffer_pool_size": value})


def test_the_clone_plugin_is_loaded_besides_the_users() -> None:
    options = {"plugin-load-add": ["auth_socket.so", "mysql_clone.so"]}
    text = render_cnf(NEWEST, parse_options("config", options))
    assert text.count("plugin_load_add") == 2
    assert "plugin_load_add = mysql_clone.so\nplugin_load_add = auth_socket.so\n" in text


def test_options_of_plugins_do_not_stop_the_initialisation() -> None:
    text = render_cnf(NEWEST, parse_options("config", {"clone_max_concurrency": 4, "loose_rpl_semi_sync_source_enabled": True}))
    assert "loose_clone_max_concurrency = 4\n" in text
    assert "loose_rpl_semi_sync_source_enabled = ON\n" in text


@pytest.mark.parametrize(
    ("flavour", "owned"), [(flavour, owned) for flavour in FLAVOURS for owned in sorted(owned_by(flavour))]
)
@pytest.mark.parametrize("spelling", ["{}", "loose_{}", "skip-{}", "{}".upper()])
def test_owned_options_are_refused_in_every_spelling(flavour: Flavour, owned: str, spelling: str) -> None:
    name = spelling.format(owned)
    for given_name in (name, name.replace("_", "-"), name.upper()):
        with pytest.raises(SpecError) as error:
            parse_options("config", {given_name: 1}, flavour)
        assert error.value.message.startswith(f"config.{given_name}: the collection sets {owned} itself: ")


@pytest.mark.parametrize("spelling", ["{}", "loose_{}", "{}".upper()])
@pytest.mark.parametrize(
    ("name", "flavour"),
    [
        ("binlog_do_db", "mysql"),
        ("replicate-wild-ignore-table", "mysql"),
        ("replica_skip_errors", "mysql"),
        ("slave-skip-errors", "mariadb"),
        ("replicate_rewrite_db", "mariadb"),
    ],
)
def test_changes_cannot_be_left_out(name: str, flavour: Flavour, spelling: str) -> None:
    given_name = spelling.format(name)
    with pytest.raises(
        SpecError, match=rf"^replica_config.{given_name}: .*(without an error|after an error).*Remove the option$"
    ):
        parse_options("replica_config", {given_name: "shop"}, flavour)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    ("name", "full"), [("server_i", "server_id"), ("loose-log-bi", "log_bin"), ("replicate_do_d", "replicate_do_db")]
)
def test_abbreviations_of_refused_options_are_refused(name: str, full: str, flavour: Flavour) -> None:
    with pytest.raises(SpecError, match=f"^config.{name}: abbreviates {full}; options are given by their full names$"):
        parse_options("config", {name: 1}, flavour)


@pytest.mark.parametrize(
    ("config", "flavour", "problem"),
    [
        ({"max_allowed_packet": "1M"}, "mysql", "the clone plugin needs at least 2M"),
        ({"max-allowed-packet": 2097151}, "mysql", "the clone plugin needs at least 2M"),
        ({"default_password_lifetime": 90}, "mysql", "accounts of replication and of these modules would expire"),
        ({"default_password_lifetime": 90}, "mariadb", "accounts of replication and of these modules would expire"),
        ({"default_storage_engine": "MyISAM"}, "mysql", "new replicas would lack the others"),
        ({"replica_exec_mode": "IDEMPOTENT"}, "mysql", "differ from the primary without being noticed"),
        ({"slave_exec_mode": "idempotent"}, "mariadb", "differ from the primary without being noticed"),
        ({"binlog_error_action": "IGNORE_ERROR"}, "mysql", "replicas would lack its changes"),
        ({"tmpdir": "/nowhere"}, "mysql", "is /nowhere, and the root file system is read-only; use a path in /volume or"),
        ({"tmpdir": "/tmp:/mnt/fast"}, "mysql", "the root file system is read-only"),
        ({"slow_query_log_file": "/var/log/mysql/slow.log"}, "mariadb", "the root file system is read-only"),
        ({"general_log_file": "/volumes/general.log"}, "mysql", "the root file system is read-only"),
        ({"sql_mode": "'STRICT_ALL_TABLES'"}, "mysql", "with quotes of its own"),
        ({"sql_mode": '"STRICT_ALL_TABLES"'}, "mysql", "with quotes of its own"),
    ],
)
def test_values_that_break_the_cluster_are_refused(config: dict[str, object], flavour: Flavour, problem: str) -> None:
    ((name, value),) = config.items()
    for given_name in (name, f"loose_{name}"):
        with pytest.raises(SpecError) as error:
            parse_options("config", {given_name: value}, flavour)
        assert error.value.message.startswith(f"config.{given_name}: ")
        assert problem in error.value.message


@pytest.mark.parametrize(
    ("config", "flavour"),
    [
        ({"max_allowed_packet": "2M"}, "mysql"),
        ({"max_allowed_packet": 2097152}, "mysql"),
        ({"max_allowed_packet": "1M"}, "mariadb"),
        ({"default_password_lifetime": 0}, "mysql"),
        ({"default_storage_engine": "InnoDB"}, "mysql"),
        ({"default_storage_engine": "Aria"}, "mariadb"),
        ({"replica_exec_mode": "STRICT"}, "mysql"),
        ({"tmpdir": "/volume"}, "mysql"),
        ({"tmpdir": "/tmp:/volume/tmp"}, "mysql"),
        ({"slow_query_log_file": "slow.log"}, "mariadb"),
        ({"init_connect": "SET NAMES 'utf8mb4'"}, "mysql"),
        ({"log_error_verbosity": 2}, "mysql"),
        ({"innodb_doublewrite": True}, "mysql"),
        ({"plugin_load_add": "semisync_source.so"}, "mysql"),
    ],
)
def test_values_that_work_are_taken(config: dict[str, object], flavour: Flavour) -> None:
    assert parse_options("config", config, flavour)


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    with pytest.raises(SpecError) as error:
        parse_options("config", {"server_id": 7, "max_connections": 5, "log-bin": "x", "sql_mode": None})
    assert [line.split(": ")[0] for line in error.value.message.splitlines()] == [
        "config.server_id",
        "config.log-bin",
        "config.sql_mode",
    ]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"mysqld": {"max_connections": 5}}, "config.mysqld: groups cannot be given"),
        ({"client": {"user": "me"}}, "config.client: groups cannot be given"),
        ({"sql_mode": "A\nserver_id=7"}, "config.sql_mode: holds a newline"),
        ({"sql_mode\nserver_id": "7"}, "not the name of a mysqld option"),
        ({"[client]": "7"}, "not the name of a mysqld option"),
        ({"": "7"}, "not the name of a mysqld option"),
        ({"!include /etc/passwd": "7"}, "not the name of a mysqld option"),
        ({"max_connections": None}, "config.max_connections: expected a string, a number or a boolean, found NoneType"),
        ({"max_connections": 1, "max-connections": 2}, "config.max-connections: the same option is given twice"),
    ],
)
def test_refused(config: dict[str, object], problem: str) -> None:
    with pytest.raises(SpecError) as error:
        parse_options("config", config)
    assert problem in error.value.message


@pytest.mark.parametrize(
    ("server", "present", "absent"),
    [
        (
            Server(ServerVersion(5, 7)),
            {"skip_slave_start", "log_slave_updates", "gtid_mode", "master_info_repository", "relay_log_recovery"},
            {"mysqlx", "plugin_load_add", "replica_net_timeout", "gtid_strict_mode"},
        ),
        (
            Server(ServerVersion(8, 0, 17)),
            {"skip_slave_start", "log_slave_updates", "binlog_format"},
            {"skip_replica_start", "log_replica_updates", "master_info_repository", "expire_logs_days"},
        ),
        (
            Server(ServerVersion(8, 0, 26)),
            {"skip_replica_start", "log_replica_updates", "binlog_format"},
            {"skip_slave_start"},
        ),
        (Server(ServerVersion(8, 4)), {"skip_replica_start"}, {"binlog_format", "log_slave_updates"}),
        (Server(ServerVersion(9, 7, 4)), {"skip_replica_start"}, {"binlog_format", "log_slave_updates"}),
        (
            Server(ServerVersion(10, 11, flavour="mariadb")),
            {"gtid_domain_id", "gtid_strict_mode", "log_slave_updates", "skip_slave_start", "binlog_format", "sync_binlog"},
            {"gtid_mode", "enforce_gtid_consistency", "performance_schema", "mysqlx", "plugin_load_add", "secure_file_priv"},
        ),
    ],
)
def test_words_follow_the_server(server: Server, present: set[str], absent: set[str]) -> None:
    names = lines(render_cnf(server)).keys()
    assert present <= names
    assert not absent & names


def test_performance_schema_is_the_users_choice_on_mariadb() -> None:
    options = parse_options("config", {"performance_schema": True}, "mariadb")
    assert "performance_schema = ON\n" in render_cnf(Server(ServerVersion(10, 11, flavour="mariadb")), options)


def test_semi_synchronous_replication_is_no_plugin_on_mariadb() -> None:
    options = parse_options("config", {"rpl_semi_sync_master_enabled": True}, "mariadb")
    assert "\nrpl_semi_sync_master_enabled = ON\n" in render_cnf(Server(ServerVersion(11, 4, 2, flavour="mariadb")), options)
