"""The panel of the matching step: sample members as they would be sent, and the very request, made by the code that sends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.roles import Action, may
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.code import CodeView
from app.ui.widgets.labels import Card, ElidedLabel, IconLabel, Label, row
from app.ui.widgets.masking import Masking
from app.ui.widgets.notes import Note
from app.ui.wizards.segment_state import SegmentState

if TYPE_CHECKING:
    from app.services.export_views import Preview, PreviewSample

MEMBERS = 3
_LONGEST_BODY = 4_000
"""Characters of a request shown; the rest only repeats other members."""


class SamplePanel(QWidget):
    """Asks again after each change of the match; the last answer stays while the next one comes."""

    def __init__(self, state: SegmentState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = state.context.theme
        self._preview: Preview | None = None
        self._masking = Masking(self)
        self._asked: object = None
        self._query = state.query("Preview members", delay_ms=250)
        self._query.ready.connect(self._on_preview_ready)
        self._query.failed.connect(self._on_preview_failed)
        self._make_elements()
        self._assemble()

    def _make_elements(self) -> None:
        theme = self._theme
        self._title = Label(theme, "", "body-strong", wrap=True)
        self._again = IconButton(theme, "arrows-clockwise", self.tr("Read the samples again"))
        self._words = Label(
            theme, self.tr("Three sample members, updated as you match."), "caption", "text2", wrap=True
        )
        self._view = Segmented(
            theme,
            self.tr("Values"),
            [Choice("sent", self.tr("As sent")), Choice("raw", self.tr("Before normalising"))],
            expand=True,
        )
        self._members = QWidget()
        self._member_stack = QVBoxLayout(self._members)
        self._member_stack.setContentsMargins(0, 0, 0, 0)
        self._member_stack.setSpacing(8)
        self._request = Card(theme, margin=12)
        self._request_title = Label(theme, self.tr("The request"), "body-strong")
        self._address = CodeView(theme, self.tr("Method and address"))
        self._body = CodeView(theme, self.tr("Body"))
        self._request.body.addWidget(self._address)
        self._request.body.addWidget(self._body)
        self._note = Note(theme, "warning", "")
        self._lock = IconLabel(theme, "lock-simple", "text2", 14)
        self._masked_words = Label(theme, self.tr("Personal values are masked"), "caption", "text2")
        self._show = Button(theme, self.tr("Show"), "link")
        self._view.chosen.connect(lambda _key: self._fill())
        self._again.clicked.connect(lambda: self.ask(again=True))
        self._show.clicked.connect(self._masking.toggle)
        self._masking.changed.connect(lambda: self.ask())

    def _assemble(self) -> None:
        head = row(self._title, self._again)
        head.setStretch(0, 1)
        mask = QWidget()
        mask.setLayout(row(self._lock, self._masked_words, None, self._show))
        self._mask_row = mask
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 14, 20, 20)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self._words)
        layout.addWidget(self._view)
        layout.addSpacing(2)
        layout.addWidget(self._note)
        layout.addWidget(self._members)
        layout.addWidget(mask)
        layout.addWidget(self._request_title)
        layout.addWidget(self._request)
        layout.addStretch(1)

    # Asking

    def show_state(self) -> None:
        """Ask for what the match is now."""
        target = self._state.destination_name
        self._title.set_words(self.tr("What {target} receives").format(target=target))
        self.ask()

    def ask(self, *, again: bool = False) -> None:
        """Preview the draft, when it is not what was asked last; segments that are skipped are not looked at."""
        state = self._state
        going = tuple(state.going())
        wanted = (
            going,
            state.draft.connection,
            tuple(state.draft.match.items()),
            tuple(state.draft.target.items()),
            state.draft.format,
            self._masking.on,
        )
        if wanted == self._asked and not again:
            return
        self._asked = wanted
        if not going or not state.draft.match or state.draft.connection is None:
            self._query.cancel()
            self._preview = None
            self._fill()
            return
        services, masked, export = state.context.services, self._masking.on, state.export_of(going)
        self._query.ask(lambda ctx: services.exports.preview(export, MEMBERS, ctx, masked=masked))

    def _on_preview_ready(self, preview: Preview) -> None:
        self._preview = preview
        self._fill()

    def _on_preview_failed(self, error: object) -> None:
        self._preview = None
        self._fill()
        if isinstance(error, BaseException):
            told = as_sendoff_error(error)
            self._note.set_note("warning", told.what, f"{told.why} {told.fix}".strip())
            self._note.show()

    # Showing

    def _fill(self) -> None:
        preview = self._preview
        samples: Sequence[PreviewSample] = preview.samples if preview is not None else ()
        while (item := self._member_stack.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for number, sample in enumerate(samples, 1):
            self._member_stack.addWidget(self._card(sample, number, len(samples)))
        self._note.hide()
        if not samples:
            words = self.tr("Match a field to see what would be sent.")
            if preview is not None:
                words = self.tr("No member of the chosen segments would be sent.")
            self._member_stack.addWidget(Label(self._theme, words, "body", "text2", wrap=True))
        self._mask_row.setVisible(bool(samples))
        self._show.setVisible(may(self._state.facts.role, Action.SHOW_PERSONAL_VALUES))
        self._show.set_words(self.tr("Show") if self._masking.on else self.tr("Hide"))
        words = self.tr("Personal values are masked") if self._masking.on else self.tr("Hidden again after 20 s")
        self._masked_words.set_words(words)
        self._fill_request(preview)

    def _fill_request(self, preview: Preview | None) -> None:
        request = preview.requests[0] if preview is not None and preview.requests else None
        file = preview.files[0] if preview is not None and preview.files else None
        self._request_title.setVisible(request is not None or file is not None)
        self._request.setVisible(request is not None or file is not None)
        if request is not None:
            self._request_title.set_words(self.tr("The request, with secrets masked"))
            self._address.set_code(f"{request.method} {request.url}")
            self._body.set_code(_shortened(_indented(request.body)))
        elif file is not None:
            self._request_title.set_words(self.tr("The first lines of the file"))
            self._address.set_code(file.path)
            self._body.set_code("\n".join(file.lines))

    def _card(self, sample: PreviewSample, number: int, total: int) -> Card:
        theme, state = self._theme, self._state
        card = Card(theme, margin=10)
        card.body.setSpacing(4)
        title = ElidedLabel(theme, self.tr("Member {key}").format(key=sample.key), "caption-medium")
        place = self.tr("{n} of {total}").format(n=number, total=total)
        head = row(title, Label(theme, place, "caption", "text2"))
        head.setStretch(0, 1)
        card.body.addLayout(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        required = {field.id: field.name for field in state.fields if field.required}
        raw = self._view.current() == "raw"
        shown = [*sample.values, *(key for key in required if key not in sample.values)]
        for at, key in enumerate(shown):
            pair = sample.values.get(key, (None, None))
            value = pair[0] if raw else pair[1]
            words, ink = (f'"{value}"', "accent_text") if value else ("null", "text2")
            if not value and key in required:
                words, ink = self.tr("missing"), "danger"
            name = ElidedLabel(theme, key, "mono", "text2")
            name.setFixedWidth(104)
            grid.addWidget(name, at, 0)
            grid.addWidget(ElidedLabel(theme, words, "mono", ink), at, 1)
        grid.setColumnMinimumWidth(0, 104)
        grid.setColumnStretch(1, 1)
        card.body.addLayout(grid)
        return card

    # Showing personal values

    def hideEvent(self, event: object) -> None:
        """What is not looked at is masked."""
        super().hideEvent(event)
        self._masking.mask()


def _indented(body: str) -> str:
    """The same JSON over several lines; any other body as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


def _shortened(body: str) -> str:
    return body if len(body) <= _LONGEST_BODY else body[:_LONGEST_BODY] + "\n…"
