from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import FixSettings, TryAgain
from app.destinations.contract import FileDestination, Settings
from app.destinations.local_folder import destination as module
from app.destinations.local_folder.destination import create, unusable_on_windows
from app.jobs import JobContext
from tests.destinations.file_suite import FolderBench, FolderDestinationSuite, files, silent


class Bench(FolderBench):
    secrets: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def destination(self, **changes: str) -> FileDestination:
        return create(Settings({"folder": str(self.folder), **changes}, {}))


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
        monkeypatch.setattr(module.os, "fsync", fail)
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
