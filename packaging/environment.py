"""The private Python environment of this repository: made once in `.venv`, reused while it fits the lock files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from problems import SetupError

STAMP = "sendoff-stamp.txt"


def provide(root: Path) -> Path:
    """Make or reuse the environment; the path of its Python.

    A stamp, written last, says for which lock files, Python and place the environment was made. Without that very stamp,
    or when its Python does not start, it is made anew. Two processes at once make it one after the other.

    Raises:
        SetupError: a folder could not be written or a package could not be installed.
    """
    place = root / ".venv"
    stamp = fingerprint(root)
    if is_whole(place, stamp):
        return interpreter(place)
    with _alone(root / ".cache" / "setup.lock"):
        if not is_whole(place, stamp):
            _make(place, root, stamp)
    return interpreter(place)


def variables(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables for a program of the repository: its own modules are found, a person's others are not."""
    kept = {name: value for name, value in environ.items() if name not in {"PYTHONHOME", "PYTHONSTARTUP"}}
    return {**kept, "PYTHONPATH": str(root), "VIRTUAL_ENV": str(root / ".venv")}


def lock_file(root: Path) -> Path:
    """What development installs: the run-time libraries in the same versions, and the tools."""
    return root / "packaging" / "locks" / "development.txt"


def source_lock_file(root: Path) -> Path:
    """What comes as source only: Spark, which the tests start."""
    return root / "packaging" / "locks" / "spark.txt"


def fingerprint(root: Path) -> str:
    """What the environment depends on, as one hash: the lock files, this Python, and where the environment stands."""
    digest = hashlib.sha256()
    for path in sorted((root / "packaging" / "locks").glob("*.txt")):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    python = (sys.implementation.cache_tag, platform.python_version(), sysconfig.get_platform())
    digest.update(f"{python} {root}".encode())
    return digest.hexdigest()


def is_whole(place: Path, stamp: str) -> bool:
    """Whether the environment was finished for this stamp and its Python starts."""
    try:
        if (place / STAMP).read_text(encoding="utf-8").strip() != stamp:
            return False
        return subprocess.run([str(interpreter(place)), "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def interpreter(place: Path) -> Path:
    """Where an environment keeps its Python on this operating system."""
    return place / "Scripts" / "python.exe" if sys.platform == "win32" else place / "bin" / "python"


def base_python() -> str:
    """The Python behind this one: when `.venv` is active, this one has just been removed with it."""
    return getattr(sys, "_base_executable", None) or sys.executable


def install_command(python: Path, lock: Path) -> list[str]:
    """The pip call: only what the lock file names, each file checked against its hash, nothing built on the way."""
    exact = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-input", "-qq"]
    return [str(python), "-m", "pip", "install", *exact, "-r", str(lock)]


def build_command(python: Path, lock: Path) -> list[str]:
    """The pip call for what comes as source only: checked against its hash too, and made ready by the locked setuptools."""
    exact = ["--no-deps", "--require-hashes", "--no-build-isolation", "--no-input", "-qq"]
    return [str(python), "-m", "pip", "install", *exact, "-r", str(lock)]


def _make(place: Path, root: Path, stamp: str) -> None:
    print("Setting up .venv with the locked libraries, a minute or two. This happens once.", flush=True)
    begin = time.monotonic()
    _remove(place)
    _call([base_python(), "-m", "venv", str(place)], "The private environment could not be made.")
    _call(install_command(interpreter(place), lock_file(root)), "The locked libraries could not be installed.")
    _call(build_command(interpreter(place), source_lock_file(root)), "Spark could not be installed.")
    (place / STAMP).write_text(stamp + "\n", encoding="utf-8")
    print(f"Set up in {time.monotonic() - begin:.0f} s.", flush=True)


def _remove(place: Path) -> None:
    try:
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)
    except OSError as error:
        raise SetupError(
            f"The old environment {place} could not be removed. {error}. Close what runs from it, then start again."
        ) from error


def _call(argv: list[str], what: str) -> None:
    """Run a step of the set-up; its own words stand above the sentence that is raised."""
    environ = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH", "PIP_USER"}
    }
    status = subprocess.run(argv, env=environ, check=False).returncode
    if status:
        raise SetupError(
            f"{what} The step ended with status {status}; its own words stand above. "
            "Check the network and the free space on the disk, then start the same command again."
        )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a file lock, which the operating system gives back even when the process is killed."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        if sys.platform == "win32":
            import msvcrt  # exists on Windows only

            while True:
                with contextlib.suppress(OSError):  # it gives up after ten seconds
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl  # does not exist on Windows

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
