"""Dialogs of the suppression list: what an import would take, values to paste, and why somebody is taken off."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from app.core.suppression import ContactKind
from app.services.suppression import Preview
from app.ui.context import WindowContext
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import Card, Label, clear
from app.ui.widgets.notes import Note
from app.ui.widgets.select import Select


class ImportDialog(Dialog):
    """Shows the first values, masked, and lets a person correct column and kind; accepted when they are to be imported.

    Signal `look_asked()`: another column was chosen; show its values with `show_preview`.
    """

    look_asked = Signal()

    def __init__(self, context: WindowContext, opener: QWidget, preview: Preview) -> None:
        super().__init__(context.theme, opener, "", width=560)
        self.closed = False
        self._formats = context.formats
        self.column_field = Select(context.theme, self.tr("Column"))
        self.kind_field = Segmented(
            context.theme,
            self.tr("What stands in it"),
            [
                Choice(ContactKind.EMAIL.value, self.tr("E-mail addresses")),
                Choice(ContactKind.PHONE.value, self.tr("Phone numbers")),
            ],
        )
        self._values = QVBoxLayout()
        self._values.setSpacing(2)
        self._hashed = Note(
            context.theme,
            "info",
            self.tr("These values are SHA-256 already. They are compared with e-mail addresses and phone numbers."),
        )
        form = Form(context.theme)
        form.add_row(self.tr("Column"), self.column_field)
        form.add_row(self.tr("What stands in it"), self.kind_field)
        self.body.addWidget(form)
        self.body.addWidget(self._hashed)
        shown = Card(context.theme, self.tr("First values"))
        shown.body.addLayout(self._values)
        self.body.addWidget(shown)
        self.add_cancel()
        self.import_button = self.add_button(Button(context.theme, self.tr("Import"), "primary"), default=True)
        self.import_button.clicked.connect(self.accept)
        self.column_field.chosen.connect(self._on_column_chosen)
        self.finished.connect(self._on_closed)
        self.show_preview(preview)

    def column(self) -> str:
        """The column that is chosen."""
        return self.column_field.current_key()

    def kind(self) -> ContactKind:
        """What stands in it."""
        return ContactKind(self.kind_field.current())

    def show_preview(self, preview: Preview) -> None:
        """Show what was read."""
        self.import_button.setEnabled(True)
        self.set_head(self.tr("Import {name}").format(name=preview.name), self._formats.counted(preview.rows, "rows"))
        self.column_field.set_choices([Choice(name, name) for name in preview.columns])
        self.column_field.set_current_key(preview.column)
        self.kind_field.set_current(preview.kind.value)
        self._hashed.setVisible(preview.hashed)
        clear(self._values)
        for value in preview.values:
            self._values.addWidget(Label(self.theme, value, "mono", "text2"))

    def _on_column_chosen(self, _column: str) -> None:
        self.import_button.setEnabled(False)  # what stands in that column is not known yet
        self.look_asked.emit()

    def _on_closed(self, _code: int) -> None:
        self.closed = True


class AddDialog(Dialog):
    """Values to put on the list, typed or pasted; accepted with at least one."""

    def __init__(self, theme: Theme, opener: QWidget) -> None:
        super().__init__(theme, opener, "", width=560)
        self.set_head(self.tr("Add to the suppression list"))
        self.values = QPlainTextEdit()
        self.values.setTabChangesFocus(True)
        self.values.setFixedHeight(140)
        self.values.setFont(theme.font("body"))
        form = Form(theme)
        form.add_row(
            self.tr("E-mail addresses or phone numbers"),
            self.values,
            self.tr(
                "One a line, or parted by commas or semicolons. SHA-256 values are taken too. None of them is kept."
            ),
        )
        self.body.addWidget(form)
        self.add_cancel()
        self.add_values = self.add_button(Button(theme, self.tr("Add"), "primary"), default=True)
        self.add_values.setEnabled(False)
        self.add_values.clicked.connect(self.accept)
        self.values.textChanged.connect(lambda: self.add_values.setEnabled(bool(self.values.toPlainText().strip())))


class TakeOffDialog(Dialog):
    """Asks why a value is taken off; accepted with a reason."""

    def __init__(self, theme: Theme, opener: QWidget) -> None:
        super().__init__(theme, opener, "", width=480)
        self.set_head(self.tr("Take off the suppression list?"))
        sentence = self.tr("Every segment export may send this person again from its next run on.")
        self.body.addWidget(Label(theme, sentence, "body", "text2", wrap=True))
        self.reason_field = TextField(theme, placeholder=self.tr("Such as: asked for it by phone on 4 March"))
        form = Form(theme)
        form.add_row(self.tr("Reason"), self.reason_field, self.tr("Kept in the list's history."), required=True)
        self.body.addWidget(form)
        self.add_cancel()
        self.take_off_button = self.add_button(Button(theme, self.tr("Take off"), "primary"), default=True)
        self.take_off_button.setEnabled(False)
        self.take_off_button.clicked.connect(self.accept)
        self.reason_field.edited.connect(lambda words: self.take_off_button.setEnabled(bool(words.strip())))

    def reason_words(self) -> str:
        """The reason as typed."""
        return self.reason_field.value().strip()
