# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of mysqld that users cannot set, or not to every value, and why.

- The collection sets some itself.
- Others let replicas miss changes without an error. An instance that misses something is no replica and cannot be promoted.
- Others break what the pods rely on: the data directory's place, the accounts, the container's log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..constants import RUN_DIR, VOLUME_DIR
from .server import Server
from .version import Flavour

__all__ = ["bare_name", "owned_by", "refusal"]

# mysqld takes these before any option name: https://dev.mysql.com/doc/refman/8.4/en/option-modifiers.html
_MODIFIERS = ("loose_", "skip_", "disable_", "enable_", "maximum_")

# Options that the pods depend on. The values are in mycnf.py, in instance.cnf or on mysqld's command line.
_OWNED: Mapping[str, str] = {
    "basedir": "the image decides where its programs are",
    "bind_address": "replicas and port-forwarding need every address of the pod",
    "binlog_format": "replicas get rows, never statements",
    "chroot": "the image decides where its programs are",
    "daemonize": "mysqld must stay in the foreground of its container",
    "datadir": "the data directory is a folder of the claim",
    "enforce_gtid_consistency": "replication follows GTIDs",
    "gtid_mode": "replication follows GTIDs",
    "ignore_builtin_innodb": "the data are InnoDB's",
    "innodb": "the data are InnoDB's",
    "init_file": "a file of the pod scripts makes every start read-only",
    "initialize": "the pod scripts decide when a data directory is made",
    "initialize_insecure": "the pod scripts decide when a data directory is made",
    "log_bin": "every instance writes a binary log, so that each can become a source",
    "log_bin_index": "the binary log has the same name on every instance",
    "log_error": "the messages of the server belong into its container's log",
    "log_replica_updates": "every instance logs what it replicates, so that each can become a source",
    "log_slave_updates": "every instance logs what it replicates, so that each can become a source",
    "networking": "replicas connect over the network",
    "offline_mode": "replicas and clients could not connect",
    "pid_file": "the root file system is read-only",
    "plugin_load": "it would undo the loading of other plugins; use plugin_load_add",
    "port": "Services, probes and peers use 3306",
    "read_only": "an instance's role decides, see the topology",
    "relay_log": "the relay log has the same name on every instance",
    "relay_log_index": "the relay log has the same name on every instance",
    "replica_start": "the replication container starts replication when that is safe",
    "report_host": "it is the pod's own name",
    "report_port": "Services, probes and peers use 3306",
    "server_id": "it is server_id_base plus the pod's ordinal; set the option server_id_base",
    "slave_start": "the replication container starts replication when that is safe",
    "grant_tables": "an instance without accounts is open to everybody",
    "socket": "the pod's containers share it",
    "ssl": "the replication channel is encrypted",
    "super_read_only": "an instance's role decides, see the topology",
    "user": "the pod's security context decides",
    # Files of InnoDB: a clone, its marks and its one rename cover the data directory, and nothing outside.
    **dict.fromkeys(
        (
            "aria_log_dir_path",
            "innodb_data_home_dir",
            "innodb_directories",
            "innodb_doublewrite_dir",
            "innodb_log_group_home_dir",
            "innodb_undo_directory",
        ),
        "all files of the data are in the data directory, which is cloned as a whole",
    ),
}

# Further options of one flavour.
_OWNED_BY: Mapping[Flavour, Mapping[str, str]] = {
    "mysql": {
        "master_info_repository": "replication survives a crash only from a table",
        "performance_schema": "readiness and verification read it",
        "relay_log_info_repository": "replication survives a crash only from a table",
    },
    "mariadb": {
        "gtid_domain_id": "all instances write into one domain, of which the primary alone is the source",
        "gtid_strict_mode": "replication follows GTIDs",
    },
}

_FILTER = "filters changes out, so that replicas lack them without an error and cannot replace the primary"
_SKIP = "lets replicas go on after an error, so that they differ from the primary without being noticed"
# Filters: https://dev.mysql.com/doc/refman/8.4/en/replication-rules.html
_INCOMPLETE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "binlog_do_db",
            "binlog_ignore_db",
            "replicate_do_db",
            "replicate_do_table",
            "replicate_events_marked_for_skip",
            "replicate_ignore_db",
            "replicate_ignore_table",
            "replicate_rewrite_db",
            "replicate_wild_do_table",
            "replicate_wild_ignore_table",
        ),
        _FILTER,
    ),
    "replica_skip_errors": _SKIP,
    "slave_skip_errors": _SKIP,
    "ignore_db_dirs": "hides databases, which replicas would lack and clones would copy all the same",
    "replicate_same_server_id": "lets an instance apply its own changes twice",
}

# The clone plugin needs so much on both sides: https://dev.mysql.com/doc/refman/8.4/en/clone-plugin-remote.html
_LEAST_PACKET = 2 * 1024**2
_SIZE = re.compile(r"([0-9]+)([KMGTPE]?)", re.IGNORECASE)
# Folders of the container mysql in which a server can write.
_WRITABLE = (VOLUME_DIR, RUN_DIR, "/tmp")


def owned_by(flavour: Flavour) -> Mapping[str, str]:
    """Options that the collection sets for this kind of server, and why users cannot."""
    return {**_OWNED, **_OWNED_BY[flavour]}


def refusal(name: str, values: tuple[str, ...], server: Server) -> str | None:
    """Why the option with this normalised name cannot have these values; None if it can."""
    bare, owned = bare_name(name), owned_by(server.flavour)
    if bare in owned:
        return f"the collection sets {bare} itself: {owned[bare]}. Remove the option"
    if bare in _INCOMPLETE:
        return f"{bare} {_INCOMPLETE[bare]}. Remove the option"
    for full in (*owned, *_INCOMPLETE):
        # MariaDB takes an abbreviation for the option that it begins, if there is only one.
        if full.startswith(bare) and bare not in _FULL_NAMES:
            return f"abbreviates {full}; options are given by their full names"
    problems = (rule(value, server) for value in values for rule in (*_RULES.get(bare, ()), _refused_quotes))
    return next((problem for problem in problems if problem), None)


def bare_name(name: str) -> str:
    """The option behind its modifiers: ``loose_skip_log_bin`` is about ``log_bin``."""
    while True:
        for modifier in _MODIFIERS:
            if name.startswith(modifier):
                name = name.removeprefix(modifier)
                break
        else:
            return name


# --- rules for values ---------------------------------------------------------------------------------------------------


def _refused_packet(value: str, server: Server) -> str | None:
    size = _bytes(value)
    if server.support.clone_method != "clone_plugin" or size is None or size >= _LEAST_PACKET:
        return None
    return f"is {value}, and the clone plugin needs at least 2M; new replicas could not be cloned"


def _bytes(value: str) -> int | None:
    match = _SIZE.fullmatch(value)
    return None if match is None else int(match[1]) * 1024 ** " KMGTPE".index(match[2].upper() or " ")


def _refused_lifetime(value: str, _server: Server) -> str | None:
    if value == "0":
        return None
    return (
        f"is {value}: the accounts of replication and of these modules would expire as well, and the cluster with them. "
        "Give your own accounts PASSWORD EXPIRE INTERVAL instead"
    )


def _refused_engine(value: str, server: Server) -> str | None:
    if server.support.clone_method != "clone_plugin" or value.lower() == "innodb":
        return None
    return f"is {value}, and the clone plugin copies the rows of InnoDB's tables only: new replicas would lack the others"


def _refused_exec_mode(value: str, _server: Server) -> str | None:
    return None if value.upper() == "STRICT" else f"is {value}: it {_SKIP}"


def _refused_binlog_error(value: str, _server: Server) -> str | None:
    if value.upper() == "ABORT_SERVER":
        return None
    return f"is {value}: a primary that cannot write its binary log would go on, and replicas would lack its changes"


def _refused_path(value: str, _server: Server) -> str | None:
    """A relative path lies in the data directory. ``tmpdir`` takes several, parted by colons."""
    for path in value.split(":"):
        if path.startswith("/") and not any(path == folder or path.startswith(f"{folder}/") for folder in _WRITABLE):
            return f"is {value}, and the root file system is read-only; use a path in {' or '.join(_WRITABLE)}"
    return None


def _refused_quotes(value: str, _server: Server) -> str | None:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return f"is {value} with quotes of its own, which would become a part of the value; leave them out"
    return None


_RULES: Mapping[str, tuple[Callable[[str, Server], str | None], ...]] = {
    "binlog_error_action": (_refused_binlog_error,),
    "default_password_lifetime": (_refused_lifetime,),
    "default_storage_engine": (_refused_engine,),
    "max_allowed_packet": (_refused_packet,),
    "replica_exec_mode": (_refused_exec_mode,),
    "slave_exec_mode": (_refused_exec_mode,),
    **dict.fromkeys(
        (
            "general_log_file",
            "innodb_temp_tablespaces_dir",
            "innodb_tmpdir",
            "log_slow_query_file",
            "replica_load_tmpdir",
            "slave_load_tmpdir",
            "slow_query_log_file",
            "tmpdir",
        ),
        (_refused_path,),
    ),
}
# Options that others begin with.
_FULL_NAMES = frozenset({"innodb_doublewrite"})
