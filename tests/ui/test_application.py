"""The real window: opened on a real workspace, driven with mouse and keys, closed as people close it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QLocale, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.bootstrap import Services
from app.core.connections import Access
from app.core.exports import ExportKind
from app.core.roles import Role
from app.core.runs import Status
from app.store import Store
from app.ui.application import WindowProgram
from app.ui.dialogs.connection import ConnectionDialog
from app.ui.dialogs.error import ErrorDialog
from app.ui.dialogs.help import HelpDialog
from app.ui.formats import Formats
from app.ui.pages.exports.page import ExportsPage
from app.ui.pages.view_switch import SegmentViews
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.states import EmptyState
from tests.fakes.secret_store import MemoryStore
from tests.store import samples
from tests.ui.checks import nameless
from tests.ui.workspace import make_small
from tests.vendors.mailchimp import KEY, MailchimpEmulator


class OneKey(MemoryStore):
    """A keyring that gives Mailchimp's key to every connection that asks for one."""

    def get(self, connection_id: str, field: str) -> str | None:
        return KEY


def with_key() -> MemoryStore:
    return OneKey()


class Desk:
    """The program on a small workspace, and short words for what tests do with it."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot = qtbot
        self.folder = folder
        self.program: WindowProgram | None = None

    def open(self, workspace: Path | None, **changes: Any) -> WindowProgram:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.program = WindowProgram(application, self.folder / "config")
        self.program.show()
        self.program.begin(
            None if workspace is None else str(workspace),
            opener=changes.get("opener", self._services),
            formats=Formats(QLocale("en_GB")),
        )
        return self.program

    def _services(self, folder: Path) -> Services:
        return Services(folder, Store.open(folder), secrets=with_key())

    @property
    def page(self) -> ExportsPage:
        assert self.program is not None
        page = self.program.slots["exports"].page()
        assert isinstance(page, ExportsPage)
        return page

    @property
    def session(self) -> Any:
        assert self.program is not None
        return self.program.opening.session

    def ready(self) -> None:
        self.qtbot.waitUntil(lambda: self.session is not None and self.session.snapshot is not None)
        self.qtbot.waitUntil(lambda: self.page.settled() and bool(self.page.list.lines))
        window = self.page.window()
        window.activateWindow()
        self.qtbot.waitUntil(window.isActiveWindow)

    def select(self, *names: str) -> None:
        keys = [key for name in names for key, line in self.page.list.lines.items() if line.name == name]
        assert len(keys) == len(names)
        self.page.table.select_keys(keys)

    def status(self, name: str) -> Status | None:
        return next(line.status for line in self.page.list.lines.values() if line.name == name)

    def ended(self, name: str) -> Any:
        """The latest run of an export once it has ended."""
        run = next(line.run for line in self.page.list.lines.values() if line.name == name)
        return run if run is not None and run.status.ended else None

    def names(self) -> list[str]:
        return sorted(line.name for line in self.page.list.lines.values())

    def until(self, condition: Any) -> None:
        self.qtbot.waitUntil(condition)

    def close(self) -> None:
        program = self.program
        assert program is not None
        program.closing.begin()
        self.until(lambda: not program.window.isVisible())
        self.end()

    def end(self) -> None:
        program, self.program = self.program, None
        assert program is not None
        program.end()
        program.window.deleteLater()
        program.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    make_small(tmp_path / "workspace").close()
    return tmp_path / "workspace"


@pytest.fixture
def desk(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    desk = Desk(qtbot, tmp_path)
    yield desk
    if desk.program is not None:
        desk.close()


def test_the_workspace_fills_the_window(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    assert program.window.windowTitle() == "Exports – Small shop – Sendoff"
    assert desk.names() == ["Two countries", "Weekly letter", "Whole tables"]
    sizes = {line.name: line.size for line in desk.page.list.lines.values()}
    assert sizes["Weekly letter"] == 200
    assert sizes["Whole tables"] == 800


def test_the_suppression_list_is_the_second_view_of_segments(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    desk.session.show_page("segments")
    page = program.slots["segments"].page()
    switch = page.findChild(SegmentViews)
    switch._buttons["suppression"].click()
    assert program.window.windowTitle() == "Suppression list – Small shop – Sendoff"
    listed = program.slots["suppression"].page()
    listed.findChild(SegmentViews)._buttons["segments"].click()
    assert program.window.windowTitle() == "Segments – Small shop – Sendoff"
    desk.until(lambda: program.runner.is_idle())


def test_run_with_the_mouse_delivers_the_file(desk: Desk, workspace: Path) -> None:
    desk.open(workspace)
    desk.ready()
    desk.select("Weekly letter")
    desk.qtbot.mouseClick(desk.page.bar.button("run"), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.status("Weekly letter") is Status.SUCCESSFUL)
    files = list((workspace / "delivered").rglob("*.csv"))
    assert len(files) == 1
    assert len(files[0].read_text("utf-8").splitlines()) == 201


def test_run_with_the_keyboard(desk: Desk, workspace: Path) -> None:
    desk.open(workspace)
    desk.ready()
    desk.select("Whole tables")
    desk.page.table.setFocus()
    desk.qtbot.keyClick(desk.page.table, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    desk.until(lambda: desk.ended("Whole tables") is not None)
    assert desk.ended("Whole tables").status is Status.SUCCESSFUL, desk.ended("Whole tables").error


def test_duplicate_and_undo_with_ctrl_z(desk: Desk, workspace: Path) -> None:
    desk.open(workspace)
    desk.ready()
    desk.select("Two countries")
    desk.qtbot.mouseClick(desk.page.bar.button("duplicate"), Qt.MouseButton.LeftButton)
    desk.until(lambda: "Two countries copy" in desk.names())
    desk.until(lambda: [line.name for line in desk.page.selected()] == ["Two countries copy"])
    desk.page.table.setFocus()
    desk.qtbot.keyClick(desk.page.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    desk.until(lambda: "Two countries copy" not in desk.names())


def test_remove_one_and_undo_brings_the_same_export_back(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    before = dict(desk.page.list.lines)
    desk.select("Two countries")
    desk.page.table.setFocus()
    desk.qtbot.keyClick(desk.page.table, Qt.Key.Key_Delete)
    desk.until(lambda: "Two countries" not in desk.names())
    desk.until(program.window.toasts.undo_last)  # the list may hear of it from the store before the job has told
    desk.until(lambda: "Two countries" in desk.names())
    assert desk.page.list.lines.keys() == before.keys()


def test_removing_several_is_asked(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    desk.select("Two countries", "Whole tables")
    desk.qtbot.mouseClick(desk.page.bar.button("remove"), Qt.MouseButton.LeftButton)
    dialog = program.window.findChild(ConfirmDialog)
    assert dialog is not None
    assert dialog.windowTitle() == "Remove 2 exports?"
    desk.qtbot.mouseClick(dialog.confirm_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.names() == ["Weekly letter"])


def test_detach_then_undo(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    desk.select("Weekly letter")
    desk.qtbot.mouseClick(desk.page.bar.button("detach"), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.status("Weekly letter") is Status.NO_CONNECTION)
    desk.until(program.window.toasts.undo_last)  # the list may hear of it from the store before the job has told
    desk.until(lambda: desk.status("Weekly letter") is None)


def test_another_process_is_noticed(desk: Desk, workspace: Path) -> None:
    desk.open(workspace)
    desk.ready()
    desk.until(lambda: desk.session._watch._known is not None)
    other = Services(workspace, Store.open(workspace), secrets=MemoryStore())
    other.exports.rename("Whole tables", "Renamed elsewhere")
    other.close()
    desk.until(lambda: "Renamed elsewhere" in desk.names())


def test_a_run_of_a_process_that_was_killed_is_shown_as_interrupted_at_once(
    desk: Desk, workspace: Path, tmp_path: Path
) -> None:
    """It wrote nothing when it died, so that nothing in the workspace tells of it."""
    script = "from app.store.owners import this_process; print(this_process(), flush=True); input()"
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    other = subprocess.Popen([sys.executable, "-c", script], text=True, **piped)
    assert other.stdout is not None
    store = Store.open(workspace)
    export = store.exports.all()[0]
    running = samples.run(export_id=export.id, status=Status.RUNNING, owner=other.stdout.readline().strip())
    store.runs.add(running)
    desk.open(workspace)
    desk.ready()
    desk.until(lambda: desk.status(export.name) is Status.RUNNING)
    with other:
        other.kill()
    desk.qtbot.waitUntil(lambda: desk.status(export.name) is Status.INTERRUPTED, timeout=60_000)  # silence: 120 s
    store.close()


def test_a_viewer_sees_no_changing_commands(desk: Desk, workspace: Path) -> None:
    services = Services(workspace, Store.open(workspace), secrets=MemoryStore())
    services.roles.set_role(Role.VIEWER)
    services.close()
    desk.open(workspace)
    desk.ready()
    desk.select("Weekly letter")
    assert desk.page.add_button.isHidden()
    assert all(desk.page.bar.button(key).isHidden() for key in ("edit", "run", "run_all", "remove", "schedule"))
    desk.qtbot.keyClick(desk.page.table, Qt.Key.Key_Delete)
    desk.qtbot.wait(50)
    assert "Weekly letter" in desk.names()


@pytest.mark.parametrize(("keys", "wizard"), [("Ctrl+N", "SegmentExportWizard"), ("Ctrl+Shift+N", "DataOutWizard")])
def test_a_new_export_is_begun_from_any_page_but_not_over_a_dialog_or_by_a_viewer(
    desk: Desk, workspace: Path, keys: str, wizard: str
) -> None:
    program = desk.open(workspace)
    desk.ready()
    window = program.window
    window.show_page("settings")
    [shortcut] = [each for each in window.findChildren(QShortcut) if each.key() == QKeySequence(keys)]
    desk.session.show_help("runs")
    desk.until(lambda: any(dialog.isVisible() for dialog in window.findChildren(HelpDialog)))
    shortcut.activated.emit()
    assert not window.is_full()
    next(dialog for dialog in window.findChildren(HelpDialog) if dialog.isVisible()).reject()
    snapshot = desk.session.snapshot
    desk.session.snapshot = replace(snapshot, role=Role.VIEWER)
    shortcut.activated.emit()
    assert not window.is_full()
    desk.session.snapshot = snapshot
    shortcut.activated.emit()
    desk.until(window.is_full)
    assert type(window.full()).__name__ == wizard


@pytest.fixture
def slow_mailchimp() -> Iterator[MailchimpEmulator]:
    """A Mailchimp that takes its time with every request."""
    with MailchimpEmulator() as emulator:
        emulator.add_audience("a1b2c3d4e5", "Customers")
        yield emulator


def add_slow_export(workspace: Path, emulator: MailchimpEmulator) -> None:
    """An export to Mailchimp whose requests take two seconds each from now on."""
    services = Services(workspace, Store.open(workspace), secrets=with_key())
    settings = {"api_url": emulator.url}
    services.connections.add(
        "Mailchimp", "mailchimp", settings, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True, tested=None
    )
    services.exports.apply(
        {
            "name": "Slow letter",
            "kind": "segment",
            "connection": "Mailchimp",
            "segments": ["Everyone"],
            "target": {"audience_id": "a1b2c3d4e5"},
            "match": {"email": "Customer.Email"},
            "sync": "update",
            "consent": {"agreed": True},
        }
    )
    services.close()
    emulator.fail("latency", seconds=2.0)


def test_cancel_run_says_cancelling_and_ends_cancelled(
    desk: Desk, workspace: Path, slow_mailchimp: MailchimpEmulator
) -> None:
    add_slow_export(workspace, slow_mailchimp)
    desk.open(workspace)
    desk.ready()
    desk.select("Slow letter")
    desk.qtbot.mouseClick(desk.page.bar.button("run"), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.status("Slow letter") is Status.RUNNING)
    assert desk.page.bar.button("run").text() == "Cancel run"
    desk.page.drawer.open()
    desk.qtbot.mouseClick(desk.page.details._running.cancel, Qt.MouseButton.LeftButton)
    assert desk.page.details._running.cancel.text() == "Cancelling…"
    desk.until(lambda: desk.ended("Slow letter") is not None)
    assert desk.ended("Slow letter").status is Status.CANCELLED


def test_closing_while_running_asks_then_stops(desk: Desk, workspace: Path, slow_mailchimp: MailchimpEmulator) -> None:
    add_slow_export(workspace, slow_mailchimp)
    program = desk.open(workspace)
    desk.ready()
    desk.select("Slow letter")
    desk.qtbot.mouseClick(desk.page.bar.button("run"), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.status("Slow letter") is Status.RUNNING)
    program.window.close()
    dialog = program.window.findChild(ConfirmDialog)
    assert program.window.isVisible()
    assert dialog.windowTitle() == "Stop the running export?"
    desk.qtbot.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: program.window.findChild(ConfirmDialog) is None)
    assert desk.status("Slow letter") is Status.RUNNING
    program.window.close()
    desk.qtbot.mouseClick(program.window.findChild(ConfirmDialog).confirm_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: not program.window.isVisible())
    desk.end()
    services = Services(workspace, Store.open(workspace), secrets=MemoryStore())
    run = services.runs.list()[0]
    services.close()
    assert run.status in {Status.CANCELLED, Status.INTERRUPTED}


def test_closing_while_nothing_runs_ends_at_once(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    program.window.close()
    desk.until(lambda: not program.window.isVisible())
    desk.end()


def test_closing_asks_before_an_edited_segment_is_lost(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    desk.session.show_page("segments", "Germany")
    page = program.slots["segments"].page()
    desk.until(lambda: page.state.history is not None and page.state.draft.name == "Germany")
    desk.until(page.settled)
    page.builder.slots[0].card.group.rows()[0].remove.click()
    program.window.close()
    dialog = program.window.findChild(ConfirmDialog)
    assert dialog.windowTitle() == "Discard the changes to “Germany”?"
    desk.qtbot.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: program.window.findChild(ConfirmDialog) is None)
    assert program.window.isVisible()
    program.window.close()
    desk.qtbot.mouseClick(program.window.findChild(ConfirmDialog).confirm_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: not program.window.isVisible())
    desk.end()


def test_closing_keeps_the_last_word_of_a_wizard(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    desk.session.open_segment_wizard()
    desk.until(lambda: getattr(program.window.full(), "state", None) is not None)
    state = program.window.full().state
    state.update(name="Half a word")
    program.window.close()
    desk.until(lambda: not program.window.isVisible())
    desk.end()
    services = Services(workspace, Store.open(workspace), secrets=MemoryStore())
    kept = services.drafts.latest(ExportKind.SEGMENT, None)
    services.close()
    assert kept is not None
    assert kept.draft.name == "Half a word"


def test_without_a_workspace_the_start_page_comes(desk: Desk, tmp_path: Path) -> None:
    from app.ui.pages.start import StartPage

    program = desk.open(None)
    desk.until(program.window.is_full)
    page = program.window.findChild(StartPage)
    assert page is not None
    page._later.setChecked(True)
    page._name.set_value("Fresh start")
    page._folder.set_value(str(tmp_path / "fresh"))
    page._check()
    desk.qtbot.mouseClick(page.create_button, Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.session is not None and desk.session.snapshot is not None)
    assert not program.window.is_full()
    assert program.window.windowTitle() == "Exports – Fresh start – Sendoff"
    desk.until(lambda: desk.page.empty.isVisible())


def test_a_damaged_workspace_is_told_with_a_way_out(desk: Desk, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "workspace.db").write_bytes(b"this is no database" * 400)
    program = desk.open(damaged)
    desk.until(program.window.is_full)
    failure = next(widget for widget in program.window.findChildren(EmptyState) if widget.isVisible())
    assert failure.accessibleName()
    assert failure.secondary.text() == "Choose another workspace"
    assert (damaged / "workspace.db").read_bytes().startswith(b"this is no database")


def test_a_fault_nobody_caught_is_told(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()
    program.logbook.fault.emit(ValueError("secret text"))
    desk.until(lambda: program.window.findChild(ErrorDialog) is not None)
    dialog = program.window.findChild(ErrorDialog)
    assert "secret text" not in dialog.accessibleDescription()
    desk.until(lambda: dialog.title_label.width() > 300)
    line = dialog.title_label.fontMetrics().lineSpacing()
    assert dialog.title_label.height() < 2 * line  # one line: the head is wide enough
    dialog.reject()


def test_f1_helps_with_the_page_and_the_dialog_in_front(desk: Desk, workspace: Path) -> None:
    program = desk.open(workspace)
    desk.ready()

    def help_asked() -> HelpDialog:
        desk.qtbot.keyClick(program.window, Qt.Key.Key_F1)
        desk.until(lambda: any(d.isVisible() for d in program.window.findChildren(HelpDialog)))
        return next(d for d in program.window.findChildren(HelpDialog) if d.isVisible())

    dialog = help_asked()
    assert dialog.topics.current_key() == "exports"
    assert "Ctrl+R" in dialog.text.toPlainText()
    dialog.show_topic("mailchimp")
    assert dialog.text.accessibleName() == "Mailchimp"
    assert nameless(dialog) == []
    dialog.reject()
    program.window.show_page("receipt")
    assert program.window.help_topic() == "runs"
    desk.session.open_connection_dialog("sftp")
    desk.until(lambda: any(d.isVisible() for d in program.window.findChildren(ConnectionDialog)))
    dialog = help_asked()
    assert dialog.topics.current_key() == "sftp"
    dialog.reject()
    next(d for d in program.window.findChildren(ConnectionDialog) if d.isVisible()).reject()


def test_nothing_heavy_is_loaded_before_the_first_paint() -> None:
    code = (
        "import sys, app.ui.application as a\n"
        "heavy = {'duckdb', 'pandas', 'pyarrow', 'httpx2', 'keyring', 'sqlalchemy', 'sqlglot', 'typer', 'qtawesome'}\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from pathlib import Path\n"
        "import tempfile\n"
        "q = QApplication([])\n"
        "p = a.WindowProgram(q, Path(tempfile.mkdtemp()))\n"
        "p.show(); q.processEvents()\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_search_without_a_match_offers_to_clear(desk: Desk, workspace: Path) -> None:
    desk.open(workspace)
    desk.ready()
    listed = desk.page.list
    desk.qtbot.keyClicks(desk.page.search_field, "zzz")
    assert listed.no_match.isVisible()
    assert listed.no_match.accessibleName() == "No exports match “zzz”"
    desk.qtbot.mouseClick(listed.no_match.secondary, Qt.MouseButton.LeftButton)
    assert desk.page.search_field.text() == ""
    assert len(desk.page.table.visible_keys()) == 3
    listed.chips.set_current("scheduled")
    listed._on_chip_chosen("scheduled")
    assert [desk.page.table.row(key).name for key in desk.page.table.visible_keys()] == ["Two countries"]
    desk.session.show_page("exports", "Weekly letter")
    assert [line.name for line in desk.page.selected()] == ["Weekly letter"]
