"""Every control of the kit in its states on one page, to look at and to photograph.

python -m app.ui.gallery FOLDER     writes 13-components-light.png and 13-components-dark.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.bars import LimitBar
from app.ui.widgets.buttons import Button, Kind
from app.ui.widgets.checks import CheckBox, Radio, Toggle
from app.ui.widgets.choice import ChipBar, Choice, Segmented
from app.ui.widgets.fields import TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import Area, Card, IconLabel, Label, Line, column, row
from app.ui.widgets.marks import Badge, Pill, StatusLine
from app.ui.widgets.notes import Note
from app.ui.widgets.secret_field import SecretField
from app.ui.widgets.select import Select
from app.ui.widgets.states import Loading

SIZE = (1360, 860)


class _Plate(QWidget):
    """A raised plate with a popup's shadow, to show menu, palette and toast in place."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(17, 1, 17, 16)
        self.body.setSpacing(0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        plate = QRectF(self.rect()).adjusted(16, 0, -16, -14)
        paint.shadow(painter, plate, 8, blur=16, offset=4, opacity=0.12)
        paint.box(painter, plate, 8, fill=self._theme.color("raised"), edge=self._theme.color("border"))


class Gallery(Area):
    """The page of picture `13-components`."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "subtle")
        self._theme = theme
        self.setFixedSize(*SIZE)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(24, 20, 24, 0)
        columns.setSpacing(16)
        for cards in (
            (self._buttons(), self._chips(), self._status(), self._limits()),
            (self._fields(), self._choices(), self._notes()),
            (self._search(), self._menu(), self._toast(), self._loading()),
        ):
            side = QWidget()
            side.setFixedWidth(427 if cards[0].layout().count() else 426)
            stack = QVBoxLayout(side)
            stack.setContentsMargins(0, 0, 0, 0)
            stack.setSpacing(16)
            for card in cards:
                stack.addWidget(card)
            stack.addStretch(1)
            columns.addWidget(side)

    def _buttons(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Buttons"))
        card.body.setSpacing(8)
        kinds: tuple[Kind, ...] = ("primary", "secondary", "ghost")
        for kind in kinds:
            line = QHBoxLayout()
            line.setSpacing(8)
            for words, state in (
                (self.tr("Rest"), ""),
                (self.tr("Hover"), "hover"),
                (self.tr("Focus"), "focus"),
                (self.tr("Disabled"), "off"),
            ):
                button = Button(theme, words, kind)
                button.setFixedWidth(88)
                button.setEnabled(state != "off")
                if state not in ("", "off"):
                    button.show_state(state)
                line.addWidget(button)
            line.addStretch(1)
            card.body.addLayout(line)
        remove = Button(theme, self.tr("Remove"), "danger", icon="trash")
        add = Button(theme, self.tr("Add export"), "primary", icon="plus-bold", trailing="caret-down")
        log = Button(theme, self.tr("Open log"), "link", trailing="arrow-right")
        card.body.addLayout(row(remove, add, log, None, spacing=12))
        return card

    def _chips(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Chips and pills"))
        card.body.setSpacing(8)
        chips = ChipBar(
            theme,
            self.tr("Filter"),
            [
                Choice("all", self.tr("All"), "11"),
                Choice("running", self.tr("Running"), "1", dot="bar"),
                Choice("attention", self.tr("Needs attention"), "4", dot="danger_fill"),
            ],
        )
        card.body.addWidget(chips)
        pills = [
            Pill(theme, self.tr("Exact"), "success", icon="check"),
            Pill(theme, self.tr("Check this"), "warning", icon="question"),
            Pill(theme, self.tr("Required"), "danger", icon="warning-circle"),
            Pill(theme, self.tr("Admin"), "accent"),
        ]
        card.body.addLayout(row(*pills, None, spacing=9))
        return card

    def _status(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Status"))
        grid = QGridLayout()
        grid.setVerticalSpacing(8)
        grid.setHorizontalSpacing(0)
        grid.setColumnMinimumWidth(0, 200)
        grid.setColumnStretch(1, 1)
        lines = [
            StatusLine(theme, self.tr("Successful"), "check-circle-fill", "success"),
            StatusLine(theme, self.tr("Running"), running=True),
            StatusLine(theme, self.tr("Completed with rejects"), "warning-fill", "warning"),
            StatusLine(theme, self.tr("Failed"), "x-circle-fill", "danger"),
            StatusLine(theme, self.tr("Skipped – too large"), "prohibit-bold", "warning"),
            StatusLine(theme, self.tr("Queued"), "clock", "text2", ink="text2"),
            StatusLine(theme, self.tr("No connection"), "link-break", "text2", ink="text2"),
            StatusLine(theme, self.tr("Cancelled"), "minus-circle", "text2"),
        ]
        for i, line in enumerate(lines):
            grid.addWidget(line, i // 2, i % 2)
        card.body.addLayout(grid)
        return card

    def _limits(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Limit bar"))
        card.body.setSpacing(8)
        for words, share, sentence in (
            ("89,604", 0.0896, self.tr("9% of the limit")),
            ("874,120", 0.874, self.tr("Above 80% of the limit")),
            ("1,204,331", 1.2, self.tr("Over the limit: will be skipped")),
        ):
            bar = LimitBar(theme, self.tr("Members"))
            bar.set_count(words, share)
            card.body.addLayout(row(bar, Label(theme, sentence, "body", "text2"), None, spacing=20))
        return card

    def _fields(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Fields"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        name = TextField(theme, value="Mailchimp EU")
        self.focused = TextField(theme, value="Mailchimp")
        self.focused.setFocusProxy(self.focused.input)
        select = Select(theme, self.tr("Select"), [Choice("email", "Customer.EmailPrimary")])
        off = TextField(theme, placeholder=self.tr("Not available"))
        off.input.setEnabled(False)
        secret = SecretField(theme, self.tr("API key"), placeholder=self.tr("Paste the key"))
        secret.set_error(self.tr("28 characters; Mailchimp keys have 36. Copy it again."))
        for i, (words, control) in enumerate(
            (
                (self.tr("Display name"), name),
                (self.tr("Focused"), self.focused),
                (self.tr("Select"), select),
                (self.tr("Disabled"), off),
            )
        ):
            form = Form(theme)
            form.add_row(words, control)
            grid.addWidget(form, i // 2, i % 2)
        form = Form(theme)
        form.add_row(self.tr("API key"), secret)
        grid.addWidget(form, 2, 0, 1, 2)
        card.body.addLayout(grid)
        return card

    def _choices(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Choice"))
        card.body.setSpacing(4)
        chosen = CheckBox(theme, self.tr("Selected"))
        chosen.setChecked(True)
        some = CheckBox(theme, self.tr("Some"))
        some.setTristate(True)
        some.setCheckState(Qt.CheckState.PartiallyChecked)
        off = CheckBox(theme, self.tr("Off"))
        disabled = CheckBox(theme, self.tr("Disabled"))
        disabled.setEnabled(False)
        card.body.addLayout(row(chosen, some, off, disabled, None, spacing=16))
        on = Radio(theme, self.tr("Chosen"))
        on.setChecked(True)
        toggle = Toggle(theme, name=self.tr("On"))
        toggle.setChecked(True)
        marks = row(
            on, Radio(theme, self.tr("Not chosen")), toggle, Toggle(theme, name=self.tr("Off")), None, spacing=12
        )
        card.body.addLayout(marks)
        card.body.addSpacing(4)
        operators = [
            Choice("union", self.tr("Union")),
            Choice("intersect", self.tr("Intersect")),
            Choice("except", self.tr("Except")),
        ]
        card.body.addWidget(Segmented(theme, self.tr("Set operator"), operators, "intersect"))
        return card

    def _notes(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Notes"))
        card.body.setSpacing(8)
        card.body.addWidget(Note(theme, "info", self.tr("Counts keep updating while you work")))
        card.body.addWidget(Note(theme, "success", self.tr("Connected to “Northwind US” in 0.8 s")))
        card.body.addWidget(
            Note(theme, "warning", self.tr("1 segment will be skipped"), self.tr("All contactable is over the limit."))
        )
        card.body.addWidget(
            Note(
                theme,
                "danger",
                self.tr("Sign-in expired"),
                self.tr("Nothing was sent. Sign in again to continue."),
                primary=self.tr("Sign in again"),
            )
        )
        return card

    def _titled(self, title: str, plate: QWidget) -> QWidget:
        block = QWidget()
        stack = column(Label(self._theme, title, "subtitle"), plate, spacing=12)
        block.setLayout(stack)
        return block

    def _line(self, lead: QWidget, words: str, keys: str, fill: str = "", *, strong: bool = False) -> QWidget:
        line = _Filled(self._theme, fill)
        layout = QHBoxLayout(line)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(10)
        layout.addWidget(lead)
        layout.addWidget(Label(self._theme, words, "body-medium" if strong else "body"))
        layout.addStretch(1)
        layout.addWidget(Label(self._theme, keys, "caption", "text2"))
        return line

    def _search(self) -> QWidget:
        theme = self._theme
        plate = _Plate(theme)
        head = QWidget()
        head.setFixedHeight(43)
        top = QHBoxLayout(head)
        top.setContentsMargins(15, 0, 13, 0)
        top.setSpacing(10)
        top.addWidget(IconLabel(theme, "magnifying-glass"))
        top.addWidget(Label(theme, "run l"))
        top.addStretch(1)
        top.addWidget(Label(theme, self.tr("Esc"), "caption", "text2"))
        plate.body.addWidget(head)
        plate.body.addWidget(Line(theme))
        listed = QVBoxLayout()
        listed.setContentsMargins(5, 4, 5, 5)
        listed.setSpacing(0)
        groups = (
            Label(theme, self.tr("Exports"), "caption-medium", "text3"),
            self._line(
                Badge(theme, "in", "#0A66C2", "LinkedIn"), "Run Lapsed 90 days", "Enter", "selected", strong=True
            ),
            self._line(Badge(theme, "Ga", "#1A803B", "Google Ads"), "Open Loyalty lookalike", ""),
            Label(theme, self.tr("Actions"), "caption-medium", "text3"),
            self._line(IconLabel(theme, "fast-forward"), "Run all exports", "Ctrl Shift R"),
            self._line(IconLabel(theme, "clock-counter-clockwise"), "Go to Runs", "Ctrl 5"),
        )
        for part in groups:
            part.setFixedHeight(30 if isinstance(part, Label) else 36)
            if isinstance(part, Label):
                part.setContentsMargins(10, 0, 0, 0)
            listed.addWidget(part)
        plate.body.addLayout(listed)
        return self._titled(self.tr("Search everything"), plate)

    def _menu(self) -> QWidget:
        theme = self._theme
        plate = _Plate(theme)
        plate.body.setContentsMargins(22, 6, 22, 19)
        segment = self._line(IconLabel(theme, "users-three"), self.tr("Segment export"), "Ctrl N", "hover")
        plate.body.addWidget(segment)
        plate.body.addWidget(self._line(IconLabel(theme, "table"), self.tr("Data-out export"), "Ctrl Shift N"))
        plate.body.addSpacing(4)
        plate.body.addWidget(Line(theme))
        plate.body.addSpacing(4)
        plate.body.addWidget(self._line(IconLabel(theme, "upload-simple"), self.tr("Import from a file…"), ""))
        return self._titled(self.tr("Menu"), plate)

    def _toast(self) -> QWidget:
        theme = self._theme
        plate = _Plate(theme)
        plate.body.setContentsMargins(30, 9, 28, 24)
        undo = Button(theme, self.tr("Undo"), "link")
        close = Button(theme, "", "ghost", icon="x", small=True, name=self.tr("Close the message"))
        words = Label(theme, self.tr("Export removed"), "body-medium")
        plate.body.addLayout(row(IconLabel(theme, "check-circle-fill", "success"), words, None, undo, close))
        return self._titled(self.tr("Toast"), plate)

    def _loading(self) -> QWidget:
        theme = self._theme
        card = Card(theme, self.tr("Loading"))
        card.body.addWidget(Loading(theme, self.tr("Counting 3 of 8 segments"), at_once=True))
        return card


class _Filled(QWidget):
    """A line of a menu or palette, filled when it is the chosen one."""

    def __init__(self, theme: Theme, fill: str) -> None:
        super().__init__()
        self._theme = theme
        self._fill = fill
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._fill:
            paint.box(QPainter(self), self.rect(), 6, fill=self._theme.color(self._fill))


def photograph(folder: Path) -> list[Path]:
    """Write the page in both modes into `folder` and return the files."""
    app = QApplication.instance() or QApplication([])
    if not isinstance(app, QApplication):
        raise TypeError("The gallery needs a QApplication.")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    theme = Theme(app, "light")
    theme.apply()
    for mode in ("light", "dark"):
        theme.set_choice("light" if mode == "light" else "dark")
        page = Gallery(theme)
        page.show()
        page.focused.input.setFocus()
        for _ in range(3):  # nested layouts settle one level a round
            app.processEvents()
        path = folder / f"13-components-{mode}.png"
        page.grab().save(str(path))
        page.close()
        written.append(path)
    return written


if __name__ == "__main__":
    photograph(Path(sys.argv[1]))
