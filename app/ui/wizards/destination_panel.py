"""The panel of the first step: what a target takes and can do, from its description, and who may use the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.connections import Access, HealthState
from app.core.counts import LimitScope
from app.core.exports import SyncMode
from app.core.file_formats import FileType
from app.core.roles import Role
from app.core.segments import SegmentOf
from app.ui.widgets.buttons import Button
from app.ui.widgets.facts import Fact, FactList, TickList
from app.ui.widgets.labels import Label, Line, column, row
from app.ui.widgets.marks import Badge
from app.ui.widgets.notes import Note
from app.ui.wizards.facts import OF_AUDIENCE
from app.ui.wizards.member_words import words_for
from app.ui.wizards.state import WizardState

if TYPE_CHECKING:
    from app.destinations.description import Description
    from app.services.connections import ConnectionRow


class DestinationPanel(QWidget):
    """Follows the connection chosen; says what to do before one is."""

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        theme = state.context.theme
        self._empty = Label(theme, self.tr("What a destination takes and can do shows here."), ink="text2", wrap=True)
        self._badge = Badge(theme, "", theme.tokens["accent"], "", 32)
        self._name = Label(theme, "", "title", wrap=True)
        self._category = Label(theme, "", "caption", "text2", wrap=True)
        self._takes = FactList(theme, self.tr("What it takes"))
        self._can = TickList(theme, self.tr("What it can do"))
        self._who_title = Label(theme, "", "body-strong", wrap=True)
        self._who = TickList(theme, self.tr("Who can use it"))
        self._note = Note(theme, "warning", "", strong=True)
        self._remarks = TickList(theme, self.tr("Good to know"))
        self._more = Button(theme, "", "link")
        self._all_of = ""
        self._note.primary_clicked.connect(self._on_sign_in_clicked)
        self._more.clicked.connect(self._on_more_clicked)
        self._assemble()
        self.show_state()

    def _assemble(self) -> None:
        theme = self._state.context.theme
        head = row(self._badge, column(self._name, self._category, spacing=0), spacing=12)
        head.setStretch(1, 1)
        self._content = QWidget()
        body = QVBoxLayout(self._content)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(10)
        body.addLayout(head)
        body.addSpacing(6)
        body.addWidget(Label(theme, self.tr("What it takes"), "body-strong"))
        body.addWidget(self._takes)
        body.addWidget(Line(theme))
        body.addSpacing(4)
        body.addWidget(Label(theme, self.tr("What it can do"), "body-strong"))
        body.addWidget(self._can)
        body.addWidget(Line(theme))
        body.addSpacing(4)
        body.addWidget(self._who_title)
        body.addWidget(self._who)
        body.addWidget(self._note)
        self._remarks_title = Label(theme, self.tr("Good to know"), "body-strong")
        body.addSpacing(4)
        body.addWidget(self._remarks_title)
        body.addWidget(self._remarks)
        body.addWidget(self._more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 22, 24, 20)
        layout.addWidget(self._empty)
        layout.addWidget(self._content)
        layout.addStretch(1)

    def show_state(self) -> None:
        """Show the destination chosen."""
        description = self._state.description
        self._empty.setVisible(description is None)
        self._content.setVisible(description is not None)
        if description is None:
            return
        self._badge.set_badge(description.badge.letters, description.badge.colour, description.name)
        self._name.set_words(description.name)
        self._category.set_words(description.summary)
        self._takes.set_facts(self._facts(description))
        self._can.set_lines(self._abilities(description))
        self._show_remarks(description)
        self._show_connection(self._state.connection)

    def _show_remarks(self, description: Description) -> None:
        """The first remark; the others behind a link."""
        remarks = [("info", "text3", words) for words in description.notes]
        shown = remarks if self._all_of == description.id else remarks[:1]
        self._remarks_title.setVisible(bool(remarks))
        self._remarks.set_lines(shown)
        rest = len(remarks) - len(shown)
        self._more.setVisible(bool(rest))
        self._more.set_words(self.tr("Show {n} more").format(n=self._state.context.formats.number(rest)))

    def _show_connection(self, chosen: ConnectionRow | None) -> None:
        self._who_title.setVisible(chosen is not None)
        self._who.setVisible(chosen is not None)
        self._note.hide()
        if chosen is None:
            return
        name = chosen.connection.name
        self._who_title.set_words(self.tr("Who can use {name}").format(name=name))
        shared = chosen.connection.access is Access.CONTRIBUTORS
        words = self.tr("Admins and contributors") if shared else self.tr("Admins only")
        self._who.set_lines([("users", "text2", words)])
        self._show_note(chosen)

    def _show_note(self, chosen: ConnectionRow) -> None:
        name, admin = chosen.connection.name, self._state.facts.role is Role.ADMIN
        state = chosen.health.state
        button = {
            HealthState.SIGN_IN_EXPIRED: self.tr("Sign in again"),
            HealthState.SECRET_MISSING: self.tr("Add secret"),
            HealthState.FAILED: self.tr("Open the connection"),
        }.get(state, "")
        if not button:
            return
        sentence = {
            HealthState.SIGN_IN_EXPIRED: self.tr("The sign-in expired"),
            HealthState.SECRET_MISSING: self.tr("The secret isn't on this computer"),
            HealthState.FAILED: self.tr("The last test failed"),
        }[state]
        detail = {
            HealthState.SIGN_IN_EXPIRED: self.tr("Sign in to {name} again, then go on here."),
            HealthState.SECRET_MISSING: self.tr("Enter the secret of {name} again, then go on here."),
            HealthState.FAILED: self.tr("{name} may not work. You can go on and mend it later."),
        }[state].format(name=name)
        if chosen.health.sentence:
            detail = f"{chosen.health.sentence} {detail}"
        if not admin:
            detail = f"{detail} {self.tr('Ask an admin to do it.')}"
        tone = "danger" if state is HealthState.SIGN_IN_EXPIRED else "warning"
        self._note.set_note(tone, sentence, detail, primary=button if admin else "")
        self._note.show()

    def _facts(self, description: Description) -> list[Fact]:
        formats, limits = self._state.context.formats, description.limits
        facts = []
        if self._of_segments():
            words = words_for(description.takes & OF_AUDIENCE[self._state.facts.workspace.audience])
            label = {
                LimitScope.PER_SEGMENT: words.per_segment,
                LimitScope.PER_EXPORT: self.tr("Members per export"),
                LimitScope.TOTAL: self.tr("Members in all"),
            }[limits.scope]
            most = self.tr("no limit known")
            if limits.maximum is not None:
                most = self.tr("up to {n}").format(n=formats.number(limits.maximum))
            facts.append(Fact(label, most))
            if limits.minimum is not None:
                facts.append(Fact(self.tr("At least"), formats.counted(limits.minimum, words.unit)))
            facts.append(Fact(self.tr("Key identifier"), self._key_words(description)))
            facts.append(Fact(self.tr("Audience"), self._audience_words(description)))
        else:
            kinds = description.file_rules.types or tuple(FileType)
            facts.append(Fact(self.tr("File formats"), ", ".join(self._file_type(kind) for kind in kinds)))
        facts.append(Fact(self.tr("Signs in with"), description.signs_in_with))
        return facts

    def _file_type(self, kind: FileType) -> str:
        return {
            FileType.CSV: self.tr("CSV"),
            FileType.PARQUET: self.tr("Parquet"),
            FileType.JSON_LINES: self.tr("JSON lines"),
            FileType.EXCEL: self.tr("Excel"),
        }[kind]

    def _abilities(self, description: Description) -> list[str]:
        modes = {
            SyncMode.UPDATE: self.tr("Add and update members"),
            SyncMode.ADD: self.tr("Only add new members"),
            SyncMode.MIRROR: self.tr("Add and remove members"),
            SyncMode.REPLACE: self.tr("Replace what it holds"),
        }
        lines = [modes[mode] for mode in description.sync_modes]
        if description.free_fields:
            lines.append(self.tr("Fill the audience's own fields"))
        if description.any_field:
            lines.append(self.tr("Take any column under any name"))
            lines.append(self.tr("Publish the files of a run all at once"))
        elif self._of_segments():
            lines.append(self.tr("Report rejected members"))
        return lines

    def _key_words(self, description: Description) -> str:
        if description.any_field:
            return self.tr("the table's key")
        names = {field.id: field.name for field in description.fields}
        return self.tr(" or ").join(names.get(key, key) for key in description.key_fields) or self.tr("none")

    def _audience_words(self, description: Description) -> str:
        words = {
            SegmentOf.CUSTOMERS: self.tr("Individual consumers"),
            SegmentOf.CONTACTS: self.tr("contacts"),
            SegmentOf.ACCOUNTS: self.tr("business accounts"),
        }
        return ", ".join(words[of] for of in SegmentOf if of in description.takes)

    def _of_segments(self) -> bool:
        return hasattr(self._state.draft, "segments")

    def _on_more_clicked(self) -> None:
        self._all_of = self._state.draft.destination
        self.show_state()

    def _on_sign_in_clicked(self) -> None:
        chosen = self._state.connection
        if chosen is not None:
            changed = self._state.context.navigator.changed
            self._state.context.navigator.open_connection_dialog(
                None, chosen.connection.name, lambda _name: changed("connections")
            )
