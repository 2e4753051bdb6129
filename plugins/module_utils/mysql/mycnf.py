# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""my.cnf files: defaults < the user's options < what replication needs, rendered to the same bytes every time.

Only the group ``[mysqld]`` is written: other groups would reach the clients of probes and scripts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..constants import DATA_DIR, MYSQL_PORT, RUN_DIR, SOCKET
from ..errors import SpecError
from .refused_options import refusal
from .server import Server

__all__ = ["Options", "normalise", "parse_options", "render_cnf"]

# Normalised option name -> its values; more than one for options that may be given again, e.g. plugin_load_add.
Options = dict[str, tuple[str, ...]]

_NAME = re.compile(r"[a-z][a-z0-9_.]*")
# A number that a template has computed.
_FRACTION = re.compile(r"-?[0-9]+\.[0-9]+")
# Larger numbers with a fraction are sizes; no option of mysqld takes a fraction of them.
_LARGEST_FRACTION = 1e6
# Above, a float is no exact whole number.
_EXACT = 2.0**53
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:,+%@*=~-]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t"}


def normalise(name: str) -> str:
    """The spelling under which mysqld looks an option up: lower case, underscores."""
    return name.strip().lower().replace("-", "_")


def _text(value: object) -> str:
    """The value as my.cnf has it; raises ``ValueError`` with what is wrong."""
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if not isinstance(value, str):
        raise ValueError(f"expected a string, a number or a boolean, found {type(value).__name__}")
    if any((ord(character) < 0x20 and character != "\t") or ord(character) == 0x7F for character in value):
        raise ValueError("holds a newline or another control character, which a my.cnf file cannot carry")
    return _number(float(value)) if _FRACTION.fullmatch(value) else value


def _number(value: float) -> str:
    """Sizes that a template has computed are fractions, and mysqld takes none for a size."""
    if value == value // 1 and abs(value) < _EXACT:
        return str(int(value))
    if not abs(value) < _LARGEST_FRACTION:
        raise ValueError(f"found {value}, expected a whole number; round it in the template, as {{{{ size | int }}}} does")
    return str(value)


def parse_options(option: str, config: Mapping[str, object], server: Server) -> Options:
    """Check the user's mysqld options and return them under their normalised names.

    Raises ``SpecError`` with everything that is wrong, each problem on a line.
    """
    options: Options = {}
    problems: list[tuple[str, str]] = []
    for given, value in config.items():
        name = normalise(str(given))
        try:
            if isinstance(value, Mapping):
                raise ValueError("groups cannot be given; write the options of [mysqld] directly under " + option)
            if not _NAME.fullmatch(name):
                raise ValueError("not the name of a mysqld option: expected letters, digits, '_' or '-'")
            if name in options:
                raise ValueError("the same option is given twice, in two spellings")
            values = value if isinstance(value, (list, tuple)) else [value]
            options[name] = tuple(map(_text, values))
            problem = refusal(name, options[name], server)
        except ValueError as error:
            problem = str(error)
        if problem is not None:
            problems.append((f"{option}.{given}", problem))
    if problems:
        (first, problem), *others = problems
        raise SpecError(first, "\n".join([problem, *(f"{path}: {text}" for path, text in others)]))
    return options


def _defaults(server: Server) -> Options:
    options: Options = {
        # The volume is small by default; files of 1 GiB, the server's default, could never be purged in time.
        "max_binlog_size": ("100M",),
        # A source that died silently is noticed after so many seconds; the server's default is a minute.
        "replica_net_timeout": ("15",),
        # After a crash the relay log is fetched again from the source instead of being trusted.
        "relay_log_recovery": ("ON",),
        # Nobody exchanges files with a server in a pod.
        "secure_file_priv": ("NULL",),
        # Accounts are granted to '%': names of pods come and go, and looking them up delays every login.
        "skip_name_resolve": ("ON",),
        # The X protocol has no Service and its port would be open all the same.
        "mysqlx": ("OFF",),
    }
    if server.flavour == "mariadb" or not server.version.at_least(8, 0, 26):
        options["slave_net_timeout"] = options.pop("replica_net_timeout")
    if server.flavour == "mariadb":
        del options["mysqlx"], options["secure_file_priv"]
        # Defaults of MySQL 8: binary logs are kept for 30 days, and a primary that crashed has all that its replicas have.
        options |= {"binlog_expire_logs_seconds": ("2592000",), "sync_binlog": ("1",)}
    elif not server.version.at_least(8, 0, 0):
        del options["mysqlx"]
        options["expire_logs_days"] = ("30",)
    return options


def _forced(server: Server) -> Options:
    options: Options = {
        "binlog_format": ("ROW",),
        "datadir": (DATA_DIR,),
        # Named, because the default name comes from the host name and a claim can move to another pod.
        "log_bin": ("binlog",),
        "log_replica_updates": ("ON",),
        "pid_file": (f"{RUN_DIR}/mysqld.pid",),
        "port": (str(MYSQL_PORT),),
        "relay_log": ("relay-bin",),
        # The replication container starts the threads once it has checked for errant transactions.
        "skip_replica_start": ("ON",),
        "socket": (SOCKET,),
        **(_FORCED_MARIADB if server.flavour == "mariadb" else _FORCED_MYSQL),
    }
    if server.flavour == "mysql" and server.version.at_least(8, 4, 0):
        # ROW is the default, and naming the option is deprecated since 8.0.34.
        del options["binlog_format"]
    if server.flavour == "mariadb" or not server.version.at_least(8, 0, 26):
        options["log_slave_updates"] = options.pop("log_replica_updates")
        options["skip_slave_start"] = options.pop("skip_replica_start")
    if server.flavour == "mysql" and not server.version.at_least(8, 0, 0):
        # Files, the default of 5.7, are not written together with the transaction that they are about.
        options |= {"master_info_repository": ("TABLE",), "relay_log_info_repository": ("TABLE",)}
    return options


_FORCED_MYSQL: Options = {
    "enforce_gtid_consistency": ("ON",),
    "gtid_mode": ("ON",),
    "performance_schema": ("ON",),
}
_FORCED_MARIADB: Options = {
    "gtid_domain_id": ("0",),
    # Refuses what is out of order, so that histories that have parted are noticed.
    "gtid_strict_mode": ("ON",),
}

_CLONE_PLUGIN = "mysql_clone.so"
# Options of plugins: --initialize loads no plugins and would refuse them.
_PLUGIN_OPTIONS = ("clone_", "rpl_semi_sync_")


def render_cnf(server: Server, *layers: Options) -> str:
    """Merge ``layers`` (later ones win) between defaults and forced options into the text of a my.cnf file."""
    merged: Options = _defaults(server)
    for layer in layers:
        merged.update(layer)
    merged.update(_forced(server))
    # Besides whatever the user loads: the option adds up.
    ours = (_CLONE_PLUGIN,) if server.support.clone_method == "clone_plugin" else ()
    merged["plugin_load_add"] = (*ours, *(value for value in merged.get("plugin_load_add", ()) if value not in ours))
    lines = [f"{_written(name, server)} = {_quoted(value)}" for name, values in sorted(merged.items()) for value in values]
    return "\n".join(["[mysqld]", *lines, ""])


def _written(name: str, server: Server) -> str:
    # In MariaDB semi-synchronous replication is no plugin.
    return f"loose_{name}" if server.flavour == "mysql" and name.startswith(_PLUGIN_OPTIONS) else name


def _quoted(value: str) -> str:
    if _PLAIN_VALUE.fullmatch(value):
        return value
    return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'
