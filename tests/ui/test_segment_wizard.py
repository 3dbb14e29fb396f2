"""The segment wizard from the first step to the run, on a small real workspace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.bootstrap import Services
from app.core.connections import Access, Health, HealthState
from app.core.counts import Limits
from app.core.drafts import Step
from app.core.exports import ExportKind, SyncMode
from app.core.roles import Role
from app.core.runs import Status
from app.core.schedules import Every
from app.core.segments import SegmentOf
from app.core.tables import TableRole
from app.destinations.batches import Member
from app.destinations.contract import Settings
from app.destinations.practice.destination import create
from app.jobs import JobContext
from app.ui.runner import JobRunner
from app.ui.theme import Theme
from app.ui.widgets.columns import NoteRow, PillCell
from app.ui.wizards.rename_column import RenameColumnDialog
from app.ui.wizards.segment_export import SegmentExportWizard
from app.ui.wizards.wizard import _LeaveDialog
from tests.ui.checks import nameless
from tests.ui.wizard_bench import Bench, make_bench
from tests.vendors.mailchimp import KEY, MailchimpEmulator, Tag


@pytest.fixture
def emulator() -> Iterator[MailchimpEmulator]:
    with MailchimpEmulator() as running:
        running.add_audience("b2c3d4e5f6", "Customers DE")
        yield running


@pytest.fixture
def bench(
    qtbot: Any,
    small_services: Services,
    runner: JobRunner,
    theme: Theme,
    emulator: MailchimpEmulator,
) -> Iterator[Bench]:
    small_services.connections.add(
        "Mailchimp EU", "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True
    )
    made = make_bench(qtbot, small_services, runner, theme)
    yield made
    made.close()


def connect(wizard: Any, name: str) -> None:
    step = wizard.steps[0]
    chosen = next(row for row in wizard.state.facts.connections if row.connection.name == name)
    step._cards[chosen.connection.id].click()
    assert wizard.state.draft.connection == chosen.connection.id


def limit(services: Services, **changes: Any) -> None:
    """Give Mailchimp other limits than it has."""
    real = services.destinations._descriptions

    def changed() -> tuple[Any, ...]:
        return tuple(
            replace(each, limits=replace(each.limits, **changes)) if each.id == "mailchimp" else each for each in real()
        )

    services.destinations._descriptions = changed


def to_segments(bench: Bench, *names: str, connection: str = "Mailchimp EU") -> Any:
    wizard = bench.open(SegmentExportWizard)
    connect(wizard, connection)
    wizard.shell.go_on()
    assert wizard.shell.step() == 1
    for name in names:
        wizard.steps[1]._toggle(name)
    bench.qtbot.waitUntil(lambda: not wizard.state.counts.running())
    bench.settle()
    return wizard


def to_matching(bench: Bench, *names: str, connection: str = "Mailchimp EU") -> Any:
    wizard = to_segments(bench, *names, connection=connection)
    wizard.shell.go_on()
    assert wizard.shell.step() == 2
    bench.settle()
    if connection == "Mailchimp EU":
        picker = wizard.steps[2].target.controls["audience_id"]
        picker.set_current_key("b2c3d4e5f6")
        picker.chosen.emit("b2c3d4e5f6")
        bench.settle()
    return wizard


def run_of(bench: Bench, name: str) -> Any:
    services = bench.context.services
    runs = services.runs.list(name)
    services.runs.wait([run.id for run in runs], JobContext())
    return services.runs.list(name)[0]


def test_the_whole_way_to_mailchimp(bench: Bench, emulator: MailchimpEmulator) -> None:
    wizard = to_matching(bench, "Everyone", "Germany")
    assert wizard.state.draft.match == {
        "email": "Customer.Email",
        "first_name": "Customer.FirstName",
        "last_name": "Customer.LastName",
    }
    wizard.shell.go_on()
    assert wizard.shell.step() == 3
    bench.settle()
    assert wizard.steps[3].issues() == ["Agree that this data goes to the destination."]
    assert not wizard.shell.primary.isEnabled()
    wizard.steps[3].consent.click()
    assert wizard.shell.primary.isEnabled()
    name = wizard.state.draft.name
    wizard.shell.go_on()
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    assert not bench.navigator.errors
    assert bench.navigator.pages == [("exports", name)]
    run = run_of(bench, name)
    assert run.status is Status.SUCCESSFUL
    assert (run.approval.members, run.approval.anyway) == (250, False)
    assert len(emulator.audiences["b2c3d4e5f6"].contacts) == 200
    export = bench.context.services.exports.get(name).export
    assert export.consent is not None
    assert export.target["audience_id"] == "b2c3d4e5f6"
    assert bench.context.services.drafts.latest(ExportKind.SEGMENT, None) is None


def test_the_whole_way_to_a_folder(bench: Bench, tmp_path: Path) -> None:
    wizard = to_matching(bench, "Germany", connection="Shared drive")
    match = wizard.state.draft.match
    assert match["Email"] == "Customer.Email"
    table = wizard.steps[2].table
    table.select_keys(["Email"])
    bench.qtbot.keyClick(table, Qt.Key.Key_F2)
    (dialog,) = wizard.window().findChildren(RenameColumnDialog)
    dialog.field.input.selectAll()
    bench.qtbot.keyClicks(dialog.field.input, "firstname")
    bench.qtbot.mouseClick(dialog.rename, Qt.MouseButton.LeftButton)
    assert dialog.field.error() == "Another column has this name."
    dialog.field.input.selectAll()
    bench.qtbot.keyClicks(dialog.field.input, "mail")
    bench.qtbot.mouseClick(dialog.rename, Qt.MouseButton.LeftButton)
    wizard.steps[2].choose("Spend", "Customer.Spend")
    assert list(wizard.state.draft.match.items())[-1] == ("Spend", "Customer.Spend")
    assert wizard.state.draft.match["mail"] == "Customer.Email"
    wizard.shell.go_on()
    wizard.steps[3].consent.click()
    name = wizard.state.draft.name
    wizard.shell.go_on()
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    run = run_of(bench, name)
    assert run.status is Status.SUCCESSFUL, run.error
    written = list((tmp_path / "workspace" / "delivered" / name).rglob("*.csv"))
    assert len(written) == 1
    lines = written[0].read_text("utf-8").splitlines()
    assert len(lines) == 51
    assert "mail" in lines[0].split(",")


def test_the_total_counts_each_member_once(bench: Bench) -> None:
    wizard = to_segments(bench, "Everyone", "Germany")
    bench.qtbot.waitUntil(lambda: wizard.state.counts.total_sure)
    total = wizard.state.counts.total
    assert (total.members, total.in_several, total.to_send) == (250, 50, 200)
    assert wizard.steps[1].panel_number() == "200 unique members will be sent"
    shown = {fact.label: fact.value for fact in wizard.steps[1]._panel._sums.facts()}
    assert shown["In 2 segments"] == "250"
    assert shown["In more than one segment"] == "− 50"
    assert shown["Will be sent"] == "200"


def test_the_suppression_list_is_taken_from_the_total(bench: Bench) -> None:
    bench.context.services.suppression.import_text("ann4@example.com ;ANN8@example.com", JobContext())
    wizard = to_segments(bench, "Germany")
    total = wizard.state.counts.total
    assert (total.members, total.suppressed, total.to_send) == (50, 2, 48)
    facts = {fact.label: fact.value for fact in wizard.steps[1]._panel._sums.facts()}
    assert facts["On the suppression list"] == "− 2"


def test_a_segment_over_the_limit_is_noted_skipped_and_alone_blocks(bench: Bench) -> None:
    limit(bench.context.services, maximum=100)
    wizard = to_segments(bench, "Everyone")
    step = wizard.steps[1]
    notes = [row for row in step.table.rows_model.rows if isinstance(row, NoteRow) and row.parent_key == "Everyone"]
    assert notes[0].strong == "Too large: 200 of 100 allowed"
    assert not wizard.shell.primary.isEnabled()
    assert "Too large" in step.issues()[0]
    step._toggle("Germany")
    bench.settle()
    assert step.issues() == []
    assert wizard.shell.primary.isEnabled()
    assert wizard.state.skipped() == ["Everyone"]
    assert wizard.state.counts.total.to_send == 50
    assert step.summary() == "2 selected, 1 skipped"


def test_segments_too_large_together_are_all_skipped_as_the_run_does(bench: Bench) -> None:
    limit(bench.context.services, maximum=60)
    wizard = to_segments(bench, "Germany", "Big spenders")
    assert wizard.state.going() == []
    assert "Too large together: 61 of 60 allowed." in wizard.steps[1].issues()[0]
    assert wizard.steps[1].panel_number() == "61 unique members, over the limit: none will be sent"
    wizard.steps[1]._toggle("Big spenders")
    bench.settle()
    assert wizard.state.going() == ["Germany"]


def test_who_is_in_several_segments_counts_once_against_the_limit(bench: Bench) -> None:
    limit(bench.context.services, maximum=62)
    wizard = to_segments(bench, "Germany", "Big spenders")
    assert sum(wizard.state.counts.of(name).count.to_send for name in wizard.state.draft.segments) == 64
    assert wizard.state.going() == ["Big spenders", "Germany"]


def test_a_segment_under_the_minimum_says_so(bench: Bench) -> None:
    limit(bench.context.services, minimum=100)
    wizard = to_segments(bench, "Germany")
    notes = [row.strong for row in wizard.steps[1].table.rows_model.rows if isinstance(row, NoteRow)]
    assert "Too small: 50 of at least 100" in notes
    assert not wizard.shell.primary.isEnabled()


def test_a_segment_without_anybody_to_send_is_skipped(bench: Bench) -> None:
    wizard = to_segments(bench, "Nobody")
    assert "Nobody in it can be sent." in wizard.steps[1].issues()[0]


def test_what_the_destination_does_not_take_is_grey_with_its_reason(bench: Bench) -> None:
    real = bench.context.services.destinations._descriptions
    bench.context.services.destinations._descriptions = lambda: tuple(
        replace(each, takes=frozenset({SegmentOf.CUSTOMERS, SegmentOf.CONTACTS})) for each in real()
    )
    bench.context.services.tables.set_role("Orders", TableRole.ACCOUNT, "OrderId")
    rule = {"all": [{"field": "Orders.Total", "at_least": 1}]}
    bench.context.services.segments.save({"name": "Companies", "of": "accounts", "rules": [rule]}, None)
    wizard = to_segments(bench, "Germany")
    step = wizard.steps[1]
    line = step.table.row("Companies")
    assert not line.taken
    assert line.detail == "Holds business accounts, not individual consumers or contacts."
    assert step.table.visible_keys()[-1] == "Companies"
    step._on_header_action("chosen")
    assert "Companies" not in wizard.state.draft.segments
    step._chips.set_current("not eligible")
    step.show_state()
    assert step.table.visible_keys() == ["Companies"]


def test_a_missing_required_field_blocks_and_says_which(bench: Bench) -> None:
    wizard = to_matching(bench, "Germany")
    step = wizard.steps[2]
    step.choose("email", "")
    bench.settle()
    assert step.issues()[0] == "Choose a field for “E-mail address”."
    assert not wizard.shell.primary.isEnabled()
    line = step.table.row("email")
    pill = next(column for column in step.table.columns if column.key == "match").cell(line)
    assert pill == PillCell("Required", "danger", "warning-circle")
    assert step.summary() == "1 field missing"
    step._match_again.click()
    bench.settle()
    assert step.issues() == []


def test_the_audience_must_be_chosen(bench: Bench) -> None:
    wizard = to_segments(bench, "Germany")
    wizard.shell.go_on()
    bench.settle()
    assert wizard.steps[2].issues()[0] == "Fill in “Audience”."
    picker = wizard.steps[2].target.controls["audience_id"]
    assert [item.text for item in picker._items] == ["Newsletter", "Customers DE"]


def test_what_may_be_left_at_none_is_never_chosen_by_itself(bench: Bench, emulator: MailchimpEmulator) -> None:
    """Else the members of every segment would get the one tag that is there."""
    emulator.audience.tags.append(Tag(7, "Winners"))
    wizard = to_matching(bench, "Everyone", "Germany")
    picker = wizard.steps[2].target.controls["tag_id"]
    assert [item.text for item in picker._items] == ["None", "Winners"]
    assert "tag_id" not in wizard.state.draft.target
    picker.chosen.emit("7")
    assert wizard.state.draft.target["tag_id"] == "7"
    picker.chosen.emit("")
    assert "tag_id" not in wizard.state.draft.target


def test_the_audience_brings_its_own_fields(bench: Bench) -> None:
    wizard = to_matching(bench, "Germany")
    ids = {field.id for field in wizard.state.fields}
    assert "email" in ids
    assert len(ids) > 3
    step = wizard.steps[2]
    more = [item.key for item in step._addable()]
    assert more
    step._on_field_added(more[0])
    assert more[0] in step._shown()


def test_the_preview_is_the_request_with_masked_values(bench: Bench) -> None:
    wizard = to_matching(bench, "Germany")
    panel = wizard.steps[2]._panel
    assert panel._preview is not None
    assert panel._address.toPlainText().startswith("POST http://127.0.0.1")
    body = panel._body.toPlainText()
    assert "email_address" in body
    assert "@example.com" not in body
    panel._show.click()
    bench.settle()
    assert "@example.com" in panel._body.toPlainText()
    panel._masking.timer.timeout.emit()
    bench.settle()
    assert "@example.com" not in panel._body.toPlainText()


def test_a_draft_is_kept_offered_and_resumed(bench: Bench) -> None:
    wizard = to_segments(bench, "Germany")
    wizard.cancel()
    dialog = wizard.window().findChild(_LeaveDialog)
    dialog.keep.click()
    assert bench.navigator.left
    bench.settle()
    again = bench.open(SegmentExportWizard)
    note = again.steps[0]._note
    assert note.isVisible()
    note.primary.click()
    assert again.shell.step() == 1
    assert again.state.draft.segments == ("Germany",)
    assert not note.isVisible()


def test_a_discarded_draft_is_gone(bench: Bench) -> None:
    wizard = to_segments(bench, "Germany")
    wizard.cancel()
    wizard.window().findChild(_LeaveDialog).discard.click()
    bench.settle()
    assert bench.navigator.left
    assert bench.context.services.drafts.latest(ExportKind.SEGMENT, None) is None


def test_leaving_an_untouched_wizard_asks_nothing(bench: Bench) -> None:
    wizard = bench.open(SegmentExportWizard)
    wizard.cancel()
    assert bench.navigator.left
    assert wizard.window().findChild(_LeaveDialog) is None


def test_going_on_editing_keeps_the_wizard_open(bench: Bench) -> None:
    wizard = to_segments(bench, "Germany")
    bench.qtbot.keyClick(wizard.steps[1].table, Qt.Key.Key_Escape)
    dialog = wizard.window().findChild(_LeaveDialog)
    assert dialog is not None
    dialog.go_on.click()
    assert not bench.navigator.left


def test_editing_prefills_every_step_and_keeps_the_consent(bench: Bench) -> None:
    wizard = bench.open(SegmentExportWizard, "Two countries")
    before = bench.context.services.exports.get("Two countries").export
    assert wizard.state.draft.segments == before.segments
    wizard.shell.go_to(3)
    bench.settle()
    step = wizard.steps[3]
    assert step.consent.isChecked()
    assert step.schedule.schedule() == before.schedule
    step.schedule._every.set_current(Every.WEEK)
    step.schedule._every.chosen.emit(Every.WEEK)
    assert wizard.state.draft.schedule.every is Every.WEEK
    wizard.shell.save.click()
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    after = bench.context.services.exports.get("Two countries").export
    assert after.id == before.id
    assert after.schedule.every is Every.WEEK
    assert after.consent == before.consent
    assert bench.context.services.runs.list("Two countries") == []


def test_the_review_saves_and_opens_the_plan(bench: Bench) -> None:
    services = bench.context.services
    services.exports.apply(
        {
            "name": "Letter",
            "kind": "segment",
            "connection": "Mailchimp EU",
            "segments": ["Germany"],
            "target": {"audience_id": "b2c3d4e5f6"},
            "match": {"email": "Customer.Email"},
            "sync": "mirror",
            "guard": {"removed_percent": 5},
            "consent": {"agreed": True},
        }
    )
    wizard = bench.open(SegmentExportWizard, "Letter")
    wizard.shell.go_to(3)
    bench.settle()
    step = wizard.steps[3]
    preview = step._change.preview
    assert preview.isVisible()
    assert step.guard.removed.isVisible()
    assert step.guard.removed.currentText() == "5%"
    step.guard.altered.chosen.emit("30")
    step.guard.removed.chosen.emit("any")
    assert step.guard.removed.currentText() == "Any share"
    assert (wizard.state.draft.guard.removed_percent, wizard.state.draft.guard.changed_percent) == (None, 30.0)
    step.guard.removed.chosen.emit("10")
    step.modes[SyncMode.UPDATE].click()
    assert not step.guard.removed.isVisible()
    preview.click()
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    assert bench.navigator.pages[-1] == ("plan", "Letter")
    saved = services.exports.get("Letter").export.guard
    assert (saved.removed_percent, saved.changed_percent, saved.empty_source) == (10.0, 30.0, True)
    assert services.runs.list("Letter") == []
    wizard = bench.open(SegmentExportWizard, "Two countries")
    wizard.shell.go_to(3)
    bench.settle()
    assert not wizard.steps[3]._change.preview.isVisible()
    guard = wizard.steps[3].guard
    assert (guard.isVisible(), guard.removed.isVisible(), guard.empty.isVisible()) == (True, True, True)
    assert not guard.altered.isVisible(), "files are written whole and compared with nothing"


def test_another_connection_asks_for_consent_again(bench: Bench, tmp_path: Path) -> None:
    bench.context.services.connections.add(
        "Archive", "local-folder", {"folder": str(tmp_path / "archive")}, {}, Access.CONTRIBUTORS, agreed=True
    )
    wizard = bench.open(SegmentExportWizard, "Weekly letter")
    assert wizard.state.draft.agreed
    connect(wizard, "Archive")
    assert not wizard.state.draft.agreed
    assert wizard.state.issues(Step.REVIEW) == ["Agree that this data goes to the destination."]
    assert wizard.state.draft.match, "the same destination keeps what was matched"


def test_a_taken_name_blocks_and_a_free_one_is_proposed(bench: Bench) -> None:
    wizard = bench.open(SegmentExportWizard)
    connect(wizard, "Shared drive")
    assert wizard.state.draft.name == "Segments to Shared drive"
    wizard.state.update(name="WEEKLY LETTER")
    assert wizard.steps[0].issues() == ["There is already an export named “WEEKLY LETTER”."]
    assert not wizard.shell.primary.isEnabled()


def test_an_expired_sign_in_can_be_chosen_but_must_be_mended(bench: Bench) -> None:
    services = bench.context.services
    connection = services.connections.get("Mailchimp EU").connection
    services._store.connections.save(replace(connection, health=Health(HealthState.SIGN_IN_EXPIRED)))
    wizard = bench.open(SegmentExportWizard)
    connect(wizard, "Mailchimp EU")
    assert wizard.steps[0].issues() == ["Sign in to “Mailchimp EU” again first."]
    note = wizard.steps[0]._panel._note
    assert note.isVisible()
    note.primary.click()
    assert bench.navigator.dialogs[0][:2] == (None, "Mailchimp EU")


def test_a_connection_added_in_place_is_chosen(bench: Bench, tmp_path: Path) -> None:
    wizard = bench.open(SegmentExportWizard)
    wizard.steps[0]._all.click()
    wizard.steps[0]._tiles["sftp"].click()
    destination, _name, on_saved = bench.navigator.dialogs[0]
    assert destination == "sftp"
    bench.context.services.connections.add(
        "New drive", "local-folder", {"folder": str(tmp_path / "new")}, {}, Access.ADMINS, agreed=True
    )
    on_saved("New drive")
    bench.qtbot.waitUntil(
        lambda: wizard.state.connection is not None and wizard.state.connection.connection.name == "New drive",
    )


def test_contributors_see_shared_connections_and_ask_an_admin_for_more(bench: Bench) -> None:
    services = bench.context.services
    services.connections.share("Mailchimp EU", Access.ADMINS)
    services.roles.set_role(Role.CONTRIBUTOR)
    wizard = bench.open(SegmentExportWizard)
    step = wizard.steps[0]
    assert [card.title() for card in step._cards.values()] == ["Shared drive"]
    assert step.sentence() == "Pick a connection that is shared with you."
    step._search.setText("mailchimp")
    assert not step._tiles["mailchimp"].isEnabled()
    assert step._ask.isVisible()
    step._ask.click()
    assert bench.navigator.toasts == ["The message is on the clipboard."]


def test_viewers_look_and_change_nothing(bench: Bench) -> None:
    services = bench.context.services
    services.roles.set_role(Role.VIEWER)
    wizard = bench.open(SegmentExportWizard, "Weekly letter")
    wizard.state.update(name="Mine")
    assert wizard.state.draft.name == "Weekly letter"
    for number in (1, 2, 3):
        wizard.shell.go_to(number)
        bench.settle()
    assert not wizard.shell.primary.isEnabled()
    assert not wizard.shell.save.isEnabled()
    assert not wizard.steps[3].consent.isEnabled()
    wizard.cancel()
    assert bench.navigator.left


def test_only_the_modes_of_the_target_are_offered(bench: Bench) -> None:
    wizard = to_matching(bench, "Germany")
    wizard.shell.go_on()
    assert list(wizard.steps[3].modes) == [SyncMode.UPDATE, SyncMode.ADD, SyncMode.MIRROR, SyncMode.REPLACE]
    wizard.steps[3].modes[SyncMode.ADD].click()
    assert wizard.state.draft.sync is SyncMode.ADD


def test_replace_counts_whom_sendoff_never_sent_and_wants_a_tick(bench: Bench, tmp_path: Path) -> None:
    folder = str(tmp_path / "account")
    account = create(Settings({"folder": folder}, {}))
    with account.session({}, "Germany", SyncMode.UPDATE) as somebody_else:
        somebody_else.send([Member("", {"email": f"x{n}@elsewhere.example"}) for n in range(12)], JobContext())
    bench.context.services.connections.add("Trial", "practice", {"folder": folder}, {}, Access.ADMINS, agreed=True)
    wizard = to_matching(bench, "Germany", connection="Trial")
    wizard.shell.go_on()
    wizard.state.update(agreed=True)
    bench.settle()
    review = wizard.steps[3]
    assert not review.replacing.isVisible()
    assert review.issues() == []
    review.modes[SyncMode.REPLACE].click()
    bench.settle()
    assert review.replacing.isVisible()
    assert review.replacing.note.accessibleName().startswith("Also removes 12 members Sendoff never sent")
    assert review.issues() == ["Tick that members Sendoff never sent may be removed, or choose another sync mode."]
    review.replacing.box.click()
    assert review.issues() == []
    review.modes[SyncMode.MIRROR].click()
    review.modes[SyncMode.REPLACE].click()
    assert not review.replacing.box.isChecked()


def test_the_keyboard_alone_goes_on_and_back(bench: Bench) -> None:
    wizard = to_segments(bench, "Germany")
    table = wizard.steps[1].table
    table.setFocus(Qt.FocusReason.TabFocusReason)
    table.select_keys(["Everyone"])
    bench.qtbot.keyClick(table, Qt.Key.Key_Space)
    assert set(wizard.state.draft.segments) == {"Everyone", "Germany"}
    bench.qtbot.keyClick(table, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert wizard.shell.step() == 2
    wizard.steps[2].table.setFocus()
    bench.qtbot.keyClick(wizard.steps[2].table, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert wizard.shell.step() == 1


def test_rows_do_not_move_while_counts_come(bench: Bench) -> None:
    wizard = to_segments(bench, "Germany")
    step = wizard.steps[1]
    step.table.sort_by("to_send", descending=True)
    before = step.table.visible_keys()
    step._recount.click()
    assert wizard.state.counts.running()
    assert wizard.state.counts.of("Germany").stale
    bench.settle()
    assert step.table.visible_keys() == before


def test_every_control_has_a_name_and_the_panel_folds(bench: Bench) -> None:
    wizard = bench.open(SegmentExportWizard, "Weekly letter", size=(1024, 700))
    for number in range(4):
        wizard.shell.go_to(number)
        bench.settle()
        assert nameless(wizard) == []
        assert wizard.shell._fold.isVisible()
        assert wizard.shell._fold_number.words()


def test_a_wizard_for_an_export_that_is_gone_says_so(bench: Bench) -> None:
    wizard = SegmentExportWizard(bench.context, "Nowhere")
    bench.qtbot.addWidget(wizard)
    wizard.show()
    bench.qtbot.waitUntil(lambda: wizard._error.isVisible())
    assert "Nowhere" in wizard._error.accessibleName()


def test_a_limit_of_none_shows_no_bar(bench: Bench) -> None:
    wizard = to_segments(bench, "Germany", connection="Shared drive")
    assert wizard.state.description.limits == Limits()
    assert not wizard.steps[1]._panel._bar.isVisible()
