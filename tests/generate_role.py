# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write what the role ``mysql_cluster`` says about its variables, from the documentation of the modules it calls.

Every option of the modules is a variable of the role, so neither can drift from the other. ``--check`` writes nothing and
fails if a file is out of date.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLE = ROOT / "roles" / "mysql_cluster"
MODULES = ROOT / "plugins" / "modules"
PREFIX = "mysql_cluster_"
COLLECTION = "kubemysql.replication."
CLUSTER, VERIFY = COLLECTION + "mysql_cluster", COLLECTION + "mysql_cluster_verify"


class Task(t.NamedTuple):
    """The task file of the role that calls a module."""

    file: str
    name: str
    register: str


# The modules that the role calls. Where two of them share an option, the text of the first is used.
CALLED = {
    CLUSTER: Task(
        "apply.yml", "Apply the cluster (a first deployment takes about 20 seconds, more where images are pulled)", "applied"
    ),
    VERIFY: Task(
        "verify.yml", "Wait until every instance is healthy and a row written on the primary arrives everywhere", "verified"
    ),
    COLLECTION + "mysql_cluster_info": Task("info.yml", "Look at every instance once", "found"),
}
# Modules for playbooks alone.
NOT_CALLED = frozenset({COLLECTION + "mysql_cluster_primary"})
# Options that both modules have but which mean different times.
RENAMED = {VERIFY: {"wait_timeout": "verify_timeout"}}
# The role's own variables; `rendered` has no use for a role that verifies.
OWN: dict[str, dict[str, t.Any]] = {
    "verify": {
        "type": "bool",
        "default": True,
        "description": [
            "Whether to verify replication after applying, and show a table of the instances.",
            "Not done with C(mysql_cluster_wait=false), since the instances are not there yet.",
        ],
    },
}
# Options for clusters that somebody else deployed; the role verifies its own.
LEFT_OUT = {"kubernetes_version", "selector", "primary", "port", "tls", "user", "password", "secret_key"}
HEADER = """\
# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Generated from the modules' documentation by tests/generate_role.py; do not edit.
---
"""


class Dumper(yaml.SafeDumper):
    """Block style with indented lists, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)


def dump(data: object) -> str:
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, width=120, default_flow_style=False)


def documented() -> dict[str, dict[str, t.Any]]:
    """The options of the modules that the role calls. Every module is either called or named in ``NOT_CALLED``."""
    undecided = {COLLECTION + path.stem for path in MODULES.glob("*.py")} - CALLED.keys() - NOT_CALLED
    if undecided:
        raise SystemExit(f"tests/generate_role.py: add {', '.join(sorted(undecided))} to CALLED or NOT_CALLED")
    command = ["ansible-doc", "--type", "module", "--json", *CALLED]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {module: answer[module]["doc"]["options"] for module in CALLED}


def variable(module: str, option: str) -> str:
    return PREFIX + RENAMED.get(module, {}).get(option, option)


def variables(modules: dict[str, dict[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    """Role variable -> specification, in alphabetical order, the cluster module's words winning."""
    found: dict[str, dict[str, t.Any]] = {PREFIX + name: spec for name, spec in OWN.items()}
    for module, options in modules.items():
        for option, spec in options.items():
            if option not in LEFT_OUT:
                found.setdefault(variable(module, option), spec)
    return dict(sorted(found.items()))


def role_option(spec: dict[str, t.Any]) -> dict[str, t.Any]:
    kept = {key: spec[key] for key in ("description", "type", "elements", "choices", "default") if spec.get(key) is not None}
    kept["description"] = [line.replace("O(", "C(").replace("V(", "C(").replace("E(", "C(") for line in kept["description"]]
    return kept


def argument_specs(modules: dict[str, dict[str, t.Any]]) -> str:
    entry = {
        "short_description": "Deploy a replicating MySQL cluster on Kubernetes and prove that it replicates",
        "description": [
            "Applies the cluster with M(kubemysql.replication.mysql_cluster) and verifies it with "
            "M(kubemysql.replication.mysql_cluster_verify).",
            "Each variable is the option of the same name of these modules.",
        ],
        "author": ["The kubemysql.replication authors (@kubemysql)"],
        "options": {name: role_option(spec) for name, spec in variables(modules).items()},
    }
    return HEADER + dump({"argument_specs": {"main": entry}})


def defaults(modules: dict[str, dict[str, t.Any]]) -> str:
    given = variables(modules).items()
    lines = [dump({name: spec["default"]}) for name, spec in given if spec.get("default") is not None]
    unset = [f"#   {name}\n" for name, spec in given if spec.get("default") is None]
    return HEADER + "".join(lines) + "# Without a default; the option is left out unless set:\n" + "".join(unset)


def module_call(module: str, options: dict[str, t.Any]) -> dict[str, str]:
    call = {}
    for option, spec in sorted(options.items()):
        if option not in LEFT_OUT:
            name = variable(module, option)
            call[option] = f"{{{{ {name} }}}}" if spec.get("default") is not None else f"{{{{ {name} | default(omit) }}}}"
    return call


def task_file(module: str, options: dict[str, t.Any]) -> str:
    task = CALLED[module]
    return HEADER + dump([{"name": task.name, module: module_call(module, options), "register": PREFIX + task.register}])


def generated() -> dict[Path, str]:
    modules = documented()
    return {
        ROLE / "meta" / "argument_specs.yml": argument_specs(modules),
        ROLE / "defaults" / "main.yml": defaults(modules),
        **{ROLE / "tasks" / CALLED[module].file: task_file(module, options) for module, options in modules.items()},
    }


def main() -> int:
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date; run: make generate", file=sys.stderr)
        return 1 if stale else 0
    for path, text in generated().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
