"""What the journal of a run tells of its batches, however the run ended."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.batches import BatchKind, BatchNumbers, BatchState, numbers_of
from app.core.errors import TryAgain
from app.data import appended
from app.delivery.files import RunFolder
from app.delivery.journal import Journal, read_journal
from app.destinations.batches import OutcomeKind
from app.destinations.contract import Exchange
from app.jobs import drive
from tests.rights import is_private

AT = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)


def journal(folder: Path) -> Journal:
    return Journal(RunFolder(folder, "r1"), lambda text: text.replace("s3cr3t", "[hidden]"), lambda: AT)


def send(open_journal: Journal, members: int, *bodies: bytes, kind: OutcomeKind = OutcomeKind.ADDED) -> None:
    with open_journal.batch("VIP", BatchKind.SEND, range(members)) as entry:
        for body in bodies:
            open_journal.exchanged(Exchange("api.example.com", len(body), 10, body))
        entry.settled({kind: members})


def test_what_left_what_settled_and_what_never_left_add_up_to_the_plan(tmp_path: Path) -> None:
    with journal(tmp_path) as open_journal:
        open_journal.planned("VIP", BatchKind.SEND, 65, 10)
        send(open_journal, 10, b"one", b"two")
        with pytest.raises(TryAgain), open_journal.batch("VIP", BatchKind.SEND, range(10)):
            raise TryAgain("The connection to s3cr3t broke.")
        send(open_journal, 10, kind=OutcomeKind.REJECTED)
    batches = read_journal(RunFolder(tmp_path, "r1"), ended=True)
    assert [(b.number, b.state, b.members) for b in batches] == [
        (1, BatchState.SETTLED, 10),
        (2, BatchState.IN_DOUBT, 10),
        (3, BatchState.REFUSED, 10),
        (4, BatchState.WAITING, 10),
        (5, BatchState.WAITING, 10),
        (6, BatchState.WAITING, 10),
        (7, BatchState.WAITING, 5),
    ]
    assert numbers_of(batches) == BatchNumbers(answered=20, in_doubt=10, not_sent=35)
    first, second = batches[:2]
    assert (first.requests, first.sha256) == (2, hashlib.sha256(b"onetwo").hexdigest())
    assert (first.left_at, first.settled_at, first.totals.added) == (AT, AT, 10)
    assert second.stopped == "The connection to [hidden] broke."


def test_a_batch_on_its_way_is_in_doubt_only_once_the_run_has_ended(tmp_path: Path) -> None:
    with journal(tmp_path) as open_journal, open_journal.batch("VIP", BatchKind.SEND, range(5)) as entry:
        entry.settled({OutcomeKind.ADDED: 2})
        folder = RunFolder(tmp_path, "r1")
        (going,) = read_journal(folder, ended=False)
        (dead,) = read_journal(folder, ended=True)
        entry.settled({OutcomeKind.INVALID: 3})
    (done,) = read_journal(folder, ended=True)
    assert (going.state, going.in_doubt) == (BatchState.SENDING, 0)
    assert (dead.state, dead.in_doubt, dead.answered) == (BatchState.IN_DOUBT, 3, 2)
    assert (done.state, done.totals.rejected, done.totals.invalid) == (BatchState.SETTLED, 3, 3)


def test_a_second_part_goes_on_counting_and_plans_what_is_left(tmp_path: Path) -> None:
    with journal(tmp_path) as first:
        first.planned("VIP", BatchKind.REMOVE, 4, 10)
        first.planned("VIP", BatchKind.SEND, 30, 10)
        send(first, 10)
    with journal(tmp_path) as second:
        second.planned("VIP", BatchKind.REMOVE, 0, 10)
        second.planned("VIP", BatchKind.SEND, 20, 10)
        send(second, 10)
    assert [(b.number, b.state, b.kind) for b in read_journal(RunFolder(tmp_path, "r1"), ended=True)] == [
        (1, BatchState.SETTLED, BatchKind.SEND),
        (2, BatchState.SETTLED, BatchKind.SEND),
        (3, BatchState.WAITING, BatchKind.SEND),
    ]


def test_half_a_line_and_no_journal_at_all_are_no_batches(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    assert read_journal(folder, ended=True) == ()
    with journal(tmp_path) as open_journal:
        send(open_journal, 1)
    text = folder.journal_path.read_bytes()
    folder.journal_path.write_bytes(text + b'{"line":"left","number":2,"segm')
    assert len(read_journal(folder, ended=True)) == 1
    assert is_private(folder.journal_path)


def test_what_was_in_doubt_moves_to_one_later_batch_of_its_kind(tmp_path: Path) -> None:
    rows: dict[BatchKind, Sequence[int]] = {
        BatchKind.REMOVE: range(0, 40, 4),
        BatchKind.SEND: [row for row in range(40) if row % 4],
    }
    with journal(tmp_path) as first:
        for kind, planned in rows.items():
            first.planned("VIP", kind, len(planned), 10)
            for start in range(0, len(planned), 10):
                with first.batch("VIP", kind, planned[start : start + 10]):
                    pass  # no answer
    folder = RunFolder(tmp_path, "r1")
    assert numbers_of(read_journal(folder, ended=True)) == BatchNumbers(in_doubt=40)
    with journal(tmp_path) as second:
        second.planned("VIP", BatchKind.REMOVE, 0, 10)
        second.planned("VIP", BatchKind.SEND, 0, 10)
        with second.batch("VIP", BatchKind.REMOVE, rows[BatchKind.REMOVE]) as entry:
            entry.settled({OutcomeKind.REMOVED: 10})
        with second.batch("VIP", BatchKind.ASK, rows[BatchKind.SEND][5:20:5]) as entry:
            entry.settled({OutcomeKind.ADDED: 3})
        assert numbers_of(read_journal(folder, ended=True)) == BatchNumbers(answered=13, in_doubt=27)
        rest = [row for row in rows[BatchKind.SEND] if row not in rows[BatchKind.SEND][5:20:5]]
        for start in range(0, len(rest), 10):
            with second.batch("VIP", BatchKind.SEND, rest[start : start + 10]) as entry:
                entry.settled({OutcomeKind.UPDATED: len(rest[start : start + 10])})
    batches = read_journal(folder, ended=True)
    assert numbers_of(batches) == BatchNumbers(answered=40)
    assert all(batch.moved <= batch.members for batch in batches)


def test_a_batch_is_on_the_disk_before_it_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss of power takes what only the operating system had, so it must have been told to write it."""
    safe: dict[int, int] = {}

    def noted(file: int) -> None:
        drive.flush(file)
        safe[os.fstat(file).st_ino] = os.fstat(file).st_size

    monkeypatch.setattr(appended, "flush", noted)
    with journal(tmp_path) as open_journal:
        for _ in range(2):
            with open_journal.batch("VIP", BatchKind.SEND, range(3)) as entry:
                file = RunFolder(tmp_path, "r1").journal_path.stat()
                assert safe[file.st_ino] == file.st_size
                entry.settled({OutcomeKind.ADDED: 3})
