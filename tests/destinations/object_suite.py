"""What every object store must do beyond the contract of `FileDestination`: subclass and give it a `bench`."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from app.core.errors import FixSettings, NotAllowed, SendoffError, SignInAgain, TryAgain
from app.destinations import objects
from app.destinations.calls import Retry
from app.destinations.cloud import out_of_room
from app.destinations.contract import Exchange, FileDestination, FileSession
from app.jobs import Cancelled, CancelToken, JobContext
from tests.destinations.file_suite import FileBench, FileDestinationSuite, Opened, kill_half_way, silent
from tests.servers.ports import Cable

_MARK = b"x" * 100
_MARKED = b"x" * 4000


class ObjectBench(FileBench, Protocol):
    """A bucket on a real server of this computer.

    `upload` is the destination's class of uploads. The destination sends two parts at a time into the folder
    `Team/Exports`.
    """

    port: int
    upload: type[Any]
    ledger: list[Exchange]
    slow: list[float]
    opened: Opened

    def destination(self, **changes: str) -> FileDestination: ...

    def through(self, port: int) -> FileDestination:
        """The destination, by way of another port of this computer."""
        ...

    def wrong_secret(self) -> FileDestination: ...

    def revocable(self) -> tuple[FileDestination, Callable[[], object]]:
        """The destination, and what takes the right to write away from whom it signs in."""
        ...

    def unfinished(self, path: str) -> int:
        """How many parts of a file wait to be completed."""
        ...


def put(destination: FileDestination, source: Path, path: str, **more: Any) -> None:
    """Send and publish one file."""
    with destination.session() as session:
        session.put(source, path, more.get("ctx", JobContext()), more.get("progress", silent))
        session.publish(JobContext())
        if "below" in more:
            session.clear(more["below"], (), JobContext())


class ObjectDestinationSuite(FileDestinationSuite):
    """Whole or not at all, and what a network can do."""

    resumes = True
    checks_parts = True  # a damaged part is noticed at once, not with the whole file

    def let_time_pass(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Until a destination believes that nobody goes on with an upload that was cut off."""

    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(objects, "RETRY", Retry(attempts=4, first=0.05, longest=0.4))

    @pytest.fixture
    def big(self, tmp_path: Path) -> Path:
        path = tmp_path / "big"
        path.write_bytes(os.urandom(40 << 20))
        return path

    @pytest.fixture
    def cable(self, bench: ObjectBench) -> Iterator[Callable[..., Cable]]:
        made: list[Cable] = []

        def lay(**how: Any) -> Cable:
            made.append(Cable(bench.port, **how).__enter__())
            return made[-1]

        yield lay
        for each in made:
            each.__exit__()

    def test_all_rights_are_named(self, bench: ObjectBench) -> None:
        result = bench.destination().test(JobContext())
        assert result.rights == ("write files", "list files", "read files", "remove files")
        assert "Team/Exports" in result.reached

    def test_a_wrong_secret_is_told(self, bench: ObjectBench) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.wrong_secret().test(JobContext())
        assert caught.value.code == "refused_sign_in"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"endpoint": "http://evil.example"}, "plain_http"),
            ({"folder": "a/../../b"}, "bad_folder"),
            ({"parallel": "0"}, "bad_speed"),
            ({"speed_limit": "fast"}, "bad_speed"),
        ],
    )
    def test_settings_that_cannot_be_right(self, bench: ObjectBench, changes: dict[str, str], code: str) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(**changes)
        assert caught.value.code == code

    def test_parts_are_unseen_until_published(self, bench: ObjectBench, big: Path) -> None:
        with bench.destination().session() as session:
            stored = session.put(big, "Export/big.bin", JobContext(), silent)
            assert bench.files() == []
            session.publish(JobContext())
        assert hashlib.sha256(bench.read("Export/big.bin")).hexdigest() == stored.sha256
        assert bench.unfinished("Export/big.bin") == 0

    def test_a_part_changed_on_the_way_each_time_is_told(
        self, bench: ObjectBench, tmp_path: Path, cable: Callable[..., Cable]
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(_MARKED)
        bench.write("a.csv", b"last good")
        with pytest.raises(TryAgain) as caught:
            put(bench.through(cable(damage=_MARK, damages=99).port), source, "a.csv")
        assert caught.value.code == "damaged"
        assert bench.files() == ["a.csv"]
        assert bench.read("a.csv") == b"last good"

    def test_a_part_changed_on_the_way_once_is_sent_again(
        self, bench: ObjectBench, big: Path, cable: Callable[..., Cable]
    ) -> None:
        data = big.read_bytes()
        big.write_bytes(data[: 18 << 20] + _MARKED + data[18 << 20 :])  # in the third of six parts
        wire = cable(damage=_MARK)
        seen: list[int] = []
        if not self.checks_parts:
            with pytest.raises(TryAgain) as caught:
                put(bench.through(wire.port), big, "big.bin")
            assert caught.value.code == "damaged"
            assert bench.files() == []
        put(bench.through(wire.port), big, "big.bin", progress=seen.append)
        assert wire.damages == 0
        assert bench.read("big.bin") == big.read_bytes()
        assert bench.files() == ["big.bin"]
        assert seen == sorted(seen)
        assert seen[-1] == big.stat().st_size

    def test_a_failing_publish_takes_the_others_back(
        self, bench: ObjectBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"old")
        put(bench.destination(), source, "Export/a.csv")
        source.write_bytes(b"new")
        real = bench.upload.complete
        done: list[object] = []

        def fail(upload: Any) -> None:
            if len(done) == 2:
                raise FixSettings("No.", code="no")
            real(upload)
            done.append(upload)

        monkeypatch.setattr(bench.upload, "complete", fail)
        with bench.destination().session() as session:
            for name in ("Export/a.csv", "Export/b.csv", "Export/c.csv"):
                session.put(source, name, JobContext(), silent)
            with pytest.raises(FixSettings):
                session.publish(JobContext())
        assert bench.files() == ["Export/a.csv"]
        assert bench.read("Export/a.csv") == b"old"

    def test_a_publish_whose_answer_is_lost_is_done(
        self, bench: ObjectBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"1")
        real = bench.upload.complete
        asked: list[object] = []

        def lose(upload: Any) -> None:
            real(upload)
            asked.append(upload)
            if len(asked) == 1:
                raise TryAgain("Lost.", code="reset")

        monkeypatch.setattr(bench.upload, "complete", lose)
        put(bench.destination(), source, "a.csv")
        assert len(asked) == 2
        assert bench.files() == ["a.csv"]

    def test_exports_at_once_do_not_meet(self, bench: ObjectBench, tmp_path: Path) -> None:
        failures: list[BaseException] = []

        def export(name: str) -> None:
            source = tmp_path / name
            source.write_bytes(name.encode() * 100_000)
            try:
                put(bench.destination(), source, f"{name}/data.csv", below=name)
            except BaseException as error:  # noqa: BLE001 - shown by the assertion
                failures.append(error)

        threads = [threading.Thread(target=export, args=(f"Export{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert bench.files() == [f"Export{number}/data.csv" for number in range(4)]

    def test_two_runs_under_the_same_name_leave_one_of_them_whole(self, bench: ObjectBench, tmp_path: Path) -> None:
        one, other = tmp_path / "one", tmp_path / "other"
        one.write_bytes(b"one")
        other.write_bytes(b"other")
        told = ""
        with bench.destination().session() as first, bench.destination().session() as second:
            first.put(one, "a.csv", JobContext(), silent)
            second.put(other, "a.csv", JobContext(), silent)
            first.publish(JobContext())
            try:
                second.publish(JobContext())
            except SendoffError as error:
                told = error.code
        assert bench.read("a.csv") == (b"one" if told else b"other")
        assert told in {"", "changed_meanwhile"}
        assert bench.files() == ["a.csv"]

    def test_what_a_dead_run_kept_aside_goes_after_a_day(self, bench: ObjectBench, tmp_path: Path) -> None:
        bench.write("_sendoff_tmp/65000000-.a.csv.kept", b"old")
        bench.write("_sendoff_tmp/notes.txt", b"not ours")
        source = tmp_path / "source"
        source.write_bytes(b"1")
        put(bench.destination(), source, "Export/a.csv")
        assert bench.files() == ["Export/a.csv", "_sendoff_tmp/notes.txt"]

    def test_a_short_cut_is_mended_within_the_run(
        self, bench: ObjectBench, big: Path, cable: Callable[..., Cable], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(objects, "RETRY", Retry(attempts=8, first=0.2, longest=0.5))
        wire = cable(cut_after=20 << 20, mended_after=0.3)
        put(bench.through(wire.port), big, "big.bin")
        assert wire.cuts == 1
        assert bench.read("big.bin") == big.read_bytes()

    def test_after_a_long_cut_the_next_run_goes_on_at_the_last_good_part(
        self, bench: ObjectBench, big: Path, cable: Callable[..., Cable], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.write("big.bin", b"last good")
        with pytest.raises(TryAgain) as caught:
            put(bench.through(cable(cut_after=25 << 20).port), big, "big.bin")
        assert caught.value.code in {"reset", "refused"}
        assert bench.read("big.bin") == b"last good"
        assert bench.files() == ["big.bin"]
        there = bench.unfinished("big.bin")
        self.let_time_pass(monkeypatch)
        sent: list[int] = []
        real = bench.upload.send
        monkeypatch.setattr(bench.upload, "send", lambda self, part: (sent.append(part.number), real(self, part))[1])
        put(bench.destination(), big, "big.bin")
        assert len(sent) == 5 - there if self.resumes else 5
        assert bool(there) == self.resumes
        assert bench.read("big.bin") == big.read_bytes()
        assert bench.files() == ["big.bin"]

    @pytest.mark.parametrize("moment", ["between files", "before publishing"])
    def test_a_right_revoked_in_mid_run_leaves_the_last_good_data(
        self, bench: ObjectBench, source: Path, moment: str
    ) -> None:
        bench.write("Export/a.csv", b"last good")
        destination, revoke = bench.revocable()

        def put_both(session: FileSession) -> None:
            session.put(source, "Export/a.csv", JobContext(), silent)
            if moment == "between files":
                revoke()
            session.put(source, "Export/b.csv", JobContext(), silent)
            if moment == "before publishing":
                revoke()
            session.publish(JobContext())

        with destination.session() as session, self.told_of_the_right(moment) as caught:
            put_both(session)
        if caught is not None:
            assert caught.value.code in {"missing_right", "refused_sign_in"}
            assert all((caught.value.what, caught.value.why, caught.value.fix))
            assert bench.files() == ["Export/a.csv"]
            assert bench.read("Export/a.csv") == b"last good"
        else:
            assert [bench.read(path) for path in bench.files()] == [source.read_bytes()] * 2

    def told_of_the_right(self, moment: str) -> AbstractContextManager[pytest.ExceptionInfo[SendoffError] | None]:
        """The error that has to come when a right is taken away at that moment, None where all goes on."""
        return pytest.raises((NotAllowed, SignInAgain))

    def test_a_store_that_is_full_keeps_the_last_good_data(
        self, bench: ObjectBench, big: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.write("big.bin", b"last good")
        real = bench.upload.send
        asked: list[int] = []

        def full(upload: Any, part: objects.Part) -> None:
            asked.append(part.number)
            if part.number >= 2:
                raise out_of_room("The store")
            real(upload, part)

        monkeypatch.setattr(bench.upload, "send", full)
        with pytest.raises(TryAgain) as caught:
            put(bench.destination(), big, "big.bin")
        assert caught.value.code == "disk_full"
        assert len(asked) == len(set(asked))  # asking again would not make room
        assert bench.files() == ["big.bin"]
        assert bench.read("big.bin") == b"last good"
        monkeypatch.undo()
        put(bench.destination(), big, "big.bin")
        assert bench.read("big.bin") == big.read_bytes()

    def test_a_process_that_was_killed_leaves_the_last_good_data(
        self, bench: ObjectBench, big: Path, tmp_path: Path
    ) -> None:
        bench.write("big.bin", b"last good")
        bench.destination(speed_limit="16")
        kill_half_way(bench.opened, big, tmp_path / "left.jsonl")
        assert bench.read("big.bin") == b"last good"
        assert bench.files() == ["big.bin"]
        put(bench.destination(), big, "big.bin")
        assert bench.read("big.bin") == big.read_bytes()
        assert bench.files() == ["big.bin"]

    def test_cancel_while_the_network_is_down_does_not_wait_for_it(
        self, bench: ObjectBench, big: Path, cable: Callable[..., Cable], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(objects, "RETRY", Retry(attempts=20, first=60, longest=60))
        token = CancelToken()
        wire = cable(cut_after=10 << 20)
        timer = threading.Timer(1, lambda: (wire.mend(), token.cancel()))
        timer.start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            put(bench.through(wire.port), big, "big.bin", ctx=JobContext(token))
        assert time.monotonic() - began < 30  # the next attempt would be later
        assert bench.files() == []

    def test_a_cancel_while_a_part_is_read_is_no_fault_of_the_store(
        self, bench: ObjectBench, big: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def cancelled(_body: objects.Body, _size: int = -1) -> bytes:
            raise Cancelled

        monkeypatch.setattr(objects.Body, "read", cancelled)
        with pytest.raises(Cancelled):
            put(bench.destination(), big, "big.bin")
        assert bench.files() == []

    def test_an_address_where_nobody_listens(self, bench: ObjectBench) -> None:
        with pytest.raises(TryAgain) as caught:
            bench.through(1).test(JobContext())
        assert caught.value.code == "refused"
        assert not all(each.answered for each in bench.ledger)  # who signs in elsewhere got an answer there

    def test_bytes_of_all_requests_are_in_the_ledger(self, bench: ObjectBench, big: Path) -> None:
        put(bench.destination(), big, "big.bin")
        assert {each.host for each in bench.ledger} == {"127.0.0.1"}
        assert 40 << 20 < sum(each.sent for each in bench.ledger) < 41 << 20
        assert 8 <= len(bench.ledger) <= 13  # five parts and what is around them

    def test_a_target_that_asks_to_slow_down_is_told_and_obeyed(
        self, bench: ObjectBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"1")
        real = bench.upload.send
        refused: list[int] = []

        def busy(upload: Any, part: objects.Part) -> None:
            if len(refused) < 2:
                refused.append(1)
                raise TryAgain("Busy.", "ServerBusy", code="slow_down", retry_after=0.2)
            real(upload, part)

        monkeypatch.setattr(bench.upload, "send", busy)
        put(bench.destination(), source, "a.csv")
        assert [round(seconds, 1) for seconds in bench.slow] == [0.2, 0.2]
