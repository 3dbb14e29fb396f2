"""The suppression list: its numbers, one value asked for, imports, sources, changes, and what it does to the exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from app.core.errors import FixData, as_sendoff_error
from app.core.exports import Export, ExportKind
from app.core.roles import Action, may
from app.core.suppression import Change, Numbers, Source
from app.jobs import JobContext
from app.services.suppression import TakenOff
from app.ui.context import WindowContext
from app.ui.dialogs.suppression import TakeOffDialog
from app.ui.pages.freshness import Freshness
from app.ui.pages.job_page import JobPage
from app.ui.pages.suppression.imports import Imports
from app.ui.pages.suppression.parts import CheckPanel, Figures
from app.ui.pages.suppression.tables import (
    PANEL,
    ChangeRow,
    EffectPanel,
    EffectRow,
    SourceRow,
    changes_table,
    sources_table,
)
from app.ui.pages.view_switch import SegmentViews
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import IconLine, Label, Line, column, row
from app.ui.widgets.menus import Menu
from app.ui.widgets.scroll import Scroll

NARROW = 1000
"""Below this width the panel stands under the rest."""
CHANGES = 20


@dataclass(frozen=True)
class _Read:
    numbers: Numbers
    sources: tuple[Source, ...]
    changes: tuple[Change, ...]
    exports: tuple[tuple[Export, EffectRow], ...]
    ground: object
    may_look: bool
    may_change: bool
    readable: tuple[str, ...]
    after_runs: bool


class SuppressionPage(JobPage):
    """Who is never sent. Values are hashed in jobs and shown nowhere; what the list keeps out is counted export by export."""

    page_id = "suppression"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(
            context,
            self.tr("Segments"),
            self.tr("Groups of customers you can send anywhere."),
            self._read_list,
            self._show_list,
            parent,
        )
        theme, formats = context.theme, context.formats
        self._ground: object = None
        self._turns: list[Callable[[], None]] = []
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._next_turn)
        self._waiting: list[Export] = []
        self._counting: Job | None = None
        self._may_change = False
        self._readable: tuple[str, ...] = ()
        self._effects: dict[str, EffectRow] = {}
        self._figures = Figures(theme, formats)
        self.check = CheckPanel(theme, formats)
        self.sources = sources_table(theme, formats)
        self.changes = changes_table(theme, formats)
        self.effect = EffectPanel(theme, formats)
        self.imports = Imports(self)
        self.audit = Button(theme, self.tr("Open the audit trail"), "link", trailing="arrow-right")
        self.audit.clicked.connect(lambda: context.navigator.show_page("audit"))
        self.views.addWidget(SegmentViews(context, self.page_id))
        for button in self.imports.buttons:
            self.actions.addWidget(button)
        self._assemble()
        self.check.asked.connect(self._on_check)
        self.check.take_off_asked.connect(self._on_take_off)
        self.sources.menu_asked.connect(self._on_source_menu)
        self.effect.export_asked.connect(lambda name: context.navigator.show_page("exports", name))
        self.effect.after_runs_asked.connect(self._on_after_runs)
        self.effect.read_back_asked.connect(self._on_read_back)
        topics = ("suppression", "exports", "segments", "tables")
        Freshness(self, context.navigator.noticed, topics, self.refresh)

    def activate(self, focus: str | None = None) -> None:
        """Come to the front."""
        self.refresh()

    def regions(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.check, self.sources, self.changes, self.effect]

    def settled(self) -> bool:
        """Whether every number shown is final."""
        return self._counting is None and not self._turns

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the panel under the rest on a small window."""
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        self._inside.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self.effect.setMinimumWidth(0 if narrow else PANEL)
        self.effect.setMaximumWidth(16_777_215 if narrow else PANEL)

    def _assemble(self) -> None:
        theme = self.context.theme
        kept = self.tr(
            "Kept only as salted hashes. Nobody, Sendoff included, can read who is on it; it can only be compared."
        )
        self._import_part = QWidget()
        self._import_part.setLayout(column(Label(theme, self.tr("Import"), "subtitle"), self.imports.drop, None))
        self._ask_part = QWidget()
        ask = row(self.check, self._import_part, spacing=20)
        ask.setStretch(0, 4)
        ask.setStretch(1, 3)
        self._ask_part.setLayout(ask)
        once = Label(theme, self.tr("What stands in two sources counts once."), "body", "text2")
        self._look_part = QWidget()
        self._look_part.setLayout(
            column(
                row(Label(theme, self.tr("Where the entries come from"), "subtitle"), once, None),
                self.sources,
                8,
                row(Label(theme, self.tr("Last changes"), "subtitle"), None, self.audit),
                self.changes,
            )
        )
        self._no_look = Label(
            theme, self.tr("Contributors and admins see more of the list than its numbers."), "body", "text2", wrap=True
        )
        left = QWidget()
        left.setLayout(
            column(
                self._figures,
                IconLine(theme, "hash", kept),
                Line(theme),
                self._no_look,
                self._ask_part,
                4,
                self._look_part,
                None,
                spacing=12,
                margins=(24, 20, 24, 24),
            )
        )
        body = QWidget()
        self._inside = row(left, self.effect, spacing=0)
        self._inside.setStretch(0, 1)
        body.setLayout(self._inside)
        self.content.setLayout(column(Scroll(body), spacing=0))

    # Reading, in jobs

    def _read_list(self, _ctx: JobContext) -> _Read:
        services = self.context.services
        role = services.roles.role()
        may_look = may(role, Action.SEE_SUPPRESSION)
        numbers = services.suppression.numbers()
        changes = services.suppression.changes(CHANGES) if may_look else ()
        exports = tuple(
            (found.export, EffectRow(found.export.name, found.description.badge))
            for found in services.exports.all()
            if found.export.kind is ExportKind.SEGMENT
        )
        ground = (
            numbers,
            changes[:1],
            tuple(export for export, _row in exports),
            tuple(found.segment for found in services.segments.all()),
            tuple((table.id, table.generation, table.columns) for table in services.tables.all()),
        )
        sources = services.suppression.sources() if may_look else ()
        unsubscribes = services.unsubscribes
        return _Read(
            numbers,
            sources,
            changes,
            exports,
            ground,
            may_look,
            may(role, Action.CHANGE_SUPPRESSION),
            tuple(connection.name for connection in unsubscribes.readable()),
            unsubscribes.after_runs(),
        )

    # Answers

    def _show_list(self, read: _Read) -> bool:
        self._figures.set_numbers(read.numbers)
        self.imports.set_may_change(read.may_change)
        self._import_part.setVisible(read.may_change)
        for part in (self._ask_part, self._look_part):
            part.setVisible(read.may_look)
        self._no_look.setVisible(not read.may_look)
        self._may_change = read.may_change
        self._readable = read.readable
        self.effect.set_reading(on=read.after_runs, possible=bool(read.readable), may_change=read.may_change)
        self.check.set_may_change(read.may_change)
        self._turns = [
            lambda: self.sources.set_rows(map(SourceRow, read.sources), with_menu=read.may_change),
            lambda: self.changes.set_rows(ChangeRow(str(at), change) for at, change in enumerate(read.changes)),
            lambda: self._show_effects(read),
        ]
        self._next_turn()
        return True

    def _next_turn(self) -> None:
        """Show one table in each turn of the event loop: making a table takes its time."""
        if self._turns:
            self._turns.pop(0)()
        if self._turns:
            self._turn.start()

    def _show_effects(self, read: _Read) -> None:
        known = self._effects if read.ground == self._ground else {}
        self._effects = {line.key: known.get(line.key, line) for _export, line in read.exports}
        self.effect.set_rows(self._effects.values())
        if read.ground != self._ground:
            self._ground = read.ground
            self._waiting = [export for export, _line in read.exports]
            if self._counting is not None:
                self.context.runner.abandon(self._counting)
            self._count_next()

    def _count_next(self) -> None:
        """Count one export after the other, so that each number is shown as soon as it is known."""
        self._counting = None
        if not self._waiting:
            return
        export = self._waiting.pop(0)
        services = self.context.services
        self._counting = self.context.runner.submit(
            "queries",
            f"Count who is left out of {export.name}",
            lambda ctx: services.suppression_effect.of(export, ctx),
            on_finished=lambda end: self._on_counted(export.name, end),
        )

    def _on_counted(self, name: str, end: Finished) -> None:
        line = self._effects.get(name)
        if line is not None and end.outcome is Outcome.DONE:
            self._effects[name] = replace(line, effect=end.value)
        elif line is not None and end.error is not None:
            told = as_sendoff_error(end.error)
            self._effects[name] = replace(line, problem=f"{told.what} {told.why}".strip())
        self.effect.set_rows(self._effects.values())
        self._count_next()

    # One value

    def _on_check(self, value: str) -> None:
        services = self.context.services

        def finished(end: Finished) -> None:
            if value != self.check.field.text():
                return  # something else was typed meanwhile
            if end.outcome is Outcome.DONE:
                self.check.show_listing(end.value)
            elif isinstance(end.error, FixData):
                self.check.show_problem(f"{end.error.what} {end.error.why}")
            elif end.error is not None:
                self.context.navigator.show_error(end.error, self)

        self.context.runner.submit(
            "store",
            "Look on the suppression list",
            lambda _ctx: services.suppression.check(value),
            on_finished=finished,
        )

    def _on_take_off(self, value: str) -> None:
        services, navigator = self.context.services, self.context.navigator

        def taken_off(taken: TakenOff) -> None:
            self.check.clear()
            navigator.changed("suppression")
            navigator.toast(
                self.tr("Taken off the list"),
                undo=lambda: self.change("Put a value back", lambda: services.suppression.put_back(taken)),
            )

        dialog = TakeOffDialog(self.context.theme, self)
        dialog.accepted.connect(
            lambda: self.do(
                "Take a value off",
                lambda _ctx: services.suppression.take_off(value, dialog.reason_words()),
                taken_off,
            )
        )
        dialog.open()

    # Reading back

    def _on_after_runs(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        service = self.context.services.unsubscribes
        self.change("Read unsubscribes back after runs", lambda: service.set_after_runs(on=on))

    def _on_read_back(self) -> None:
        """Ask one connection after the other."""
        service, names, formats = self.context.services.unsubscribes, self._readable, self.context.formats

        def told(new: int) -> None:
            self.context.navigator.changed("suppression")
            words = self.tr("{n} new on the suppression list") if new else self.tr("Nobody new on the suppression list")
            self.context.navigator.toast(words.format(n=formats.number(new)))

        self.effect.read_back.set_busy(True)
        self.do(
            "Read unsubscribes back",
            lambda ctx: sum(service.read_back(name, ctx).new for name in names),
            told,
            pool="queries",
            always=lambda: self.effect.read_back.set_busy(False),
        )

    # Sources

    def _on_source_menu(self, key: str, place: QPoint) -> None:
        line = self.sources.table.row(key)
        if line is None or not self._may_change:
            return
        menu = Menu(self.context.theme, line.source.name, self)
        menu.add(self.tr("Remove…"), lambda: self._remove(line.source), icon="trash", danger=True)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def _remove(self, source: Source) -> None:
        services, navigator, formats = self.context.services, self.context.navigator, self.context.formats

        def removed(_nothing: object) -> None:
            navigator.changed("suppression")
            navigator.toast(
                self.tr("{name} removed from the list").format(name=source.name),
                undo=lambda: self.change("Put a source back", lambda: services.suppression.put_back_source(source.id)),
            )

        sentence = self.tr(
            "Its {n} entries go, except those that another source has too. These people may be sent again."
        )
        dialog = ConfirmDialog(
            self.context.theme,
            self,
            title=self.tr("Remove '{name}' from the list?").format(name=source.name),
            sentence=sentence.format(n=formats.number(source.entries)),
            confirm=self.tr("Remove source"),
            danger=True,
        )
        dialog.accepted.connect(
            lambda: self.do("Remove a source", lambda _ctx: services.suppression.remove_source(source.id), removed)
        )
        dialog.open()

    def change(self, name: str, work: Callable[[], None]) -> None:
        """Change the list in a job and tell the pages."""
        self.do(name, lambda _ctx: work(), lambda _nothing: self.context.navigator.changed("suppression"))
