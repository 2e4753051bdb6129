# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner of ``make test``, with real processes of make in a folder of the test's own."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from run_stages import Plan, Result, Stage, read_stages, total  # noqa: E402
from stage_log import count_tests  # noqa: E402

COMMAND = [sys.executable, str(ROOT / "tools" / "run_stages.py"), "stages.toml", "logs"]
OK = Result(True)


class Project:
    """A Makefile and a table of stages."""

    def __init__(self, folder: Path, stages: str, **recipes: str) -> None:
        self.folder = folder
        (folder / "stages.toml").write_text(f"slots = 2\n[stages]\n{textwrap.dedent(stages)}")
        rules = [f".PHONY: {name}\n{name}:\n\t@{recipe}\n" for name, recipe in recipes.items()]
        (folder / "Makefile").write_text("\n".join(rules))

        # Settings of an outer make for its own children, such as -k or -n.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            COMMAND, cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self) -> tuple[int, str]:
        done = subprocess.run(
            COMMAND,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout


def table(output: str) -> dict[str, str]:
    """The state of each stage in the closing table."""
    rows = re.findall(r"^(\S+) +\d+ +\d+  (.*)$", output.rpartition("\nstage ")[2], re.MULTILINE)
    return dict(rows)


def last_line(output: str) -> str:
    return output.splitlines()[-1]


def test_all_ok(tmp_path: Path) -> None:
    stages = 'one = { seconds = 1 }\ntwo = { seconds = 1, needs = ["one"] }'
    status, output = Project(tmp_path, stages, one="echo '3 passed, 1 skipped in 0.10s'", two="true").run()
    assert status == 0
    assert table(output) == {"one": "ok  (3 passed, 1 skipped)", "two": "ok"}
    assert last_line(output) == "Tests: 4 passed, 0 failed, 1 skipped"
    assert (tmp_path / "logs" / "one.log").read_text() == "3 passed, 1 skipped in 0.10s\n"


def test_the_table_shows_what_a_stage_computed(tmp_path: Path) -> None:
    compute = "import time; [None for _ in iter(lambda: time.process_time() < 0.7, False)]"
    _status, output = Project(tmp_path, "one = { seconds = 1 }", one=f'{sys.executable} -S -c "{compute}"').run()
    assert re.search(r"^one +\d+ +1  ok$", output, re.MULTILINE)


def test_a_failure_ends_what_depends_on_it_and_nothing_else(tmp_path: Path) -> None:
    stages = """
        broken = { seconds = 9 }
        after = { seconds = 1, needs = ["broken"] }
        later = { seconds = 1, needs = ["after"] }
        other = { seconds = 1 }
    """
    recipes = {"broken": "seq 100; false", "after": "touch ran", "later": "touch ran", "other": "true"}
    status, output = Project(tmp_path, stages, **recipes).run()
    assert status == 1
    assert not (tmp_path / "ran").exists()
    assert table(output) == {
        "broken": "FAILED: logs/broken.log",
        "after": "not run: broken failed",
        "later": "not run: broken failed",
        "other": "ok",
    }
    # At once; the end names it.
    assert output.count("  | 100\n") == 1
    assert "\nThe first failure: broken, logs/broken.log\n" in output
    assert "  | 50\n" not in output
    assert last_line(output) == "Tests: 1 passed, 1 failed, 2 skipped"


def test_the_end_shows_the_first_of_several_failures_again(tmp_path: Path) -> None:
    stages = 'first = { seconds = 1 }\nsecond = { seconds = 1, needs = ["between"] }\nbetween = { seconds = 1 }'
    project = Project(tmp_path, stages, first="echo one; false", between="sleep 0.2", second="echo two; false")
    status, output = project.run()
    assert status == 1
    assert output.count("  | one\n") == 2
    assert output.count("  | two\n") == 1


def test_an_essential_failure_ends_the_run(tmp_path: Path) -> None:
    stages = """
        essential = { seconds = 1, essential = true }
        long = { seconds = 9 }
        other = { seconds = 1 }
    """
    # Fails once the other one runs, whose process would go on for a minute.
    recipes = {"essential": "until test -e runs; do sleep 0.01; done; false", "long": "touch runs; sleep 60", "other": "true"}
    status, output = Project(tmp_path, stages, **recipes).run()
    assert status == 1
    assert table(output) == {
        "essential": "FAILED: logs/essential.log",
        "long": "stopped: essential failed",
        "other": "not run: essential failed",
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_processes_and_shows_the_table(tmp_path: Path, number: signal.Signals) -> None:
    # As a test does that cleans up when it is interrupted, and whose own child does not end with it.
    recipe = "trap 'touch cleaned; exit 1' INT; sleep 60 & echo $$! > pid; wait"
    project = Project(tmp_path, 'long = { seconds = 9 }\nafter = { seconds = 1, needs = ["long"] }', long=recipe, after="true")
    with project.start() as process:
        assert process.stdout is not None
        lines = iter(process.stdout)
        assert "long starts" in next(lines)
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith("\n"):
            os.sched_yield()
        grandchild = os.pidfd_open(int((tmp_path / "pid").read_text()))
        process.send_signal(number)
        output = "".join(lines)
    assert process.returncode == 128 + number
    assert table(output) == {"long": f"stopped: {number.name}", "after": f"not run: {number.name}"}
    assert (tmp_path / "cleaned").exists()
    # Its descriptor becomes readable when the process ends.
    assert select.select([grandchild], [], [], 30)[0]
    os.close(grandchild)


def test_make_takes_the_needs_for_done(tmp_path: Path) -> None:
    project = Project(tmp_path, 'need = { seconds = 1 }\ntarget = { seconds = 1, needs = ["need"] }')
    (tmp_path / "Makefile").write_text(
        ".PHONY: need deeper target\ntarget: need\n\techo target >> ran\n"
        "need: deeper\n\techo need >> ran\ndeeper:\n\techo deeper >> ran\n"
    )
    status, _output = project.run()
    assert status == 0
    assert (tmp_path / "ran").read_text().split() == ["deeper", "need", "target"]


def names(stages: list[Stage]) -> list[str]:
    return [stage.name for stage in stages]


def test_the_longest_chain_starts_first() -> None:
    plan = Plan([Stage("long", 50), Stage("short", 5), Stage("need", 10), Stage("rest", 45, ("need",))], slots=2)
    assert names(plan.startable({}, set())) == ["need", "long"]
    assert names(plan.startable({"need": OK}, {"long"})) == ["rest"]
    assert names(plan.startable({"need": OK, "long": OK}, {"rest"})) == ["short"]


def test_a_stage_that_wants_all_slots_runs_by_itself() -> None:
    plan = Plan([Stage("wide", 50, slots=2), Stage("small", 5), Stage("other", 4)], slots=2)
    assert names(plan.startable({}, set())) == ["wide"]
    assert names(plan.startable({}, {"wide"})) == []
    assert names(plan.startable({}, {"small"})) == ["other"]


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ('one = { seconds = 1, needs = ["two"] }', "needed, but no stage: two"),
        ('one = { seconds = 1, needs = ["two"] }\ntwo = { seconds = 1, needs = ["one"] }', "cycle"),
        ("one = { seconds = 1, slots = 3 }", "one takes 3 slots of 2"),
    ],
    ids=["a need that is no stage", "a cycle", "more slots than there are"],
)
def test_refused(tmp_path: Path, stages: str, message: str) -> None:
    Project(tmp_path, stages)
    with pytest.raises(ValueError, match=message):
        read_stages(tmp_path / "stages.toml")


def test_the_total_hides_no_failure() -> None:
    counts = total([Result(False, tests=count_tests("5 passed in 1.0s")), Result(False), Result(None), Result(True)])
    assert counts == {"passed": 6, "failed": 2, "skipped": 1}


def test_only_some_stages_and_what_they_need() -> None:
    plan = Plan([Stage("first", 1), Stage("second", 1, ("first",)), Stage("third", 1, ("second",)), Stage("other", 1)], 2)
    assert list(plan.only(["second"]).stages) == ["first", "second"]
    with pytest.raises(ValueError, match="no stage: fourth; there are first, second, third, other"):
        plan.only(["fourth"])


def test_every_folder_of_tests_and_every_scenario_is_a_stage() -> None:
    files = ("stages.toml", "stages-kind.toml")
    stages = {name for file in files for name in read_stages(ROOT / "tools" / file).stages}
    folders = {f"integration/{path.parent.name}" for path in ROOT.glob("tests/integration/*/test_*.py")}
    scenarios = {f"e2e/{path.parent.name}" for path in ROOT.glob("molecule/*/molecule.yml")}
    assert folders and scenarios
    assert {name for name in stages if name.startswith("integration/")} == folders
    assert {name for name in stages if name.startswith("e2e/")} == scenarios


@pytest.mark.parametrize("file", ["stages.toml", "stages-kind.toml"])
def test_every_stage_needs_the_virtual_environment(file: str) -> None:
    plan = read_stages(ROOT / "tools" / file)
    assert [name for name in plan.stages if "venv" not in plan.all_needs(name)] == ["venv"]
