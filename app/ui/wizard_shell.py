"""The frame of both wizards: rail with steps, title, content, side panel, footer with the reason that blocks.

A step is a plain widget that fulfils `WizardStep`; the shell alone enables Back, Save and Continue, so no step can forget
why it blocks. Steps keep the draft; the shell keeps none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.labels import Area, Label, Line
from app.ui.widgets.scroll import Scroll
from app.ui.wizard_rail import Rail, StepState

WIDE_FROM = 1200
_UNLIMITED = 16_777_215
"""Qt's own largest width."""


class WizardStep(Protocol):
    """What a step widget answers; it is a QWidget with these members.

    `changed` is a `Signal()` emitted after every change of the draft: the shell then asks everything again.
    """

    changed: SignalInstance

    def title(self) -> str:
        """Short name in the rail, e.g. "Segments"."""
        ...

    def heading(self) -> str:
        """Title of the page, e.g. "Choose segments"."""
        ...

    def sentence(self) -> str:
        """One sentence under the heading."""
        ...

    def summary(self) -> str:
        """One line in the rail that follows the choices."""
        ...

    def issues(self) -> list[str]:
        """Reasons, in sentences, that block Continue; empty when nothing does."""
        ...

    def side_panel(self) -> QWidget | None:
        """The panel at the right (made once), or None."""
        ...

    def panel_number(self) -> str:
        """The panel's main number in words, shown when the panel is folded: "89,604 unique members will be sent"."""
        ...

    def takes(self) -> str:
        """What finishing here takes, shown beside the buttons when nothing blocks: "Takes about 8 min"; may be empty."""
        ...

    def entered(self) -> None:
        """Called when the step comes to the front."""
        ...


class WizardShell(QWidget):
    """The frame around the steps; give it to `MainWindow.show_full`.

    Signals:
        cancelled: Cancel, the close button or Esc; the owner asks Keep draft / Discard / Go on editing.
        saved: the second button (Save), on the last step only when `save_text` is given.
        finished: the primary button on the last step.
        step_changed(int): another step came to the front.

    Args:
        theme: the theme.
        steps: the step widgets, in order; the shell becomes their parent.
        finish_text: words of the primary button on the last step, e.g. "Save and run".
        save_text: words of the Save button on the last step; empty for none.
        panel_width: width of the side panel, 316 to 420.
        name: accessible name: what the wizard makes.
    """

    cancelled = Signal()
    saved = Signal()
    finished = Signal()
    step_changed = Signal(int)

    def __init__(
        self,
        theme: Theme,
        steps: Sequence[QWidget],
        *,
        name: str,
        finish_text: str,
        save_text: str = "",
        panel_width: int = 316,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._steps = list(steps)
        self._at = 0
        self._reached = 0
        self._busy = ""
        self._finish_text = finish_text
        self._panel_open = False
        self._has_panel = False
        self._panel_width = panel_width
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._rail = Rail(theme, len(self._steps))
        self._build_head()
        self._stack = QStackedWidget()
        self._panel = QStackedWidget()
        self._scrolls: dict[QWidget, Scroll] = {}
        self._build_panel()
        self._fold = self._build_fold()
        self._footer = self._build_footer(save_text)
        self._assemble()
        for number, step in enumerate(self._steps):
            self._stack.addWidget(step)
            step.changed.connect(self._refresh)
            self._rail.buttons[number].clicked.connect(lambda _checked=False, at=number: self._on_step_clicked(at))
        self._add_shortcuts()
        self.go_to(0)

    # For the owner

    def set_identity(self, name: str, kind: str, badge: tuple[str, str, str] | None = None) -> None:
        """Show the export in the rail: name, kind, and the destination's (letters, "#RRGGBB", name)."""
        self._rail.name.set_words(name)
        self._rail.kind.set_words(kind)
        self._rail.badge.setVisible(badge is not None)
        if badge is not None:
            self._rail.badge.set_badge(*badge)

    def set_draft_words(self, words: str) -> None:
        """Show when the draft was saved, e.g. "Draft saved 06:01"."""
        self._draft.set_words(words)

    def set_busy(self, words: str = "") -> None:
        """Turn a spinner in the primary button and block it, saying why; empty ends it."""
        self._busy = words
        self.primary.set_busy(bool(words))
        self._refresh()

    def step(self) -> int:
        """Return the number of the step in front, from 0."""
        return self._at

    def set_reached(self, number: int) -> None:
        """Allow jumping as far as this step, e.g. when an existing export is edited."""
        self._reached = max(self._reached, min(number, len(self._steps) - 1))
        self._refresh()

    def go_to(self, number: int) -> None:
        """Bring a step to the front."""
        changed = number != self._at
        self._at = number
        self._reached = max(self._reached, number)
        step = self._steps[number]
        self._stack.setCurrentWidget(step)
        self._show_panel(step)
        step.entered()
        self._refresh()
        if changed:
            self.step_changed.emit(number)

    def go_on(self) -> None:
        """Continue, or finish on the last step; nothing when something blocks (Ctrl+Enter)."""
        if not self.primary.isEnabled():
            return
        if self._at == len(self._steps) - 1:
            self.finished.emit()
        else:
            self.go_to(self._at + 1)

    def go_back(self) -> None:
        """Back one step (Alt+Left)."""
        if self._at > 0:
            self.go_to(self._at - 1)

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold rail and panel below 1200 px."""
        super().resizeEvent(event)
        self._arrange()

    def sizeHint(self) -> QSize:
        """Room for everything."""
        return QSize(1360, 860)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill the page."""
        QPainter(self).fillRect(self.rect(), self._theme.color("surface"))

    # Building

    def _build_head(self) -> None:
        self._where = Label(self._theme, "", "caption-medium", "accent_text")
        self._heading = Label(self._theme, "", "page")
        self._sentence = Label(self._theme, "", "body", "text2")
        self._close = IconButton(self._theme, "x", self.tr("Close the wizard"))
        self._close.clicked.connect(self.cancelled)

    def _build_panel(self) -> None:
        self._panel_area = Area(self._theme, "subtle", "l")
        layout = QHBoxLayout(self._panel_area)
        layout.setContentsMargins(1, 0, 0, 0)
        layout.addWidget(self._panel)

    def _build_fold(self) -> QWidget:
        bar = Area(self._theme, "subtle", "t")
        self._fold_number = Label(self._theme, "", "body-strong")
        self._fold_button = Button(self._theme, "", "link", trailing="caret-up")
        self._fold_button.clicked.connect(self._on_fold_clicked)
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(28, 6, 28, 6)
        layout.addWidget(self._fold_number)
        layout.addStretch(1)
        layout.addWidget(self._fold_button)
        return bar

    def _build_footer(self, save_text: str) -> QWidget:
        footer = Area(self._theme, "surface", "t")
        footer.setFixedHeight(57)
        self._cancel = Button(self._theme, self.tr("Cancel"), "ghost")
        self._draft = Label(self._theme, "", "caption", "text2")
        self._reason = Label(self._theme, "", "caption", "text2")
        self._back = Button(self._theme, self.tr("Back"), icon="arrow-left")
        self.save = Button(self._theme, save_text)
        self.primary = Button(self._theme, self.tr("Continue"), "primary", trailing="arrow-right")
        self._cancel.clicked.connect(self.cancelled)
        self._back.clicked.connect(self.go_back)
        self.save.clicked.connect(self.saved)
        self.primary.clicked.connect(self.go_on)
        layout = QHBoxLayout(footer)
        layout.setContentsMargins(16, 1, 24, 0)
        layout.setSpacing(12)
        layout.addWidget(self._cancel)
        layout.addWidget(self._draft)
        layout.addStretch(1)
        layout.addWidget(self._reason)
        layout.addWidget(self._back)
        layout.addWidget(self.save)
        layout.addWidget(self.primary)
        return footer

    def _assemble(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._where)
        words.addWidget(self._heading)
        words.addWidget(self._sentence)
        head = QHBoxLayout()
        head.setContentsMargins(28, 20, 24, 16)
        head.addLayout(words, 1)
        head.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._stack, 1)
        middle.addWidget(self._panel_area)
        self._middle = middle
        page = QVBoxLayout()
        page.setSpacing(0)
        page.addLayout(head)
        page.addWidget(Line(self._theme))
        page.addLayout(middle, 1)
        page.addWidget(self._fold)
        page.addWidget(self._footer)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addLayout(page, 1)

    def _add_shortcuts(self) -> None:
        for keys, slot in (
            ("Ctrl+Return", self.go_on),
            ("Ctrl+Enter", self.go_on),
            ("Alt+Left", self.go_back),
            ("Esc", self.cancelled.emit),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)

    # State

    def _show_panel(self, step: QWidget) -> None:
        panel = step.side_panel()
        if panel is not None:
            if panel not in self._scrolls:  # each scrolls by itself: a long panel gives a short one no scroll bar
                self._scrolls[panel] = Scroll(panel)
                self._panel.addWidget(self._scrolls[panel])
            self._panel.setCurrentWidget(self._scrolls[panel])
        self._has_panel = panel is not None
        self._panel_open = False
        self._arrange()

    def _is_narrow(self) -> bool:
        return self.width() < WIDE_FROM

    def _arrange(self) -> None:
        narrow = self._is_narrow()
        self._rail.setVisible(not narrow)
        self._where.setVisible(narrow)
        self._panel_area.setVisible(self._has_panel and (not narrow or self._panel_open))
        self._stack.setVisible(not (narrow and self._has_panel and self._panel_open))
        self._fold.setVisible(self._has_panel and narrow)
        whole = narrow and self._panel_open
        self._panel.setMinimumWidth(0 if whole else self._panel_width)
        self._panel.setMaximumWidth(_UNLIMITED if whole else self._panel_width)
        words = self.tr("Back to the step") if self._panel_open else self.tr("Show the details")
        self._fold_button.set_words(words)

    def _refresh(self) -> None:
        step = self._steps[self._at]
        count = len(self._steps)
        last = self._at == count - 1
        for number, (button, other) in enumerate(zip(self._rail.buttons, self._steps, strict=True)):
            state: StepState = "current" if number == self._at else "done" if self._can_jump(number) else "todo"
            button.set_step(other.title(), other.summary(), state)
        place = self.tr("Step {number} of {count}").format(number=self._at + 1, count=count)
        self._rail.progress_words.set_words(place)
        self._rail.progress.set_share((self._at + 1) / count)
        where = self.tr("Step {number} of {count}: {title}")
        self._where.set_words(where.format(number=self._at + 1, count=count, title=step.title()))
        self._heading.set_words(step.heading())
        self._sentence.set_words(step.sentence())
        issues = step.issues()
        reason = self._busy or (issues[0] if issues else "")
        words = reason or step.takes()
        self._reason.set_words(words)
        self._reason.setVisible(bool(words))
        self.primary.set_words(self._finish_text if last else self.tr("Continue"))
        if not self._busy:
            self.primary.setEnabled(not issues)
        self.primary.setAccessibleDescription(reason)
        self.save.setVisible(last and bool(self.save.text()))
        self.save.setEnabled(not issues and not self._busy)
        self._back.setVisible(self._at > 0)
        if self._has_panel:
            self._fold_number.set_words(step.panel_number())

    def _can_jump(self, number: int) -> bool:
        """Back always; forward only over steps that block nothing, and not further than before."""
        return number < self._at or (
            number <= self._reached and not any(s.issues() for s in self._steps[self._at : number])
        )

    def _on_step_clicked(self, at: int) -> None:
        if self._rail.buttons[at].is_done():
            self.go_to(at)

    def _on_fold_clicked(self) -> None:
        self._panel_open = not self._panel_open
        self._arrange()
