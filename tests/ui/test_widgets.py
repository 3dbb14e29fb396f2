from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QKeySequence, QPainter
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.gallery import Gallery
from app.ui.page_slot import PageSlot
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.bars import LimitBar, ProgressBar, Skeleton
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.cards import RadioCard
from app.ui.widgets.cells import Spot, paint_number
from app.ui.widgets.checks import CheckBox, Radio, Toggle
from app.ui.widgets.choice import ChipBar, Choice, Segmented
from app.ui.widgets.columns import NumberCell
from app.ui.widgets.fields import SearchField, TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import ElidedLabel, Label, row
from app.ui.widgets.marks import Badge, Pill, StatusLine
from app.ui.widgets.menus import Menu
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Flowing, Scroll
from app.ui.widgets.secret_field import REVEAL_MS, SecretField
from app.ui.widgets.select import Select
from app.ui.widgets.states import EmptyState, Loading, inset
from tests.ui.checks import nameless

CHOICES = [
    Choice("all", "All", "11"),
    Choice("running", "Running", "1", dot="bar"),
    Choice("off", "Off", enabled=False),
]

MAKERS: dict[str, Callable[[Theme], QWidget]] = {
    "button": lambda t: Button(t, "Run", "primary", icon="play"),
    "icon button": lambda t: IconButton(t, "x", "Close"),
    "check box": lambda t: CheckBox(t, "Also"),
    "radio": lambda t: Radio(t, "One"),
    "toggle": lambda t: Toggle(t, name="Watch the folder"),
    "radio card": lambda t: RadioCard(t, "Mailchimp EU", "Healthy", status=("check-circle-fill", "success", "Healthy")),
    "chips": lambda t: ChipBar(t, "Filter", CHOICES),
    "segments": lambda t: Segmented(t, "Operator", CHOICES),
    "text": lambda t: TextField(t, "Name"),
    "search": lambda t: SearchField(t, "Search exports"),
    "secret": lambda t: SecretField(t, "API key", store_name="Secret Service"),
    "stored secret": lambda t: SecretField(t, "API key", stored=True),
    "select": lambda t: Select(t, "Field", CHOICES),
    "note": lambda t: Note(
        t, "danger", "Sign-in expired", "Nothing was sent.", primary="Sign in again", secondary="Log"
    ),
    "empty": lambda t: EmptyState(t, "No exports yet", "Add one.", icon="tag", primary="Add export"),
    "loading": lambda t: Loading(t, "Counting", at_once=True),
    "skeleton": lambda t: Skeleton(t, "Loading exports"),
    "pill": lambda t: Pill(t, "Exact", "success", icon="check"),
    "badge": lambda t: Badge(t, "Mc", "#FFE01B", "Mailchimp"),
    "status": lambda t: StatusLine(t, "Running", running=True),
    "progress": lambda t: ProgressBar(t, "Sent"),
}


def hosted(qtbot: QtBot, *widgets: QWidget) -> QWidget:
    host = QWidget()
    # qtbot keeps weak references only; this keeps the host until the test ends.
    qtbot.addWidget(host, before_close_func=lambda _w, _keep=host: None)
    layout = QVBoxLayout(host)
    for widget in widgets:
        layout.addWidget(widget)
    host.resize(600, 400)
    host.show()
    return host


@pytest.mark.parametrize("kind", MAKERS)
def test_every_control_has_a_name(theme: Theme, qtbot: QtBot, kind: str) -> None:
    host = hosted(qtbot, MAKERS[kind](theme))
    assert nameless(host) == []


@pytest.mark.parametrize("kind", MAKERS)
def test_every_control_paints_in_both_modes(theme: Theme, qtbot: QtBot, kind: str) -> None:
    widget = MAKERS[kind](theme)
    host = hosted(qtbot, widget)
    light = host.grab().toImage()
    widget.setEnabled(False)
    host.grab()
    widget.setEnabled(True)
    theme.set_choice("dark")
    assert host.grab().toImage() != light


def test_heights_and_type_that_were_set_stay_when_the_theme_changes(theme: Theme, qtbot: QtBot) -> None:
    label, field = Label(theme, "Delimiter", "body-medium"), TextField(theme, "Folder")
    for widget in (label, field):
        qtbot.addWidget(widget)
    label.setFixedHeight(32)
    field.input.set_role("mono")
    theme.set_choice("dark")
    assert label.minimumHeight() == label.maximumHeight() == 32
    assert field.input.font().family() == theme.font("mono").family()


def test_gallery_holds_no_nameless_control(theme: Theme, qtbot: QtBot) -> None:
    page = Gallery(theme)
    qtbot.addWidget(page)
    page.show()
    assert nameless(page) == []


def test_gallery_elides_nothing(theme: Theme, qtbot: QtBot) -> None:
    page = Gallery(theme)
    qtbot.addWidget(page)
    page.show()
    for label in page.findChildren(QLabel):
        if label.isVisible() and not label.wordWrap():
            assert label.width() >= label.sizeHint().width(), label.text()


def test_focus_ring_is_for_the_keyboard_only(theme: Theme, qtbot: QtBot) -> None:
    button = Button(theme, "Run")
    host = hosted(qtbot, button)
    host.activateWindow()
    qtbot.waitUntil(host.isActiveWindow)
    button.setFocus(Qt.FocusReason.MouseFocusReason)
    assert not button.focus_visible
    button.clearFocus()
    button.setFocus(Qt.FocusReason.TabFocusReason)
    assert button.focus_visible


def test_busy_button_refuses_clicks_and_turns(theme: Theme, qtbot: QtBot) -> None:
    button = Button(theme, "Test connection")
    hosted(qtbot, button)
    button.set_busy(True, "Testing")
    with qtbot.assertNotEmitted(button.clicked):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert theme.motion.running()
    button.set_busy(False, "Test connection")
    with qtbot.waitSignal(button.clicked):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_busy_button_gets_its_focus_back_unless_somebody_moved_on(theme: Theme, qtbot: QtBot) -> None:
    button, close, other = Button(theme, "Test connection"), Button(theme, "Close"), Button(theme, "Other")
    host = hosted(qtbot, button, close, other)
    button.setFocus(Qt.FocusReason.MouseFocusReason)
    button.set_busy(True, "Testing")
    assert host.focusWidget() is not button
    button.set_busy(False, "Test again")
    assert host.focusWidget() is button
    button.set_busy(True, "Testing")
    other.setFocus(Qt.FocusReason.TabFocusReason)
    button.set_busy(False, "Test again")
    assert host.focusWidget() is other


def test_arrow_keys_choose_and_skip_what_is_off(theme: Theme, qtbot: QtBot) -> None:
    bar = ChipBar(theme, "Filter", CHOICES)
    hosted(qtbot, bar)
    chosen: list[str] = []
    bar.chosen.connect(chosen.append)
    first = bar._buttons["all"]
    qtbot.keyClick(first, Qt.Key.Key_Right)
    qtbot.keyClick(bar._buttons["running"], Qt.Key.Key_Right)
    qtbot.keyClick(first, Qt.Key.Key_Left)
    assert chosen == ["running", "all", "running"]
    assert [k for k, b in bar._buttons.items() if b.focusPolicy() == Qt.FocusPolicy.StrongFocus] == ["running"]


def test_live_counts_keep_the_choice(theme: Theme, qtbot: QtBot) -> None:
    bar = ChipBar(theme, "Filter", CHOICES)
    qtbot.addWidget(bar)
    bar.set_current("running")
    bar.set_choices([Choice("all", "All", "12"), Choice("running", "Running", "2"), Choice("off", "Off")])
    assert bar.current() == "running"
    assert bar._buttons["running"].accessibleName() == "Running, 2"
    bar.set_choices([Choice("all", "All")])
    assert bar.current() == "all"


def test_select_tells_the_key_and_keeps_it(theme: Theme, qtbot: QtBot) -> None:
    select = Select(theme, "Field", CHOICES)
    qtbot.addWidget(select)
    assert select.current_key() == "all"
    select.set_current_key("running")
    select.set_choices(list(reversed(CHOICES)))
    assert select.current_key() == "running"
    with qtbot.waitSignal(select.chosen) as chosen:
        select.activated.emit(select.currentIndex())
    assert chosen.args == ["running"]


def test_a_select_with_a_placeholder_begins_empty(theme: Theme, qtbot: QtBot) -> None:
    select = Select(theme, "Field", CHOICES, placeholder="Choose a field")
    qtbot.addWidget(select)
    assert select.current_key() == ""


def test_error_takes_the_hints_place_and_is_spoken(theme: Theme, qtbot: QtBot) -> None:
    field = TextField(theme, "Name", hint="Shown in the list")
    hosted(qtbot, field)
    assert field.input.accessibleDescription() == "Shown in the list"
    field.set_error("A name is needed.")
    assert field.input.accessibleDescription() == "A name is needed."
    assert field.input.property("state") == "error"
    field.set_error("")
    assert field.input.accessibleDescription() == "Shown in the list"
    assert field.input.property("state") == ""


def test_form_row_sets_buddy_name_and_description(theme: Theme, qtbot: QtBot) -> None:
    form = Form(theme)
    field = form.add_row("Display name", TextField(theme), "Unique in the workspace", required=True)
    select = form.add_row("Field", Select(theme, "", CHOICES), "Which field")
    hosted(qtbot, form)
    labels = [label for label in form.findChildren(QLabel) if label.buddy() is not None]
    assert [label.buddy() for label in labels] == [field.input, select]
    assert field.input.accessibleName() == "Display name, required"
    assert field.input.accessibleDescription() == "Unique in the workspace"
    assert select.accessibleDescription() == "Which field"
    assert nameless(form) == []


def test_search_clears_on_escape_and_comes_by_shortcut(theme: Theme, qtbot: QtBot) -> None:
    search = SearchField(theme, "Search exports")
    host = hosted(qtbot, Button(theme, "Run"), search)
    host.activateWindow()
    qtbot.waitUntil(host.isActiveWindow)
    qtbot.keyClick(host, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert search.hasFocus()
    qtbot.keyClicks(search, "lapsed")
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == ""


class TestSecret:
    @pytest.fixture
    def field(self, theme: Theme, qtbot: QtBot) -> SecretField:
        field = SecretField(theme, "API key", store_name="Secret Service")
        hosted(qtbot, field, Button(theme, "Save"))
        return field

    def test_is_masked_and_reveals_on_the_eye_alone(self, field: SecretField, qtbot: QtBot) -> None:
        qtbot.keyClicks(field._input, "hunter2")
        assert not field.is_revealed()
        field._eye.click()
        assert field.is_revealed()
        field._eye.click()
        assert not field.is_revealed()
        assert field.typed() == "hunter2"

    def test_hides_again_after_its_time(self, field: SecretField, qtbot: QtBot) -> None:
        assert REVEAL_MS == 20_000
        field._hide_timer.setInterval(10)
        qtbot.keyClicks(field._input, "hunter2")
        field._eye.click()
        qtbot.waitUntil(lambda: not field.is_revealed())

    def test_hides_when_the_focus_leaves(self, field: SecretField, qtbot: QtBot) -> None:
        window = field.window()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        field._input.setFocus()
        qtbot.keyClicks(field._input, "hunter2")
        field._eye.click()
        assert field.is_revealed()
        window.findChildren(Button)[-1].setFocus()
        assert not field.is_revealed()

    def test_cannot_be_copied_even_when_revealed(self, field: SecretField, qtbot: QtBot) -> None:
        QGuiApplication.clipboard().setText("before")
        qtbot.keyClicks(field._input, "hunter2")
        field._eye.click()
        for keys in (QKeySequence.StandardKey.Copy, QKeySequence.StandardKey.Cut):
            field._input.selectAll()
            qtbot.keySequence(field._input, QKeySequence(keys))
        assert QGuiApplication.clipboard().text() == "before"
        assert field.typed() == "hunter2"

    def test_stored_shows_the_word_and_never_a_value(self, field: SecretField, qtbot: QtBot) -> None:
        qtbot.keyClicks(field._input, "hunter2")
        field.set_stored(True)
        assert field.typed() is None
        texts = [line.text() for line in field.findChildren(QLineEdit)]
        assert "hunter2" not in "".join(texts)
        assert field.is_stored()
        with qtbot.waitSignal(field.replace_asked):
            field._replace.click()
        assert not field.is_stored()


def test_wrapped_text_is_escaped_and_spoken_plain(theme: Theme, qtbot: QtBot) -> None:
    label = Label(theme, "a < b & c", wrap=True)
    qtbot.addWidget(label)
    assert "&lt;" in label.text()
    assert label.accessibleName() == "a < b & c"
    assert label.words() == "a < b & c"


def test_wrapped_text_keeps_the_line_height(theme: Theme, qtbot: QtBot) -> None:
    label = Label(theme, "words " * 40, wrap=True)
    qtbot.addWidget(label)
    lines = label.heightForWidth(300) / theme.line_height("body")
    assert lines == round(lines)
    assert lines > 3


def test_wrapped_text_stands_as_high_as_plain_text(theme: Theme, qtbot: QtBot) -> None:
    def inked(*, wrap: bool) -> list[int]:
        label = Label(theme, "Hxp", "body", wrap=wrap)
        qtbot.addWidget(label)
        label.setFixedSize(80, theme.line_height("body"))
        image = label.grab().toImage()
        ground = image.pixelColor(0, 0)
        return [y for y in range(20) if any(image.pixelColor(x, y) != ground for x in range(80))]

    assert inked(wrap=True) == inked(wrap=False)


def test_content_that_fits_by_its_width_is_not_scrolled(theme: Theme, qtbot: QtBot) -> None:
    flowing = Flowing()
    flowing.setLayout(QVBoxLayout())
    for _ in range(5):
        flowing.layout().addWidget(
            Label(theme, "words that take many lines where there is little room " * 3, wrap=True)
        )
    scroll = Scroll(flowing)
    qtbot.addWidget(scroll)
    scroll.resize(1200, 220)
    scroll.show()
    assert scroll.verticalScrollBar().maximum() == 0
    scroll.resize(300, 220)
    qtbot.waitUntil(lambda: scroll.verticalScrollBar().maximum() > 0)


@pytest.mark.parametrize("sideways", [False, True])
def test_what_has_no_room_is_reached_sideways_where_that_is_wanted(
    theme: Theme, qtbot: QtBot, *, sideways: bool
) -> None:
    wide = Flowing()
    wide.setLayout(QVBoxLayout())
    wide.layout().addWidget(Label(theme, "it may wrap", wrap=True))
    wide.layout().addWidget(Label(theme, "numbers that never do " * 12))
    scroll = Scroll(wide, sideways=sideways)
    qtbot.addWidget(scroll)
    scroll.resize(300, 200)
    scroll.show()
    lacking = wide.minimumSizeHint().width() - scroll.viewport().width()
    assert lacking > 0
    assert scroll.horizontalScrollBar().maximum() == lacking
    assert scroll.horizontalScrollBar().isVisible() is sideways


def test_arabic_that_is_cut_has_its_dots_where_it_ends(theme: Theme) -> None:
    metrics, right = theme.metrics("body"), Qt.TextElideMode.ElideRight
    arabic = "وصول مبكر لكبار العملاء المميزين"
    assert paint.elided(metrics, arabic, right, 80).endswith("…\u200f")
    assert paint.elided(metrics, arabic, right, 800) == arabic
    assert paint.elided(metrics, "Wöchentliche Kundenrückgewinnung", right, 80).endswith("…")


def test_elided_text_has_its_whole_as_tooltip(theme: Theme, qtbot: QtBot) -> None:
    label = ElidedLabel(theme, "a very long name that cannot fit")
    hosted(qtbot, label)
    label.setFixedWidth(80)
    qtbot.waitUntil(lambda: label.toolTip() != "")
    assert label.toolTip() == "a very long name that cannot fit"
    assert label.text().endswith("…")


def test_limit_bar_names_its_count(theme: Theme, qtbot: QtBot) -> None:
    bar = LimitBar(theme, "Members")
    qtbot.addWidget(bar)
    bar.set_count("1,204,331", 1.2)
    assert bar.accessibleName() == "Members: 1,204,331"
    over = bar.grab().toImage()
    bar.set_count("1,204,331", 0.1)
    assert bar.grab().toImage() != over


def test_progress_glides_and_clamps(theme: Theme, qtbot: QtBot) -> None:
    bar = ProgressBar(theme, "Sent")
    hosted(qtbot, bar)
    bar.set_share(7.0)
    assert bar.share() == 1.0
    qtbot.waitUntil(lambda: bar._shown == 1.0)
    theme.motion.reduced = True
    bar.set_share(0.25)
    assert bar._shown == 0.25


def test_note_speaks_sentence_and_detail_and_offers_its_buttons(theme: Theme, qtbot: QtBot) -> None:
    note = Note(theme, "warning", "1 segment will be skipped", "It is over the limit.", primary="Split")
    hosted(qtbot, note)
    assert note.accessibleName() == "1 segment will be skipped It is over the limit."
    with qtbot.waitSignal(note.primary_clicked):
        note.primary.click()
    note.set_note("success", "Done")
    assert not note.primary.isVisible()


def test_menu_runs_what_is_chosen_and_shows_why_not(theme: Theme, qtbot: QtBot) -> None:
    menu = Menu(theme, "Add")
    qtbot.addWidget(menu)
    done: list[str] = []
    action = menu.add("Segment export", lambda: done.append("segment"), icon="users-three", shortcut="Ctrl+N")
    off = menu.add("Edit", enabled=False, reason="Choose one export first.")
    action.trigger()
    assert done == ["segment"]
    assert off.toolTip() == "Choose one export first."
    assert menu.sizeHint().width() >= 180
    assert not menu.grab().isNull()


def test_the_skeleton_of_a_page_keeps_the_margins_and_offers_nothing_it_cannot_do(theme: Theme, qtbot: QtBot) -> None:
    slot = PageSlot(theme, "Exports")
    hosted(qtbot, slot)
    qtbot.waitUntil(lambda: bool(slot.findChildren(Loading)))
    [loading] = slot.findChildren(Loading)
    qtbot.waitUntil(lambda: loading.mapTo(slot, loading.rect().topLeft()).x() == 24)
    loading._foot.show()
    assert not loading._cancel.isVisible()


@pytest.mark.parametrize(("height", "number_shown"), [(40, False), (44, True), (52, True)])
def test_a_count_that_runs_has_one_line_in_a_row_of_one(theme: Theme, height: int, *, number_shown: bool) -> None:
    image = QImage(200, height, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    paint_number(painter, theme, Spot(image.rect(), True, True, False), NumberCell("88,888", counting="counting"))
    painter.end()
    top = {image.pixelColor(x, y).name() for x in range(200) for y in range(height // 3)}
    assert (top != {"#ffffff"}) is number_shown


def test_what_loads_stands_at_the_top_of_a_page_with_its_margins(theme: Theme, qtbot: QtBot) -> None:
    loading = Loading(theme, "Reading the receipt", rows=8, cancellable=False)
    page = inset(loading)
    hosted(qtbot, page)
    qtbot.waitUntil(lambda: loading.x() == 24)
    assert loading.y() == 16


def test_chips_give_up_their_counts_before_their_words_are_cut(theme: Theme, qtbot: QtBot) -> None:
    bar = ChipBar(theme, "Changes", [Choice(str(at), f"Changed {at}", "9,600,000") for at in range(5)])
    host = QWidget()
    qtbot.addWidget(host)
    host.setLayout(row(bar, None))
    chip = bar._chips()[0]
    for width, counts, tip in ((900, True, ""), (600, False, "Changed 0, 9,600,000"), (900, True, "")):
        host.resize(width, 40)
        host.show()
        qtbot.waitUntil(lambda counts=counts: chip.width() == chip.width_with(count=counts))
        assert chip.toolTip() == tip
        assert bar._chips()[-1].geometry().right() <= bar.width()
        assert bar.geometry().right() <= host.width()
