"""Exports without any: three steps that tick themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Area, Label, row
from app.ui.widgets.marks import Pill
from app.ui.widgets.step_number import StepNumber, StepState

CARD_WIDTH, CARD_HEIGHT = 280, 216


@dataclass(frozen=True)
class Readiness:
    """How far a workspace is: its tables and customers, its connections, and whether the person may add one."""

    tables: int = 0
    customers: int = 0
    connections: int = 0
    may_connect: bool = True


class Picture(QWidget):
    """Rows of customers, the product's mark, three destinations."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(254, 104)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture."""
        painter, theme = QPainter(self), self._theme
        paint.box(painter, QRectF(1, 16, 107, 72), 8, fill=theme.color("surface"), edge=theme.color("border"))
        for number, width in enumerate((62, 48, 56, 40)):
            top = 29 + number * 13
            fill = "bar" if number < 3 else "track"
            paint.box(painter, QRectF(13, top, 10, 6), 3, fill=theme.color(fill))
            paint.box(painter, QRectF(29, top, width, 6), 3, fill=theme.color("track"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("control"), 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(110, 52, 124, 52)
        for top in (16, 52, 88):
            path = QPainterPath(QPointF(160, 52))
            path.cubicTo(QPointF(190, 52), QPointF(185, top), QPointF(220, top))
            painter.drawPath(path)
        paint.box(painter, QRectF(125, 36, 32, 32), 16, fill=theme.color("accent"))
        paint.icon(painter, theme, QRect(133, 44, 16, 16), "paper-plane-tilt-fill", "on_accent")
        for top, letters, color in ((2, "Mc", "#FFE01B"), (38, "Sf", "#5B6470"), (74, "Lf", "#7A5A2F")):
            paint.badge(painter, theme, QRect(225, top, 28, 28), letters, color)


class StepCard(QWidget):
    """One step with its sentence and its button."""

    def __init__(self, theme: Theme, number: int, title: str, action: str, icon: str) -> None:
        super().__init__()
        self._theme = theme
        self._state: StepState = "waiting"
        self._number = StepNumber(theme, number)
        self._done = Pill(theme, self.tr("Done"), "success")
        self._sentence = Label(theme, "", "body", "text2", wrap=True)
        self.button = Button(theme, action, icon=icon)
        self.setAccessibleName(title)
        self.setFixedHeight(CARD_HEIGHT)
        self.setMinimumWidth(240)
        self.setMaximumWidth(CARD_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 20)
        layout.setSpacing(0)
        layout.addLayout(row(self._number, None, self._done))
        layout.addSpacing(12)
        layout.addWidget(Label(theme, title, "subtitle"))
        layout.addSpacing(6)
        layout.addWidget(self._sentence)
        layout.addStretch(1)
        layout.addLayout(row(self.button, None))

    def set_step(
        self, state: StepState, sentence: str, action: str, kind: str, *, icon: str = "", enabled: bool = True
    ) -> None:
        """Show "done", "current" or "waiting"."""
        self._state = state
        self._number.set_state(state)
        self._done.setVisible(state == "done")
        self._sentence.set_words(sentence)
        self.setAccessibleDescription(sentence)
        self.button.set_words(action)
        self.button.set_icon_name(icon)
        self.button.set_kind("link" if kind == "link" else "primary" if kind == "primary" else "secondary")
        self.button.setEnabled(enabled)
        self.update()

    def sizeHint(self) -> QSize:
        """As in the design."""
        return QSize(CARD_WIDTH, CARD_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card; the current one has the accent edge."""
        edge = "accent" if self._state == "current" else "line"
        paint.box(QPainter(self), self.rect(), 8, fill=self._theme.color("surface"), edge=self._theme.color(edge))


class EmptyExports(Area):
    """Signals: `tables_asked()`, `connection_asked()`, `export_asked()`, `import_asked()`, `admin_text_asked()`."""

    tables_asked = Signal()
    connection_asked = Signal()
    export_asked = Signal()
    import_asked = Signal()
    admin_text_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats) -> None:
        super().__init__(theme, "subtle")
        self._formats = formats
        self._readiness = Readiness()
        self.setAccessibleName(self.tr("Nothing to send yet"))
        self.steps = (
            StepCard(theme, 1, self.tr("Bring in your customers"), self.tr("Add tables"), "plus-bold"),
            StepCard(theme, 2, self.tr("Connect a destination"), self.tr("Add connection"), "plus-bold"),
            StepCard(theme, 3, self.tr("Create your first export"), self.tr("Add export"), "plus-bold"),
        )
        actions: tuple[Callable[[], None], ...] = (
            self.tables_asked.emit,
            self._on_connect_clicked,
            self.export_asked.emit,
        )
        for step, action in zip(self.steps, actions, strict=True):
            step.button.clicked.connect(lambda _checked=False, do=action: do())
        self._import = Button(theme, self.tr("Import exports from a file"), "link")
        self._import.clicked.connect(self.import_asked)
        self._assemble(theme)
        self.set_readiness(Readiness())

    def _assemble(self, theme: Theme) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.addStretch(2)
        layout.addLayout(row(None, Picture(theme), None))
        layout.addSpacing(26)
        layout.addLayout(row(None, Label(theme, self.tr("Nothing to send yet"), "page"), None))
        layout.addLayout(
            row(
                None,
                Label(
                    theme,
                    self.tr(
                        "An export sends segments or tables to another app and keeps it up to date. Three steps and you’re running."
                    ),
                    ink="text2",
                ),
                None,
            )
        )
        layout.addSpacing(24)
        cards = QHBoxLayout()
        cards.setSpacing(16)
        cards.addStretch(1)
        for step in self.steps:
            cards.addWidget(step, 100)
        cards.addStretch(1)
        layout.addLayout(cards)
        layout.addSpacing(26)
        layout.addLayout(row(None, self._import, None))
        layout.addStretch(3)

    def set_readiness(self, readiness: Readiness) -> None:
        """Tick what is done."""
        self._readiness = readiness
        done = (readiness.tables > 0, readiness.connections > 0, False)
        current = done.index(False)
        states: list[StepState] = [
            "done" if flag else "current" if at == current else "waiting" for at, flag in enumerate(done)
        ]
        kinds = ["link" if s == "done" else "primary" if s == "current" else "secondary" for s in states]
        self._set_first(states[0], kinds[0])
        self._set_second(states[1], kinds[1])
        self.steps[2].set_step(
            states[2],
            self.tr("Choose segments or whole tables, match fields, and review before anything is sent."),
            self.tr("Add export"),
            kinds[2],
            icon="plus-bold",
            enabled=states[2] == "current",
        )

    def _set_first(self, state: StepState, kind: str) -> None:
        if state == "done":
            sentence = self.tr("{customers} customers in {tables} are ready in this workspace.").format(
                customers=self._formats.number(self._readiness.customers),
                tables=self._formats.counted(self._readiness.tables, "tables"),
            )
            self.steps[0].set_step(state, sentence, self.tr("View tables"), kind)
        else:
            sentence = self.tr("Add files with customers, orders and events. They stay on this computer.")
            self.steps[0].set_step(state, sentence, self.tr("Add tables"), kind, icon="plus-bold")

    def _set_second(self, state: StepState, kind: str) -> None:
        if state == "done":
            sentence = self.tr("{connections} ready.").format(
                connections=self._formats.counted(self._readiness.connections, "connections")
            )
            self.steps[1].set_step(state, sentence, self.tr("View connections"), kind)
            return
        sentence = self.tr("Sign in once. The secret stays in this computer’s keyring, never in a file.")
        if self._readiness.may_connect:
            self.steps[1].set_step(state, sentence, self.tr("Add connection"), kind, icon="plus-bold")
        else:
            asking = self.tr("An admin connects a destination once; then everyone can build exports on it.")
            self.steps[1].set_step(state, asking, self.tr("Ask an admin"), kind, icon="copy")

    def admin_text(self) -> str:
        """Return the text to send to an admin."""
        return self.tr(
            "Could you add a connection in our Sendoff workspace? Connections > Add connection, then share it with contributors."
        )

    def _on_connect_clicked(self) -> None:
        if self._readiness.may_connect or self._readiness.connections:
            self.connection_asked.emit()
        else:
            self.admin_text_asked.emit()
