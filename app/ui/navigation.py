"""The navigation at the left: workspace, search, pages with counts, activity, engine and role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.marks import paint_pill, pill_width

WIDE, NARROW = 208, 56


class _NavButton(KeyboardFocus, QPushButton):
    """What all buttons of the navigation share: painted, wide or icon alone."""

    def __init__(self, theme: Theme, name: str, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.narrow = False
        self.setAccessibleName(name)
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_narrow(self, narrow: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Show the icon alone, with its words as tooltip."""
        self.narrow = narrow
        self.setToolTip(self.tip() if narrow else "")
        self.update()

    def tip(self) -> str:
        """Return the tooltip of the narrow form."""
        return self.accessibleName()

    def minimumSizeHint(self) -> QSize:
        """As narrow as the icon."""
        return QSize(40, self.height())

    def _ground(self, painter: QPainter) -> None:
        if self.underMouse():
            paint.box(painter, self.rect(), 6, fill=self._theme.color("hover"))

    def _ring(self, painter: QPainter) -> None:
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, self._theme, self.rect(), 6)


class WorkspaceButton(_NavButton):
    """Mark, name and audience type; opens the workspace switcher."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", 52, parent)
        self._name, self._kind = "", ""

    def set_workspace(self, name: str, kind: str) -> None:
        """Show another workspace."""
        self._name, self._kind = name, kind
        self.setAccessibleName(self.tr("Workspace {name}, {kind}").format(name=name, kind=kind))
        self.set_narrow(self.narrow)

    def tip(self) -> str:
        """Return the tooltip of the narrow form."""
        return f"{self._name} · {self._kind}"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the button."""
        painter = QPainter(self)
        theme = self._theme
        self._ground(painter)
        left = (self.width() - 32) // 2 if self.narrow else 8
        mark = QRect(left, (self.height() - 32) // 2, 32, 32)
        paint.box(painter, mark, 8, fill=theme.color("accent"))
        paint.icon(painter, theme, mark.adjusted(8, 8, -8, -8), "paper-plane-tilt-fill", "on_accent")
        if not self.narrow:
            room = self.width() - 50 - 20
            paint.text(painter, theme, QRect(50, 8, room, 20), self._name, role="body-strong")
            paint.text(painter, theme, QRect(50, 27, room + 2, 16), self._kind, role="caption", ink="text2")
            paint.icon(painter, theme, QRect(self.width() - 17, self.height() // 2 - 6, 12, 12), "caret-down", "text3")
        self._ring(painter)


class SearchButton(_NavButton):
    """Looks like a field, opens the palette."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", 32, parent)
        self._keys = QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText)
        self.setAccessibleName(self.tr("Search everything"))

    def tip(self) -> str:
        """Return the tooltip of the narrow form."""
        return f"{self.accessibleName()} ({self._keys})"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the button."""
        painter = QPainter(self)
        theme = self._theme
        if self.narrow:
            self._ground(painter)
            icon = QRect(0, 0, 16, 16)
            icon.moveCenter(self.rect().center())
            paint.icon(painter, theme, icon, "magnifying-glass")
            self._ring(painter)
            return
        fill = "hover" if self.underMouse() else "surface"
        paint.box(painter, self.rect(), 6, fill=theme.color(fill), edge=theme.color("border"))
        paint.icon(painter, theme, QRect(10, 8, 16, 16), "magnifying-glass")
        paint.text(painter, theme, self.rect().adjusted(32, 0, -60, 0), self.tr("Search"), ink="text2")
        hint = self._keys.replace("+", " ")
        width = theme.metrics("caption").horizontalAdvance(hint) + 12
        spot = QRect(self.width() - width - 7, 7, width, 18)
        paint.box(painter, spot, 4, fill=theme.color("neutral_subtle"))
        paint.text(painter, theme, spot, hint, role="caption", ink="text2", align=Qt.AlignmentFlag.AlignHCenter)
        self._ring(painter)


CountTone = Literal["plain", "accent", "danger"]


class NavItem(_NavButton):
    """A page: icon, words, count; the current one is raised with an accent mark."""

    def __init__(self, theme: Theme, title: str, icon: str, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, title, 36, parent)
        self._title, self._icon, self._keys = title, icon, keys
        self._count = ""
        self._tone: CountTone = "plain"
        self.setCheckable(True)

    def set_count(self, count: str, tone: CountTone = "plain") -> None:
        """Show a count in a tone."""
        self._count, self._tone = count, tone
        self.setAccessibleName(f"{self._title}, {count}" if count else self._title)
        self.set_narrow(self.narrow)

    def tip(self) -> str:
        """Return the tooltip of the narrow form."""
        words = f"{self._title} ({self._keys})" if self._keys else self._title
        return f"{words}: {self._count}" if self._count else words

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the button."""
        painter = QPainter(self)
        theme, on = self._theme, self.isChecked()
        if on:
            paint.box(painter, self.rect(), 6, fill=theme.color("surface"), edge=theme.color("line"))
            paint.box(painter, QRect(0, self.height() // 2 - 8, 3, 16), 1.5, fill=theme.color("accent"))
        else:
            self._ground(painter)
        role = "accent_text" if on else "text2"
        name = f"{self._icon}-fill" if on else self._icon
        left = (self.width() - 18) // 2 if self.narrow else 12
        paint.icon(painter, theme, QRect(left, (self.height() - 18) // 2, 18, 18), name, role)
        if self.narrow:
            if self._count and self._tone != "plain":
                dot = "danger_fill" if self._tone == "danger" else "bar"
                paint.box(painter, QRect(left + 16, self.height() // 2 - 13, 7, 7), 3.5, fill=theme.color(dot))
        else:
            ink = "text" if on else "text2"
            paint.text(painter, theme, self.rect().adjusted(40, 0, -44, 0), self._title, role="body-medium", ink=ink)
            tone = {"plain": "text2", "accent": "accent_text", "danger": "danger"}[self._tone]
            area = self.rect().adjusted(0, 0, -12, 0)
            right = Qt.AlignmentFlag.AlignRight
            paint.text(painter, theme, area, self._count, role="caption-medium", ink=tone, align=right)
        self._ring(painter)


class ActivityButton(_NavButton):
    """Exports running: spinner, words, percent, bar; or that nothing runs, where there is room to say so. Opens Runs."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", 52, parent)
        self._words, self._percent, self._share = "", "", 0.0
        self._idle = True
        self.hide()

    def set_narrow(self, narrow: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """As the others, but each run is told in the tooltip of either form."""
        super().set_narrow(narrow)
        self.setToolTip("" if self._idle else self.tip())
        self.setFixedHeight(40 if self._idle else 52)
        self.setVisible(bool(self._words) and not (self._idle and narrow))

    def tip(self) -> str:
        """Return a line on each run, or what is shown."""
        return self.accessibleDescription() or self.accessibleName()

    def set_activity(self, words: str, percent: str, share: float, detail: str) -> None:
        """Show running exports, a line on each in the tooltip; no words hide the block."""
        self._show(words, percent, share, detail, idle=False)
        if words:
            self._theme.motion.follow(self)

    def set_idle(self, words: str) -> None:
        """Say that nothing runs."""
        self._show(words, "", 0.0, "", idle=True)

    def _show(self, words: str, percent: str, share: float, detail: str, *, idle: bool) -> None:
        self._words, self._percent, self._share, self._idle = words, percent, share, idle
        self.setAccessibleName(f"{words}, {percent}" if percent else words)
        self.setAccessibleDescription(detail)
        self.set_narrow(self.narrow)
        self.update()

    def spin(self) -> bool:
        """Repaint the spinner (see `Motion`)."""
        if self._idle or not self.isVisible():
            return False
        self.update()
        return True

    def showEvent(self, event: QEvent) -> None:
        """Turn while visible."""
        super().showEvent(event)
        self._theme.motion.follow(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the button."""
        painter = QPainter(self)
        theme = self._theme
        self._ground(painter)
        if self._idle:
            paint.icon(painter, theme, QRect(8, 12, 16, 16), "check-circle")
            area = self.rect().adjusted(32, 0, -8, 0)
            paint.text(painter, theme, area, self._words, role="caption", ink="text2")
        elif self.narrow:
            spot = QRect(0, 0, 16, 16)
            spot.moveCenter(self.rect().center())
            paint.spinner(painter, theme, spot)
        else:
            paint.spinner(painter, theme, QRect(8, 9, 16, 16))
            paint.text(painter, theme, QRect(33, 7, self.width() - 80, 20), self._words, role="body-medium")
            spot = QRect(self.width() - 58, 7, 50, 20)
            right = Qt.AlignmentFlag.AlignRight
            paint.text(painter, theme, spot, self._percent, role="caption", ink="text2", align=right)
            paint.bar(painter, theme, QRect(8, 35, self.width() - 16, 4).toRectF(), self._share)
        self._ring(painter)


class FootButton(_NavButton):
    """Engine at the left, role badge at the right; a click asks for the admin passphrase."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", 40, parent)
        self._engine, self._role, self._tone = "", "", "accent"

    def set_foot(self, engine: str, role: str, tone: str = "accent") -> None:
        """Show engine and role."""
        self._engine, self._role, self._tone = engine, role, tone
        self.setAccessibleName(self.tr("Engine {engine}, role {role}").format(engine=engine, role=role))
        self.set_narrow(self.narrow)

    def tip(self) -> str:
        """Return the tooltip of the narrow form."""
        return f"{self._engine} · {self._role}"

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the button."""
        painter = QPainter(self)
        theme = self._theme
        self._ground(painter)
        left = (self.width() - 16) // 2 if self.narrow else 8
        paint.icon(painter, theme, QRect(left, self.height() // 2 - 8, 16, 16), "database")
        if not self.narrow:
            width = pill_width(theme, self._role, icon=False)
            area = self.rect().adjusted(32, 0, -width - 12, 0)
            paint.text(painter, theme, area, self._engine, role="caption", ink="text2")
            pill = QRect(self.width() - width - 4, (self.height() - 20) // 2, width, 20)
            if self._role:
                paint_pill(painter, theme, pill, self._role, self._tone)
        self._ring(painter)


@dataclass(frozen=True)
class _Entry:
    page: str
    item: NavItem


class Navigation(QWidget):
    """The whole column.

    Signals: `page_asked(str)`, `workspace_asked()`, `search_asked()`, `activity_asked()`, `role_asked()`.
    """

    page_asked = Signal(str)
    workspace_asked = Signal()
    search_asked = Signal()
    activity_asked = Signal()
    role_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._narrow = False
        self._entries: list[_Entry] = []
        self._group = QButtonGroup(self)
        self.setAccessibleName(self.tr("Navigation"))
        self.workspace = WorkspaceButton(theme)
        self.search = SearchButton(theme)
        self.activity = ActivityButton(theme)
        self.foot = FootButton(theme)
        self.workspace.clicked.connect(self.workspace_asked)
        self.search.clicked.connect(self.search_asked)
        self.activity.clicked.connect(self.activity_asked)
        self.foot.clicked.connect(self.role_asked)
        self._items = QVBoxLayout()
        self._items.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 9, 6)
        layout.setSpacing(0)
        layout.addWidget(self.workspace)
        layout.addSpacing(10)
        layout.addWidget(self.search)
        layout.addSpacing(14)
        layout.addLayout(self._items)
        layout.addStretch(1)
        layout.addWidget(self.activity)
        layout.addSpacing(1)
        layout.addWidget(self.foot)
        self.setFixedWidth(WIDE + 1)

    def add_page(self, page: str, title: str, icon: str) -> None:
        """Add a page below the others."""
        keys = QKeySequence(f"Ctrl+{len(self._entries) + 1}").toString(QKeySequence.SequenceFormat.NativeText)
        item = NavItem(self._theme, title, icon, keys)
        item.set_narrow(self._narrow)
        item.clicked.connect(lambda _checked=False: self.page_asked.emit(page))
        self._group.addButton(item)
        self._entries.append(_Entry(page, item))
        self._items.addWidget(item)

    def pages(self) -> list[str]:
        """Return the pages from top to bottom."""
        return [entry.page for entry in self._entries]

    def set_current(self, page: str) -> None:
        """Mark a page as the current one."""
        for entry in self._entries:
            if entry.page == page:
                entry.item.setChecked(True)

    def set_count(self, page: str, count: str, tone: CountTone = "plain") -> None:
        """Show a count at a page; an empty one hides it."""
        for entry in self._entries:
            if entry.page == page:
                entry.item.set_count(count, tone)

    def is_narrow(self) -> bool:
        """Whether only icons show."""
        return self._narrow

    def set_narrow(self, narrow: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Show icons with tooltips alone, or icons with words."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self.setFixedWidth((NARROW if narrow else WIDE) + 1)
        self._items.setSpacing(8 if narrow else 2)
        buttons: list[QAbstractButton] = [self.workspace, self.search, self.activity, self.foot]
        for button in [*buttons, *(entry.item for entry in self._entries)]:
            if isinstance(button, _NavButton):
                button.set_narrow(narrow)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the ground, the edge and the line above the foot."""
        painter = QPainter(self)
        theme = self._theme
        painter.fillRect(self.rect(), theme.color("app"))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), theme.color("line"))
        if not self._narrow:
            painter.fillRect(8, self.foot.y() - 1, self.width() - 17, 1, theme.color("line"))
