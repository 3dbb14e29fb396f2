"""The destination's own fields of an export, such as the audience, from its description; pickers are filled by asking the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.ui.runner import Finished, Outcome
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.choice import Choice
from app.ui.widgets.fields import FieldFrame, TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker
from app.ui.widgets.select import Select
from app.ui.wizards.segment_state import SegmentState

if TYPE_CHECKING:
    from app.destinations.description import SettingField

_PICKER, _CHOICE = "picker", "choice"


class TargetForm(QWidget):
    """Two fields a row; advanced ones behind a link. Builds itself anew when the destination changes."""

    def __init__(self, state: SegmentState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = state.context.theme
        self._destination = ""
        self._asked: dict[str, str] = {}
        self._optional: frozenset[str] = frozenset()
        self.controls: dict[str, Picker | Select | TextField] = {}
        self._frames: dict[str, FieldFrame] = {}
        self._advanced: QWidget | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(28, 14, 28, 10)
        self._layout.setSpacing(12)

    def show_state(self) -> None:
        """Show the values of the draft; ask for the entries of pickers once per connection."""
        description = self._state.description
        fields = description.export_fields if description is not None else ()
        # The type of audience is chosen in the first step, with the destination.
        fields = tuple(each for each in fields if description is None or each.id != description.audience_field)
        self.setVisible(bool(fields))
        if description is not None and description.id != self._destination:
            self._destination = description.id
            self._build(fields)
        for field in fields:
            self._show_value(field)
            if field.kind == _PICKER:
                self._fill(field.id)

    def _build(self, fields: tuple[SettingField, ...]) -> None:
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.controls.clear()
        self._frames.clear()
        self._asked.clear()
        self._optional = frozenset(field.id for field in fields if not field.required)
        plain = [field for field in fields if not field.advanced]
        more = [field for field in fields if field.advanced]
        self._layout.addWidget(self._rows(plain))
        if more:
            self._advanced = self._rows(more)
            self._advanced.hide()
            toggle = Button(self._theme, self.tr("More settings"), "link", trailing="caret-down")
            toggle.clicked.connect(self._on_more_clicked)
            self._layout.addWidget(toggle)
            self._layout.addWidget(self._advanced)

    def _rows(self, fields: list[SettingField]) -> QWidget:
        holder = QWidget()
        columns = QHBoxLayout(holder)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(16)
        forms = [Form(self._theme, spacing=12), Form(self._theme, spacing=12)]
        for number, field in enumerate(fields):
            forms[number % 2].add_row(
                field.label, self._control(field), field.hint, required=field.required and not field.default
            )
        for form in forms:
            form.add_stretch()
            columns.addWidget(form, 1)
        return holder

    def _control(self, field: SettingField) -> QWidget:
        if field.kind == _PICKER:
            return self._picker(field)
        if field.kind == _CHOICE:
            choices = [Choice(key, words) for key, words in (field.choices or {}).items()]
            select = Select(self._theme, field.label, choices)
            select.chosen.connect(lambda key, of=field.id: self._change(of, key))
            self.controls[field.id] = select
            return select
        text = TextField(self._theme, field.label, placeholder=field.placeholder)
        text.edited.connect(lambda words, of=field.id: self._change(of, words))
        self.controls[field.id] = text
        return text

    def _picker(self, field: SettingField) -> QWidget:
        picker = Picker(
            self._theme, field.label, placeholder=self.tr("Choose one") if field.required else self.tr("None")
        )
        refresh = IconButton(
            self._theme, "arrows-clockwise", self.tr("Ask again for {label}").format(label=field.label)
        )
        picker.chosen.connect(lambda key, of=field.id: self._change(of, key))
        refresh.clicked.connect(lambda _on=False, of=field.id: self._fill(of, again=True))
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(picker, 1)
        line.addWidget(refresh)
        holder.setFocusProxy(picker)
        frame = FieldFrame(self._theme, holder, field.hint)
        self.controls[field.id] = picker
        self._frames[field.id] = frame
        return frame

    def _show_value(self, field: SettingField) -> None:
        value = self._state.draft.target.get(field.id, field.default)
        control = self.controls[field.id]
        control.setEnabled(not self._state.read_only)
        if isinstance(control, TextField):
            if control.value() != value:
                control.set_value(value)
        elif control.current_key() != value:
            control.set_current_key(value)
        if isinstance(control, Picker):
            control.set_error_state(field.required and not value and bool(self._frames[field.id].error()))

    def _change(self, field_id: str, value: str) -> None:
        target = {**self._state.draft.target, field_id: value}
        if not value:
            del target[field_id]
        self._state.update(target=target)
        self._state.ask_fields()

    def _fill(self, field_id: str, *, again: bool = False) -> None:
        """Ask the target for the entries, once for each connection unless asked again."""
        chosen = self._state.connection
        if chosen is None or (self._asked.get(field_id) == chosen.connection.id and not again):
            return
        self._asked[field_id] = chosen.connection.id
        picker = self.controls[field_id]
        assert isinstance(picker, Picker)
        picker.set_busy(True)
        services, name = self._state.context.services, chosen.connection.name
        self._state.submit(
            "queries",
            f"Read the choices of {field_id}",
            lambda ctx: services.connections.choices(name, field_id, ctx),
            lambda finished: self._on_filled(field_id, finished),
        )

    def _on_filled(self, field_id: str, finished: Finished) -> None:
        picker, frame = self.controls.get(field_id), self._frames.get(field_id)
        if not isinstance(picker, Picker) or frame is None:
            return
        picker.set_busy(False)
        if finished.outcome is not Outcome.DONE:
            error = as_sendoff_error(finished.error) if finished.error is not None else None
            frame.set_error("" if error is None else f"{error.what} {error.fix}".strip())
            return
        formats = self._state.context.formats
        choices = finished.value
        self._state.choice_names |= {(field_id, each.id): each.name for each in choices}
        frame.set_error(
            ""
            if choices or field_id in self._optional
            else self.tr("There is nothing to choose yet at {target}.").format(target=self._state.destination_name)
        )
        self._state.changed.emit()
        none = [PickItem("", self.tr("None"))] if field_id in self._optional and choices else []
        items = [
            PickItem(
                each.id,
                each.name,
                each.detail if each.detail != each.name else "",
                "" if each.members is None else formats.counted(each.members, "members"),
            )
            for each in choices
        ]
        picker.set_items([*none, *items])
        only = len(choices) == 1 and field_id not in self._optional  # none may be meant where it may be left at none
        if only and not self._state.draft.target.get(field_id):
            picker.set_current_key(choices[0].id)
            self._change(field_id, choices[0].id)

    def _on_more_clicked(self) -> None:
        if self._advanced is not None:
            self._advanced.setVisible(self._advanced.isHidden())
