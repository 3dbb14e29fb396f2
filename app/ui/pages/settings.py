"""Settings, saved at once: the workspace, the engine, how the window looks, the role, where secrets are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.engine_limits import EngineLimits
from app.core.retention import Retention
from app.core.roles import Action, Role, may
from app.core.servers import ServerAddress
from app.core.workspaces import WorkspaceInfo
from app.ui.context import WindowContext
from app.ui.dialogs.role import role_dialog
from app.ui.pages.appearance_part import AppearancePart
from app.ui.pages.engine_limits import LimitsPart, LimitsShown
from app.ui.pages.engine_part import EnginePart
from app.ui.pages.freshness import Freshness
from app.ui.pages.keyring_part import KeyringPart
from app.ui.pages.notifications_part import NotificationsPart
from app.ui.pages.retention_part import RetentionPart
from app.ui.pages.role_table import role_table
from app.ui.pages.setting_lines import setting_line, side_by_side
from app.ui.preferences import Preferences
from app.ui.runner import Finished, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.checks import Radio
from app.ui.widgets.choice import Choice
from app.ui.widgets.fields import TextField
from app.ui.widgets.labels import Area, Card, ElidedLabel, Label
from app.ui.widgets.marks import Pill
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
        self.appearance = AppearancePart(theme, self._preferences)
        self._role_pill = Pill(theme, "", "accent")
        formats = self._context.formats
        self._roles = {role: Radio(theme, formats.role(role)) for role in reversed(Role)}
        self.keyring = KeyringPart(self._context)
        self.audit = Button(theme, self.tr("Open"), trailing="arrow-right", name=self.tr("Open the audit trail"))
        self._audit_line = setting_line(theme, self.tr("Audit trail"), self.tr("Who did what, and when"), self.audit)

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
        self._role_group = QButtonGroup(self)
        for role, radio in self._roles.items():
            self._role_group.addButton(radio)
            radio.clicked.connect(lambda _on=False, r=role: self._on_role_chosen(r))
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
                setting_line(theme, self.tr("Name"), "", self._name, 260),
                setting_line(
                    theme, self.tr("Audience"), self.tr("Sets which exports are offered; chosen once"), self._audience
                ),
                setting_line(
                    theme, self.tr("Default country"), self.tr("Reads phone numbers without one"), self._country, 260
                ),
                setting_line(theme, self.tr("Folder"), "", self._folder, 320),
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
                self.appearance,
            ),
            self._card(
                self.tr("Notifications"),
                self.tr("Shown by the operating system while Sendoff is in the background, and listed in Runs"),
                self.notifications,
            ),
            self._card(
                self.tr("Role of this workspace"),
                self.tr("Viewers look, contributors build exports, admins also manage connections"),
                setting_line(theme, self.tr("Your role here"), "", self._role_pill),
                role_table(theme, self._context.formats),
                side_by_side(*self._roles.values()),
            ),
            self._card(
                self.tr("Security"),
                "",
                self.keyring,
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
