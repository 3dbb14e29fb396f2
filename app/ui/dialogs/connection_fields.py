"""The form of a connection, made from its destination's description: one entry for each field, with its own control."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.destinations.description import Description, FieldKind, SettingField
from app.services.connection_forms import check_form, visible_fields
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.fields import FieldFrame, TextField
from app.ui.widgets.file_fields import FolderField, SecretFileField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import row
from app.ui.widgets.secret_field import SecretField
from app.ui.widgets.select import Select
from app.ui.widgets.sign_in_field import SignInField

SHORT, FEW = 14, 3
NARROW = 168


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("ConnectionForm", text)


class Entry(Protocol):
    """One control of the form, whatever its kind."""

    frame: FieldFrame

    def value(self) -> str:
        """What is typed or chosen now; of a secret only what was typed in this visit."""

    def show(self, value: str) -> None:
        """Show a value; secrets show none."""


class _PlainEntry:
    """What is kept stands in the field."""

    frame: TextField | FolderField

    def value(self) -> str:
        return self.frame.value()

    def show(self, value: str) -> None:
        self.frame.set_value(value)


class _HiddenEntry:
    """A secret: what is kept of it is never shown."""

    frame: SecretField | SecretFileField | SignInField

    def value(self) -> str:
        return self.frame.typed() or ""

    def show(self, value: str) -> None:
        """It stays hidden."""


class _TextEntry(_PlainEntry):
    def __init__(
        self, theme: Theme, field: SettingField, changed: Callable[[], None], left: Callable[[], None]
    ) -> None:
        self.frame = TextField(theme, field.label, placeholder=field.placeholder or field.default, hint=field.hint)
        if field.kind is FieldKind.NUMBER:
            self.frame.input.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.frame.edited.connect(lambda _words: changed())
        self.frame.left.connect(left)


class _FolderEntry(_PlainEntry):
    def __init__(
        self, theme: Theme, field: SettingField, changed: Callable[[], None], left: Callable[[], None]
    ) -> None:
        self.frame = FolderField(theme, field.label, placeholder=field.placeholder, hint=field.hint)
        self.frame.edited.connect(lambda _words: changed())
        self.frame.left.connect(left)


class _ChoiceEntry:
    def __init__(
        self, theme: Theme, field: SettingField, changed: Callable[[], None], left: Callable[[], None]
    ) -> None:
        choices = [Choice(key, words) for key, words in (field.choices or {}).items()]
        self._control: Segmented | Select = (
            Segmented(theme, field.label, choices, field.default, expand=True)
            if is_short_choice(field)
            else Select(theme, field.label, choices)
        )
        self.frame = FieldFrame(theme, self._control, field.hint)
        self._control.chosen.connect(lambda _key: changed())
        self._control.chosen.connect(lambda _key: left())

    def value(self) -> str:
        return self._control.current() if isinstance(self._control, Segmented) else self._control.current_key()

    def show(self, value: str) -> None:
        if isinstance(self._control, Segmented):
            self._control.set_current(value)
        else:
            self._control.set_current_key(value)


class _SecretEntry(_HiddenEntry):
    def __init__(
        self, theme: Theme, field: SettingField, changed: Callable[[], None], left: Callable[[], None]
    ) -> None:
        self.frame = SecretField(theme, field.label, placeholder=field.placeholder)
        self.frame.set_hint(field.hint)
        self.frame.edited.connect(changed)
        self.frame.replace_asked.connect(changed)
        self.frame.left.connect(left)


class _SecretFileEntry(_HiddenEntry):
    def __init__(
        self, theme: Theme, field: SettingField, _changed: Callable[[], None], _left: Callable[[], None]
    ) -> None:
        self.frame = SecretFileField(theme, field.label, hint=field.hint)


class _SignInEntry(_HiddenEntry):
    def __init__(
        self, theme: Theme, field: SettingField, _changed: Callable[[], None], _left: Callable[[], None]
    ) -> None:
        self.frame = SignInField(theme, field.label, field.placeholder, hint=field.hint)


_ENTRIES: Mapping[FieldKind, type] = {
    FieldKind.TEXT: _TextEntry,
    FieldKind.NUMBER: _TextEntry,
    FieldKind.FOLDER: _FolderEntry,
    FieldKind.CHOICE: _ChoiceEntry,
    FieldKind.PICKER: _TextEntry,  # nothing can be asked before there is a connection
    FieldKind.SECRET: _SecretEntry,
    FieldKind.SECRET_FILE: _SecretFileEntry,
    FieldKind.SIGN_IN: _SignInEntry,
}


def is_short_choice(field: SettingField) -> bool:
    """Whether a choice fits a segmented control."""
    words = (field.choices or {}).values()
    return len(words) <= FEW and all(len(word) <= SHORT for word in words)


def goes_beside(before: SettingField, field: SettingField) -> bool:
    """Whether a field stands beside the one before it: a number or short choice after a text, a passphrase after its file."""
    if before.advanced != field.advanced or before.secret != field.secret:
        return False
    if before.kind is FieldKind.SECRET_FILE:
        return field.kind is FieldKind.SECRET and before.when == field.when
    brief = field.kind is FieldKind.NUMBER or (field.kind is FieldKind.CHOICE and is_short_choice(field))
    return before.kind is FieldKind.TEXT and brief and not field.hint and not before.hint


class ConnectionForm(QWidget):
    """Fields in one column, those that belong together beside each other, advanced ones folded away.

    Signals: `changed()` with every edit, `file_picked(field id, path)` when the content of a secret file is wanted,
    `sign_in_asked(field id)` when the person wants to sign in with the browser, `sign_in_stopped()` when not any longer and
    `link_asked()` when they want the page's address.
    A field is checked when the person leaves it after typing, and all are with `check()`.
    """

    changed = Signal()
    file_picked = Signal(str, object)
    sign_in_asked = Signal(str)
    sign_in_stopped = Signal()
    link_asked = Signal()

    def __init__(
        self, theme: Theme, description: Description, stored: Collection[str] = (), help_link: QWidget | None = None
    ) -> None:
        super().__init__()
        self._theme = theme
        self._description = description
        self._stored = frozenset(stored)
        self._touched: set[str] = set()
        self._entries: dict[str, Entry] = {}
        self._cells: dict[str, QWidget] = {}
        self._rows: list[tuple[QWidget, tuple[str, ...]]] = []
        self._unfold = Button(theme, tr("Advanced"), "link", trailing="caret-right")
        self._folded = QWidget()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(16)
        inner = QVBoxLayout(self._folded)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(16)
        for group in self._grouped():
            self._add_row(inner if group[0].advanced else self._layout, group)
        folds = any(field.advanced for field in description.connection_fields)
        if folds or help_link is not None:
            self._layout.addLayout(row(self._unfold, None, *([help_link] if help_link is not None else [])))
        self._layout.addWidget(self._folded)
        self._unfold.setVisible(folds)
        self._folded.hide()
        self._unfold.clicked.connect(lambda: self.unfold(not self._folded.isVisibleTo(self)))
        self._show_visible()

    @property
    def is_paired(self) -> bool:
        """Whether fields stand beside each other, which needs the wider dialog."""
        return any(len(ids) > 1 for _row, ids in self._rows)

    def settings(self) -> dict[str, str]:
        """The plain values of the fields on screen that are not empty."""
        return {f.id: v for f in self._visible() if not f.secret and (v := self._entries[f.id].value().strip())}

    def secrets(self) -> dict[str, str]:
        """The secrets typed in this visit into fields on screen."""
        return {f.id: v for f in self._visible() if f.secret and (v := self._entries[f.id].value())}

    def show_settings(self, settings: Mapping[str, str]) -> None:
        """Show stored plain values."""
        for key, value in settings.items():
            if key in self._entries:
                self._entries[key].show(value)
        self._show_visible()

    def set_setting(self, field_id: str, value: str) -> None:
        """Fill in one field for the person."""
        self._entries[field_id].show(value)
        self._entries[field_id].frame.set_error("")

    def has(self, field_id: str) -> bool:
        """Whether there is such a field."""
        return field_id in self._entries

    def set_stored(self, field_ids: Collection[str]) -> None:
        """Show which secrets the password store holds; what was typed is forgotten."""
        self._stored = frozenset(field_ids)
        for field in self._description.secret_fields:
            frame = self._entries[field.id].frame
            if isinstance(frame, SecretField | SecretFileField | SignInField):
                frame.set_stored(field.id in self._stored)

    def set_store_name(self, name: str) -> None:
        """Say under each secret where it is kept."""
        for field in self._description.secret_fields:
            frame = self._entries[field.id].frame
            kept = tr("Stored in {store}, never in the workspace file.").format(store=name)
            frame.set_hint(" ".join(part for part in (field.hint, kept) if part), "lock-simple")

    def set_content(self, field_id: str, file_name: str, content: str) -> None:
        """Take what was read from a secret file, or what a sign-in gave."""
        frame = self._entries[field_id].frame
        if isinstance(frame, SecretFileField):
            frame.set_content(file_name, content)
        elif isinstance(frame, SignInField):
            frame.set_content(content)
        else:
            return
        self._on_changed(field_id)
        self._on_left(field_id)

    def sign_in_field(self, field_id: str) -> SignInField | None:
        """The field of that id when it is filled by signing in."""
        frame = self._entries[field_id].frame
        return frame if isinstance(frame, SignInField) else None

    def problems(self) -> dict[str, str]:
        """One sentence for each field that is wrong, without showing them."""
        return check_form(self._description, self.settings(), self.secrets(), self._stored)

    def check(self) -> dict[str, str]:
        """Show every problem and put the focus into the first wrong field."""
        wrong = self.problems()
        self.show_errors(wrong)
        return wrong

    def show_errors(self, wrong: Mapping[str, str]) -> None:
        """Show these sentences under their fields, and none under the others."""
        for field_id, entry in self._entries.items():
            entry.frame.set_error(wrong.get(field_id, ""))
        first = next((f for f in self._visible() if f.id in wrong), None)
        if first is not None:
            self.unfold(self._folded.isVisibleTo(self) or first.advanced)
            self._entries[first.id].frame.setFocus(Qt.FocusReason.OtherFocusReason)

    def unfold(self, on: bool) -> None:  # noqa: FBT001 - reads like setVisible
        """Show or hide the advanced fields."""
        self._folded.setVisible(on)
        self._unfold.set_trailing("caret-down" if on else "caret-right")

    def entry(self, field_id: str) -> FieldFrame:
        """The control of a field."""
        return self._entries[field_id].frame

    # Inside

    def _grouped(self) -> list[list[SettingField]]:
        groups: list[list[SettingField]] = []
        fields = self._description.connection_fields
        for field in (*(f for f in fields if not f.advanced), *(f for f in fields if f.advanced)):
            if groups and len(groups[-1]) == 1 and goes_beside(groups[-1][0], field):
                groups[-1].append(field)
            else:
                groups.append([field])
        return groups

    def _add_row(self, layout: QVBoxLayout, group: list[SettingField]) -> None:
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        for at, field in enumerate(group):
            cell = self._make(field)
            narrow = at == 1 and not field.secret
            if narrow:
                cell.setFixedWidth(NARROW)
            line.addWidget(cell, 0 if narrow else 1, Qt.AlignmentFlag.AlignTop)
        self._rows.append((holder, tuple(f.id for f in group)))
        layout.addWidget(holder)

    def _make(self, field: SettingField) -> QWidget:
        entry: Entry = _ENTRIES[field.kind](
            self._theme, field, lambda: self._on_changed(field.id), lambda: self._on_left(field.id)
        )
        frame = entry.frame
        if isinstance(frame, SecretField | SecretFileField | SignInField):
            frame.set_stored(field.id in self._stored)
        if isinstance(frame, SecretFileField):
            frame.picked.connect(lambda path: self._on_picked(field.id, path))
        if isinstance(frame, SignInField):
            frame.asked.connect(lambda: self.sign_in_asked.emit(field.id))
            frame.stopped.connect(self.sign_in_stopped)
            frame.link_asked.connect(self.link_asked)
        cell = Form(self._theme)
        cell.add_row(field.label, frame, required=field.required and not field.default)
        self._entries[field.id], self._cells[field.id] = entry, cell
        return cell

    def _visible(self) -> tuple[SettingField, ...]:
        plain = {f.id: self._entries[f.id].value() for f in self._description.connection_fields if not f.secret}
        return visible_fields(self._description, plain)

    def _show_visible(self) -> None:
        shown = {field.id for field in self._visible()}
        for field_id, cell in self._cells.items():
            cell.setVisible(field_id in shown)
        for holder, ids in self._rows:
            holder.setVisible(bool(shown & set(ids)))

    def _on_changed(self, field_id: str) -> None:
        self._touched.add(field_id)
        self._entries[field_id].frame.set_error("")
        self._show_visible()
        self.changed.emit()

    def _on_left(self, field_id: str) -> None:
        if field_id in self._touched:
            self._entries[field_id].frame.set_error(self.problems().get(field_id, ""))

    def _on_picked(self, field_id: str, path: Path) -> None:
        self.file_picked.emit(field_id, path)
