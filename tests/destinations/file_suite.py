"""What every storage must do, run against each of them: subclass a suite and give it a `bench`.

A bench is a real or emulated storage with the means to look at what arrived.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from app.core.errors import FixData, FixSettings, SendoffError, TryAgain
from app.destinations.contract import FileDestination
from app.jobs import Cancelled, CancelToken, JobContext

_PUTS = """
import json, sys
from pathlib import Path
from app.destinations.contract import Settings
from app.destinations.registry import description, open_destination
from app.jobs import JobContext
name, values, secrets = json.loads(sys.stdin.readline())
with open_destination(description(name), Settings(values, secrets)).session(Path(sys.argv[2])) as session:
    session.put(Path(sys.argv[1]), "big.bin", JobContext(), lambda sent: print(sent, flush=True))
    session.publish(JobContext())
"""

Opened = tuple[str, dict[str, str], dict[str, str]]
"""Id, values and secrets of the destination a bench has opened last."""


def silent(_sent: int) -> None:
    """Progress nobody asked for."""


def kill_half_way(opened: Opened, source: Path, notes: Path) -> None:
    """Let a process of its own send the file as `big.bin`, and kill it when about 10 MB have left."""
    with subprocess.Popen(
        [sys.executable, "-c", _PUTS, str(source), str(notes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(opened) + "\n")
        process.stdin.flush()
        while int(process.stdout.readline()) < 10 << 20:
            pass
        process.kill()


class FileBench(Protocol):
    """A storage whose files can be looked at past the destination."""

    secrets: tuple[str, ...]

    def destination(self, **changes: str) -> FileDestination: ...

    def files(self) -> list[str]:
        """All files below the connection's folder, hidden ones too, in order."""
        ...

    def read(self, path: str) -> bytes: ...

    def write(self, path: str, data: bytes) -> None: ...


class FolderBench:
    """What benches share whose storage is a folder of this computer."""

    folder: Path

    def files(self) -> list[str]:
        return files(self.folder)

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


class FileDestinationSuite:
    """The contract of `FileDestination`."""

    @pytest.fixture(autouse=True)
    def _no_secret_in_logs(self, bench: FileBench, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        caplog.set_level(logging.DEBUG)
        yield
        for secret in bench.secrets:
            assert secret not in caplog.text

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        path = tmp_path / "source.csv"
        path.write_bytes(b"id,name\n" + b"1,Zo\xc3\xab\n" * 1000)
        return path

    def put_one(self, bench: FileBench, source: Path, path: str, replace_below: str | None = None) -> None:
        with bench.destination().session() as session:
            session.put(source, path, JobContext(), silent)
            session.publish(JobContext())
            if replace_below is not None:
                session.clear(replace_below, (), JobContext())

    def test_fulfils_the_contract(self, bench: FileBench) -> None:
        assert isinstance(bench.destination(), FileDestination)

    def test_test_leaves_nothing_behind(self, bench: FileBench) -> None:
        result = bench.destination().test(JobContext())
        assert result.reached
        assert {"write files", "read files", "remove files"} <= set(result.rights)
        assert result.missing_rights == ()
        assert bench.files() == []

    def test_file_arrives_whole(self, bench: FileBench, source: Path) -> None:
        seen: list[int] = []
        with bench.destination().session() as session:
            stored = session.put(source, "Export/a.csv", JobContext(), seen.append)
            assert "Export/a.csv" not in bench.files()
            session.publish(JobContext())
        data = source.read_bytes()
        assert bench.read("Export/a.csv") == data
        assert (stored.path, stored.bytes, stored.sha256) == (
            "Export/a.csv",
            len(data),
            hashlib.sha256(data).hexdigest(),
        )
        assert seen[-1] == len(data)
        assert seen == sorted(seen)
        assert bench.files() == ["Export/a.csv"]

    @pytest.mark.parametrize("size", [0, 1, (4 << 20) - 1, 4 << 20, (8 << 20) + 1])
    def test_sizes_around_blocks(self, bench: FileBench, tmp_path: Path, size: int) -> None:
        source = tmp_path / "sized"
        source.write_bytes(os.urandom(size))
        self.put_one(bench, source, "sized.bin")
        assert bench.read("sized.bin") == source.read_bytes()

    @pytest.mark.parametrize(
        "path",
        ["Größe/Ünïcode 日本.csv", "Upper/Case.CSV", "a b/c'd.csv", "x" * 250 + ".csv", "deep/er/and/deep/er.csv"],
    )
    def test_names_are_kept(self, bench: FileBench, source: Path, path: str) -> None:
        self.put_one(bench, source, path)
        assert bench.files() == [path]

    @pytest.mark.parametrize("named", [False, True], ids=["the folder is emptied", "the old file is named"])
    def test_a_name_that_changed_in_case_only_keeps_the_new_file(
        self, bench: FileBench, tmp_path: Path, named: bool
    ) -> None:
        """Most drives of Windows and macOS take both for one file: removing the old name would remove the new rows."""
        old = "Export/Vip/a.csv"
        for number, path in enumerate([old, "Export/VIP/A.csv"]):
            source = tmp_path / str(number)
            source.write_bytes(b"%d" % number)
            with bench.destination().session() as session:
                session.put(source, path, JobContext(), silent)
                session.publish(JobContext())
                session.clear(None if named else "Export", (old,) if named and number else (), JobContext())
        (left,) = bench.files()
        assert left.casefold() == old.casefold()
        assert bench.read(left) == b"1"

    def test_case_of_folders_is_kept(self, bench: FileBench, source: Path) -> None:
        self.put_one(bench, source, "Customers/a.csv")
        if isinstance(bench, FolderBench) and sys.platform in {"win32", "darwin"}:
            pytest.skip("the drive takes names that differ in case for one")
        self.put_one(bench, source, "customers/b.csv")
        assert bench.files() == ["Customers/a.csv", "customers/b.csv"]

    @pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a//b", "a\\b", "", ".", "a/\0b", "a\nb", "x" * 256])
    def test_unsafe_paths_are_refused(self, bench: FileBench, source: Path, path: str) -> None:
        with bench.destination().session() as session, pytest.raises(FixData) as caught:
            session.put(source, path, JobContext(), silent)
        assert caught.value.code == "unsafe_path"
        assert bench.files() == []

    def test_same_name_twice_is_refused(self, bench: FileBench, source: Path) -> None:
        with bench.destination().session() as session:
            session.put(source, "a.csv", JobContext(), silent)
            with pytest.raises(FixData):
                session.put(source, "a.csv", JobContext(), silent)

    def test_leaving_without_publish_leaves_the_last_good_data(
        self, bench: FileBench, source: Path, tmp_path: Path
    ) -> None:
        self.put_one(bench, source, "Export/a.csv")
        other = tmp_path / "other"
        other.write_bytes(b"new")
        with bench.destination().session() as session:
            session.put(other, "Export/a.csv", JobContext(), silent)
            session.put(other, "Export/b.csv", JobContext(), silent)
        assert bench.files() == ["Export/a.csv"]
        assert bench.read("Export/a.csv") == source.read_bytes()

    def test_error_in_the_block_cleans_up(self, bench: FileBench, source: Path) -> None:
        def leave_early() -> None:
            with bench.destination().session() as session:
                session.put(source, "Export/a.csv", JobContext(), silent)
                raise LookupError

        with pytest.raises(LookupError):
            leave_early()
        assert bench.files() == []

    def test_replace_below_removes_only_earlier_files_of_that_folder(
        self, bench: FileBench, source: Path, tmp_path: Path
    ) -> None:
        self.put_one(bench, source, "Export/2025/old.csv")
        self.put_one(bench, source, "Export/same.csv")
        self.put_one(bench, source, "Exports/other.csv")
        self.put_one(bench, source, "elsewhere.csv")
        new = tmp_path / "new"
        new.write_bytes(b"new")
        with bench.destination().session() as session:
            session.put(new, "Export/same.csv", JobContext(), silent)
            session.put(new, "Export/2026/new.csv", JobContext(), silent)
            assert "Export/2025/old.csv" in bench.files()
            session.publish(JobContext())
            session.clear("Export", (), JobContext())
        assert bench.files() == ["Export/2026/new.csv", "Export/same.csv", "Exports/other.csv", "elsewhere.csv"]
        assert bench.read("Export/same.csv") == b"new"

    @pytest.mark.parametrize("below", ["", "/", "..", "a/../.."])
    def test_the_connections_folder_itself_is_never_emptied(self, bench: FileBench, source: Path, below: str) -> None:
        self.put_one(bench, source, "others.csv")
        with bench.destination().session() as session:
            session.put(source, "a.csv", JobContext(), silent)
            session.publish(JobContext())
            with pytest.raises((FixSettings, FixData)):
                session.clear(below, (), JobContext())
        assert bench.files() == ["a.csv", "others.csv"]

    def test_named_files_are_removed_but_none_published_just_now(self, bench: FileBench, source: Path) -> None:
        for path in ("Export/1/a.csv", "Export/1/b.csv", "Export/2/a.csv", "Export/model.json"):
            self.put_one(bench, source, path)
        with bench.destination().session() as session:
            session.put(source, "Export/3/a.csv", JobContext(), silent)
            session.put(source, "Export/model.json", JobContext(), silent)
            session.publish(JobContext())
            gone = ["Export/1/a.csv", "Export/1/b.csv", "Export/model.json", "Export/0/never.csv"]
            session.clear(None, gone, JobContext())
        assert bench.files() == ["Export/2/a.csv", "Export/3/a.csv", "Export/model.json"]

    def test_what_has_its_name_but_not_its_size_is_taken_back(
        self, bench: FileBench, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.put_one(bench, source, "Export/a.csv")
        new = tmp_path / "new"
        new.write_bytes(b"new")
        with bench.destination().session() as session:
            session.put(new, "Export/a.csv", JobContext(), silent)
            session.put(new, "Export/b.csv", JobContext(), silent)
            real = session._storage.size
            monkeypatch.setattr(session._storage, "size", lambda path: 2 if path.endswith("b.csv") else real(path))
            with pytest.raises(TryAgain) as caught:
                session.publish(JobContext())
        assert caught.value.code == "not_whole"
        assert bench.files() == ["Export/a.csv"]
        assert bench.read("Export/a.csv") == source.read_bytes()

    def test_cancel_in_the_middle_leaves_nothing(self, bench: FileBench, tmp_path: Path) -> None:
        big = tmp_path / "big"
        big.write_bytes(os.urandom(1 << 20) * 48)
        token = CancelToken()

        sent: list[int] = []

        def cancel_soon(so_far: int) -> None:
            sent.append(so_far)
            if so_far > 1 << 20:
                token.cancel()

        with bench.destination().session() as session, pytest.raises(Cancelled):
            session.put(big, "big.bin", JobContext(token), cancel_soon)
        assert 0 < sent[-1] < big.stat().st_size
        assert bench.files() == []

    def test_cancel_before_publish_replaces_nothing(self, bench: FileBench, source: Path) -> None:
        token = CancelToken()
        with bench.destination().session() as session:
            session.put(source, "a.csv", JobContext(token), silent)
            token.cancel()
            with pytest.raises(Cancelled):
                session.publish(JobContext(token))
        assert bench.files() == []

    def test_a_limit_of_bytes_a_second_is_kept(self, bench: FileBench, tmp_path: Path) -> None:
        big = tmp_path / "big"
        big.write_bytes(os.urandom(3_000_000))

        def seconds() -> float:
            began = time.monotonic()
            with bench.destination(speed_limit="2 MB").session() as session:
                session.put(big, "big.bin", JobContext(), silent)
            assert time.monotonic() - began > 1.2
            return time.monotonic() - began

        assert any(seconds() < 10 for _attempt in range(3))  # a busy computer may hold up one

    def test_a_cancel_does_not_wait_for_a_slow_line(self, bench: FileBench, tmp_path: Path) -> None:
        big = tmp_path / "big"
        big.write_bytes(os.urandom(6_000_000))
        token = CancelToken()
        threading.Timer(0.5, token.cancel).start()
        began = time.monotonic()
        with bench.destination(speed_limit="50 kB").session() as session, pytest.raises(Cancelled):
            session.put(big, "big.bin", JobContext(token), silent)
        assert time.monotonic() - began < 60  # 120 seconds would be its time
        assert bench.files() == []

    def test_where_names_the_place(self, bench: FileBench) -> None:
        assert bench.destination().where("a/b.csv").replace("\\", "/").endswith("a/b.csv")
        assert not any(secret in bench.destination().where("a/b.csv") for secret in bench.secrets)


class FolderFileBench(FileBench, Protocol):
    """A storage that is a folder of this computer in truth."""

    folder: Path
    opened: Opened


class FolderDestinationSuite(FileDestinationSuite):
    """The contract, and what only storages with folders and drives can meet.

    `read_only` is the code of the error that tells of a drive which takes nothing any more.
    """

    read_only = "not_writable"

    @pytest.fixture
    def several(self, tmp_path: Path) -> list[Path]:
        """Three files of one size."""
        made = [tmp_path / f"several-{number}" for number in range(3)]
        for number, path in enumerate(made):
            path.write_bytes(bytes([number]) * 5000)
        return made

    def cut_off(self, bench: FolderFileBench, notes: Path, sources: Sequence[Path], code: str = "reset") -> None:
        """A session whose connection breaks after these files."""

        def put_all() -> None:
            with bench.destination().session(notes) as session:
                for number, source in enumerate(sources):
                    session.put(source, f"Export/old/{number}.csv", JobContext(), silent)
                raise TryAgain("Broken.", code=code)

        with pytest.raises(TryAgain):
            put_all()

    def test_what_arrived_before_a_cut_is_taken_up_by_the_next_session(
        self, bench: FolderFileBench, several: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notes = tmp_path / "known" / "left.jsonl"
        self.put_one(bench, several[2], "Export/old/0.csv")
        self.cut_off(bench, notes, several[:2])
        assert bench.read("Export/old/0.csv") == several[2].read_bytes()
        assert len(bench.files()) == 3
        several[1].write_bytes(b"x" * 5000)  # the table was changed meanwhile
        written: list[str] = []
        with bench.destination().session(notes) as session:
            real = session._storage.write
            monkeypatch.setattr(
                session._storage, "write", lambda source, *rest: (written.append(source.name), real(source, *rest))[1]
            )
            seen: list[int] = []
            for number in (0, 1):
                stored = session.put(several[number], f"Export/new/{number}.csv", JobContext(), seen.append)
                assert stored.sha256 == hashlib.sha256(several[number].read_bytes()).hexdigest()
            session.publish(JobContext())
        assert written == ["several-1"]
        assert (seen[0], seen[-1]) == (5000, 5000)
        assert bench.files() == ["Export/new/0.csv", "Export/new/1.csv", "Export/old/0.csv"]
        assert [bench.read(f"Export/new/{number}.csv") for number in (0, 1)] == [p.read_bytes() for p in several[:2]]
        assert not notes.exists()

    def test_what_arrived_is_sent_again_when_it_is_not_whole_there(
        self, bench: FolderFileBench, several: list[Path], tmp_path: Path
    ) -> None:
        notes = tmp_path / "left.jsonl"
        self.cut_off(bench, notes, several[:1])
        (hidden,) = bench.files()
        bench.write(hidden, b"short")
        with bench.destination().session(notes) as session:
            session.put(several[0], "Export/a.csv", JobContext(), silent)
            session.publish(JobContext())
        assert bench.read("Export/a.csv") == several[0].read_bytes()
        assert bench.files() == ["Export/a.csv"]

    def test_other_errors_leave_nothing_to_take_up(
        self, bench: FolderFileBench, several: list[Path], tmp_path: Path
    ) -> None:
        notes = tmp_path / "left.jsonl"
        self.cut_off(bench, notes, several, code="disk_full")
        assert bench.files() == []
        assert not notes.exists()

    def test_what_a_killed_process_left_is_removed_by_the_next_session(
        self, bench: FolderFileBench, several: list[Path], tmp_path: Path
    ) -> None:
        notes = tmp_path / "left.jsonl"
        dead = bench.destination().session(notes)
        dead.__enter__()
        dead.put(several[0], "Export/1/a.csv", JobContext(), silent)
        dead._left.begin("Export/1/.half.part")
        bench.write("Export/1/.half.part", b"hal")
        with notes.open("a") as file:
            file.write('{"temporary": "Export/1/.to')
        with bench.destination().session(notes) as session:
            session.put(several[1], "Export/2/a.csv", JobContext(), silent)
            session.publish(JobContext())
        assert bench.files() == ["Export/2/a.csv"]
        assert not notes.exists()
        dead.__exit__(None, None, None)

    def test_a_process_that_was_killed_leaves_the_last_good_data(self, bench: FolderFileBench, tmp_path: Path) -> None:
        big, notes = tmp_path / "big", tmp_path / "left.jsonl"
        big.write_bytes(os.urandom(1 << 20) * 40)
        bench.write("big.bin", b"last good")
        bench.destination(speed_limit="16")
        kill_half_way(bench.opened, big, notes)
        assert bench.read("big.bin") == b"last good"
        assert [path for path in bench.files() if not path.startswith(".")] == ["big.bin"]
        with bench.destination().session(notes) as session:
            session.put(big, "big.bin", JobContext(), silent)
            session.publish(JobContext())
        assert bench.read("big.bin") == big.read_bytes()
        assert bench.files() == ["big.bin"]

    @pytest.mark.parametrize("moment", ["between files", "before publishing"])
    def test_a_right_revoked_in_mid_run_leaves_the_last_good_data(
        self, bench: FolderFileBench, small_drive: Path, tmp_path: Path, source: Path, moment: str
    ) -> None:
        notes = tmp_path / "left.jsonl"
        bench.write("Export/a.csv", b"last good")

        def remount(how: str) -> None:
            subprocess.run(["mount", "-o", f"remount,{how}", str(small_drive)], check=True)

        def put_both() -> None:
            with bench.destination().session(notes) as session:
                session.put(source, "Export/a.csv", JobContext(), silent)
                if moment == "between files":
                    remount("ro")
                session.put(source, "Export/b.csv", JobContext(), silent)
                if moment == "before publishing":
                    remount("ro")
                session.publish(JobContext())

        with pytest.raises(SendoffError) as caught:
            put_both()
        remount("rw")
        assert caught.value.code == self.read_only
        assert all((caught.value.what, caught.value.why, caught.value.fix))
        assert bench.read("Export/a.csv") == b"last good"
        with bench.destination().session(notes) as session:
            session.put(source, "Export/a.csv", JobContext(), silent)
            session.publish(JobContext())
        assert bench.files() == ["Export/a.csv"]
        assert bench.read("Export/a.csv") == source.read_bytes()

    def test_replacing_leaves_no_empty_folder(self, bench: FolderFileBench, source: Path) -> None:
        self.put_one(bench, source, "Export/2025/old.csv")
        self.put_one(bench, source, "Export/2026/new.csv", "Export")
        assert bench.files() == ["Export/2026/new.csv"]
        assert not (bench.folder / "Export/2025").exists()

    def test_a_failing_rename_takes_the_others_back(self, bench: FolderFileBench, source: Path, tmp_path: Path) -> None:
        self.put_one(bench, source, "a.csv")
        new = tmp_path / "new"
        new.write_bytes(b"new")
        (bench.folder / "blocked.csv").mkdir()
        (bench.folder / "blocked.csv/x").write_bytes(b"")
        with bench.destination().session() as session:
            for path in ("a.csv", "b.csv", "blocked.csv"):
                session.put(new, path, JobContext(), silent)
            with pytest.raises(SendoffError):
                session.publish(JobContext())
        assert bench.files() == ["a.csv", "blocked.csv/x"]
        assert bench.read("a.csv") == source.read_bytes()

    def test_full_storage_says_how_much_is_missing(
        self, bench: FolderFileBench, small_drive: Path, tmp_path: Path
    ) -> None:
        big = tmp_path / "big"
        big.write_bytes(os.urandom(3 << 20))
        with bench.destination().session() as session:
            session.put(big, "fits.bin", JobContext(), silent)
            with pytest.raises(TryAgain) as caught:
                session.put(big, "does_not.bin", JobContext(), silent)
        assert caught.value.code == "disk_full"
        assert "3.1 MB" in str(caught.value)
        assert bench.files() == []


def files(folder: Path) -> list[str]:
    """All files below, hidden ones too, in order."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
