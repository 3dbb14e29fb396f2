"""An interrupted run in the window: what is certain, what Resume does, and what is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QLocale

from app.core.batches import Batch, BatchKind, BatchState, numbers_of
from app.core.interruptions import DoubtRoad, Interruption
from app.core.runs import Totals
from app.ui.formats import Formats
from app.ui.pages.runs.batch_strip import BatchStrip
from app.ui.pages.runs.interrupted import InterruptedView
from app.ui.widgets.labels import Label
from tests.delivery.test_run_state import queued

AT = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)


def batch(number: int, state: BatchState, members: int = 500) -> Batch:
    totals = Totals(added=members) if state is BatchState.SETTLED else Totals()
    moment = None if state is BatchState.WAITING else AT + timedelta(seconds=number)
    return Batch(number, "VIP", BatchKind.SEND, members, state, moment, moment, totals)


BATCHES = (
    *(batch(number, BatchState.SETTLED) for number in range(1, 5)),
    batch(5, BatchState.IN_DOUBT),
    batch(6, BatchState.WAITING),
    batch(7, BatchState.WAITING, 240),
)


def found(road: DoubtRoad = DoubtRoad.ASK, **changes: object) -> Interruption:
    run = replace(queued(), started_at=AT, ended_at=AT + timedelta(seconds=30))
    known = Interruption(run, AT + timedelta(seconds=30), BATCHES, numbers_of(BATCHES), road, "Mailchimp")
    return replace(known, **changes)


@pytest.fixture
def view(qtbot, theme) -> InterruptedView:
    made = InterruptedView(theme, Formats(QLocale("en_GB"), now=lambda: AT, zone=UTC))
    qtbot.addWidget(made)
    made.resize(720, 600)
    return made


def words(view: InterruptedView) -> str:
    return " | ".join(label.text() for label in view.findChildren(Label))


def test_three_numbers_add_up_and_the_steps_are_told_before(view: InterruptedView) -> None:
    view.show_interruption(found(), may_run=True)
    view.show()
    said = words(view)
    for part in ("2,000", "500", "740", "Ask Mailchimp which of the 500 in doubt arrived", "then the other 740"):
        assert part in said, said
    assert "7 batches in the order of sending, 3,240 members" in said
    assert not view.resume.isHidden()
    assert view.again.isHidden()


def test_where_nobody_can_be_asked_it_says_whom_sending_again_may_reach_twice(
    view: InterruptedView,
    qtbot,
) -> None:
    view.show_interruption(found(DoubtRoad.LEAVE), may_run=True)
    assert "Sending batch 5 again may reach 500 members twice." in words(view)
    assert not view.again.isHidden()
    view.again.setChecked(True)
    with qtbot.waitSignal(view.resume_asked) as asked:
        view.resume.click()
    assert asked.args == [True]


def test_what_can_not_be_resumed_says_why_and_offers_no_button_for_it(view: InterruptedView) -> None:
    view.show_interruption(found(hindrance="The export was changed since then."), may_run=True)
    assert view.resume.isHidden()
    assert not view.plan.isHidden()
    view.show_interruption(found(), may_run=False)
    assert view._card.isHidden()


def test_the_strip_tells_every_batch_by_shape_and_in_words(qtbot, theme) -> None:
    strip = BatchStrip(theme, Formats(QLocale("en_GB"), now=lambda: AT, zone=UTC))
    qtbot.addWidget(strip)
    strip.resize(700, 32)
    strip.set_batches(BATCHES)
    assert len(strip.boxes()) == 7
    assert "Batch 5: In doubt, 500 members" in strip.accessibleDescription()
    many = [batch(number, BatchState.SETTLED) for number in range(1, 100)]
    strip.set_batches([*many, batch(100, BatchState.IN_DOUBT)])
    assert [len(box) for box, _rect in strip.boxes()] == [99, 1]
    assert "Batches 1 to 99: Arrived, 49,500 members" in strip.accessibleDescription()
    assert sum(rect.width() for _box, rect in strip.boxes()) <= strip.width()


def test_a_box_too_narrow_for_its_numbers_has_its_mark_alone(qtbot, theme) -> None:
    strip = BatchStrip(theme, Formats(QLocale("en_GB"), now=lambda: AT, zone=UTC))
    qtbot.addWidget(strip)
    states = [BatchState.SETTLED, BatchState.IN_DOUBT] * 6
    many = [batch(number, BatchState.WAITING, 90_000) for number in range(1_013, 1_400)]
    strip.set_batches([*(batch(1_001 + number, state) for number, state in enumerate(states)), *many])
    for width, fits in ((1_200, True), (420, False)):
        strip.resize(width, 32)
        boxes = strip.boxes()
        assert boxes[-1][1].right() < width
        assert (boxes[0][1].width() >= strip._width_of(boxes[0][0])) == fits
        assert not strip.grab().isNull()


def test_numbers_of_batches_are_never_cut(view: InterruptedView) -> None:
    view.resize(660, 600)
    batches = tuple(batch(number, BatchState.WAITING) for number in range(18_001, 20_001))
    view.show_interruption(found(batches=batches, numbers=numbers_of(batches)), may_run=True)
    view.show()
    needed = view._theme.metrics("body-medium").horizontalAdvance("18,001 to 20,000")
    assert view._table.table.columnWidth(0) >= needed + 16
    assert view._table.table.isColumnHidden(3)
    view.show_interruption(found(), may_run=True)
    assert not view._table.table.isColumnHidden(3)


def test_rejected_members_did_not_arrive_and_nobody_left_is_no_step(view: InterruptedView) -> None:
    refused = tuple(replace(batch(n, BatchState.SETTLED), totals=Totals(rejected=500)) for n in range(1, 16))
    view.show_interruption(found(batches=refused, numbers=numbers_of(refused)), may_run=True)
    view.show()
    said = words(view)
    assert "Answered: Mailchimp took 0, rejected 7,500" in said
    assert "Arrived" not in said
    assert "the 0 that" not in said
    batches = view._table.table
    assert view.fontMetrics().horizontalAdvance("1 to 15") + 24 < batches.columnWidth(0)


def test_a_run_that_had_sent_nothing_says_that_all_of_it_is_still_to_come(view: InterruptedView) -> None:
    known = found(batches=(), numbers=numbers_of(()))
    view.show_interruption(known, may_run=True)
    said = words(view)
    assert "Make the plan and send it" in said
    assert "in doubt" not in said
    view.show_interruption(replace(known, replaces_files=True), may_run=True)
    assert "Write the files again" in words(view)


def test_nobody_is_sent_after_those_in_doubt_when_all_have_left(view: InterruptedView) -> None:
    all_left = (batch(1, BatchState.SETTLED), batch(2, BatchState.IN_DOUBT))
    view.show_interruption(found(batches=all_left, numbers=numbers_of(all_left)), may_run=True)
    said = words(view)
    assert "Send those that did not arrive<" in said or "Send those that did not arrive |" in said, said
    assert "other 0" not in said
