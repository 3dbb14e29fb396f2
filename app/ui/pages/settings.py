"""Settings, saved at once: the workspace, the engine, how the window looks, the role, where secrets are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLocale, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.core.engine_limits import EngineLimits
from app.core.errors import as_sendoff_error
from app.core.retention import Retention
from app.core.roles import Action, Role, may
from app.core.servers import ServerAddress
from app.core.workspaces import WorkspaceInfo
from app.ui.context import WindowContext
from app.ui.dialogs.role import role_dialog
from app.ui.pages.engine_limits import LimitsPart, LimitsShown
from app.ui.pages.engine_part import EnginePart
from app.ui.pages.freshness import Freshness
from app.ui.pages.notifications_part import NotificationsPart
from app.ui.pages.retention_part import RetentionPart
from app.ui.pages.role_table import role_table
from app.ui.preferences import Preferences
from app.ui.runner import Finished, Outcome
from app.ui.theme import Theme
from app.ui.theme.tokens import MODES
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button
from app.ui.widgets.checks import Radio, Toggle
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.fields import TextField
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.labels import Area, Card, ElidedLabel, Label, row
from app.ui.widgets.marks import Pill
from app.ui.widgets.notes import Note
from app.ui.widgets.page_head import PageHead
from app.ui.widgets.select import Select
from app.version import VERSION

if TYPE_CHECKING:
    from app.bootstrap import Services

WIDEST = 1120


@dataclass(frozen=True)
class SettingsData:
    """What the page shows of the workspace."""

    info: WorkspaceInfo
    role: Role
    person: str
    folder: str
    server: ServerAddress | None
    keep: Retention
    limits: LimitsShown


def read_settings(services: Services) -> SettingsData:
    """Read it; blocks, for a job."""
    return SettingsData(
        services.workspace.info(),
        services.roles.role(),
        services.roles.person(),
        str(services.workspace.folder),
        services.servers.address(),
        services.retention.get(),
        LimitsShown(services.engine_limits.limits(), services.engine_limits.computer()),
    )


class ThemeCard(KeyboardFocus, QRadioButton):
    """A small picture of a theme; a radio button."""

    def __init__(self, theme: Theme, choice: str, words: str) -> None:
        super().__init__(words)
        self._theme = theme
        self._choice = choice
        self.setAccessibleName(words)
        self.setFixedSize(QSize(148, 96))

    def hitButton(self, position: Any) -> bool:
        """The whole card can be clicked."""
        return self.rect().contains(position)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture and the choice under it."""
        painter, theme = QPainter(self), self._theme
        plate = self.rect().adjusted(0, 0, 0, -32)
        sides = {"system": ("light", "dark"), "light": ("light",), "dark": ("dark",)}[self._choice]
        width = plate.width() // len(sides)
        for number, mode in enumerate(sides):
            part = plate.adjusted(number * width, 0, 0, 0)
            tokens = MODES["light" if mode == "light" else "dark"]
            paint.box(painter, part, 6, fill=QColor(tokens["surface"]))
            for line, (length, role) in enumerate(((0.35, "accent"), (0.75, "track"), (0.55, "track"))):
                bar = part.adjusted(12, 14 + line * 14, 0, 0)
                bar.setHeight(5)
                bar.setWidth(round(width * length))
                paint.box(painter, bar, 2.5, fill=QColor(tokens[role]))
        edge = "accent" if self.isChecked() else "line"
        paint.box(painter, plate, 6, edge=theme.color(edge), width=2.0 if self.isChecked() else 1.0)
        mark = self.rect().adjusted(0, plate.height() + 8, 0, 0)
        mark.setWidth(16)
        mark.setHeight(16)
        paint.radio_mark(painter, theme, mark, on=self.isChecked())
        paint.text(painter, theme, self.rect().adjusted(24, plate.height() + 4, 0, -4), self.text())
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)


class SettingsPage(Area):
    """Cards in two columns, one below 1200 px."""

    page_id = "settings"

    def __init__(self, context: WindowContext, preferences: Preferences) -> None:
        super().__init__(context.theme, "subtle")
        self._context = context
        self._preferences = preferences
        self._data: SettingsData | None = None
        self.title = self.tr("Settings")
        self._create_elements()
        self._connect_signals()
        self._assemble()
        self._show_appearance()
        self.refresh()

    # Elements

    def _create_elements(self) -> None:
        theme = self._context.theme
        self._head = PageHead(
            theme, self.title, self.tr("Changes are saved as you make them."), self.tr("Search settings")
        )
        assert self._head.search is not None
        self.search_field = self._head.search
        self._name = TextField(theme, self.tr("Name"))
        self._audience = Label(theme, "")
        self._country = Select(theme, self.tr("Default country"), self._countries())
        self._folder = ElidedLabel(theme, "", "mono", "text2", middle=True)
        self._folder.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.engine = EnginePart(self._context)
        self.retention = RetentionPart(self._context)
        self.limits = LimitsPart(self._context)
        self.notifications = NotificationsPart(theme, self._preferences)
        self._themes = {
            "system": ThemeCard(theme, "system", self.tr("Match system")),
            "light": ThemeCard(theme, "light", self.tr("Light")),
            "dark": ThemeCard(theme, "dark", self.tr("Dark")),
        }
        self._rows = Segmented(
            theme,
            self.tr("Row height"),
            [Choice("comfortable", self.tr("Comfortable")), Choice("compact", self.tr("Compact"))],
        )
        self._motion = Toggle(theme, name=self.tr("Reduce motion"))
        self._role_pill = Pill(theme, "", "accent")
        formats = self._context.formats
        self._roles = {role: Radio(theme, formats.role(role)) for role in reversed(Role)}
        self._store = Label(
            theme, self.tr("Secrets are kept in this computer’s keyring, never in a file."), ink="text2", wrap=True
        )
        self.probe = Button(theme, self.tr("Test the keyring"))
        self._probed = Note(theme, "success", "")
        self._probed.hide()
        self.audit = Button(theme, self.tr("Open"), trailing="arrow-right", name=self.tr("Open the audit trail"))
        self._audit_line = self._line(self.tr("Audit trail"), self.tr("Who did what, and when"), self.audit)

    def _countries(self) -> list[Choice]:
        """Countries by their two letters, by name in the person's language."""
        known: dict[str, str] = {}
        for territory in QLocale.Country:
            code = QLocale.territoryToCode(territory)
            if len(code) == 2 and code.isalpha():
                known.setdefault(code, QLocale.territoryToString(territory))
        return [Choice(code, f"{name} ({code})") for code, name in sorted(known.items(), key=lambda pair: pair[1])]

    def _connect_signals(self) -> None:
        Freshness(self, self._context.navigator.noticed, ("settings",), self.refresh)
        self.search_field.textChanged.connect(self._on_search_changed)
        self._name.left.connect(self._on_name_left)
        self._country.chosen.connect(self._on_country_chosen)
        for choice, card in self._themes.items():
            card.clicked.connect(lambda _on=False, c=choice: self._on_theme_chosen(c))
        self._rows.chosen.connect(lambda key: self._preferences.set_compact_rows(compact=key == "compact"))
        self._motion.toggled.connect(self._on_motion_toggled)
        self._role_group = QButtonGroup(self)
        for role, radio in self._roles.items():
            self._role_group.addButton(radio)
            radio.clicked.connect(lambda _on=False, r=role: self._on_role_chosen(r))
        self.probe.clicked.connect(self._on_probe_clicked)
        self.engine.changed.connect(self._on_engine_changed)
        self.retention.chosen.connect(self._on_retention_chosen)
        self.limits.wanted.connect(self._on_limits_wanted)
        self.audit.clicked.connect(lambda: self._context.navigator.show_page("audit"))

    def _assemble(self) -> None:
        theme = self._context.theme
        self._cards = [
            self._card(
                self.tr("Workspace"),
                self.tr("Kept in one folder on this computer"),
                self._line(self.tr("Name"), "", self._name, 260),
                self._line(self.tr("Audience"), self.tr("Sets which exports are offered; chosen once"), self._audience),
                self._line(self.tr("Default country"), self.tr("Reads phone numbers without one"), self._country, 260),
                self._line(self.tr("Folder"), "", self._folder, 320),
            ),
            self._card(
                self.tr("Data engine"),
                self.tr("Where tables live and segments are counted"),
                self.engine,
                self.limits,
            ),
            self._card(
                self.tr("Appearance"),
                self.tr("Applies at once"),
                self._row_of(*self._themes.values()),
                self._line(self.tr("Row height"), self.tr("For tables opened from now on"), self._rows),
                self._line(self.tr("Reduce motion"), self.tr("No slides, still spinners"), self._motion),
            ),
            self._card(
                self.tr("Notifications"),
                self.tr("Shown by the operating system while Sendoff is in the background, and listed in Runs"),
                self.notifications,
            ),
            self._card(
                self.tr("Role of this workspace"),
                self.tr("Viewers look, contributors build exports, admins also manage connections"),
                self._line(self.tr("Your role here"), "", self._role_pill),
                role_table(theme, self._context.formats),
                self._row_of(*self._roles.values()),
            ),
            self._card(
                self.tr("Security"),
                "",
                self._store,
                self._row_of(self.probe),
                self._probed,
                self._audit_line,
            ),
            self._card(
                self.tr("How long it is kept"),
                self.tr("What runs leave behind in this workspace; what is older goes when it is opened"),
                self.retention,
            ),
            self._card(self.tr("Sendoff {version}").format(version=VERSION), self.tr("This is the version you run.")),
        ]
        inside = Area(theme, "subtle")
        self._columns = QHBoxLayout()
        self._columns.setSpacing(16)
        self._left, self._right = QVBoxLayout(), QVBoxLayout()
        for column in (self._left, self._right):
            column.setSpacing(16)
            self._columns.addLayout(column, 1)
        holder = QWidget()
        holder.setMaximumWidth(WIDEST)
        holder.setLayout(self._columns)
        self._columns.setContentsMargins(0, 0, 0, 0)
        frame = QHBoxLayout(inside)
        frame.setContentsMargins(24, 16, 24, 24)
        frame.addWidget(holder, 1000)
        frame.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._head)
        outer.addWidget(scroll, 1)
        self._arranged: bool | None = None
        self._arrange()

    def _card(self, title: str, sentence: str, *parts: QWidget) -> Card:
        theme = self._context.theme
        card = Card(theme, margin=20)
        card.body.setContentsMargins(20, 14, 20, 18)
        card.body.setSpacing(14)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Label(theme, title, "subtitle"))
        if sentence:
            words.addWidget(Label(theme, sentence, "caption", "text2", wrap=True))
        card.body.addLayout(words)
        for part in parts:
            card.body.addWidget(part)
        card.setProperty(
            "words", " ".join((title, sentence, *(p.property("words") or p.accessibleName() for p in parts)))
        )
        return card

    def _line(self, label: str, hint: str, control: QWidget, width: int = 0) -> QWidget:
        theme = self._context.theme
        host = QWidget()
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Label(theme, label, "body-medium"))
        if hint:
            words.addWidget(Label(theme, hint, "caption", "text2"))
        if not control.accessibleName():
            control.setAccessibleName(label)
        if width:
            control.setFixedWidth(width)
            control.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        host.setLayout(row(words, None, control))
        host.setProperty("words", f"{label} {hint}")
        return host

    def _row_of(self, *widgets: QWidget) -> QWidget:
        host = QWidget()
        host.setLayout(row(*widgets, None, spacing=16))
        host.setProperty("words", " ".join(widget.accessibleName() for widget in widgets))
        return host

    # Page

    def refresh(self) -> None:
        """Read the workspace's settings again."""
        services = self._context.services
        self._context.runner.submit(
            "queries", "Read the settings", lambda _ctx: read_settings(services), on_finished=self._on_read
        )

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is searched for."""
        if focus is not None:
            self.search_field.setText(focus)
        self.refresh()

    def resizeEvent(self, event: Any) -> None:
        """One column below 1200 px."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        two = self.window().width() >= 1200
        if two is self._arranged:
            return
        self._arranged = two
        self._columns.setStretch(1, 1 if two else 0)
        self._columns.setSpacing(16 if two else 0)
        for column in (self._left, self._right):
            while column.count():
                column.takeAt(0)
        for number, card in enumerate(self._cards):
            (self._right if two and number > 2 else self._left).addWidget(card)
        self._left.addStretch(1)
        self._right.addStretch(1)

    def _show_appearance(self) -> None:
        self._themes[self._preferences.theme_choice()].setChecked(True)
        self._rows.set_current("compact" if self._preferences.compact_rows() else "comfortable")
        self._motion.setChecked(self._preferences.reduced_motion())

    def _show_data(self, data: SettingsData) -> None:
        formats = self._context.formats
        changes = may(data.role, Action.CHANGE_SETTINGS)
        if not self._name.input.hasFocus():
            self._name.set_value(data.info.name)
        self._name.setEnabled(changes)
        self._audience.set_words(formats.audience(data.info.audience))
        self._country.set_current_key(data.info.country_code)
        self._country.setEnabled(changes)
        self._folder.set_words(data.folder)
        self.engine.show_server(data.server, may_change=changes)
        self.retention.show_retention(data.keep, may_change=changes)
        self.limits.show_limits(data.limits, may_change=changes)
        self._role_pill.set_pill(formats.role(data.role), "accent")
        self._audit_line.setVisible(may(data.role, Action.SEE_AUDIT))
        self._roles[data.role].setChecked(True)
        for role, radio in self._roles.items():
            radio.setEnabled(role is data.role or may(data.role, Action.CHANGE_ROLE))

    def _save(self, name: str, work: Callable[[], object], told: str, undo: Callable[[], object] | None) -> None:
        """Save in a job, tell it with its own undo, or say why not."""

        def finished(end: Finished) -> None:
            navigator = self._context.navigator
            if end.outcome is Outcome.FAILED and end.error is not None:
                navigator.show_error(end.error, self)
            elif end.outcome is Outcome.DONE and told:
                navigator.toast(told, None if undo is None else lambda: self._save(name, undo, "", None))
            navigator.changed("roles")
            self.refresh()

        self._context.runner.submit("store", name, lambda _ctx: work(), on_finished=finished)

    # Slots

    def _on_read(self, finished: Finished) -> None:
        if finished.outcome is Outcome.DONE:
            self._data = finished.value
            self._show_data(finished.value)
        elif finished.error is not None and self._data is None:
            self._context.navigator.show_error(finished.error, self)

    def _on_search_changed(self, words: str) -> None:
        wanted = words.casefold().split()
        for card in self._cards:
            text = str(card.property("words")).casefold()
            card.setVisible(all(word in text for word in wanted))

    def _on_name_left(self) -> None:
        before = self._data
        name = " ".join(self._name.value().split())
        if before is None or name == before.info.name:
            return
        if not name:
            self._name.set_error(self.tr("Give the workspace a name."))
            return
        self._name.set_error("")
        services, old = self._context.services, before.info.name
        self._save(
            self.tr("Rename the workspace"),
            lambda: services.workspace.rename(name),
            self.tr("Workspace renamed"),
            lambda: services.workspace.rename(old),
        )

    def _on_country_chosen(self, code: str) -> None:
        before = self._data
        if before is None or code == before.info.country_code:
            return
        services, old = self._context.services, before.info.country_code
        self._save(
            self.tr("Change the default country"),
            lambda: services.workspace.set_country(code),
            self.tr("Default country changed"),
            lambda: services.workspace.set_country(old),
        )

    def _on_theme_chosen(self, choice: str) -> None:
        if choice in {"system", "light", "dark"}:
            self._preferences.set_theme_choice(self._context.theme, choice)  # type: ignore[arg-type]  # checked in the line above

    def _on_motion_toggled(self, on: bool) -> None:  # noqa: FBT001 - Qt's signature
        self._preferences.set_reduced_motion(self._context.theme, reduced=on)

    def _on_role_chosen(self, role: Role) -> None:
        before = self._data
        if before is None or role is before.role:
            return
        dialog = role_dialog(self._context.theme, self, self._context.formats.role(role))
        dialog.accepted.connect(lambda: self._set_role(role))
        dialog.rejected.connect(self.refresh)
        dialog.open()

    def _set_role(self, role: Role) -> None:
        services = self._context.services
        self._save(self.tr("Change the role"), lambda: services.roles.set_role(role), self.tr("Role changed"), None)

    def _on_retention_chosen(self, kind: str, days: int) -> None:
        if self._data is None:
            return
        retention, before = self._context.services.retention, getattr(self._data.keep, kind)
        self._save(
            self.tr("Change how long it is kept"),
            lambda: retention.set(**{kind: days}),
            self.tr("Kept for {days} from now on").format(days=self._context.formats.counted(days, "days")),
            lambda: retention.set(**{kind: before}),
        )

    def _on_limits_wanted(self, limits: EngineLimits) -> None:
        before = self._data
        if before is None:
            return
        service, old = self._context.services.engine_limits, before.limits.limits
        self._save(
            self.tr("Limit the engine"),
            lambda: service.set(memory_gb=limits.memory_gb, threads=limits.threads),
            self.tr("The engine keeps to the new limits"),
            lambda: service.set(memory_gb=old.memory_gb, threads=old.threads),
        )

    def _on_engine_changed(self) -> None:
        self._context.navigator.changed("tables")
        self.refresh()

    def _on_probe_clicked(self) -> None:
        self.probe.set_busy(True)
        services = self._context.services
        self._context.runner.submit(
            "queries",
            "Test the keyring",
            lambda _ctx: services.connections.secret_store(),
            on_finished=self._on_probed,
        )

    def _on_probed(self, finished: Finished) -> None:
        self.probe.set_busy(False)
        if finished.outcome is Outcome.DONE:
            words = self.tr("Secrets are kept in {store}.").format(store=finished.value.name)
            self._probed.set_note("success", words)
            self._store.set_words(words)
        elif finished.error is not None:
            told = as_sendoff_error(finished.error)
            self._probed.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self._probed.show()
