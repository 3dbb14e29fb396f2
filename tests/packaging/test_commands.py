from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import dev
import environment
import pytest
import system_packages
from problems import SetupError


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs a command would start; the set-up itself is not made."""
    programs: list[list[str]] = []

    def remember(argv: list[str], **_options: object) -> int:
        programs.append(argv)
        return 3

    monkeypatch.setattr(dev, "ready", lambda *_needs, **_options: Path("python"))
    monkeypatch.setattr(dev, "wait", remember)
    return programs


def test_without_a_command_the_overview_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main([]) == 2
    assert dev.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert [name for name in dev.COMMANDS if f"\n  {name}" not in printed] == []


def test_an_unknown_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["tset"]) == 2
    assert "'tset'" in capsys.readouterr().err


def test_run_gives_everything_after_the_dashes_to_sendoff_unchanged(started: list[list[str]]) -> None:
    assert dev.main(["run", "--", "exports", "run", "--all", "--", "--json"]) == 3
    assert started == [["python", "-P", "-m", "app", "exports", "run", "--all", "--", "--json"]]


def test_demo_opens_the_window_where_there_is_a_display(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":7")
    dev.main(["demo", "folder"])
    assert started == [["python", "-P", "-m", "app", "demo", "folder"]]


def test_demo_without_a_display_makes_the_workspace_only(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    dev.main(["demo"])
    dev.main(["demo", "--window"])
    assert [argv[4:] for argv in started] == [["demo", "--no-window"], ["demo", "--window"]]


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("win32", {}, True),
        ("darwin", {}, True),
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
    ],
)
def test_display(platform: str, environ: dict[str, str], expected: bool) -> None:
    assert dev.has_display(platform, environ) is expected


def test_the_whole_suite_runs_in_parallel_and_a_choice_exactly_as_given(started: list[list[str]]) -> None:
    dev.main(["test"])
    dev.main(["test", "tests/packaging", "-k", "display"])
    assert started[0][:6] == ["python", "-m", "pytest", "-n", "auto", "--maxprocesses"]
    assert started[1] == ["python", "-m", "pytest", "tests/packaging", "-k", "display"]


def test_screens_go_where_the_person_stands(
    started: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dev.main(["screens", "shots", "--only", "16-plan"])
    assert started[0][3:] == [str(tmp_path / "shots"), "--only", "16-plan"]


def test_lint_runs_every_check_and_fails_when_one_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "ready", lambda: Path("python"))
    ran: list[str] = []

    def step(name: str, _argv: list[str]) -> int:
        ran.append(name)
        return 1 if name == "ruff format" else 0

    monkeypatch.setattr(dev, "step", step)
    assert dev.main(["lint"]) == 1
    assert ran == list(dev.lint_steps(Path("python")))
    assert capsys.readouterr().out.endswith("lint failed: ruff format\n")
    assert dev.main(["lint", "app"]) == 2


def test_a_failed_set_up_ends_with_its_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_needs: object, **_options: object) -> Path:
        raise SetupError("No. Because. Do this.")

    monkeypatch.setattr(dev, "ready", fail)
    assert dev.main(["test"]) == 1
    assert "No. Because. Do this." in capsys.readouterr().err


def test_an_old_python_is_told_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    assert dev.main(["demo"]) == 1
    assert "needs Python 3.11 or newer" in capsys.readouterr().out


def test_what_is_missing_of_the_system_is_said_before_minutes_of_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(system_packages, "provide", lambda _needs, *, required: order.append("system"))
    monkeypatch.setattr(environment, "provide", lambda _root: order.append("environment") or Path("python"))
    dev.ready(system_packages.QT)
    assert order == ["system", "system", "environment"]


def test_wait_returns_the_programs_own_status_and_gives_it_the_repository(tmp_path: Path) -> None:
    program = "import os, sys; sys.exit(int(os.environ['PYTHONPATH'] == sys.argv[1]) * 40 + 2)"
    assert dev.wait([sys.executable, "-c", program, str(dev.ROOT)], cwd=tmp_path) == 42


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that end a process")
def test_a_program_ended_by_a_signal_gives_what_a_shell_gives() -> None:
    assert dev.wait([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 128 + 9


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C reaches a group of processes differently on Windows")
def test_ctrl_c_lets_the_program_finish_its_batch(tmp_path: Path) -> None:
    program = tmp_path / "batch.py"
    program.write_text(
        "import sys, time\n"
        "try:\n    print('begun', flush=True); time.sleep(30)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.8); print('finished', flush=True); sys.exit(5)\n"
    )
    caller = f"import dev, sys; sys.exit(dev.wait([sys.executable, {str(program)!r}]))"
    with subprocess.Popen(
        [sys.executable, "-c", caller],
        cwd=dev.ROOT / "packaging",
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        # A terminal sends it to the whole group, as here.
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=120)
    assert rest == "finished\n"
    assert process.returncode == 5


def test_the_readme_names_only_commands_that_exist(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"packaging/dev\.py ([a-z]+)", text))
    assert {"demo", "test"} <= named
    assert named <= set(dev.COMMANDS)


def test_the_readme_begins_with_the_two_commands(root: Path) -> None:
    lines = (root / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line.split("  #")[0].strip() for line in lines if "packaging/dev.py" in line]
    assert commands[:2] == ["python3 packaging/dev.py demo", "python3 packaging/dev.py test"]
