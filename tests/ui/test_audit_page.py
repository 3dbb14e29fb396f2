from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from app.bootstrap import Services
from app.core.audit import Area, AuditFilter, Deed, Subject
from app.core.roles import Role
from app.jobs import JobContext
from app.ui.pages.audit import AuditPage
from app.ui.pages.audit.words import deed_words, icon_of
from app.ui.theme.icons import ICONS, full_name
from app.ui.widgets.columns import GroupRow
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    small_services.audit.record(Deed.WRONG_PASSPHRASE, Subject.COMPUTER, note="1 of 3 tries")
    small_services.exports.rename("Weekly letter", "Monthly letter")
    with page_bench(small_services, theme, runner) as made:
        yield made


@pytest.fixture
def page(bench) -> AuditPage:
    return bench.show(AuditPage(bench.context))


def shown(page: AuditPage) -> list[Deed]:
    return [row.entry.deed for row in page.table.rows_model.rows if not isinstance(row, GroupRow)]


def chips(page: AuditPage) -> dict[str, str]:
    return {key: chip._choice.count for key, chip in page.chips._buttons.items()}


def changes(page: AuditPage) -> list[tuple[str, str, str]]:
    return [(row.key, row.before, row.after) for row in page.panel.changes.table.rows_model.rows]


def test_the_newest_entry_is_shown_with_before_and_after(page):
    assert shown(page)[:2] == [Deed.EXPORT_CHANGED, Deed.WRONG_PASSPHRASE]
    assert isinstance(page.table.rows_model.rows[0], GroupRow)
    assert changes(page) == [("name", "Weekly letter", "Monthly letter")]
    assert page.panel.put_back.isVisibleTo(page)
    assert nameless(page) == []


def test_filters_ask_for_what_they_name(bench, page):
    assert chips(page)[Area.SECURITY] == "1"
    page.chips._buttons[Area.SECURITY].click()
    bench.settle()
    assert shown(page) == [Deed.WRONG_PASSPHRASE]
    assert not page.panel.put_back.isVisibleTo(page)
    page.chips._buttons["all"].click()
    page.search_field.setText("monthly")
    page._typing.timeout.emit()
    bench.settle()
    assert shown(page) == [Deed.EXPORT_CHANGED]
    page.search_field.setText("nothing like it")
    page._typing.timeout.emit()
    bench.settle()
    assert page._none.isVisibleTo(page)
    page._none.primary_clicked.emit()
    bench.settle()
    assert len(shown(page)) == int(chips(page)["all"])


def test_putting_back_is_a_new_entry(bench, page):
    page.panel.put_back.click()
    bench.settle()
    assert [row.export.name for row in bench.services.exports.all()].count("Weekly letter") == 1
    assert bench.navigator.toasts[-1].text == "Monthly letter is as before"
    assert shown(page)[:3] == [Deed.EXPORT_CHANGED, Deed.EXPORT_CHANGED, Deed.WRONG_PASSPHRASE]


def test_an_entry_opens_its_thing(bench, page):
    page.panel.open.click()
    page.back.click()
    assert bench.navigator.pages == [("exports", "Monthly letter"), ("settings", None)]


def test_what_is_saved_is_what_is_shown(bench, page, tmp_path):
    page.chips._buttons[Area.EXPORTS].click()
    bench.settle()
    page.save(tmp_path / "trail.json")
    bench.settle()
    saved = json.loads((tmp_path / "trail.json").read_text("utf-8"))
    assert [Deed(entry["deed"]) for entry in saved] == shown(page)
    assert bench.navigator.toasts[-1].text == f"Saved {len(saved)} entries to trail.json."


def test_more_comes_when_the_list_is_at_its_end(bench, page):
    for _ in range(450):
        bench.services.audit.record(Deed.SEGMENT_ADDED, Subject.SEGMENT, "Gold")
    bench.navigator.changed("everything")
    bench.settle()
    assert len(shown(page)) == 200
    for expected in (400, 450):
        bar = page.table.verticalScrollBar()
        bar.setValue(bar.maximum())
        bench.settle()
        assert len(shown(page)) >= expected


def test_a_contributor_sees_no_security(bench, page):
    bench.services.roles.set_role(Role.CONTRIBUTOR)
    bench.navigator.changed("roles")
    bench.settle()
    assert Deed.WRONG_PASSPHRASE not in shown(page)
    assert Area.SECURITY not in chips(page)


def test_every_deed_has_words_and_an_icon_that_exists():
    for deed in Deed:
        assert deed_words(deed)
        assert full_name(icon_of(deed)) in ICONS


def test_what_a_page_shows_unmasked_is_an_entry(bench):
    bench.services.segments.members("Germany", 2, JobContext())
    newest = bench.services.audit.page(AuditFilter(area=Area.SECURITY)).entries[0]
    assert (newest.deed, newest.name) == (Deed.VALUES_SHOWN, "Germany")
