from __future__ import annotations

import gc
import weakref

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from app.ui.widgets.drawer import DrawerArea
from app.ui.widgets.fields import TextField
from app.ui.widgets.labels import Label
from app.ui.widgets.marks import Pill
from app.ui.widgets.overlay import Scrim, focusable
from app.ui.widgets.palette import PaletteGroup, PaletteItem, SearchPalette, fuzzy_score, match_groups
from app.ui.widgets.toasts import LIFE_MS, ToastHost


@pytest.fixture
def window(theme: Theme, qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    window.opener = Button(theme, "Remove")
    layout.addWidget(window.opener)
    window.resize(1360, 860)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def free() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()


class TestDialog:
    def test_is_freed_when_it_closed(self, theme: Theme, window: QWidget) -> None:
        dialog = Dialog(theme, window.opener, "Connect Mailchimp")
        dialog.add_cancel()
        gone = weakref.ref(dialog)
        dialog.open()
        dialog.reject()
        del dialog
        free()
        assert gone() is None
        assert window.findChildren(Scrim) == []

    def test_focus_begins_in_the_empty_field_stays_inside_and_returns(
        self, theme: Theme, window: QWidget, qtbot: QtBot
    ) -> None:
        window.opener.setFocus()
        dialog = Dialog(theme, window.opener, "Connect Mailchimp")
        filled, empty = TextField(theme, "Name", value="Mailchimp EU"), TextField(theme, "Key")
        dialog.body.addWidget(filled)
        dialog.body.addWidget(empty)
        dialog.add_cancel()
        dialog.open()
        assert empty.input.hasFocus()
        ring = focusable(dialog)
        for _ in range(len(ring) + 2):
            qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
            assert dialog.isAncestorOf(window.focusWidget())
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Backtab)
        assert dialog.isAncestorOf(window.focusWidget())
        dialog.reject()
        assert window.opener.hasFocus()

    def test_enter_in_a_field_clicks_the_default_and_escape_rejects(
        self, theme: Theme, window: QWidget, qtbot: QtBot
    ) -> None:
        dialog = Dialog(theme, window.opener, "Connect Mailchimp")
        field = TextField(theme, "Key")
        dialog.body.addWidget(field)
        save = dialog.add_button(Button(theme, "Save connection", "primary"), default=True)
        dialog.open()
        with qtbot.waitSignal(save.clicked):
            qtbot.keyClick(field.input, Qt.Key.Key_Return)
        with qtbot.waitSignal(dialog.rejected):
            qtbot.keyClick(field.input, Qt.Key.Key_Escape)

    def test_fits_its_content_and_a_small_window(self, theme: Theme, window: QWidget, qtbot: QtBot) -> None:
        dialog = Dialog(theme, window.opener, "Long")
        words = Label(theme, "words and more words " * 200, wrap=True)
        dialog.body.addWidget(words)
        dialog.open()
        window.resize(500, 400)
        qtbot.waitUntil(lambda: dialog.height() <= 400 - 32 + 64)
        assert dialog.width() <= 500 + 64

    def test_confirmation_of_something_dangerous_is_not_confirmed_by_enter(
        self, theme: Theme, window: QWidget, qtbot: QtBot
    ) -> None:
        dialog = ConfirmDialog(
            theme, window.opener, title="Remove?", sentence="It goes.", confirm="Remove export", danger=True
        )
        dialog.open()
        with qtbot.waitSignal(dialog.rejected), qtbot.assertNotEmitted(dialog.accepted):
            qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)

    @pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
    def test_enter_clicks_the_button_that_has_the_focus_and_no_other(
        self, theme: Theme, window: QWidget, qtbot: QtBot, key: Qt.Key
    ) -> None:
        dialog = Dialog(theme, window.opener, "Undo this run?")
        cancel = dialog.add_button(Button(theme, "Cancel"), default=True)
        undo = dialog.add_button(Button(theme, "Undo this run", "danger"))
        dialog.open()
        undo.setFocus(Qt.FocusReason.TabFocusReason)
        with qtbot.waitSignal(undo.clicked), qtbot.assertNotEmitted(cancel.clicked):
            qtbot.keyClick(undo, key)

    def test_who_opens_a_dialog_by_keys_sees_where_the_focus_is(self, theme: Theme, window: QWidget) -> None:
        opener = Button(theme, "Undo", parent=window)
        opener.show()
        for reason, seen in ((Qt.FocusReason.TabFocusReason, True), (Qt.FocusReason.MouseFocusReason, False)):
            opener.setFocus(reason)
            dialog = Dialog(theme, opener, "Undo this run?")
            cancel = dialog.add_button(Button(theme, "Cancel"), default=True)
            dialog.open()
            assert (cancel.hasFocus(), cancel.focus_visible) == (True, seen)
            dialog.reject()

    def test_a_long_title_takes_lines(self, theme: Theme, window: QWidget, qtbot: QtBot) -> None:
        title = "Send 126,799 members to the practice destination for the first time?"
        dialog = ConfirmDialog(theme, window.opener, title=title, sentence="All of it.", confirm="Run")
        dialog.open()
        label = dialog.title_label
        qtbot.waitUntil(lambda: label.height() >= label.heightForWidth(label.width()) > theme.line_height("title"))

    def test_a_long_title_leaves_room_for_its_mark(self, theme: Theme, window: QWidget) -> None:
        name = "Wöchentliche Kundenrückgewinnungsnewsletterprobe Südwestdeutschland"
        dialog = Dialog(theme, window.opener, name, width=640)
        dialog.add_mark(Pill(theme, "Held", "warning", icon="pause-circle-fill"))
        dialog.open()
        label = dialog.title_label
        assert label.text().endswith("…")
        assert (label.toolTip(), dialog.accessibleName()) == (name, name)
        assert label.width() >= label.sizeHint().width(), "nothing of what is left is cut"
        dialog.reject()

    def test_confirmation_says_yes(self, theme: Theme, window: QWidget, qtbot: QtBot) -> None:
        dialog = ConfirmDialog(theme, window.opener, title="Replace?", sentence="All of it.", confirm="Replace")
        dialog.open()
        with qtbot.waitSignal(dialog.accepted):
            dialog.confirm_button.click()

    def test_survives_the_end_of_what_had_the_focus(self, theme: Theme, window: QWidget) -> None:
        passing = Button(theme, "Passing", parent=window)
        passing.show()
        passing.setFocus()
        dialog = Dialog(theme, window.opener, "x")
        dialog.add_cancel()
        dialog.open()
        passing.deleteLater()
        free()
        dialog.reject()
        assert window.findChild(Dialog) is None or not window.findChild(Dialog).isVisible()

    def test_never_blocks(self, theme: Theme, window: QWidget) -> None:
        dialog = Dialog(theme, window.opener, "x")
        with pytest.raises(NotImplementedError):
            dialog.exec()
        dialog.deleteLater()


class TestToasts:
    def test_at_most_three_and_the_oldest_gives_way(self, theme: Theme, window: QWidget) -> None:
        host = ToastHost(theme, window)
        for number in range(5):
            host.show(f"Export {number} removed")
        assert [t.accessibleName() for t in host.toasts()] == [f"Export {n} removed" for n in (2, 3, 4)]

    def test_goes_after_its_time_but_not_under_the_pointer(self, theme: Theme, window: QWidget, qtbot: QtBot) -> None:
        assert LIFE_MS == 6_000
        host = ToastHost(theme, window)
        toast = host.show("Export removed")
        toast._timer.setInterval(30)
        toast.enterEvent(QEnterEvent(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5)))
        assert not toast._timer.isActive()
        qtbot.wait(60)
        assert host.toasts() == (toast,)
        toast.leaveEvent(QEvent(QEvent.Type.Leave))
        qtbot.waitUntil(lambda: host.toasts() == ())

    def test_undo_runs_once_and_closes(self, theme: Theme, window: QWidget) -> None:
        host, undone = ToastHost(theme, window), []
        host.show("Export removed", undo=lambda: undone.append(1))
        assert host.undo_last()
        assert undone == [1]
        assert host.toasts() == ()
        assert not host.undo_last()

    def test_stays_at_the_bottom_right(self, theme: Theme, window: QWidget, qtbot: QtBot) -> None:
        host = ToastHost(theme, window)
        toast = host.show("Export removed")
        window.resize(1024, 700)
        qtbot.waitUntil(lambda: toast.geometry().right() <= 1024)
        assert toast.geometry().bottom() <= 700


class TestDrawer:
    def test_docks_in_a_wide_window_and_overlays_in_a_narrow_one(
        self, theme: Theme, window: QWidget, qtbot: QtBot
    ) -> None:
        area = DrawerArea(theme, "Details")
        area.set_content(Label(theme, "content"))
        area.set_drawer(Label(theme, "details"))
        window.layout().addWidget(area)
        with qtbot.waitSignal(area.opened_changed):
            area.open()
        assert area.is_docked()
        assert not area._panel.overlay
        window.resize(1024, 700)
        qtbot.waitUntil(lambda: area._panel.overlay)
        assert area._panel.isVisible()
        qtbot.keyClick(area._panel, Qt.Key.Key_Escape)
        assert not area.is_open()
        window.resize(1360, 860)
        area.toggle()
        qtbot.waitUntil(lambda: not area._panel.overlay)
        assert area._panel.width() == 320


def items(*words: str) -> tuple[PaletteItem, ...]:
    return tuple(PaletteItem(word, lambda: None) for word in words)


class TestPalette:
    @pytest.mark.parametrize(
        ("words", "text", "found"),
        [("run l", "Run Lapsed 90 days", True), ("rn lpsd", "Run Lapsed 90 days", True), ("xyz", "Run Lapsed", False)],
    )
    def test_fuzzy(self, words: str, text: str, *, found: bool) -> None:
        assert (fuzzy_score(words, text) is not None) is found

    def test_whole_words_beat_scattered_letters(self) -> None:
        assert fuzzy_score("run", "Run all exports") > fuzzy_score("run", "Refresh unused")

    def test_shows_at_most_eight(self) -> None:
        groups = [
            PaletteGroup("Exports", items(*(f"Run {n}" for n in range(20)))),
            PaletteGroup("Actions", items("Run all")),
        ]
        assert sum(len(g.items) for g in match_groups("run", groups)) == 8
        assert sum(len(g.items) for g in match_groups("", groups)) == 8

    def test_enter_runs_the_chosen_one(self, theme: Theme, window: QWidget, qtbot: QtBot) -> None:
        done: list[str] = []
        found = (
            PaletteItem("Run Lapsed 90 days", lambda: done.append("run")),
            PaletteItem("Open Lapsed 90 days", lambda: done.append("open")),
        )
        palette = SearchPalette(theme, window, lambda _words: [PaletteGroup("Exports", found)])
        window.opener.setFocus()
        palette.open()
        qtbot.keyClicks(palette.input, "lapsed")
        qtbot.keyClick(palette.input, Qt.Key.Key_Down)
        qtbot.keyClick(palette.input, Qt.Key.Key_Return)
        assert done == ["open"]
        assert not palette.isVisible()
        assert window.opener.hasFocus()

    def test_escape_closes_and_nothing_found_is_said(self, theme: Theme, window: QWidget, qtbot: QtBot) -> None:
        palette = SearchPalette(theme, window, lambda _words: [PaletteGroup("Exports", items("Run"))])
        palette.open()
        qtbot.keyClicks(palette.input, "zzz")
        assert palette.list.model().index(0, 0).data() == "Nothing found"
        qtbot.keyClick(palette.input, Qt.Key.Key_Return)
        qtbot.keyClick(palette.input, Qt.Key.Key_Escape)
        assert not palette.isVisible()
