from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import environment
import pytest
from problems import SetupError


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    locks = tmp_path / "packaging" / "locks"
    locks.mkdir(parents=True)
    (locks / "runtime.txt").write_bytes(b"one==1\n")
    (locks / "development.txt").write_bytes(b"one==1\ntwo==2\n")
    return tmp_path


def make(clone: Path, stamp: str) -> Path:
    """A real environment without libraries, as a finished set-up leaves it."""
    place = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    (place / environment.STAMP).write_text(stamp + "\n")
    return place


def test_the_fingerprint_follows_each_lock_file(clone: Path) -> None:
    seen = {environment.fingerprint(clone)}
    for name in ("runtime.txt", "development.txt"):
        (clone / "packaging" / "locks" / name).write_text("one==2\n")
        seen.add(environment.fingerprint(clone))
    assert len(seen) == 3


def test_the_fingerprint_follows_the_python(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment.fingerprint(clone)
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    assert environment.fingerprint(clone) != before


def test_the_fingerprint_does_not_depend_on_how_git_ends_lines(clone: Path) -> None:
    before = environment.fingerprint(clone)
    for lock in (clone / "packaging" / "locks").glob("*.txt"):
        lock.write_bytes(b"one==1\r\n" if lock.name == "runtime.txt" else b"one==1\r\ntwo==2\r\n")
    assert environment.fingerprint(clone) == before


def test_an_environment_is_whole_only_with_its_very_stamp_and_a_python_that_starts(clone: Path) -> None:
    stamp = environment.fingerprint(clone)
    assert not environment.is_whole(clone / ".venv", stamp)
    place = make(clone, stamp)
    assert environment.is_whole(place, stamp)
    assert not environment.is_whole(place, "another")
    environment.interpreter(place).unlink()
    assert not environment.is_whole(place, stamp)


def test_a_whole_environment_is_reused(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(clone, environment.fingerprint(clone))
    monkeypatch.setattr(environment, "_make", lambda *_: pytest.fail("it was made anew"))
    assert environment.provide(clone) == environment.interpreter(clone / ".venv")


def test_a_half_made_environment_is_made_anew_and_gets_its_stamp_last(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = clone / ".venv" / "lib" / "left-behind.txt"
    left.parent.mkdir(parents=True)
    left.write_text("")
    steps: list[list[str]] = []

    def call(argv: list[str], _what: str) -> None:
        assert not (clone / ".venv" / environment.STAMP).exists()
        steps.append(argv)
        if argv[1:3] == ["-m", "venv"]:
            make(clone, "")
            (clone / ".venv" / environment.STAMP).unlink()

    monkeypatch.setattr(environment, "_call", call)
    python = environment.provide(clone)
    assert not left.exists()
    install = ["-m", "pip", "install"]
    assert [argv[1:4] for argv in steps] == [["-m", "venv", str(clone / ".venv")], install, install]
    assert steps[1][0] == steps[2][0] == str(python)
    assert environment.is_whole(clone / ".venv", environment.fingerprint(clone))


def test_the_environment_is_made_by_a_python_outside_of_it() -> None:
    shown = subprocess.run(
        [environment.base_python(), "-c", "import sys; print(sys.prefix == sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "True\n"


def test_a_failed_step_leaves_no_stamp_and_says_what_to_do(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "install_command", lambda *_: [sys.executable, "-c", "raise SystemExit(7)"])
    with pytest.raises(SetupError, match=r"could not be installed.*status 7.*start the same command again"):
        environment.provide(clone)
    assert not (clone / ".venv" / environment.STAMP).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="making a link needs a special right on Windows")
def test_an_environment_that_is_a_link_is_unlinked_and_its_target_kept(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "kept.txt").write_text("")
    link = tmp_path / ".venv"
    link.symlink_to(target, target_is_directory=True)
    environment._remove(link)
    assert not link.is_symlink()
    assert (target / "kept.txt").exists()


def test_libraries_are_installed_by_hash_and_never_built() -> None:
    command = environment.install_command(Path("python"), Path("lock.txt"))
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(command)
    assert command[-2:] == ["-r", "lock.txt"]
    command = environment.build_command(Path("python"), Path("lock.txt"))  # but for Spark, which comes as source only
    assert {"--require-hashes", "--no-deps", "--no-build-isolation"} <= set(command)
    assert command[-2:] == ["-r", "lock.txt"]


def test_programs_find_the_repository_and_nothing_of_the_persons_python() -> None:
    root = Path("here")
    given = {"PATH": "p", "PYTHONHOME": "x", "PYTHONPATH": "y", "SENDOFF_VENDOR_SPECS": "specs"}
    assert environment.variables(root, given) == {
        "PATH": "p",
        "PYTHONPATH": "here",
        "VIRTUAL_ENV": str(root / ".venv"),
        "SENDOFF_VENDOR_SPECS": "specs",
    }


def test_two_processes_make_it_one_after_the_other(clone: Path) -> None:
    holder = (
        "import environment, pathlib, sys\n"
        f"with environment._alone(pathlib.Path({str(clone / '.cache' / 'setup.lock')!r})):\n"
        "    print('held', flush=True); sys.stdin.readline(); print('released', flush=True)\n"
    )
    waiter = holder.replace("; sys.stdin.readline(); print('released', flush=True)", "")
    folder = Path(environment.__file__).parent
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with subprocess.Popen([sys.executable, "-c", waiter], cwd=folder, stdout=subprocess.PIPE, text=True) as second:
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(timeout=0.5)
            first.stdin.write("\n")
            first.stdin.flush()
            assert second.communicate(timeout=120)[0] == "held\n"
            assert second.returncode == 0
        first.communicate(timeout=120)
