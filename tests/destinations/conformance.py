"""What every destination must do, run against each of them: subclass a suite and give it a `bench`.

A bench is a real or emulated target with the means to look at what arrived and to let things go wrong.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError, SignInAgain, TellUs, TryAgain
from app.core.exports import SyncMode
from app.destinations import http
from app.destinations.contract import (
    Batch,
    Exchange,
    FileDestination,
    Member,
    OutcomeKind,
    Outcomes,
    ReadingDestination,
    RemovingSession,
    SegmentDestination,
)
from app.destinations.description import Description
from app.jobs import Cancelled, CancelToken, JobContext
from tests.vendors.emulator import Emulator, Reply


def silent(_sent: int) -> None:
    """Progress nobody asked for."""


class FileBench(Protocol):
    """A storage whose files can be looked at past the destination."""

    secrets: tuple[str, ...]

    def destination(self) -> FileDestination: ...

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
            session.publish(replace_below, JobContext())

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
            session.publish(None, JobContext())
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

    def test_case_of_folders_is_kept(self, bench: FileBench, source: Path) -> None:
        self.put_one(bench, source, "Customers/a.csv")
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
            session.publish("Export", JobContext())
        assert bench.files() == ["Export/2026/new.csv", "Export/same.csv", "Exports/other.csv", "elsewhere.csv"]
        assert bench.read("Export/same.csv") == b"new"

    @pytest.mark.parametrize("below", ["", "/", "..", "a/../.."])
    def test_the_connections_folder_itself_is_never_emptied(self, bench: FileBench, source: Path, below: str) -> None:
        self.put_one(bench, source, "others.csv")
        with bench.destination().session() as session:
            session.put(source, "a.csv", JobContext(), silent)
            with pytest.raises((FixSettings, FixData)):
                session.publish(below, JobContext())
        assert bench.files() == ["others.csv"]

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
                session.publish(None, JobContext(token))
        assert bench.files() == []

    def test_where_names_the_place(self, bench: FileBench) -> None:
        assert bench.destination().where("a/b.csv").endswith("a/b.csv")
        assert not any(secret in bench.destination().where("a/b.csv") for secret in bench.secrets)


class FolderFileBench(FileBench, Protocol):
    """A storage that is a folder of this computer in truth."""

    folder: Path


class FolderDestinationSuite(FileDestinationSuite):
    """The contract, and what only storages with folders and drives can meet."""

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
                session.publish(None, JobContext())
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


class SegmentBench(Protocol):
    """An emulated marketing system with one audience."""

    emulator: Emulator
    description: Description
    secrets: tuple[str, ...]
    target: dict[str, str]
    batch_size: int
    slowed: list[float]

    def destination(self, **changes: Any) -> SegmentDestination: ...

    def wrong_secret(self) -> SegmentDestination: ...

    def gone_audience(self) -> dict[str, str]: ...

    def member(self, number: int, **values: str | None) -> Member: ...

    def refused_member(self, number: int) -> Member: ...

    def delivered(self, segment: str) -> set[str]: ...

    def identifier(self, member: Member) -> str: ...


class SegmentDestinationSuite:
    """The contract of `SegmentDestination`."""

    writes = "POST"
    tells_new = True
    """Whether the vendor says who was there before; else what we know decides."""

    @pytest.fixture(autouse=True)
    def _quick_and_quiet(
        self, bench: SegmentBench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        monkeypatch.setattr(http, "RETRY", http.Retry(attempts=4, first=0.01, longest=0.05))
        caplog.set_level(logging.DEBUG)
        yield
        for secret in bench.secrets:
            assert secret not in caplog.text
        assert bench.emulator.violations == []

    def send(
        self, bench: SegmentBench, members: Sequence[Member], segment: str = "VIP", mode: SyncMode = SyncMode.UPDATE
    ) -> list[OutcomeKind]:
        with bench.destination().session(bench.target, segment, mode) as session:
            outcomes = Outcomes.of(session.send(members, JobContext()))
        assert (OutcomeKind.TAKEN in {each.kind for each in outcomes}) <= (not self.tells_new)
        outcomes = outcomes.for_batch(Batch.of(members))
        assert [outcome.key for outcome in outcomes] == [member.key for member in members]
        for outcome in outcomes:
            rejected = outcome.kind.refused
            assert bool(outcome.reason) == rejected
            assert bool(outcome.fix) == rejected
        return [outcome.kind for outcome in outcomes]

    def failed(self, bench: SegmentBench, kind: type[SendoffError]) -> SendoffError:
        """Send one member, which must fail in that way, say so in three sentences, and hold no secret."""
        with pytest.raises(kind) as caught:
            self.send(bench, [bench.member(1)])
        error = caught.value
        assert error.what
        assert error.why
        assert error.fix
        chain = itertools.takewhile(lambda each: each is not None, _causes(error))
        text = " ".join(f"{each!r} {each}" for each in chain)
        assert not any(secret in text for secret in bench.secrets)
        return error

    def test_fulfils_the_contract(self, bench: SegmentBench) -> None:
        assert isinstance(bench.destination(), SegmentDestination)

    def known(self, bench: SegmentBench, member: Member) -> Member:
        """The member as a plan knows who has left: by the key fields only."""
        keys = bench.description.key_fields
        return Member(member.key, {key: value for key, value in member.values.items() if key in keys})

    def test_who_left_is_taken_out_and_nobody_else(self, bench: SegmentBench) -> None:
        members = [bench.member(number) for number in range(5)]
        self.send(bench, members, mode=SyncMode.MIRROR)
        self.send(bench, members, "Other", SyncMode.MIRROR)
        gone = [self.known(bench, member) for member in members[:2]]
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            assert isinstance(session, RemovingSession)
            for _ in range(2):  # once more, as after a lost answer
                outcomes = session.remove(gone, JobContext())
                assert [(each.key, each.kind) for each in outcomes] == [(m.key, OutcomeKind.REMOVED) for m in gone]
            assert not session.remove([], JobContext())
        assert bench.delivered("VIP") == {bench.identifier(member) for member in members[2:]}
        assert bench.delivered("Other") == {bench.identifier(member) for member in members}

    def test_it_reads_who_is_there_when_it_can_replace(self, bench: SegmentBench) -> None:
        destination, ctx = bench.destination(), JobContext()
        assert isinstance(destination, ReadingDestination) == (SyncMode.REPLACE in bench.description.sync_modes)
        if not isinstance(destination, ReadingDestination):
            return
        assert list(destination.read_members(bench.target, "VIP", ctx)) == []
        assert not destination.place(bench.target, "VIP", ctx).there
        members = [bench.member(number) for number in range(3)]
        self.send(bench, members)
        self.send(bench, [bench.member(3)], "Other")
        found = [each for page in destination.read_members(bench.target, "VIP", ctx) for each in page]
        keys = bench.description.key_fields
        expected = [{key: (member.values.get(key) or "").lower() for key in keys} for member in members]
        assert sorted(map(str, expected)) == sorted(str({key: each.get(key) or "" for key in keys}) for each in found)

    def test_a_removal_whose_answer_is_lost_is_made_again(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        self.send(bench, [member], mode=SyncMode.MIRROR)
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            assert isinstance(session, RemovingSession)
            bench.emulator.fail("lost", method=self.writes, times=1)
            [outcome] = session.remove([self.known(bench, member)], JobContext())
        assert outcome.kind is OutcomeKind.REMOVED
        assert bench.delivered("VIP") == set()

    def test_the_place_is_only_asked_for(self, bench: SegmentBench) -> None:
        destination, ctx = bench.destination(), JobContext()
        before = destination.place(bench.target, "VIP", ctx)
        assert not before.there
        assert destination.place(bench.target, "VIP", ctx) == before
        assert destination.place(bench.target, "Other", ctx).name != before.name
        self.send(bench, [bench.member(1)])
        after = destination.place(bench.target, "VIP", ctx)
        assert (after.name, after.there) == (before.name, True)

    def test_test_names_the_account(self, bench: SegmentBench) -> None:
        result = bench.destination().test(JobContext())
        assert result.reached
        assert result.rights
        assert not result.missing_rights

    def test_wrong_secret(self, bench: SegmentBench) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.wrong_secret().test(JobContext())
        assert caught.value.fix

    def test_nothing_to_send(self, bench: SegmentBench) -> None:
        assert self.send(bench, []) == []

    def test_one_member(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        assert self.send(bench, [member]) == [OutcomeKind.ADDED]
        assert bench.delivered("VIP") == {bench.identifier(member)}

    @pytest.mark.parametrize("difference", [-1, 0])
    def test_whole_batches(self, bench: SegmentBench, difference: int) -> None:
        members = [bench.member(number) for number in range(bench.batch_size + difference)]
        assert set(self.send(bench, members)) == {OutcomeKind.ADDED}
        assert bench.delivered("VIP") == {bench.identifier(member) for member in members}

    def test_one_more_than_a_batch_goes_in_two(self, bench: SegmentBench) -> None:
        members = [bench.member(number) for number in range(bench.batch_size + 1)]
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            for start in (0, bench.batch_size):
                session.send(members[start : start + bench.batch_size], JobContext())
        assert len(bench.delivered("VIP")) == bench.batch_size + 1

    def test_more_than_a_batch_at_once_is_refused_by_the_vendor(self, bench: SegmentBench) -> None:
        with pytest.raises(FixData):
            self.send(bench, [bench.member(number) for number in range(bench.batch_size + 1)])
        assert bench.delivered("VIP") == set()

    def test_second_run_updates(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        self.send(bench, [member])
        again = self.send(bench, [member])
        assert again == [OutcomeKind.UPDATED if self.tells_new else OutcomeKind.ADDED]
        assert bench.delivered("VIP") == {bench.identifier(member)}

    def test_add_mode_changes_nobody(self, bench: SegmentBench) -> None:
        self.send(bench, [bench.member(1)])
        kinds = self.send(bench, [bench.member(1), bench.member(2)], mode=SyncMode.ADD)
        assert kinds == [OutcomeKind.UNCHANGED if self.tells_new else OutcomeKind.ADDED, OutcomeKind.ADDED]

    def test_unicode_and_empty_values(self, bench: SegmentBench) -> None:
        members = [
            bench.member(1, first_name="Zoë 日本 🎈"),
            bench.member(2, first_name=None),
            bench.member(3, first_name=""),
        ]
        assert self.send(bench, members) == [OutcomeKind.ADDED] * 3

    def test_duplicates_get_one_place(self, bench: SegmentBench) -> None:
        first = bench.member(1)
        twin = Member("twin", first.values)
        assert self.send(bench, [first, twin]) == [OutcomeKind.ADDED, OutcomeKind.INVALID]
        assert bench.delivered("VIP") == {bench.identifier(first)}

    def test_part_fails(self, bench: SegmentBench) -> None:
        members = [bench.member(1), bench.refused_member(2), bench.member(3)]
        assert self.send(bench, members) == [OutcomeKind.ADDED, OutcomeKind.REJECTED, OutcomeKind.ADDED]
        assert len(bench.delivered("VIP")) == 2

    def test_gone_audience(self, bench: SegmentBench) -> None:
        with pytest.raises(FixSettings), bench.destination().session(bench.gone_audience(), "VIP", SyncMode.UPDATE):
            pass

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (401, SignInAgain),
            (403, NotAllowed),
            (404, FixSettings),
            (409, TryAgain),
            (422, FixData),
            (500, TryAgain),
            (418, TellUs),
        ],
    )
    def test_failures_by_status(self, bench: SegmentBench, status: int, kind: type[SendoffError]) -> None:
        problem = Reply(status, {"title": "No", "status": status, "detail": f"reason 42 {bench.secrets[0]}"})
        bench.emulator.fail("reply", method=self.writes, reply=problem)
        assert "reason 42" in self.failed(bench, kind).why

    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_passing_trouble_is_overcome(self, bench: SegmentBench, status: int) -> None:
        bench.emulator.fail("reply", method=self.writes, times=2, reply=Reply(status, raw=b""))
        assert self.send(bench, [bench.member(1)]) == [OutcomeKind.ADDED]

    def test_429_with_a_wait_is_obeyed(self, bench: SegmentBench) -> None:
        reply = Reply(429, raw=b"", headers={"Retry-After": "1"})
        bench.emulator.fail("reply", method=self.writes, times=1, reply=reply)
        began = time.monotonic()
        assert self.send(bench, [bench.member(1)]) == [OutcomeKind.ADDED]
        assert time.monotonic() - began >= 1
        assert bench.slowed == [1.0]

    def test_429_without_end(self, bench: SegmentBench) -> None:
        bench.emulator.fail("reply", method=self.writes, reply=Reply(429, raw=b""))
        assert self.failed(bench, TryAgain).code == "http_429"
        assert bench.slowed

    def test_429_with_a_wait_of_hours_is_not_waited_for(self, bench: SegmentBench) -> None:
        reply = Reply(429, raw=b"", headers={"Retry-After": "7200"})
        bench.emulator.fail("reply", method=self.writes, reply=reply)
        error = self.failed(bench, TryAgain)
        assert isinstance(error, TryAgain)
        assert error.retry_after == 7200

    @pytest.mark.parametrize("kind", ["reset", "cut", "lost"])
    def test_broken_connections_are_overcome(self, bench: SegmentBench, kind: str) -> None:
        bench.emulator.fail(kind, method=self.writes, times=1)
        members = [bench.member(1), bench.member(2)]
        kinds = self.send(bench, members)
        assert OutcomeKind.REJECTED not in kinds
        assert bench.delivered("VIP") == {bench.identifier(member) for member in members}

    @pytest.mark.parametrize("kind", ["reset", "cut"])
    def test_broken_connections_without_end(self, bench: SegmentBench, kind: str) -> None:
        bench.emulator.fail(kind, method=self.writes)
        assert self.failed(bench, TryAgain).code == "reset"

    def test_malformed_answer(self, bench: SegmentBench) -> None:
        bench.emulator.fail("malformed", method=self.writes)
        assert self.failed(bench, TellUs).code == "malformed_answer"

    def test_answer_of_something_else(self, bench: SegmentBench) -> None:
        page = Reply(200, raw=b"<html>Sign in to the hotel</html>", content_type="text/html")
        bench.emulator.fail("reply", reply=page)
        assert self.failed(bench, TellUs).code == "wrong_content_type"

    def test_redirects_are_not_followed(self, bench: SegmentBench) -> None:
        away = Reply(302, raw=b"", headers={"Location": "http://127.0.0.1:9/"})
        bench.emulator.fail("reply", reply=away)
        assert self.failed(bench, FixSettings).code == "redirect"

    def test_slow_answers_are_waited_for(self, bench: SegmentBench) -> None:
        bench.emulator.fail("latency", times=1, seconds=0.5)
        assert self.send(bench, [bench.member(1)]) == [OutcomeKind.ADDED]

    def test_cancel_before_the_request(self, bench: SegmentBench) -> None:
        token = CancelToken()
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            token.cancel()
            with pytest.raises(Cancelled):
                session.send([bench.member(1)], JobContext(token))
        assert bench.delivered("VIP") == set()

    def test_cancel_ends_a_wait_at_once(self, bench: SegmentBench) -> None:
        reply = Reply(429, raw=b"", headers={"Retry-After": "60"})
        bench.emulator.fail("reply", method=self.writes, after=1, reply=reply)
        token = CancelToken()
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            threading.Timer(0.3, token.cancel).start()
            began = time.monotonic()
            with pytest.raises(Cancelled):
                session.send([bench.member(1)], JobContext(token))
        assert time.monotonic() - began < 3

    def test_cancel_ends_a_read_at_once(self, bench: SegmentBench) -> None:
        bench.emulator.fail("latency", seconds=8)
        token = CancelToken()
        threading.Timer(0.4, token.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            bench.destination().test(JobContext(token))
        assert time.monotonic() - began < 3

    def test_confirm_says_something(self, bench: SegmentBench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
            assert session.confirm(JobContext()).sentence

    def test_preview_shows_what_is_sent(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        shown = bench.destination().preview(bench.target, "VIP", SyncMode.UPDATE, [member])
        assert bench.emulator.requests == []
        assert any(bench.identifier(member) in request.body for request in shown)
        text = repr(shown)
        assert not any(secret in text for secret in bench.secrets)

    def test_ledger_counts_bytes(self, bench: SegmentBench) -> None:
        told: list[Exchange] = []
        bench.destination(ledger=told.append).test(JobContext())
        assert told
        assert all(each.host == "127.0.0.1" and each.sent > 0 and each.received > 0 for each in told)


def _causes(error: BaseException | None) -> Iterator[BaseException | None]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
