from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from app.bootstrap import Services
from app.core.connections import Access
from app.core.roles import Role
from app.core.runs import Phase, PhaseName, PhaseState, Reject, RejectPage, Run, SpeedPoint, Status, Totals, Trigger
from app.jobs import JobContext
from app.ui.formats import Formats
from app.ui.pages.exports.drawer import RunningCard
from app.ui.pages.exports.lines import LineWords
from app.ui.pages.runs import RunsPage
from app.ui.pages.runs.charts import PhaseChart
from app.ui.pages.runs.rejects import RejectsCard
from app.ui.pages.runs.words import list_result
from app.ui.run_progress_words import progress_words
from tests.store import samples
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench
from tests.vendors.mailchimp import KEY, MailchimpEmulator


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    with page_bench(small_services, theme, runner) as made:
        yield made


def run(services: Services, *names: str) -> list[Run]:
    started = services.runs.start(list(names), Trigger.PERSON)
    services.runs.wait([each.id for each in started], JobContext())
    return [services.runs.get(each.id) for each in started]


@pytest.fixture
def with_rejects(small_services: Services) -> Run:
    """A run to Mailchimp, which refuses two of the members."""
    source = small_services.folder / "source" / "Customer.csv"
    text = source.read_text("utf-8").replace("ann1@example.com", "ann1@fake.example")
    source.write_text(text.replace("ann2@example.com", "ann2@fake.example"), "utf-8")
    small_services.tables.refresh("Customer", JobContext())
    with MailchimpEmulator() as emulator:
        small_services.connections.add(
            "News", "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, Access.ADMINS, agreed=True
        )
        small_services.exports.apply(
            {
                "name": "Letter",
                "kind": "segment",
                "connection": "News",
                "segments": ["Everyone"],
                "target": {"audience_id": emulator.audience.id},
                "match": {"email": "Customer.Email"},
                "sync": "update",
                "consent": {"agreed": True},
            }
        )
        [done] = run(small_services, "Letter")
    assert done.status is Status.COMPLETED_WITH_REJECTS
    return done


def test_no_runs_yet(bench):
    page = bench.show(RunsPage(bench.context))
    assert page._empty.isVisible()
    assert nameless(page) == []


def test_runs_are_listed_newest_first_with_what_was_delivered(bench, small_services):
    run(small_services, "Weekly letter")
    run(small_services, "Whole tables")
    page = bench.show(RunsPage(bench.context))
    rows = [item for item in page._list._model.items if not isinstance(item, str)]
    assert [row.run.export_name for row in rows] == ["Whole tables", "Weekly letter"]
    assert all(row.run.status is Status.SUCCESSFUL for row in rows)
    assert page._list.selected() == rows[0].key
    assert page._details._name.words() == "Whole tables"
    assert [number for number, words, _ink in page._details._figures(rows[0].run) if words == "Rows"] == ["800"]
    assert nameless(page) == []


def test_a_run_that_wrote_what_changed_says_how_many(bench, small_services):
    run(small_services, "Whole tables")
    page = bench.show(RunsPage(bench.context))
    (shown,) = [item.run for item in page._list._model.items if not isinstance(item, str)]
    changed = replace(shown, totals=replace(shown.totals, rows=16, added=12, updated=3, removed=1, unchanged=784))
    figures = {words: number for number, words, _ink in page._details._figures(changed)}
    assert [figures[words] for words in ("Rows", "Added", "Changed", "Removed")] == ["16", "12", "3", "1"]
    assert "Added" not in {words for _number, words, _ink in page._details._figures(shown)}


def test_a_run_says_how_many_the_suppression_list_kept_out(bench, small_services):
    run(small_services, "Weekly letter")
    small_services.suppression.import_text("ann4@example.com, ann8@example.com", JobContext())
    run(small_services, "Weekly letter")
    page = bench.show(RunsPage(bench.context))
    assert page._details._suppressed.words() == "2 of those left out are on the suppression list."
    older = [item for item in page._list._model.items if not isinstance(item, str)][1]
    page.activate(older.key)
    bench.settle()
    assert not page._details._suppressed.isVisibleTo(page)


def test_a_run_is_found_by_its_export_and_by_its_id(bench, small_services):
    [first] = run(small_services, "Weekly letter")
    [second] = run(small_services, "Two countries")
    page = bench.show(RunsPage(bench.context))
    page.activate("Weekly letter")
    bench.settle()
    assert page._list.selected() == first.id
    page.activate(second.id)
    bench.settle()
    assert page._list.selected() == second.id


def test_search_chips_and_keyboard(bench, small_services):
    run(small_services, "Weekly letter")
    run(small_services, "Two countries")
    page = bench.show(RunsPage(bench.context))
    page._list.setFocus(Qt.FocusReason.TabFocusReason)
    before = page._list.selected()
    for _ in range(2):
        QTest.keyClick(page._list, Qt.Key.Key_Down)
    bench.settle()
    assert page._list.selected() not in {"", before}
    assert page._details._name.words() == "Weekly letter"
    QTest.keyClick(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(page.search_field, "two")
    bench.settle()
    assert page._details._name.words() == "Two countries"
    page._chips._buttons["attention"].click()
    bench.settle()
    assert page._nothing.accessibleName() == "No runs match"


def test_rejects_are_masked_filtered_and_saved_as_csv(bench, with_rejects, tmp_path):
    page = bench.show(RunsPage(bench.context))
    rejects = page._details._rejects
    assert rejects.isVisible()
    assert page._details._pill.accessibleName() == "Completed with rejects"
    shown = [row.reject for row in rejects._table.rows_model.rows]
    assert len(shown) == with_rejects.totals.rejected == 2
    assert "fake.example" not in str([reject.value for reject in shown])
    assert all(reject.reason for reject in shown)
    field = next(key for key in rejects._fields._buttons if key)
    rejects._fields._buttons[field].click()
    bench.settle()
    assert rejects._fields.current() == field
    assert len(rejects._table.rows_model.rows) == 2
    rejects._save.click()
    picker = page.findChild(QFileDialog)
    assert picker is not None
    assert "personal data" in picker.windowTitle()
    picker.fileSelected.emit(str(tmp_path / "rejects.csv"))
    picker.reject()
    bench.settle()
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 3
    assert "ann1@fake.example" in str(rows)
    assert bench.navigator.toasts[-1].text == "Saved 2 members to rejects.csv."


def test_the_log_opens_and_is_copied(bench, small_services):
    run(small_services, "Whole tables")
    page = bench.show(RunsPage(bench.context))
    log = page._details._log
    assert log._lines
    log._copy.click()
    assert log._lines[-1].text in QApplication.clipboard().text()
    if log._open.isVisible():
        log._open.click()
        assert log._open.text() == "Show less"


def test_running_again_from_the_page(bench, small_services):
    run(small_services, "Weekly letter")
    page = bench.show(RunsPage(bench.context))
    page._details._again.click()
    bench.wait(lambda: len(small_services.runs.list()) == 2)
    small_services.runs.wait([each.id for each in small_services.runs.active()], JobContext())
    bench.settle()
    bench.wait(lambda: all(row.run.status.ended for row in page._rows))
    assert page._list.selected() == small_services.runs.list()[0].id


def test_viewers_read_only(bench, small_services):
    run(small_services, "Weekly letter")
    small_services.roles.set_role(Role.VIEWER)
    page = bench.show(RunsPage(bench.context))
    assert not page._details._again.isVisible()
    assert page._details._open.isVisible()
    page._details._open.click()
    assert bench.navigator.pages == [("exports", "Weekly letter")]


def test_what_cannot_be_read_is_told_in_place(bench, small_services, monkeypatch):
    run(small_services, "Weekly letter")
    page = bench.show(RunsPage(bench.context))
    with monkeypatch.context() as patch:
        patch.setattr(small_services.runs, "list", lambda *_a: 1 / 0)
        page.refresh()
        bench.settle()
        assert page._error.isVisible()
    page._error.primary.click()
    bench.settle()
    assert page._details.isVisible()


def test_f5_reads_again(bench, small_services):
    page = bench.show(RunsPage(bench.context))
    run(small_services, "Weekly letter")
    QTest.keyClick(page, Qt.Key.Key_F5)
    bench.settle()
    assert len(page._rows) == 1


@pytest.mark.parametrize("size", [(1152, 860), (968, 700)])
def test_nothing_is_cut_or_covered(bench, small_services, size):
    run(small_services, "Weekly letter")
    page = bench.show(RunsPage(bench.context), size=size)
    chips = list(page._chips._buttons.values())
    assert all(chip.geometry().right() <= page._chips.width() for chip in chips)
    assert page._chips.geometry().right() <= page._left.width()
    details = page._details
    assert details._pill.geometry().left() > details._name.geometry().right()
    assert details.widget().width() <= details.viewport().width()


def test_a_cancel_stays_in_sight_until_the_run_has_ended(bench, small_services):
    """A run goes on for a while: what is in flight ends first, and tells of itself meanwhile."""
    run(small_services, "Weekly letter")
    page = bench.show(RunsPage(bench.context))
    bench.settle()
    details = page._details
    shown = details._details
    ended = shown.row.run
    going = replace(ended, status=Status.RUNNING, ended_at=None)

    def show(one: Run) -> tuple[str, bool]:
        details.show_details(replace(shown, may_run=True, row=replace(shown.row, run=one)))
        return details._cancel.text(), details._cancel.isEnabled()

    details.cancel_asked.disconnect()
    assert show(going) == ("Cancel run", True)
    details._cancel.click()
    assert show(replace(going, done=5)) == ("Cancelling…", False)
    assert show(replace(going, id="another")) == ("Cancel run", True)
    assert show(going) == ("Cancelling…", False)
    show(ended)
    assert not details._cancel.isVisible()


def test_the_focus_stays_with_the_run_when_its_button_goes(bench, small_services):
    [first] = run(small_services, "Weekly letter")
    page = bench.show(RunsPage(bench.context))
    page.activate(first.id)
    bench.settle()
    again = page._details._again
    again.setFocus(Qt.FocusReason.MouseFocusReason)
    shown = page._details._details
    page._details.show_details(replace(shown, may_run=False))
    assert not again.isVisible()
    assert bench.window.focusWidget() is page._details


def test_a_fix_stands_below_its_reason_where_both_have_no_room(theme, qtbot):
    card = RejectsCard(theme, Formats(QLocale("en_GB")))
    qtbot.addWidget(card)
    card.set_room(720)

    def show(reason: str, fix: str) -> tuple[list[str], str]:
        reject = Reject("C-1", "Everyone", "email", "n•••", reason, fix, True)
        card.show_page(RejectPage((reject,), 0, 1, {"email": 1}), may_save=True, may_retry=True)
        table = card._table
        seen = [each.title for at, each in enumerate(table.columns) if not table.isColumnHidden(at)]
        return seen, table.columns[3].cell(table.rows_model.rows[0]).detail

    assert show("No such day.", "Correct at source") == (["Member", "Field", "Value", "Reason", "Fix"], "")
    long = "There is no mailbox of this address; mail to it comes back."
    assert show(long, "Correct the address") == (["Member", "Field", "Reason and fix"], "Correct the address")
    assert show("No such day.", "Correct at source")[1] == ""


def test_the_fields_of_rejects_stay_where_they_are_while_a_run_goes_on(bench, with_rejects):
    page = bench.show(RunsPage(bench.context))
    bench.settle()
    fields = page._details._rejects._fields
    before = list(fields._buttons.values())
    page._details.show_details(page._details._details)
    assert list(fields._buttons.values()) == before


def test_files_on_their_way_tell_rows_bytes_and_rate(bench, qtbot):
    page = bench.show(RunsPage(bench.context))
    now = bench.context.formats.now()
    sending = Phase(PhaseName.SEND, PhaseState.RUNNING, now - timedelta(seconds=10))
    going = Run(
        "r",
        "e",
        "Lake",
        "sftp",
        "c",
        "Far",
        Trigger.PERSON,
        Status.RUNNING,
        now,
        started_at=now - timedelta(seconds=10),
        phases=(sending,),
        done=3_000,
        total=9_000,
        unit="rows",
        bytes_sent=50_000_000,
        speed=(SpeedPoint(now, 300), SpeedPoint(now, 300)),
    )
    figures = {words: number for number, words, _ink in page._details._figures(going)}
    assert (figures["Rows"], figures["Size"]) == ("3,000", "50.0 MB")
    assert figures["Data rate"].endswith(" MB / s")
    card = RunningCard(bench.context.theme, bench.context.formats, LineWords(bench.context.formats))
    qtbot.addWidget(card)
    card.show_run(going, cancelling=False)
    assert card._done.text() == "3,000 of 9,000 rows, 50.0 MB"
    assert card._left.text() == "20 s left"
    assert card._speed_words.text().startswith("300 rows per second, ")
    at_once = tuple(SpeedPoint(now + timedelta(seconds=n), 1_500 * (n % 4 == 0)) for n in range(31))
    card.show_run(replace(going, speed=at_once), cancelling=False)
    assert card._speed_words.text().startswith("300 rows per second, "), "not the 0 or 1,500 of one second"
    line = progress_words(going, bench.context.formats)
    assert line.startswith("Lake: 3,000 of 9,000 rows, 50.0 MB, ")
    assert line.endswith(" MB / s, 20 s left")
    begun = replace(going, total=None, done=0, bytes_sent=0, speed=())
    assert progress_words(begun, bench.context.formats) == "Lake"


def test_a_long_name_gives_way_before_the_page_is_cut(bench, small_services):
    run(small_services, "Weekly letter")
    details = bench.show(RunsPage(bench.context))._details
    shown, name = details._details, "Wöchentliche Kundenrückgewinnungsnewsletterprobe Südwestdeutschland"
    renamed = replace(shown.row.run, export_name=name, status=Status.COMPLETED_WITH_REJECTS)
    details.show_details(replace(shown, row=replace(shown.row, run=renamed)))
    details.resize(611, 620)  # what a window of 1024 px leaves
    assert details.widget().minimumSizeHint().width() <= details.viewport().width()
    assert details._name.toolTip() == name


def test_a_phase_a_run_does_not_come_to_has_no_clock(theme, qtbot) -> None:
    waiting, sent = Phase(PhaseName.COUNT), Phase(PhaseName.SEND, PhaseState.DONE)
    still, last = Phase(PhaseName.CONFIRM), Phase(PhaseName.CONFIRM, PhaseState.DONE)
    chart = PhaseChart(theme, Formats())
    qtbot.addWidget(chart)
    going = samples.run(status=Status.RUNNING, phases=(waiting, sent, still))
    chart.set_run(going)
    assert [chart._never(phase) for phase in going.phases] == [True, False, False], "an undoing counts nobody"
    chart.set_run(replace(going, status=Status.CANCELLED))
    assert [chart._never(phase) for phase in going.phases] == [True, False, True]
    chart.set_run(replace(going, status=Status.SUCCESSFUL, phases=(sent, last)))
    assert not any(chart._never(phase) for phase in (sent, last))


def test_the_list_says_sending_only_while_it_sends() -> None:
    formats, now = Formats(), datetime.now(UTC)
    counting = Phase(PhaseName.COUNT, PhaseState.RUNNING, now)
    running = samples.run(status=Status.RUNNING, phases=(counting, Phase(PhaseName.SEND)))
    assert list_result(running, formats) == "Running"
    sending = replace(running, phases=(counting, Phase(PhaseName.SEND, PhaseState.RUNNING, now)))
    assert list_result(sending, formats) == "Sending"


def test_the_list_tells_of_a_run_that_only_removed() -> None:
    undone = samples.run(status=Status.SUCCESSFUL, totals=Totals(removed=78_571))
    assert list_result(undone, Formats()) == "78,571 removed"
