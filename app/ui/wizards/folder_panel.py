"""The panel of files: a folder tree that follows every change and flashes what changed, and the head of model.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, QVariantAnimation
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.core.layouts import MODEL_FILE
from app.core.table_choices import chosen_fields
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Card, Label, row
from app.ui.wizards.files_state import PlannedFiles
from app.ui.wizards.first_lines import FirstLines
from app.ui.wizards.folder_lines import FolderLine, folder_lines
from app.ui.wizards.model_dialog import ModelDialog
from app.ui.wizards.state import WizardState

if TYPE_CHECKING:
    from app.services.export_views import PreviewFile

_LINE, _STEP, _LEAST_STEP, _FLASH_MS = 28, 20, 9, 900
_BEFORE, _BETWEEN = 24, 8
"""Pixels for the icon before a name, and between a name and what stands at the right."""
MOST_LINES = 200


class FolderTree(QWidget):
    """Paints lines; those that were not there before, or say something else, flash once."""

    def __init__(self, theme: Theme, formats: Formats, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._formats = theme, formats
        self._name = name
        self._lines: tuple[FolderLine, ...] = ()
        self._place = ""
        self._changed: frozenset[str] = frozenset()
        self._light = 0.0
        self._flash = QVariantAnimation(self)
        self._flash.setStartValue(1.0)
        self._flash.setEndValue(0.0)
        self._flash.valueChanged.connect(self._on_flash_changed)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def lines(self) -> tuple[FolderLine, ...]:
        """What is shown."""
        return self._lines

    def set_lines(self, lines: list[FolderLine], place: str = "") -> None:
        """Show these; `place` is what the connection's own place is called, as “container”."""
        self._place = place
        shown = tuple(lines[:MOST_LINES])
        if shown == self._lines:
            return
        before = {line.path: line for line in self._lines}
        self._changed = frozenset(line.path for line in shown if before and before.get(line.path) != line)
        self._lines = shown
        self.setFixedHeight(max(len(shown), 1) * _LINE)
        self.setAccessibleDescription("\n".join(f"{line.path} {self._detail(line)}" for line in shown))
        self._flash.stop()
        duration = self._theme.motion.duration(_FLASH_MS)
        if self._changed and duration:
            self._flash.setDuration(duration)
            self._flash.start()
        self.update()

    def sizeHint(self) -> QSize:
        """All lines."""
        return QSize(320, max(len(self._lines), 1) * _LINE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint guides, icons, names and sizes."""
        painter = QPainter(self)
        theme, step = self._theme, self.step()
        for number, line in enumerate(self._lines):
            area = QRect(0, number * _LINE, self.width(), _LINE)
            if line.path in self._changed and self._light > 0:
                glow = QColor(theme.color("accent_subtle"))
                glow.setAlphaF(self._light)
                paint.box(painter, area, 4, fill=glow)
            for depth in range(line.depth):
                painter.fillRect(7 + depth * step, area.top(), 1, _LINE, theme.color("line"))
            left = line.depth * step
            icon = {"place": "folder-open", "folder": "folder-open", "file": "file-text", "about": "brackets-curly"}[
                line.kind
            ]
            role = "accent_text" if line.kind in {"place", "folder"} else "text2"
            paint.icon(painter, theme, QRect(left, area.center().y() - 7, 15, 15), icon, role)
            detail = self._detail(line)
            width = theme.metrics("caption").horizontalAdvance(detail) + 2
            right = QRect(area.right() - width, area.top(), width, _LINE)
            paint.text(painter, theme, right, detail, role="caption", ink="text2", align=Qt.AlignmentFlag.AlignRight)
            words = QRect(left + _BEFORE, area.top(), right.left() - left - _BEFORE - _BETWEEN, _LINE)
            strong = line.kind == "about"
            middle = Qt.TextElideMode.ElideMiddle
            paint.text(painter, theme, words, line.name, role="mono-strong" if strong else "mono", elide=middle)

    def step(self) -> int:
        """Pixels a level is moved in: fewer where deep names would lose the part that tells them apart."""
        mono, caption = self._theme.metrics("mono-strong"), self._theme.metrics("caption")
        fitting = [
            (
                self.width()
                - _BEFORE
                - _BETWEEN
                - 3
                - mono.horizontalAdvance(line.name)
                - caption.horizontalAdvance(detail)
            )
            // line.depth
            for line in self._lines
            if line.depth
            for detail in (self._detail(line),)
        ]
        return max(_LEAST_STEP, min((_STEP, *fitting)))

    def _detail(self, line: FolderLine) -> str:
        if line.kind == "place":
            return self._place
        if line.kind == "folder":
            return self._formats.counted(line.files, "files")
        size = "" if line.bytes is None else self._formats.bytes(line.bytes)
        if line.files == 1:
            return size
        files = self._formats.counted(line.files, "files")
        return f"{files}, {size}" if size else files

    def _on_flash_changed(self, light: float) -> None:
        self._light = float(light)
        self.update()


class FolderPanel(QWidget):
    """Title with number and size, the tree, the first lines, and what stands in model.json."""

    def __init__(self, state: WizardState, files: PlannedFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._files = state, files
        theme, formats = state.context.theme, state.context.formats
        self._size = Label(theme, "", "caption", "text2")
        self.tree = FolderTree(theme, formats, self.tr("Files that will be written"))
        self._empty = Label(theme, "", "body", "text2", wrap=True)
        self.first_lines = FirstLines(state)
        self._model_title = Label(theme, MODEL_FILE, "body-strong")
        self._model = Label(theme, "", "mono", "text2", wrap=True)
        self._open_error = Label(theme, "", "caption", "danger", wrap=True)
        self.open_model = Button(theme, self.tr("Open"), "link", name=self.tr("Open {file}").format(file=MODEL_FILE))
        self.open_model.clicked.connect(self._on_open_clicked)
        self._documents = state.query("Make model.json", delay_ms=0)
        self._documents.ready.connect(self._on_documents_ready)
        self._documents.failed.connect(self._on_documents_failed)
        self._assemble()

    def _assemble(self) -> None:
        theme = self._state.context.theme
        card = Card(theme, margin=14)
        card.body.addWidget(self.tree)
        card.body.addWidget(self._empty)
        self._model_card = Card(theme, margin=14)
        self._model_card.body.addWidget(self._model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 20)
        layout.setSpacing(10)
        layout.addLayout(row(Label(theme, self.tr("What will be written"), "body-strong"), None, self._size))
        layout.addWidget(card)
        layout.addSpacing(8)
        self._model_head = QWidget()
        self._model_head.setLayout(row(self._model_title, None, self.open_model))
        layout.addWidget(self._model_head)
        layout.addWidget(self._open_error)
        layout.addWidget(self._model_card)
        layout.addWidget(self.first_lines)
        layout.addStretch(1)

    def number_words(self) -> str:
        """Files and size in one line."""
        files = self._state.context.formats.counted(self._files.files(), "files")
        if self._files.bytes is None:
            return files
        size = self._state.context.formats.bytes(self._files.bytes)
        return self.tr("{files}, about {size}").format(files=files, size=size)

    def show_state(self) -> None:
        """Show the files as they are known."""
        top, place = self._top()
        lines = folder_lines(self._files.nodes, top)
        self.tree.set_lines(lines, place)
        self.tree.setVisible(bool(lines))
        self._empty.setVisible(not lines)
        self._empty.set_words(self.tr("The files show here once the patterns can be used."))
        self._size.set_words(self.number_words() if lines else "")
        self.first_lines.show_state()
        model = self._model_text()
        self._model_head.setVisible(bool(model))
        self._model_card.setVisible(bool(model))
        self._open_error.hide()
        self.open_model.setVisible(bool(lines) and not self._state.read_only)
        self._model.set_words(model)

    def _on_open_clicked(self) -> None:
        context = self._state.context
        now = context.formats.now()
        named = replace(self._state.draft, name=self._state.draft.name.strip() or self.tr("New export"))
        export, exports = named.so_far(now, self._state.facts.person), context.services.exports
        self.open_model.set_busy(True)
        self._documents.ask(lambda _ctx: exports.metadata(export, now))

    def _on_documents_ready(self, documents: Sequence[PreviewFile]) -> None:
        self.open_model.set_busy(False)
        model = next((each for each in documents if PurePosixPath(each.path).name == MODEL_FILE), None)
        if model is not None:
            context = self._state.context
            ModelDialog(context.theme, context.formats, self.open_model, model.path, model.lines).open()

    def _on_documents_failed(self, error: object) -> None:
        self.open_model.set_busy(False)
        self._open_error.set_words(str(error))
        self._open_error.show()

    def _top(self) -> tuple[str, str]:
        """The place the connection writes into, and what such a place is called.

        It is the connection's name where the settings name none, or are not shown to this person.
        """
        chosen = self._state.connection
        if chosen is None:
            return "", ""
        words = {"container": self.tr("container"), "bucket": self.tr("bucket"), "folder": self.tr("folder")}
        for field, called in words.items():
            value = chosen.connection.settings.get(field, "").rstrip("/\\").replace("\\", "/").rpartition("/")[2]
            if value:
                return value, called
        return chosen.connection.name, self.tr("connection")

    def _model_text(self) -> str:
        """The head of the document, one entity a line."""
        draft = self._state.draft
        tables = getattr(draft, "tables", ())
        if not tables or not draft.layout.model_json:
            return ""
        catalog = self._state.facts.catalog
        head = [f'{{ "name": {json.dumps(draft.name, ensure_ascii=False)},', '  "version": "1.0",', '  "entities": [']
        for choice in tables[:2]:
            table = catalog.table(choice.name)
            if table is not None:
                number = len(chosen_fields(tables, table))
                head.append(f'    {{ "name": {json.dumps(table.name, ensure_ascii=False)},')
                head.append(f'      "attributes": [ {number} ] … }},')
        text = "\n".join([*head, "    … ] }"])
        return text.replace("  ", "\u00a0\u00a0")  # rich text would drop the indents
