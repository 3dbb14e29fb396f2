"""The two commands of everyday work, and the others: `python3 packaging/dev.py COMMAND` does its own set-up.

It runs with any Python from 3.11 on and nothing installed. This file and those it imports use the standard library only,
and no newer syntax than an old Python can read, so that the sentence about the version is what a person sees.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import environment
import system_packages
from problems import SetupError

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Command:
    """One word after `dev.py`: how it is written, what it does, and the function that gets the arguments after it."""

    usage: str
    summary: str
    run: Callable[[list[str]], int]


def main(arguments: list[str]) -> int:
    """Run one command; the exit status is that command's own, 1 when the set-up failed, 2 for wrong use."""
    if sys.version_info < OLDEST_PYTHON:  # this line is for the person who starts it with an older one
        print(
            f"Sendoff needs Python 3.11 or newer. This is Python {sys.version.split()[0]}. Start dev.py with a newer one."
        )
        return 1
    if not arguments or arguments[0] in {"help", "-h", "--help"}:
        print(overview())
        return 0 if arguments else 2
    name, *rest = arguments
    command = COMMANDS.get(name)
    if command is None:
        print(f"There is no command {name!r}.\n\n{overview()}", file=sys.stderr)
        return 2
    try:
        return command.run(rest)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def overview() -> str:
    """All commands with what they do, as the help text."""
    width = max(len(command.usage) for command in COMMANDS.values())
    lines = [f"  {command.usage:<{width}}  {command.summary}" for command in COMMANDS.values()]
    return "\n".join(["Usage: python3 packaging/dev.py COMMAND", "", *lines])


def demo(arguments: list[str]) -> int:
    """Open the window on the sample workspace, or only make the workspace where there is no display."""
    if not {"--window", "--no-window"} & set(arguments) and not has_display(sys.platform, os.environ):
        print("There is no display here (DISPLAY and WAYLAND_DISPLAY are empty): the demo runs without its window.")
        arguments = ["--no-window", *arguments]
    windowless = "--no-window" in arguments
    python = ready(system_packages.QT, required=not windowless)
    return wait([str(python), "-P", "-m", "app", "demo", *arguments])


def run(arguments: list[str]) -> int:
    """Run the `sendoff` command with the arguments after `--`, in the folder where the person stands."""
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    python = ready(system_packages.QT, required=False)
    return wait([str(python), "-P", "-m", "app", *arguments])


def test(arguments: list[str]) -> int:
    """Run everything the gate runs on all cores, or exactly what the pytest arguments say."""
    python = ready(system_packages.QT + system_packages.TEST_TOOLS)
    return wait([str(python), "-m", "pytest", *pytest_arguments(arguments)], cwd=ROOT, offscreen=True)


def lint(arguments: list[str]) -> int:
    """Run every check that reads the source; all of them, also after one failed."""
    if arguments:
        print("lint takes no arguments: it always checks everything.", file=sys.stderr)
        return 2
    python = ready()
    return report([(name, step(name, argv)) for name, argv in lint_steps(python).items()])


def screens(arguments: list[str]) -> int:
    """Write a picture of every screen into a folder."""
    python = ready(system_packages.QT)
    return wait([str(python), "-m", "tests.screens", *absolute_folder(arguments)], cwd=ROOT, offscreen=True)


def bench(arguments: list[str]) -> int:
    """Measure speed and memory beside the raw tools."""
    python = ready(system_packages.QT + system_packages.TEST_TOOLS, required=False)
    return wait([str(python), "-m", "tests.benchmarks", *arguments], cwd=ROOT, offscreen=True)


COMMANDS = {
    "demo": Command("demo [DIR]", "the window on a workspace with sample data", demo),
    "test": Command("test [PYTEST ARGS]", "everything the gate runs, or what the arguments pick", test),
    "lint": Command("lint", "style, types, layers and the shape of the repository", lint),
    "run": Command("run -- ARGS", "the sendoff command", run),
    "screens": Command("screens DIR [--only NAME]", "a picture of every screen", screens),
    "bench": Command(
        "bench [NAME|all] [--rows N] [--kills N] [--seed N] [--power-loss] [--json]",
        "speed and memory beside the raw tools",
        bench,
    ),
}


def ready(needs: tuple[system_packages.Need, ...] = (), *, required: bool = True) -> Path:
    """Bring the computer and the private environment in order; the path of the environment's Python.

    Raises:
        SetupError: packages could not be installed, or the operating system lacks something that is `required`.
    """
    system_packages.provide(system_packages.ENVIRONMENT, required=True)
    system_packages.provide(needs, required=required)
    return environment.provide(ROOT)


def has_display(platform: str, environ: Mapping[str, str]) -> bool:
    """Whether a window can open: always on Windows and macOS, elsewhere when a display server is named."""
    return platform in {"win32", "darwin"} or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def pytest_arguments(arguments: list[str]) -> list[str]:
    """What pytest gets: the person's own arguments, or the whole suite on up to eight cores."""
    return arguments or ["-n", "auto", "--maxprocesses", "8", "--dist", "loadfile", "--no-loadscope-reorder"]


def absolute_folder(arguments: list[str]) -> list[str]:
    """The arguments with a leading folder made absolute: the screens are taken from the repository's folder."""
    if not arguments or arguments[0].startswith("-"):
        return arguments
    return [str(Path(arguments[0]).resolve()), *arguments[1:]]


def lint_steps(python: Path) -> dict[str, list[str]]:
    """The checks by name, each as the command that runs it."""
    own = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "packaging").glob("*.py"))
    call_import_linter = "from importlinter.cli import lint_imports_command as check; check()"
    return {
        "ruff check": [str(python), "-m", "ruff", "check", "."],
        "ruff format": [str(python), "-m", "ruff", "format", "--check", "."],
        "mypy app": [str(python), "-m", "mypy"],
        "mypy packaging": [str(python), "-m", "mypy", *own],
        "layers": [str(python), "-c", call_import_linter],
        "shape": [str(python), str(ROOT / "packaging" / "checks.py")],
    }


def step(name: str, argv: list[str]) -> int:
    """Run one check in the repository under its heading; its exit status."""
    print(f"\n== {name}", flush=True)
    begin = time.monotonic()
    status = wait(argv, cwd=ROOT)
    print(f"   {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - begin:.1f} s", flush=True)
    return status


def report(results: list[tuple[str, int]]) -> int:
    """Name the checks that failed; 0 when none did."""
    failed = [name for name, status in results if status]
    print(f"\nlint failed: {', '.join(failed)}" if failed else "\nlint passed", flush=True)
    return 1 if failed else 0


def wait(argv: list[str], *, cwd: Path | None = None, offscreen: bool = False) -> int:
    """Run a program and wait for it; its exit status, 128 + N when signal N ended it.

    Ctrl+C goes to the program as well, which may want to finish a batch: this waits until it has.
    """
    environ = environment.variables(ROOT, os.environ)
    if offscreen:
        environ["QT_QPA_PLATFORM"] = "offscreen"  # also on a desktop that names another one for all its programs
    with subprocess.Popen(argv, cwd=cwd, env=environ) as process:
        while True:
            try:
                status = process.wait()
            except KeyboardInterrupt:
                continue
            return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
