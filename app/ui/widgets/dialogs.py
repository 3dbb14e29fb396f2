"""Dialogs: title, body, footer, over a scrim inside the window; and the confirmation built on it.

    dialog = ConfirmDialog(theme, self, title=..., sentence=..., confirm=self.tr("Remove export"), danger=True)
    dialog.accepted.connect(self._on_remove_confirmed)
    dialog.open()

A dialog deletes itself after it closed. It never blocks: there is no `exec`.
"""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.labels import Label, Line
from app.ui.widgets.marks import Badge
from app.ui.widgets.overlay import Scrim, focusable, move_focus_within

SHADOW, MARGIN = 32, 24


class Dialog(QDialog):
    """The base of every dialog.

    Put content into `body` (vertical layout, 24 px margins) and buttons into the footer with `add_button` (right) or
    `add_left` (left). The primary button is the default: Enter in a field clicks it. Esc and the close button reject.
    Focus starts in the first empty field, stays inside, and returns to the opener.

    Args:
        theme: the theme.
        opener: any widget of the window it belongs to; gets the focus back.
        title: of the dialog; also its accessible name.
        subtitle: second line in the head.
        width: 560 or 640 (the schedule has 760).
        badge: (letters, "#RRGGBB", name) of a destination, shown in the head.
        click_beside_closes: whether a click on the scrim rejects.
    """

    def __init__(
        self,
        theme: Theme,
        opener: QWidget,
        title: str,
        subtitle: str = "",
        *,
        width: int = 560,
        badge: tuple[str, str, str] | None = None,
        click_beside_closes: bool = False,
    ) -> None:
        super().__init__(None)
        self.theme = theme
        self._opener = opener
        self._before: QWidget | None = None
        self._scrim: Scrim | None = None
        self._width = width
        self._click_beside_closes = click_beside_closes
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_Moved)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SHADOW, SHADOW, SHADOW, SHADOW)
        outer.setSpacing(0)
        outer.addLayout(self._build_head(title, subtitle, badge))
        self._badge.setVisible(badge is not None)  # not before they have a parent: they would be windows for a moment
        self.subtitle_label.setVisible(bool(subtitle))
        outer.addWidget(Line(theme))
        self._content = QWidget()
        self.body = QVBoxLayout(self._content)
        self.body.setContentsMargins(24, 20, 24, 20)
        self.body.setSpacing(16)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._content)
        # The scroll area keeps the content's wish for another size to itself.
        self._content.installEventFilter(self)
        self._scroll.viewport().setAutoFillBackground(False)
        self._content.setAutoFillBackground(False)
        outer.addWidget(self._scroll, 1)
        outer.addWidget(Line(theme))
        self._left, self._right = QHBoxLayout(), QHBoxLayout()
        for side in (self._left, self._right):
            side.setSpacing(8)
        self._footer = footer = QHBoxLayout()
        footer.setContentsMargins(MARGIN, 12, MARGIN, 12)
        footer.setSpacing(8)
        footer.addLayout(self._left)
        footer.addStretch(1)
        self.reason = Label(theme, "", "caption", "text2")
        footer.addWidget(self.reason)
        footer.addSpacing(4)
        footer.addLayout(self._right)
        outer.addLayout(footer)
        self.finished.connect(self._on_finished)

    def _build_head(self, title: str, subtitle: str, badge: tuple[str, str, str] | None) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(24, 20, 18, 16)
        head.setSpacing(12)
        self._badge = Badge(self.theme, *(badge or ("", "#000000", "")), size=32)
        head.addWidget(self._badge)
        words = QVBoxLayout()
        words.setSpacing(0)
        self.title_label = Label(self.theme, title, "title")
        self.subtitle_label = Label(self.theme, subtitle, "caption", "text2")
        self._title_row = QHBoxLayout()
        self._title_row.setSpacing(8)
        self._title_row.addWidget(self.title_label)
        self._title_row.addStretch(1)
        words.addLayout(self._title_row)
        words.addWidget(self.subtitle_label)
        head.addLayout(words, 1)
        self.close_button = IconButton(self.theme, "x", self.tr("Close"))
        self.close_button.clicked.connect(self.reject)
        head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignVCenter)
        return head

    def set_head(self, title: str, subtitle: str = "", badge: tuple[str, str, str] | None = None) -> None:
        """Show another head, for dialogs that learn what they are about when they open."""
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.title_label.set_words(title)
        self.subtitle_label.set_words(subtitle)
        self.subtitle_label.setVisible(bool(subtitle))
        if badge is not None:
            self._badge.set_badge(*badge)
        self._badge.setVisible(badge is not None)

    def let_title_wrap(self) -> None:
        """Give the title as many lines as it needs, over the whole width of the head."""
        self.title_label.setWordWrap(True)
        self._title_row.setStretchFactor(self.title_label, 1)
        self._title_row.takeAt(self._title_row.count() - 1)

    def add_mark(self, mark: QWidget) -> None:
        """Put a pill behind the title, which gives way to it when it is long."""
        self._title_row.insertWidget(1, mark)
        badge = 0 if self._badge.isHidden() else self._badge.width() + 12
        room = self._width - 24 - badge - 8 - mark.sizeHint().width() - 20 - self.close_button.sizeHint().width() - 18
        title = self.windowTitle()
        shown = self.title_label.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, room)
        self.title_label.setText(shown)
        self.title_label.setToolTip(title if shown != title else "")

    def add_button(self, button: Button, *, default: bool = False) -> Button:
        """Put a button at the right of the footer; the default one is clicked by Enter."""
        self._right.addWidget(button)
        button.setAutoDefault(default)
        button.setDefault(default)
        return button

    def add_left(self, widget: QWidget) -> QWidget:
        """Put a widget at the left of the footer."""
        if self._left.isEmpty() and isinstance(widget, Button):
            self._footer.setContentsMargins(MARGIN - widget.inset(), 12, MARGIN, 12)
        self._left.addWidget(widget)
        return widget

    def add_cancel(self) -> Button:
        """Put a Cancel button into the footer."""
        button = Button(self.theme, self.tr("Cancel"))
        button.clicked.connect(self.reject)
        return self.add_button(button)

    def open(self) -> None:
        """Show it over the opener's window."""
        window = self._opener.window()
        self._before = window.focusWidget()
        self._scrim = Scrim(self.theme, window)
        self._scrim.resized.connect(self._place)
        if self._click_beside_closes:
            self._scrim.pressed.connect(self.reject)
        self.setParent(self._scrim, Qt.WindowType.Widget)
        self._scrim.show()
        self._scrim.raise_()
        self.show()
        self._place()
        self._focus_first()

    def exec(self) -> int:
        """Dialogs of this window never block; use `open` and the signals."""
        raise NotImplementedError("Use open() and the signals accepted and rejected.")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc rejects; Ctrl+Enter clicks the default button from anywhere."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            for button in self.findChildren(Button):
                if button.isDefault() and button.isEnabled():
                    button.click()
            return
        super().keyPressEvent(event)
        event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: FBT001 - Qt's signature
        """Keep the focus inside."""
        return move_focus_within(self, forward=forward)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Grow and shrink with the content inside the scroll area."""
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            QTimer.singleShot(0, self, self._place)
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """Grow and shrink with the content."""
        if event.type() == QEvent.Type.LayoutRequest and self._scrim is not None:
            handled = super().event(event)
            self._place()
            return handled
        return super().event(event)

    def sizeHint(self) -> QSize:
        """The set width; as high as head, content and footer."""
        content = self._content
        inner = self._width
        layout = content.layout()
        wanted = layout.heightForWidth(inner) if layout is not None and layout.hasHeightForWidth() else -1
        if wanted < 0:
            wanted = content.sizeHint().height()
        wanted = max(wanted, content.minimumSizeHint().height())  # of which the scroll area leaves nothing out
        outer = self.layout()
        rest = outer.sizeHint().height() - self._scroll.sizeHint().height() if outer is not None else 0
        return QSize(inner + 2 * SHADOW, wanted + rest + 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint shadow and plate."""
        painter = QPainter(self)
        plate = QRectF(self.rect()).adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW)
        paint.shadow(painter, plate, 12, blur=32, offset=8, opacity=0.20)
        paint.box(painter, plate, 12, fill=self.theme.color("surface"), edge=self.theme.color("border"))

    def _place(self) -> None:
        if self._scrim is None:
            return
        room = self._scrim.size()
        wanted = self.sizeHint()
        width = min(wanted.width(), room.width() - 16 + 2 * SHADOW)
        height = min(wanted.height(), room.height() - 32 + 2 * SHADOW)
        policy = Qt.ScrollBarPolicy
        # A bar left from a smaller size would take width, so that the words wrap and the bar is needed.
        self._scroll.setVerticalScrollBarPolicy(
            policy.ScrollBarAlwaysOff if height == wanted.height() else policy.ScrollBarAsNeeded
        )
        self.setGeometry((room.width() - width) // 2, (room.height() - height) // 2, width, height)

    def _focus_first(self) -> None:
        ring = focusable(self)
        empty = next((w for w in ring if isinstance(w, QLineEdit) and not w.text() and not w.isReadOnly()), None)
        default = next((w for w in ring if isinstance(w, Button) and w.isDefault()), None)
        fields = next((w for w in ring if isinstance(w, QLineEdit)), None)
        target = empty or fields or default or (ring[0] if ring else self)
        by_keys = getattr(self._before, "focus_visible", False)
        target.setFocus(Qt.FocusReason.TabFocusReason if by_keys else Qt.FocusReason.OtherFocusReason)

    def _on_finished(self, _code: int) -> None:
        scrim, self._scrim = self._scrim, None
        if scrim is None:
            return
        window = scrim.parentWidget()
        before = self._before
        scrim.hide()
        scrim.deleteLater()
        alive = before is not None and window is not None and shiboken6.isValid(before)
        if alive and window.isAncestorOf(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)


class ConfirmDialog(Dialog):
    """Names the thing and the effect, with Cancel and one button that says what it does.

    `danger` paints that button as dangerous and gives Cancel the focus, so Enter never removes.
    """

    def __init__(
        self,
        theme: Theme,
        opener: QWidget,
        *,
        title: str,
        sentence: str,
        confirm: str,
        danger: bool = False,
        cancel: str = "",
    ) -> None:
        super().__init__(theme, opener, title, width=480)
        self.let_title_wrap()
        words = Label(theme, sentence, "body", "text2", wrap=True)
        self.body.addWidget(words)
        self.setAccessibleDescription(sentence)
        self.cancel_button = self.add_cancel()
        if cancel:
            self.cancel_button.set_words(cancel)
        self.confirm_button = self.add_button(
            Button(theme, confirm, "danger" if danger else "primary"), default=not danger
        )
        self.confirm_button.clicked.connect(self.accept)
        if danger:
            self.cancel_button.setAutoDefault(True)
            self.cancel_button.setDefault(True)
