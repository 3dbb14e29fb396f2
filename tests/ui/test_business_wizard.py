"""The segment wizard in a workspace of accounts and contacts, clicked through to LinkedIn's company targeting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt

from app.bootstrap import Services, create_workspace
from app.core.connections import Access
from app.core.runs import Status
from app.core.segments import FieldRef
from app.destinations.linkedin_ads import session
from app.jobs import JobContext
from app.ui.pages.segments import SegmentsPage
from app.ui.runner import JobRunner
from app.ui.theme import Theme
from app.ui.widgets.columns import GroupRow, NoteRow
from app.ui.wizards.segment_export import SegmentExportWizard
from app.ui.wizards.segment_rows import NOTE
from tests.end_to_end.businesses import ACCOUNT, ask, connect, fill
from tests.fakes.secret_store import MemoryStore
from tests.ui.checks import nameless
from tests.ui.page_bench import page_bench
from tests.ui.wizard_bench import Bench, make_bench
from tests.vendors.linkedin import LinkedInEmulator
from tests.vendors.mailchimp import KEY


@pytest.fixture
def linkedin() -> Iterator[LinkedInEmulator]:
    with LinkedInEmulator() as running:
        yield running


@pytest.fixture
def firm(tmp_path: Path, linkedin: LinkedInEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setattr(session, "READY_AFTER", 0.0)
    made = create_workspace(tmp_path / "ws", "Firm", "businesses", country_code="DE", secrets=MemoryStore())
    with closing(made) as services:
        fill(services, tmp_path / "source")
        connect(services, linkedin.url)
        yield services


@pytest.fixture
def bench(qtbot: Any, firm: Services, runner: JobRunner, theme: Theme) -> Iterator[Bench]:
    made = make_bench(qtbot, firm, runner, theme)
    yield made
    made.close()


def press(bench: Bench, widget: Any, point: QPoint | None = None) -> None:
    bench.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=point or widget.rect().center())


def press_cell(bench: Bench, table: Any, key: str, column: int, *, from_right: int = 0) -> None:
    """Click into a row: on its check box, or so far from its right end."""
    rect = table.visualRect(table.proxy.index(table._index_of(key).row(), column))
    place = QPoint(table.viewport().width() - from_right, rect.center().y()) if from_right else rect.center()
    if not from_right:
        place.setX(rect.left() + 28 + 8)
    press(bench, table.viewport(), place)


def to_segments(bench: Bench, targeting: str) -> Any:
    """Click connection and type of audience, then Continue, and wait for the counts."""
    wizard = bench.open(SegmentExportWizard)
    step = wizard.steps[0]
    (connection,) = (row for row in wizard.state.facts.connections if row.connection.name == "LinkedIn NW")
    press(bench, step._cards[connection.connection.id])
    press(bench, step._audience.cards[targeting])
    assert wizard.state.draft.target["targeting"] == targeting
    press(bench, wizard.shell.primary)
    assert wizard.shell.step() == 1
    bench.qtbot.waitUntil(lambda: not wizard.state.counts.running())
    bench.settle()
    return wizard


def details(step: Any) -> dict[str, str]:
    return {row.key: row.detail for row in step.table.rows_model.rows if not isinstance(row, NoteRow | GroupRow)}


def test_company_targeting_from_click_to_click(bench: Bench, linkedin: LinkedInEmulator, tmp_path: Path) -> None:
    wizard = to_segments(bench, "company")
    step = wizard.steps[1]
    assert wizard.kind_words() == "Company targeting"
    wizard.shell.go_to(0)
    bench.picture("linkedin-1-destination")
    wizard.shell.go_to(1)
    assert step.sentence() == (
        "LinkedIn Ads company targeting takes 300 to 300,000 companies per segment. "
        "Smaller and larger ones are skipped, never cut."
    )
    assert step.table.horizontalHeader().model().headerData(2, Qt.Orientation.Horizontal) == "Accounts"
    groups = [(row.text, row.members) for row in step.table.rows_model.rows if isinstance(row, GroupRow)]
    assert groups == [
        ("Account segments", ("Giants", "Large firms")),
        ("Contact segments: company targeting takes account segments", ("Buyers", "On their own")),
    ]
    source = tmp_path / "source"
    (behind,) = ask(source, "SELECT count(DISTINCT AccountId) FROM Contact WHERE Title = 'Buyer'")
    (projected,) = ask(
        source,
        "SELECT count(*) FROM Contact SEMI JOIN Account USING (AccountId) "
        "WHERE AccountId IN (SELECT AccountId FROM Account WHERE Employees::INT >= 200)",
    )
    shown = details(step)
    assert shown["Buyers"] == f"Holds contacts. {behind} accounts are behind it"
    assert shown["On their own"] == "Holds contacts. No account is linked to them"
    assert shown["Large firms"] == f"Dynamic · 1 rule · {projected:,} contacts"

    for name in ("Giants", "Large firms"):
        press_cell(bench, step.table, name, 0)
    press_cell(bench, step.table, "Buyers", 0)  # not eligible: nothing happens
    bench.settle()
    assert wizard.state.draft.segments == ("Giants", "Large firms")
    assert step.summary() == "2 selected, 1 too small"
    note = step.table.row(f"{NOTE}Giants")
    assert (note.strong.split(":")[0], note.link) == ("Too small", "Join with another segment")
    panel = step._panel
    assert panel.number_words().endswith("companies will be sent")
    assert panel._note._detail.text().find("companies. LinkedIn Ads takes 300 or more.") > 0
    assert "LinkedIn Ads, contact targeting, in step 1" in panel._others._detail.text()
    assert nameless(wizard) == []
    bench.picture("linkedin-2-segments")

    press(bench, wizard.shell.primary)
    bench.settle()
    matching = wizard.steps[2]
    assert "targeting" not in matching.target.controls
    assert wizard.state.draft.match["website_domain"] == "Account.Website"
    assert wizard.state.draft.match["company_name"] == "Account.Name"
    picker = matching.target.controls["account_id"]
    picker.set_current_key(ACCOUNT)
    picker.chosen.emit(ACCOUNT)
    bench.settle()
    bench.picture("linkedin-3-matching")
    press(bench, wizard.shell.primary)
    bench.settle()
    facts = {fact.label: fact.value for fact in wizard.steps[3].side_panel()._facts.facts()}
    assert (facts["Ad account"], facts["Requests"]) == ("Northwind NW", "About 5")
    press(bench, wizard.steps[3].consent)
    bench.picture("linkedin-4-review")
    name = wizard.state.draft.name
    press(bench, wizard.shell.primary)
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    assert not bench.navigator.errors

    services = bench.context.services
    services.runs.wait([run.id for run in services.runs.list(name)], JobContext())
    run = services.runs.list(name)[0]
    assert run.status is Status.SKIPPED_TOO_SMALL
    audience = linkedin.named("Large firms")
    assert audience is not None
    assert run.totals.added == len(audience.entries) > 300
    assert services.exports.get(name).members is not None


def test_chips_and_search_keep_the_groups(bench: Bench) -> None:
    wizard = to_segments(bench, "company")
    step = wizard.steps[1]
    assert [(each.text, each.count) for each in step._choices()] == [
        ("All", "4"),
        ("Selected", "0"),
        ("Accounts", "2"),
        ("Not eligible", "2"),
    ]
    step._chips.set_current("not eligible")
    step.show_state()
    assert step.table.visible_keys() == ["Buyers", "On their own"]
    assert [row.key for row in step.table.rows_model.rows if isinstance(row, GroupRow)] == ["group:contacts"]
    step._chips.set_current("all")
    step.show_state()
    step._search.setText("large")
    assert step.table.visible_keys() == ["Large firms"]
    texts = [step.table.proxy.index(i, 0).data() for i in range(step.table.proxy.rowCount())]
    assert texts[0] == "Account segments"
    assert len(texts) == 2


def test_links_of_the_step_lead_on(bench: Bench) -> None:
    wizard = to_segments(bench, "company")
    step = wizard.steps[1]
    step._choose(("Large firms",))
    bench.settle()
    press(bench, step._panel._others.secondary)
    assert wizard.shell.step() == 0
    bench.settle()
    press(bench, wizard.steps[0]._audience.cards["contact"])
    assert wizard.state.draft.target["targeting"] == "contact"
    press(bench, wizard.shell.primary)
    bench.settle()
    assert step.table.horizontalHeader().model().headerData(2, Qt.Orientation.Horizontal) == "Contacts"
    assert "company targeting, in step 1" in step._panel._others._detail.text()
    assert details(step)["Buyers"].startswith("Dynamic · 1 rule · ")
    assert "contacts are linked to them" in details(step)["Giants"]

    wizard.shell.go_to(0)
    bench.settle()
    press(bench, wizard.steps[0]._audience.cards["company"])
    wizard.shell.go_to(1)
    bench.settle()
    press_cell(bench, step.table, f"{NOTE}Giants", 0, from_right=60)
    assert bench.navigator.left
    assert bench.navigator.pages == [("segments", "Giants")]


def test_without_a_link_between_the_tables_it_says_so(bench: Bench, firm: Services) -> None:
    for link in firm.tables.links.all():
        firm.tables.links.remove(FieldRef(link.one_table, link.one_column), FieldRef(link.many_table, link.many_column))
    wizard = to_segments(bench, "company")
    shown = details(wizard.steps[1])
    assert shown["Buyers"] == "Holds contacts. Contact and Account are not linked."
    assert shown["Large firms"] == "Dynamic · 1 rule · contacts not linked"


def test_another_target_of_contacts_names_no_type(bench: Bench, firm: Services, linkedin: LinkedInEmulator) -> None:
    firm.connections.add("Mail", "mailchimp", {"api_url": linkedin.url}, {"api_key": KEY}, Access.ADMINS, agreed=True)
    wizard = bench.open(SegmentExportWizard)
    (connection,) = (row for row in wizard.state.facts.connections if row.connection.name == "Mail")
    press(bench, wizard.steps[0]._cards[connection.connection.id])
    assert wizard.steps[0]._audience.isHidden()
    press(bench, wizard.shell.primary)
    bench.settle()
    step = wizard.steps[1]
    groups = [row.text for row in step.table.rows_model.rows if isinstance(row, GroupRow)]
    assert groups == ["Contact segments", "Account segments: Mailchimp takes contact segments"]
    assert step.sentence() == "Mailchimp takes up to 1,000,000 contacts. Larger segments are skipped, never cut."
    assert "a destination that takes accounts" in step._panel._others._detail.text()
    assert wizard.kind_words() == "Segment export"


def test_consumers_have_one_type_and_see_both_bounds(
    qtbot: Any,
    small_services: Services,
    runner: JobRunner,
    theme: Theme,
    linkedin: LinkedInEmulator,
) -> None:
    connect(small_services, linkedin.url)
    bench = make_bench(qtbot, small_services, runner, theme)
    try:
        wizard = bench.open(SegmentExportWizard)
        (connection,) = (row for row in wizard.state.facts.connections if row.connection.name == "LinkedIn NW")
        press(bench, wizard.steps[0]._cards[connection.connection.id])
        assert wizard.steps[0]._audience.isHidden()
        assert wizard.state.draft.target["targeting"] == "contact"
        press(bench, wizard.shell.primary)
        bench.settle()
        step = wizard.steps[1]
        assert step._panel._bounds.isVisible()
        assert [words for _, _, words in step._panel._bounds._shown] == ["300 to 300,000 per segment"]
        step._choose(("Everyone",))
        bench.settle()
        lines = [words for _, _, words in step._panel._bounds._shown]
        assert lines == ["200, below the minimum of 300", "Under 0.1% of the limit of 300,000"]
        assert step._panel._others.isHidden()
        assert step.table.rows_model.headerData(2, Qt.Orientation.Horizontal) == "Members"
    finally:
        bench.close()


def test_the_segments_page_tells_kinds_apart_and_what_is_behind(
    qtbot: Any, firm: Services, runner: JobRunner, theme: Theme, tmp_path: Path
) -> None:
    (behind,) = ask(tmp_path / "source", "SELECT count(DISTINCT AccountId) FROM Contact WHERE Title = 'Buyer'")
    with page_bench(firm, theme, runner) as bench:
        page = SegmentsPage(bench.context)
        page.activate("Buyers")
        bench.show(page)
        kinds = {row.title: row.detail for row in page._list.table.rows_model.rows}
        assert (kinds["Buyers"], kinds["Large firms"]) == ("Contacts", "Accounts")
        bench.wait(lambda: page.state.reach is not None)
        bench.settle()
        facts = {fact.label: fact.value for fact in page.builder.panel.reach._shown}
        assert facts["Accounts behind it"] == f"{behind}"
