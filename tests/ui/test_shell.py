from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label
from app.ui.widgets.palette import PaletteGroup, PaletteItem
from app.ui.wizard_shell import WizardShell
from tests.ui.checks import nameless

PAGES = [
    ("exports", "Exports", "paper-plane-tilt"),
    ("segments", "Segments", "users-three"),
    ("tables", "Tables", "table"),
    ("connections", "Connections", "link"),
    ("runs", "Runs", "clock-counter-clockwise"),
    ("settings", "Settings", "gear-six"),
]
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(theme: Theme, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    window = MainWindow(theme, tmp_path / "window.ini")
    qtbot.addWidget(window)
    for page, title, icon in PAGES:
        window.add_page(page, title, icon, QLabel(title))
    window.set_workspace("Northwind Retail", "Individual consumers")
    window.set_foot("DuckDB, local", "Admin")
    window.resize(1360, 860)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def test_title_names_page_workspace_and_product(window: MainWindow) -> None:
    assert window.windowTitle() == "Exports – Northwind Retail – Sendoff"
    window.show_page("runs")
    assert window.windowTitle() == "Runs – Northwind Retail – Sendoff"


def test_a_further_view_belongs_to_its_page_in_the_navigation(window: MainWindow) -> None:
    window.add_view("suppression", "Suppression list", "segments", QLabel("list"))
    window.show_page("suppression")
    assert window.windowTitle() == "Suppression list – Northwind Retail – Sendoff"
    assert window.page() == "suppression"
    assert "suppression" not in window.navigation.pages()
    assert [entry.page for entry in window.navigation._entries if entry.item.isChecked()] == ["segments"]


def test_shortcuts_bring_pages(window: MainWindow, qtbot: QtBot) -> None:
    for number, (page, _, _) in enumerate(PAGES, start=1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0.value + number), CTRL)
        assert window.page() == page
    window.show_page("exports")
    qtbot.keyClick(window, Qt.Key.Key_Comma, CTRL)
    assert window.page() == "settings"


def test_shortcuts_wait_while_a_dialog_is_open(window: MainWindow, theme: Theme, qtbot: QtBot) -> None:
    dialog = Dialog(theme, window, "Connect")
    dialog.open()
    qtbot.keyClick(window, Qt.Key.Key_3, CTRL)
    qtbot.keyClick(window, Qt.Key.Key_K, CTRL)
    assert window.page() == "exports"
    assert not window.palette_popup.isVisible()
    dialog.reject()


def test_narrow_window_shows_icons_with_tooltips(window: MainWindow, qtbot: QtBot) -> None:
    window.set_count("connections", "2", "danger")
    with qtbot.waitSignal(window.narrow_changed):
        window.resize(1024, 700)
    assert window.navigation.width() == 57
    tips = [entry.item.toolTip() for entry in window.navigation._entries]
    assert tips[3] == "Connections (Ctrl+4): 2"
    window.resize(1360, 860)
    assert window.navigation.width() == 209


def test_counts_are_spoken(window: MainWindow) -> None:
    window.set_count("runs", "1", "accent")
    assert window.navigation._entries[4].item.accessibleName() == "Runs, 1"


def test_f6_goes_round_the_regions(window: MainWindow, theme: Theme, qtbot: QtBot) -> None:
    page = QWidget()
    first, second = Button(theme, "One", parent=page), Button(theme, "Two", parent=page)
    window.add_page("extra", "Extra", "tag", page)
    window.show_page("extra")
    window.navigation.search.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert first.hasFocus()
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert window.navigation.isAncestorOf(window.focusWidget())
    qtbot.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert first.hasFocus()
    assert not second.hasFocus()


def test_activity_opens_runs_and_hides_when_nothing_runs(window: MainWindow) -> None:
    window.set_activity("1 export running", "62%", 0.62, "Lake: 3,000 of 9,000 rows")
    activity = window.navigation.activity
    assert activity.isVisible()
    for narrow in (True, False):
        activity.set_narrow(narrow)
        assert activity.toolTip() == "Lake: 3,000 of 9,000 rows"
    window.navigation.activity.click()
    assert window.page() == "runs"
    window.set_idle()
    activity.set_narrow(False)
    assert (activity.isVisible(), activity.accessibleName(), activity.spin()) == (True, "Nothing running", False)
    activity.set_narrow(True)
    assert not activity.isVisible()
    window.set_activity("")
    activity.set_narrow(False)
    assert not activity.isVisible()


def test_every_control_of_the_shell_has_a_name(window: MainWindow) -> None:
    window.set_activity("1 export running", "62%", 0.62)
    assert nameless(window) == []


def test_palette_opens_by_key_and_finds(window: MainWindow, qtbot: QtBot) -> None:
    window.set_palette_provider(
        lambda _w: [PaletteGroup("Actions", (PaletteItem("Go to Runs", lambda: window.show_page("runs")),))]
    )
    qtbot.keyClick(window, Qt.Key.Key_K, CTRL)
    qtbot.keyClicks(window.palette_popup.input, "runs")
    qtbot.keyClick(window.palette_popup.input, Qt.Key.Key_Return)
    assert window.page() == "runs"


def test_minimum_is_1024_by_700_or_the_screen(window: MainWindow) -> None:
    screen = window.screen().availableSize()
    assert window.minimumSize() == QSize(1024, 700).boundedTo(screen)


def test_the_window_with_its_frame_fits_the_screen(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    free = window.screen().availableGeometry()
    places: list[QPoint] = []

    def framed(of: MainWindow) -> QRect:
        return of.geometry().adjusted(-1, -24, 1, 4)  # a title above and edges around

    window.resize(free.size())
    window.move(free.topLeft() + QPoint(30, 40))
    monkeypatch.setattr(MainWindow, "frameGeometry", framed)
    monkeypatch.setattr(MainWindow, "move", lambda _window, place: places.append(place))
    window.fit_screen()
    assert window.height() == free.height() - 28
    assert window.minimumSize().height() <= free.height() - 28
    assert places == [free.topLeft()]  # of the frame, as Qt moves windows


def test_a_window_without_a_workspace_names_no_page(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    window = MainWindow(theme, tmp_path / "fresh.ini")
    qtbot.addWidget(window)
    window.add_page("exports", "Exports", "paper-plane-tilt", QLabel("Exports"))
    assert window.windowTitle() == "Sendoff"


def test_size_and_page_are_remembered_in_the_given_file(
    window: MainWindow, theme: Theme, qtbot: QtBot, tmp_path: Path
) -> None:
    window.resize(800, 710)
    window.show_page("tables")
    window.close()
    assert (tmp_path / "window.ini").exists()
    other = MainWindow(theme, tmp_path / "window.ini")
    qtbot.addWidget(other)
    for page, title, icon in PAGES:
        other.add_page(page, title, icon, QLabel(title))
    other.restore()
    assert other.page() == "tables"
    assert other.size() == QSize(800, 710)


def test_guard_may_keep_the_window_open(window: MainWindow) -> None:
    window.set_close_guard(lambda: False)
    assert not window.close()
    assert window.isVisible()
    window.set_close_guard(lambda: True)


class Step(QWidget):
    changed = Signal()

    def __init__(self, theme: Theme, name: str, *, panel: bool = False) -> None:
        super().__init__()
        self.name = name
        self.blocked: list[str] = []
        self.chosen = "Nothing chosen"
        self.visits = 0
        self._panel = Label(theme, "panel") if panel else None

    def title(self) -> str:
        return self.name

    def heading(self) -> str:
        return f"Choose {self.name.lower()}"

    def sentence(self) -> str:
        return "One sentence."

    def summary(self) -> str:
        return self.chosen

    def issues(self) -> list[str]:
        return self.blocked

    def side_panel(self) -> QWidget | None:
        return self._panel

    def panel_number(self) -> str:
        return "89,604 unique members will be sent"

    def takes(self) -> str:
        return "Takes about 8 min"

    def entered(self) -> None:
        self.visits += 1


class TestWizard:
    @pytest.fixture
    def steps(self, theme: Theme) -> list[Step]:
        return [Step(theme, "Destination"), Step(theme, "Segments", panel=True), Step(theme, "Review")]

    @pytest.fixture
    def wizard(self, theme: Theme, qtbot: QtBot, window: MainWindow, steps: list[Step]) -> WizardShell:
        wizard = WizardShell(theme, steps, name="New segment export", finish_text="Save and run", save_text="Save")
        wizard.set_identity("Loyalty lookalike", "Segment export", ("Ga", "#1A803B", "Google Ads"))
        window.show_full(wizard)
        qtbot.waitUntil(wizard.isVisible)
        return wizard

    def test_a_reason_blocks_continue_and_is_shown(self, wizard: WizardShell, steps: list[Step]) -> None:
        steps[0].blocked = ["1 required field is missing"]
        steps[0].changed.emit()
        assert not wizard.primary.isEnabled()
        assert wizard._reason.isVisible()
        assert wizard._reason.words() == "1 required field is missing"
        wizard.go_on()
        assert wizard.step() == 0
        steps[0].blocked = []
        steps[0].changed.emit()
        assert wizard._reason.words() == "Takes about 8 min"
        wizard.primary.click()
        assert wizard.step() == 1

    def test_keys_go_on_and_back(self, wizard: WizardShell, qtbot: QtBot) -> None:
        wizard._cancel.setFocus()
        qtbot.keyClick(wizard._cancel, Qt.Key.Key_Return, CTRL)
        assert wizard.step() == 1
        qtbot.keyClick(wizard._cancel, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
        assert wizard.step() == 0

    def test_done_steps_can_be_clicked_others_not(self, wizard: WizardShell, steps: list[Step]) -> None:
        wizard._rail.buttons[2].click()
        assert wizard.step() == 0
        wizard.go_on()
        wizard._rail.buttons[0].click()
        assert wizard.step() == 0
        assert steps[0].visits == 2
        assert wizard._rail.buttons[1].is_done()

    def test_a_step_after_a_blocked_one_cannot_be_reached(self, wizard: WizardShell, steps: list[Step]) -> None:
        wizard.go_on()
        wizard.go_on()
        wizard.go_to(0)
        steps[0].blocked = ["Choose a connection"]
        steps[0].changed.emit()
        wizard._rail.buttons[2].click()
        assert wizard.step() == 0

    def test_summary_follows_the_choice(self, wizard: WizardShell, steps: list[Step]) -> None:
        steps[0].chosen = "Google DE"
        steps[0].changed.emit()
        assert wizard._rail.buttons[0].accessibleDescription() == "Google DE"

    def test_the_last_step_finishes_or_saves(self, wizard: WizardShell, qtbot: QtBot) -> None:
        wizard.go_on()
        wizard.go_on()
        assert wizard.primary.text() == "Save and run"
        with qtbot.waitSignal(wizard.saved):
            wizard.save.click()
        with qtbot.waitSignal(wizard.finished):
            wizard.go_on()

    def test_narrow_folds_rail_and_panel(self, wizard: WizardShell, window: MainWindow, qtbot: QtBot) -> None:
        wizard.go_on()
        assert wizard._panel_area.isVisible()
        window.resize(1024, 700)
        qtbot.waitUntil(lambda: not wizard._rail.isVisible())
        assert wizard._where.words() == "Step 2 of 3: Segments"
        assert not wizard._panel_area.isVisible()
        assert wizard._fold_number.words() == "89,604 unique members will be sent"
        wizard._fold_button.click()
        assert wizard._panel_area.isVisible()
        window.resize(1360, 860)
        qtbot.waitUntil(wizard._rail.isVisible)
        assert wizard._panel_area.width() < 400
        assert wizard._stack.isVisible()

    def test_busy_blocks_with_its_words(self, wizard: WizardShell) -> None:
        wizard.set_busy("Checking the name")
        assert not wizard.primary.isEnabled()
        assert wizard._reason.words() == "Checking the name"
        wizard.set_busy()
        assert wizard.primary.isEnabled()

    def test_escape_asks_to_cancel(self, wizard: WizardShell, qtbot: QtBot) -> None:
        wizard._cancel.setFocus()
        with qtbot.waitSignal(wizard.cancelled):
            qtbot.keyClick(wizard._cancel, Qt.Key.Key_Escape)

    def test_every_control_has_a_name_and_leaving_frees(self, wizard: WizardShell, window: MainWindow) -> None:
        assert nameless(wizard) == []
        window.leave_full()
        assert not window.is_full()
