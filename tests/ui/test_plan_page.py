"""The plan of an export: the numbers a run then makes true, members with reasons and requests, and what a guard holds."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTranslator
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.bootstrap import Services
from app.core.connections import Access
from app.core.forecasts import Quota
from app.core.phrases import ENGLISH, Phrase
from app.core.plans import Change
from app.core.reasons import Reason, Says
from app.core.roles import Role
from app.core.runs import Status, Trigger
from app.destinations.mailchimp.destination import Mailchimp
from app.jobs import JobContext
from app.ui.dialogs.held import HeldDialog
from app.ui.pages.exports.commands import ExportCommands
from app.ui.pages.exports.page import ExportsPage
from app.ui.pages.plan import PlanPage
from app.ui.pages.runs import RunsPage
from app.ui.phrase_words import phrase_words, said
from app.ui.preferences import Preferences
from app.ui.reason_words import _sentences, reason_words
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench
from tests.ui.test_exports_page import line, run
from tests.vendors.mailchimp import KEY, MailchimpEmulator, Tag


@pytest.fixture
def mailchimp() -> Iterator[MailchimpEmulator]:
    with MailchimpEmulator() as emulator:
        yield emulator


@pytest.fixture
def bench(small_services: Services, mailchimp: MailchimpEmulator, theme, runner) -> Iterator[PageBench]:
    small_services.connections.add(
        "News", "mailchimp", {"api_url": mailchimp.url}, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True
    )
    small_services.exports.apply(
        {
            "name": "Letter",
            "kind": "segment",
            "connection": "News",
            "segments": ["Germany"],
            "target": {"audience_id": mailchimp.audience.id},
            "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
            "sync": "mirror",
            "consent": {"agreed": True},
        }
    )
    with page_bench(small_services, theme, runner) as made:
        yield made


def send(bench: PageBench) -> None:
    runs = bench.services.runs
    (ended,) = runs.wait([each.id for each in runs.start(["Letter"], Trigger.PERSON)], JobContext())
    bench.wait(lambda: not runs.active())
    assert ended.status is Status.SUCCESSFUL


def fewer(bench: PageBench) -> None:
    """A segment that half of its members left."""
    bench.services.segments.save(
        {
            "name": "Germany",
            "of": "customers",
            "rules": [
                {
                    "all": [
                        {"field": "Customer.Country", "is_one_of": ["DE"]},
                        {"field": "Customer.Spend", "at_least": 500},
                    ]
                }
            ],
        },
        "Germany",
    )


def open_plan(bench: PageBench, *, size: tuple[int, int] = (1320, 860)) -> PlanPage:
    page = PlanPage(bench.context)
    bench.show(page, size=size)
    page.activate("Letter")
    bench.settle()
    return page


def figures(page: PlanPage) -> list[str]:
    return [page.numbers.figures[change].words() for change in Change]


def test_the_plan_is_seen_sent_and_true(bench: PageBench, mailchimp: MailchimpEmulator) -> None:
    page = open_plan(bench)
    assert figures(page) == ["+50", "0", "0", "0", "0"]
    assert nameless(page) == []
    assert [str(page.table.row(key).line.member.reason) for key in page.table.visible_keys()[:1]] == [
        "Joined: sent there for the first time"
    ]
    assert "POST" in page.panel.code.toPlainText()
    assert "members_to_add" in page.panel.code.toPlainText()
    assert "ann4@example.com" not in page.panel.code.toPlainText()
    assert mailchimp.audience.contacts == {}
    assert page._reason.words() == "50 members added or changed, 0 removed, about 1 s"
    assert page._requests.words() == "About 9 requests"
    page.send.click()
    bench.settle()
    assert bench.navigator.pages[-1] == ("exports", "Letter")
    (started,) = bench.services.runs.list("Letter")
    (ended,) = bench.services.runs.wait([started.id], JobContext())
    assert (ended.totals.added, ended.approval.changes.added, ended.approval.anyway) == (50, 50, False)
    bench.wait(lambda: not bench.services.runs.active())
    page.activate("Letter")
    bench.settle()
    assert figures(page) == ["0", "0", "0", "50", "0"]
    assert page._reason.words() == "0 members added or changed, 0 removed"
    mailchimp.fail("reset")
    page.again.click()
    bench.settle()
    assert page._error.isVisible()
    assert not page.send.isEnabled()


def test_too_few_requests_left_stand_in_the_way(bench: PageBench, monkeypatch: pytest.MonkeyPatch) -> None:
    left = Quota(9, 50_000)
    monkeypatch.setattr(Mailchimp, "quota", lambda _self, _ctx: left, raising=False)
    page = open_plan(bench)
    assert page._requests.words() == "About 9 requests, 9 of 50,000 are left today"
    assert (page.send.isEnabled(), page.numbers.note.isVisible()) == (True, False)
    left = Quota(8, 50_000)
    page.again.click()
    bench.settle()
    assert (page.send.isEnabled(), page.numbers.note.isVisible()) == (False, True)
    assert page.numbers.note._bold.words() == "Mailchimp takes too few requests today for this run."


def test_reasons_filters_and_the_removal_request(bench: PageBench) -> None:
    send(bench)
    fewer(bench)
    page = open_plan(bench)
    assert figures(page) == ["0", "0", "−32", "18", "0"]
    assert page.numbers.note.isVisible()
    page.chips.set_current("removed")
    page.chips.chosen.emit("removed")
    bench.settle()
    assert len(page.table.visible_keys()) == 32
    assert [page.reasons.itemText(at) for at in range(page.reasons.count())] == [
        "Any reason",
        "Left: does not meet the rules, which were changed since the last run  32",
    ]
    code = json.loads(page.panel.code.toPlainText().partition("\n\n")[2])
    assert list(code) == ["members_to_remove"]
    assert "removed" in page.panel._reason.words().lower()
    first = page.table.selected_keys()
    page.panel.after.click()
    bench.settle()
    assert page.table.selected_keys() != first
    page.search.setText("ann4@example.com")
    bench.wait(lambda: len(page.table.visible_keys()) <= 1)
    page.search.setText("nobody")
    bench.wait(lambda: not page.table.visible_keys())
    bench.settle()


def test_values_are_shown_for_a_while_logged_and_saved_by_who_may(bench: PageBench, tmp_path: Path) -> None:
    page = open_plan(bench)
    masked = page.panel.code.toPlainText()
    page.show_values.click()
    bench.settle()
    shown = page.panel.code.toPlainText()
    assert "@example.com" in shown
    assert "@example.com" not in masked
    page.panel.copy.click()
    assert "@example.com" in QGuiApplication.clipboard().text()
    page._masking.timer.timeout.emit()
    bench.settle()
    assert page.panel.code.toPlainText() == masked
    assert any(entry.deed == "values_shown" for entry in bench.services.audit.page().entries)
    file = tmp_path / "plan.csv"
    page.save_to(file)
    bench.settle()
    with file.open(encoding="utf-8-sig", newline="") as written:
        rows = list(csv.DictReader(written))
    assert len(rows) == 50
    assert rows[0]["reason"] == "Joined: sent there for the first time"
    assert rows[0]["email"].endswith("@example.com")
    bench.services.roles.set_role(Role.VIEWER)
    page.activate("Letter")
    bench.settle()
    assert [part.isVisible() for part in (page.send, page.save, page.show_values)] == [False, False, False]
    assert figures(page) == ["+50", "0", "0", "0", "0"]


def test_who_was_never_sent_is_told_of_before_an_audience_is_replaced(
    bench: PageBench, mailchimp: MailchimpEmulator
) -> None:
    audience = mailchimp.audience
    audience.tags.append(Tag(7, "Germany", {"zoe@example.com"}))
    audience.put("zoe@example.com")
    bench.services.exports.apply({**bench.services.exports.document("Letter"), "sync": "replace"})
    page = open_plan(bench)
    assert figures(page)[2] == "−1"
    assert "Also removes 1 member Sendoff never sent." in page.numbers.more.words()


def test_a_change_of_the_segment_asks_for_another_plan(bench: PageBench) -> None:
    page = open_plan(bench)
    export = bench.services.exports.document("Letter")
    bench.services.exports.apply({**export, "segments": ["Everyone"]})
    bench.navigator.changed("exports")
    bench.settle()
    assert page.numbers.note.isVisible()
    assert not page.send.isEnabled()
    page.again.click()
    bench.settle()
    assert page.send.isEnabled()
    assert figures(page)[0] == "+200"


def test_planning_again_gives_no_ring_to_what_nobody_went_to(bench: PageBench) -> None:
    page = open_plan(bench)
    page.again.setFocus(Qt.FocusReason.MouseFocusReason)
    page.again.click()
    assert page.window().focusWidget() is page
    bench.settle()
    assert page.window().focusWidget() is page


def test_a_plan_of_several_segments_says_that_it_counts_in_each(bench: PageBench) -> None:
    """The wizard counts people once: without a word the two numbers look like a mistake."""
    page = open_plan(bench)
    assert "several segments" not in page._age.words()
    export = bench.services.exports.document("Letter")
    bench.services.exports.apply({**export, "segments": ["Germany", "Everyone"]})
    bench.navigator.changed("exports")
    bench.settle()
    page.again.click()
    bench.settle()
    assert figures(page)[0] == "+250"
    assert page._age.words().endswith("Who is in several segments counts in each.")


def test_the_panel_lies_over_the_list_of_a_small_window(bench: PageBench) -> None:
    page = open_plan(bench, size=(900, 640))
    assert not page._drawer.is_open()
    page.table.select_keys(page.table.visible_keys()[:1])
    bench.settle()
    assert page._drawer.is_open()


def held(bench: PageBench) -> str:
    send(bench)
    fewer(bench)
    runs = bench.services.runs
    (ended,) = runs.wait([each.id for each in runs.start(["Letter"], Trigger.PERSON)], JobContext())
    bench.wait(lambda: not runs.active())
    assert ended.status is Status.HELD
    return ended.id


def test_a_held_run_is_answered_with_the_typed_number(
    bench: PageBench, mailchimp: MailchimpEmulator, tmp_path: Path
) -> None:
    run_id = held(bench)
    page = bench.show(ExportsPage(bench.context, Preferences(tmp_path / "window.json")))
    page.activate("Letter")
    bench.settle()
    key = page.selected()[0].export.id
    bench.click_cell(page.table, key, "status")
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, HeldDialog)
    assert dialog.sentence.words() == "Held: 64.0% of the audience would be removed; your limit is 20%."
    assert "rules" in dialog.cause.accessibleName()
    assert dialog.review.isDefault()
    assert nameless(dialog) == []
    dialog.number.setText("2")
    assert not dialog.send.isEnabled()
    assert dialog.reason.words() == "Number does not match yet"
    dialog.number.setText("32")
    dialog.send.click()
    bench.settle()
    newest = bench.services.runs.list("Letter", 1)[0]
    (ended,) = bench.services.runs.wait([newest.id], JobContext())
    assert (ended.status, ended.totals.removed) == (Status.SUCCESSFUL, 32)
    assert bench.services.runs.get(run_id).held.answer == "sent"


def test_a_held_run_is_cancelled_or_reviewed_from_the_runs(bench: PageBench) -> None:
    run_id = held(bench)
    page = bench.show(RunsPage(bench.context))
    page.activate(run_id)
    bench.settle()
    page._details._note.primary.click()
    dialog = bench.dialog()
    dialog.review.click()
    bench.settle()
    assert bench.navigator.pages[-1] == ("plan", "Letter")
    page._details._note.primary.click()
    bench.dialog().cancel_run.click()
    bench.settle()
    assert bench.services.runs.get(run_id).status is Status.CANCELLED


def test_when_there_is_a_plan(qapp: object) -> None:
    commands = ExportCommands(lambda _key: None)
    assert commands.states([line()], [])["plan"].enabled
    assert not commands.states([line(), line()], [])["plan"].enabled
    for other in (line(attached=False), line(run(Status.RUNNING))):
        assert commands.states([other], [])["plan"].reason


def test_the_reasons_of_the_window_are_those_of_the_command_line() -> None:
    for says in Says:
        assert reason_words(Reason(says, "x{y}")) == str(Reason(says, "x{y}"))
    assert phrase_words() == ENGLISH
    number_and_names = Reason(
        Says.LEFT_RULE, "", Phrase("no_longer at_least", (Phrase("sum", ("Orders {0}",)), 10**20))
    )
    assert reason_words(number_and_names) == str(number_and_names)


def test_a_rule_is_said_in_the_language_of_the_window(qapp: QApplication) -> None:
    class German(QTranslator):
        def translate(self, context: str, text: str, *_more: object) -> str:
            told = {"Left: {what}": "Ausgetreten: {what}", "{0} is no longer {1}": "{0} ist nicht mehr {1}"}
            told["Too large: {0} of {1} allowed."] = "Zu groß: {0}, erlaubt {1}"
            return told.get(text, "") if context in {"Reasons", "Phrases"} else ""

        def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
            return False

    german = German()
    qapp.installTranslator(german)
    caches = phrase_words, _sentences
    for cache in caches:
        cache.cache_clear()
    try:
        left = Reason(Says.LEFT_RULE, "", Phrase("no_longer is", ("Country", "DE")))
        assert reason_words(left) == "Ausgetreten: Country ist nicht mehr DE"
        assert said(Phrase("too_large", (60, 50))) == "Zu groß: 60, erlaubt 50"
        assert said(None, "Kept in English.") == "Kept in English."
    finally:
        qapp.removeTranslator(german)
        for cache in caches:
            cache.cache_clear()
