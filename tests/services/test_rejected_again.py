"""*Send rejected again*: those a run saw rejected, with their newest values, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import FixData
from app.core.runs import Run, Status, Trigger
from app.delivery.files import RunFolder
from app.jobs import JobContext
from tests.services.history import History, history_in


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        made.emulator.audience.compliance.update({"p1@example.com", "p2@example.com"})
        made.customers(dict.fromkeys(range(6), ("DE", "Ann")))
        yield made


def again(history: History, run: Run) -> Run:
    history.now = history.now.replace(microsecond=(history.now.microsecond + 1) % 1_000_000)
    started = history.services.resuming.send_rejected_again(run.id, Trigger.PERSON)
    history.services.runs.wait([started.id], JobContext())
    return history.kept(started.id)


def test_only_the_rejected_are_sent_with_their_newest_values(history: History) -> None:
    run = history.run()
    assert (run.status, run.totals.rejected) == (Status.COMPLETED_WITH_REJECTS, 2)
    history.emulator.audience.compliance.discard("p1@example.com")
    # Everybody has another value by now, and somebody is new.
    history.customers({**dict.fromkeys(range(6), ("DE", "Eve")), 9: ("DE", "Eve")})
    history.emulator.audience.received.clear()
    ended = again(history, run)
    assert (ended.totals.rejected, ended.totals.added + ended.totals.updated) == (1, 1)
    assert set(history.emulator.audience.received) == {"p1@example.com", "p2@example.com"}
    contacts = history.emulator.audience.contacts
    assert contacts["p1@example.com"].merge_fields["FNAME"] == "Eve"
    assert contacts["p0@example.com"].merge_fields["FNAME"] == "Ann"
    history.emulator.audience.received.clear()
    after = (
        history.run()
    )  # the next run tries the one that is left, and sends who changed, but not the one that arrived
    assert set(history.emulator.audience.received) == {f"p{i}@example.com" for i in (0, 2, 3, 4, 5, 9)}
    assert after.totals.unchanged == 1


def test_when_it_is_not_kept_who_was_rejected_that_is_said(history: History) -> None:
    run = history.run()
    RunFolder(history.services.folder, run.id).remove_changes()  # as tidying does after so many days
    with pytest.raises(FixData) as caught:
        history.services.resuming.send_rejected_again(run.id, Trigger.PERSON)
    assert caught.value.code == "not_kept"
    history.emulator.audience.compliance.clear()
    assert history.run().totals.added == 2
