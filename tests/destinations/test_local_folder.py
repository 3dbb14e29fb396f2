from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.errors import FixSettings, TryAgain
from app.destinations.budgets import Line
from app.destinations.contract import FileDestination, Settings
from app.destinations.files import StagedFiles
from app.destinations.local_folder import destination as module
from app.destinations.local_folder import share as share_module
from app.destinations.local_folder.destination import FolderStorage, create, unusable_on_windows
from app.jobs import JobContext
from tests.destinations.file_suite import (
    FileBench,
    FileDestinationSuite,
    FolderBench,
    FolderDestinationSuite,
    Opened,
    files,
    silent,
)
from tests.rights import IS_ROOT


class Bench(FolderBench):
    secrets: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: Opened = ("", {}, {})

    def destination(self, **changes: str) -> FileDestination:
        values = {"folder": str(self.folder), **changes}
        self.opened = ("local-folder", values, {})
        return create(Settings(values, {}))


@pytest.fixture
def bench(drive: Path) -> Bench:
    return Bench(drive)


class TestConformance(FolderDestinationSuite):
    pass


def test_folder_is_made(tmp_path: Path) -> None:
    create(Settings({"folder": str(tmp_path / "New/Folder")}, {})).test(JobContext())
    assert (tmp_path / "New/Folder").is_dir()


@pytest.mark.parametrize("folder", ["", "relative/folder", "."])
def test_relative_folder_is_refused(folder: str) -> None:
    with pytest.raises(FixSettings) as caught:
        create(Settings({"folder": folder}, {}))
    assert caught.value.code == "relative_folder"


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FixSettings) as caught:
        create(Settings({"folder": str(tmp_path / "file")}, {})).test(JobContext())
    assert caught.value.code == "not_a_folder"


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.EACCES, FixSettings, "not_writable"),
        (errno.EROFS, FixSettings, "not_writable"),
        (errno.EIO, TryAgain, "unreachable"),
        (errno.ENAMETOOLONG, FixSettings, "bad_name"),
        (errno.ENOSPC, TryAgain, "disk_full"),
        (errno.EDQUOT, TryAgain, "disk_full"),
    ],
)
def test_what_the_operating_system_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, kind: type[Exception], code: str
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100)

    def fail(_handle: int) -> None:
        raise OSError(number, "no")

    with bench.destination().session() as session:
        monkeypatch.setattr(module, "flush", fail)
        with pytest.raises(kind) as caught:
            session.put(source, "a", JobContext(), silent)
    assert getattr(caught.value, "code", "") == code
    assert files(bench.folder) == []


def test_a_drive_that_changes_what_is_written_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100)
    real: Callable[[Path], str] = module.sha256_of

    def spoiled(path: Path) -> str:
        path.write_bytes(b"y" * 100)
        return real(path)

    monkeypatch.setattr(module, "sha256_of", spoiled)
    with bench.destination().session() as session, pytest.raises(TryAgain) as caught:
        session.put(source, "a", JobContext(), silent)
    assert caught.value.code == "not_whole"
    assert files(bench.folder) == []


@pytest.mark.skipif(os.name == "nt", reason="making a link needs a special right on Windows")
def test_a_link_out_of_the_folder_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"1")
    (bench.folder / "Export").mkdir()
    (bench.folder / "Export/link").symlink_to(outside)
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with bench.destination().session() as session:
        with pytest.raises(FixSettings) as caught:
            session.put(source, "Export/link/a", JobContext(), silent)
        assert caught.value.code == "leaves_folder"
        session.put(source, "Export/a", JobContext(), silent)
        session.publish(JobContext())
        session.clear("Export", (), JobContext())
    assert (outside / "precious").read_bytes() == b"1"


class OneCase(FolderStorage):
    """A drive that takes `A` and `a` for one, as those of Windows and macOS do."""

    def _at(self, path: str) -> Path:
        return super()._at(path.lower())


class OneCaseBench(Bench):
    def destination(self, **changes: str) -> FileDestination:
        there = super().destination(**changes)
        assert isinstance(there, module.LocalFolder)
        there.session = lambda notes=None: StagedFiles(OneCase(self.folder, Line(None)), self.folder, notes)  # type: ignore[method-assign]
        return there


class TestOnADriveOfOneCase:
    @pytest.fixture
    def bench(self, drive: Path) -> FileBench:
        return OneCaseBench(drive)

    test_a_new_name = FolderDestinationSuite.test_a_name_that_changed_in_case_only_keeps_the_new_file


def test_without_hard_links_files_are_still_published(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_links(*_args: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    source = tmp_path / "source"
    for text in (b"1", b"2"):
        source.write_bytes(text)
        with bench.destination().session() as session:
            session.put(source, "a", JobContext(), silent)
            session.publish(JobContext())
    assert (bench.folder / "a").read_bytes() == b"2"
    assert files(bench.folder) == ["a"]


@pytest.mark.parametrize(
    ("path", "unusable"),
    [
        ("Export/2026/a_1.csv.gz", False),
        ("Größe/日本.csv", False),
        ("console.csv", False),
        ("Export: VIP/a.csv", True),
        ("a/nul", True),
        ("a/COM1.csv", True),
        ("trailing./a", True),
        ("trailing /a", True),
        ("what?.csv", True),
    ],
)
def test_names_windows_does_not_take(path: str, unusable: bool) -> None:
    assert unusable_on_windows(path) is unusable


def test_what_was_written_into_the_folder_by_somebody_else_only_moves(bench: Bench, tmp_path: Path) -> None:
    with bench.destination().session() as session:
        assert session.near is not None
        session.near.mkdir()
        source = session.near / "part-0.parquet"
        source.write_bytes(b"rows")
        (session.near / "_SUCCESS").touch()
        inode = source.stat().st_ino
        sent: list[int] = []
        stored = session.put(source, "lake/a.parquet", JobContext(), sent.append)
        assert (stored.bytes, stored.sha256, sent) == (4, hashlib.sha256(b"rows").hexdigest(), [4])
        assert not source.exists()
        near = session.near
        session.publish(JobContext())
    assert not near.exists()
    (file,) = [path for path in near.parent.rglob("*") if path.is_file()]
    assert (file.name, file.stat().st_ino, file.read_bytes()) == ("a.parquet", inode, b"rows")


# Network shares: a drive in memory stands in for one, on another device than everything else


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "mnt" / "our share"
    folder.mkdir(parents=True)
    with mounted(folder):
        yield folder


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    mount = ["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(folder)]
    if not IS_ROOT or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a drive needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


class ShareBench(Bench):
    def destination(self, **changes: str) -> FileDestination:
        return super().destination(place="share", **changes)


class TestOnAShare(FileDestinationSuite):
    @pytest.fixture
    def bench(self, share: Path) -> FileBench:
        return ShareBench(share)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"rows")
    return path


def test_the_folder_of_a_share_that_is_away_is_not_filled(share: Path, source: Path) -> None:
    bench = ShareBench(share)
    with bench.destination().session() as session:
        session.put(source, "a.csv", JobContext(), silent)
        session.publish(JobContext())
    subprocess.run(["umount", str(share)], check=True)
    assert share.is_dir()
    for attempt in (lambda: bench.destination().test(JobContext()), bench.destination().session().__enter__):
        with pytest.raises(TryAgain) as caught:
            attempt()
        assert caught.value.code == "share_away"
    assert files(share) == []


def test_the_folder_of_a_share_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(TryAgain) as caught:
        ShareBench(tmp_path / "Volumes/share").destination().test(JobContext())
    assert caught.value.code == "share_away"
    assert not (tmp_path / "Volumes").exists()


def test_a_share_taken_away_in_mid_run_leaves_the_last_good_data(share: Path, source: Path) -> None:
    bench = ShareBench(share)
    with bench.destination().session() as session:
        session.put(source, "Export/a.csv", JobContext(), silent)
        subprocess.run(["umount", "-l", str(share)], check=True)
        with pytest.raises(TryAgain) as caught:
            session.publish(JobContext())
    assert caught.value.code == "unreachable"
    assert files(share) == []


def test_a_share_that_does_not_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(share_module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(share_module, "_is_connected", lambda _folder: let_go.wait(30))
    with pytest.raises(TryAgain) as caught:
        ShareBench(tmp_path).destination().test(JobContext())
    let_go.set()
    assert caught.value.code == "share_silent"


def test_a_share_whose_host_is_down_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_folder: Path) -> bool:
        raise OSError(errno.EHOSTDOWN, "no")

    monkeypatch.setattr(share_module, "_is_connected", down)
    with pytest.raises(TryAgain) as caught:
        ShareBench(tmp_path).destination().test(JobContext())
    assert caught.value.code == "share_away"


not_windows = pytest.mark.skipif(os.name == "nt", reason="such a name is a folder there")


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        pytest.param("\\\\server\\share", "unc_here", marks=not_windows),
        pytest.param("//server/share/x", "unc_here", marks=not_windows),
        ("smb://server/share", "not_a_path"),
        ("https://contoso.sharepoint.com/sites/x", "not_a_path"),
        ("File:///home/x", "not_a_path"),
    ],
)
def test_what_is_no_path_here_is_refused(folder: str, code: str) -> None:
    with pytest.raises(FixSettings) as caught:
        create(Settings({"folder": folder}, {}))
    assert caught.value.code == code


def test_where_a_rename_would_cross_drives_the_file_is_copied(bench: Bench) -> None:
    other = bench.folder / "Export"
    other.mkdir()
    with mounted(other):
        with bench.destination().session() as session:
            assert session.near is not None
            session.near.mkdir()
            written = session.near / "part-0.parquet"
            written.write_bytes(b"rows")
            with pytest.raises(OSError, match="cross-device"):
                written.rename(other / "x")
            stored = session.put(written, "Export/a.parquet", JobContext(), silent)
            assert (stored.bytes, stored.sha256) == (4, hashlib.sha256(b"rows").hexdigest())
            session.publish(JobContext())
        assert files(other) == ["a.parquet"]
        assert (other / "a.parquet").read_bytes() == b"rows"
    assert files(bench.folder) == []


@pytest.mark.parametrize(
    ("number", "windows", "code"),
    [
        (errno.EHOSTDOWN, None, "unreachable"),
        (errno.ETIMEDOUT, None, "unreachable"),
        (errno.EINVAL, 64, "unreachable"),
        (errno.EINVAL, 53, "unreachable"),
        (errno.EINVAL, None, "bad_name"),
    ],
)
def test_what_network_drives_say(number: int, windows: int | None, code: str) -> None:
    error = OSError(number, "no")
    if windows is not None:
        error.winerror = windows  # type: ignore[attr-defined]  # only Windows sets it
    assert module._sentence(error, Path("/share")).code == code
