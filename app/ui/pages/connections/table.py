"""The table of connections: what each is, who can use it, how it is, and one action."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QPoint, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.core.connections import HealthState
from app.ui.formats import NOTHING, Formats
from app.ui.pages.connections.words import ConnectionLine, access_words, health_words, signs_in_with
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.columns import ActionCell, BadgeCell, Column, StatusCell, TextCell
from app.ui.widgets.labels import Line, row
from app.ui.widgets.table import ROW, DataTable

FEW = 6
NARROW = 1140
URGENCY = (
    HealthState.SIGN_IN_EXPIRED,
    HealthState.FAILED,
    HealthState.SECRET_MISSING,
    HealthState.NOT_TESTED,
    HealthState.HEALTHY,
)


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("ConnectionTable", text)


class ConnectionTable(QWidget):
    """Connections by name; the first six until *Show more* is clicked or something is searched.

    Signals: `action_asked(name)` for the one action at the right, `menu_asked(name, place)`, `opened(name)`.
    """

    action_asked = Signal(str)
    menu_asked = Signal(str, QPoint)
    opened = Signal(str)
    counts_changed = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._all = False
        self._words = ""
        self.rows = DataTable(
            theme, self.tr("Connections"), self._columns(), row_height=ROW, multiple=False, keep_order=True
        )
        self.rows.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.more = Button(theme, "", "link", trailing="caret-down")
        self._more_row = QWidget()
        self._more_row.setLayout(row(self.more, None, margins=(22, 0, 24, 0)))
        self._more_row.setFixedHeight(36)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rows)
        layout.addWidget(self._more_row)
        layout.addWidget(Line(theme))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.more.clicked.connect(self._on_more_clicked)
        self.rows.cell_action.connect(lambda name, _column: self.action_asked.emit(name))
        self.rows.menu_asked.connect(self.menu_asked)
        self.rows.activated_key.connect(self.opened)
        self._fit()

    def set_lines(self, lines: Iterable[ConnectionLine]) -> None:
        """Show these connections."""
        self.rows.set_rows(lines)
        self._fit()

    def set_words(self, words: str) -> None:
        """Keep the connections that hold every word."""
        self._words = words
        self.rows.set_filter_words(words)
        self._fit()

    def shown(self) -> int:
        """How many pass the search."""
        return len(self.rows.visible_keys())

    def select(self, name: str) -> None:
        """Choose a connection, and show it when it is folded away."""
        keys = self.rows.visible_keys()
        if name in keys:
            if keys.index(name) >= FEW:
                self._all = True
            self._fit()
            self.rows.select_keys([name])

    def set_narrow(self, *, narrow: bool) -> None:
        """Leave out what matters least on a small window."""
        for key in ("signs_in_with", "created"):
            self.rows.set_column_visible(key, not narrow)

    def _fit(self) -> None:
        number = self.shown()
        folded = number > FEW and not self._all and not self._words
        lines = FEW if folded else number
        self.rows.set_height_in_rows(lines)
        self._more_row.setVisible(number > FEW and not self._words)
        rest = number - FEW
        if not folded:
            self.more.set_words(self.tr("Show fewer"))
        elif rest == 1:
            self.more.set_words(self.tr("Show 1 more connection"))
        else:
            self.more.set_words(self.tr("Show {n} more connections").format(n=self._formats.number(rest)))
        self.counts_changed.emit()

    def _on_more_clicked(self) -> None:
        self._all = not self._all
        self._fit()

    def _columns(self) -> list[Column[ConnectionLine]]:
        return [
            Column(
                "name",
                tr("Name"),
                lambda r: TextCell(r.key, role="body-medium"),
                sort=lambda r: r.key.casefold(),
                width=190,
                stretch=True,
                hideable=False,
            ),
            Column(
                "destination",
                tr("Destination"),
                lambda r: BadgeCell(r.description.badge.letters, r.description.badge.colour, r.description.name),
                sort=lambda r: r.description.name.casefold(),
                width=150,
            ),
            Column(
                "signs_in_with",
                tr("Signs in with"),
                lambda r: TextCell(signs_in_with(r), ink="text2"),
                sort=lambda r: signs_in_with(r).casefold(),
                width=150,
            ),
            Column(
                "created",
                tr("Created"),
                lambda r: TextCell(self._formats.full_date(r.connection.created_at), ink="text2"),
                sort=lambda r: r.connection.created_at.timestamp(),
                tooltip=self._created_tooltip,
                width=116,
            ),
            Column("access", tr("Can use it"), self._access_cell, sort=lambda r: r.connection.access.value, width=122),
            Column(
                "used",
                tr("Used by"),
                self._used_cell,
                sort=lambda r: len(r.used_by),
                tooltip=lambda r: "\n".join(r.used_by),
                width=96,
            ),
            Column(
                "health",
                tr("Health"),
                self._health_cell,
                sort=lambda r: URGENCY.index(r.state),
                tooltip=self._health_tooltip,
                width=168,
            ),
            Column("action", "", self._action_cell, align="right", width=152, menu=True, hideable=False),
        ]

    def _created_tooltip(self, line: ConnectionLine) -> str:
        words = tr("Made by {person}, {when}")
        when = self._formats.exact(line.connection.created_at)
        return words.format(person=line.connection.created_by, when=when)

    def _access_cell(self, line: ConnectionLine) -> TextCell:
        icon, word = access_words(line.connection.access)
        return TextCell(word, ink="text2", icon=icon)

    def _used_cell(self, line: ConnectionLine) -> TextCell:
        number = len(line.used_by)
        return TextCell(self._formats.counted(number, "exports") if number else NOTHING, ink="text2")

    def _health_cell(self, line: ConnectionLine) -> StatusCell:
        if line.testing:
            return StatusCell("", "bar", tr("Testing…"), running=True)
        words = health_words(line, self._formats)
        return StatusCell(words.icon, words.role, words.word, words.detail, ink=words.ink)

    def _health_tooltip(self, line: ConnectionLine) -> str:
        health = line.connection.health
        when = self._formats.exact(health.tested_at) if health.tested_at is not None else ""
        return "\n".join(part for part in (health.sentence, when) if part)

    def _action_cell(self, line: ConnectionLine) -> ActionCell | TextCell:
        if not line.may_change:
            return TextCell("")
        if line.testing:
            return ActionCell(tr("Cancel"))
        return ActionCell(health_words(line, self._formats).action)
