"""What a run would change, before it is sent: numbers, members with reasons, the exact request of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.plans import Change, Plan, PlanFilter, PlanLine
from app.core.reasons import Reason
from app.core.roles import Action, may
from app.core.runs import Run, Status, Trigger
from app.jobs import JobContext
from app.services.exports import ExportRow
from app.services.plan_looks import PlanLook, PlanMember
from app.ui.context import WindowContext
from app.ui.dialogs.held import HeldDialog
from app.ui.held_words import cause_words, held_words
from app.ui.pages.plan.numbers import PlanNumbers, numbers_of
from app.ui.pages.plan.panel import WIDTH, MemberPanel
from app.ui.pages.plan.words import Row, change_words, columns, forecast_words, send_words
from app.ui.pages.runs.head import RunHead
from app.ui.reason_words import reason_words
from app.ui.runner import LiveQuery
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import ChipBar, Choice
from app.ui.widgets.drawer import DrawerArea
from app.ui.widgets.fields import SearchField
from app.ui.widgets.focus import take_focus
from app.ui.widgets.labels import Area, IconLabel, Label, Line, column, row
from app.ui.widgets.masking import Masking
from app.ui.widgets.select import Select
from app.ui.widgets.states import EmptyState, Loading
from app.ui.widgets.table import ROW_ONE_LINE, DataTable

PAGE = 200
SEARCH_MS = 250


@dataclass(frozen=True)
class _Made:
    look: PlanLook
    row: ExportRow
    held: Run | None
    may_show: bool
    may_send: bool


@dataclass(frozen=True)
class _Page:
    asked: PlanFilter
    masked: bool
    offset: int
    lines: list[PlanLine]
    number: int
    reasons: list[tuple[str, int]]


class PlanPage(QWidget):
    """A further view of the exports; `activate` names the export. Main thread only.

    Which plan it is, what it is called and what sending it means are methods of their own: see `UndoPlanPage`.
    """

    page_id = "plan"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._name = ""
        self._made: _Made | None = None
        self._lines: list[PlanLine] = []
        self._asked = PlanFilter()
        self._masking, self._complete = Masking(self), False
        theme = context.theme
        self.title = self.tr("Plan")
        self._head = RunHead(theme, *self._way_back())
        self.again = Button(theme, self.tr("Plan again"), icon="arrows-clockwise")
        self.numbers = PlanNumbers(theme, context.formats)
        self.chips = ChipBar(theme, self.tr("Changes"), [Choice("", self.tr("All"))], gap=6)
        self.search = SearchField(
            theme, self.tr("Search members"), shortcut=QKeySequence(QKeySequence.StandardKey.Find)
        )
        self.reasons = Select(theme, self.tr("Reason"), [Choice("any", self.tr("Any reason"))])
        self.show_values = Button(theme, self.tr("Show"), "link", name=self.tr("Show personal values for 20 seconds"))
        self._table_place = QVBoxLayout()
        self.table: DataTable | None = None
        self.panel = MemberPanel(theme, context.formats)
        self.save = Button(theme, self.tr("Save as CSV"), "ghost", icon="download-simple")
        self.send = Button(theme, self.tr("Send"), "primary", icon="paper-plane-tilt")
        self.back = Button(theme, self.tr("Back"), icon="arrow-left")
        self._reason = Label(theme, "", "caption", "text2")
        self._age = Label(theme, "", "caption", "text2")
        self._requests = Label(theme, "", "caption", "text2")
        self._loading = Loading(theme, self.tr("Comparing with what was sent"), rows=8, badges=False)
        self._error = EmptyState(
            theme, "", icon="warning-circle-fill", icon_role="danger", primary=self.tr("Plan again")
        )
        self._pages = QStackedWidget()
        self._drawer = DrawerArea(theme, self.tr("Member"), width=WIDTH)
        self._plan_query = LiveQuery(context.runner, self.tr("Make the plan"), delay_ms=0, parent=self)
        self._page_query = LiveQuery(context.runner, self.tr("Read the plan"), delay_ms=0, parent=self)
        self._member_query = LiveQuery(context.runner, self.tr("Read a member"), delay_ms=0, parent=self)
        self._stale_query = LiveQuery(
            context.runner, self.tr("Compare the plan with the tables"), delay_ms=0, parent=self
        )
        self._type = QTimer(self)
        self._type.setSingleShot(True)
        self._type.setInterval(SEARCH_MS)
        self._assemble()
        self._connect()

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is the export's name."""
        if focus is not None:
            self._name = focus
            self._plan()
        elif self._made is not None:
            self._look_for_changes()

    def regions(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self._head, self._left, self.panel, self._foot]

    def settled(self) -> bool:
        """Whether no typed search waits to be asked."""
        return not self._type.isActive()

    # Reading

    def _plan(self) -> None:
        services, of = self._context.services, self._name

        def make(ctx: JobContext) -> _Made:
            look = self._look(of, ctx)
            name = look.export.name
            found: ExportRow = services.exports.get(name)
            role = services.roles.role()
            access = found.connection.access if found.connection is not None else None
            newest = services.runs.list(name, 1)
            held = newest[0] if newest and newest[0].status is Status.HELD else None
            return _Made(
                look, found, held, may(role, Action.SHOW_PERSONAL_VALUES), may(role, Action.RUN_EXPORTS, access)
            )

        self._close_look()
        take_focus(self)
        self._pages.setCurrentWidget(self._loading_page)
        for button in (self.again, self.send, self.save):
            button.setEnabled(False)
        self._reason.set_words("")
        self._plan_query.ask(make, at_once=True)

    def _look(self, of: str, ctx: JobContext) -> PlanLook:
        """Make the plan, in a job."""
        look: PlanLook = self._context.services.plan_looks.look(of, ctx)
        return look

    def _way_back(self) -> tuple[str, str]:
        """What the way back is called, and its accessible name."""
        return self.tr("Exports"), self.tr("Back to the exports")

    def _heading(self, look: PlanLook) -> tuple[str, str]:
        """Title and sentence above the plan."""
        sentence = self.tr("What sending now changes at {target}. Nothing has been sent yet.")
        return (
            self.tr("Plan for {export}").format(export=look.plan.export),
            sentence.format(target=look.destination),
        )

    def _go_back(self) -> None:
        self._context.navigator.show_page("exports", self._name)

    def _close_look(self) -> None:
        if self._made is not None:
            look, services = self._made.look, self._context.services
            self._made = None
            self._context.runner.submit("store", "Put a plan away", lambda _ctx: services.plan_looks.close(look))

    def _on_made(self, made: _Made) -> None:
        self._made = made
        look, formats = made.look, self._context.formats
        plan, badge = look.plan, made.row.description.badge
        self._head.set_head(*self._heading(look), badge, look.destination)
        self.numbers.show_plan(plan)
        numbers = numbers_of(plan)
        chips = [Choice("", self.tr("All"), count=formats.number(sum(numbers.values())))]
        chips += [
            Choice(change.value, change_words(change), count=formats.number(number))
            for change, number in numbers.items()
        ]
        self.chips.set_choices(chips)
        self.chips.set_current("")
        self._asked = PlanFilter()
        self._masking.mask()
        self._show_masking()
        self.search.clear()
        self._make_table(made)
        self.show_values.setVisible(made.may_show)
        self.save.setVisible(made.may_show)
        self.send.setVisible(made.may_send)
        self.again.setEnabled(True)
        self.save.setEnabled(True)
        self._show_sending(stale=False)
        age = self.tr("Plan made {time}. It is made again if a table changes before you send.")
        if len(look.plan.segments) > 1:  # the wizard counts people, the plan what is sent
            age = f"{age} {self.tr('Who is in several segments counts in each.')}"
        self._age.set_words(age.format(time=formats.clock(look.at)))
        self._pages.setCurrentWidget(self._drawer)
        self.panel.show_nobody()
        if self._drawer.is_docked():
            self._drawer.open()
        self._ask_page()

    def _make_table(self, made: _Made) -> None:
        keys = made.row.description.key_fields
        field = next((made.look.fields[key] for key in keys if key in made.look.fields), None)
        several = len(made.look.plan.segments) > 1
        table = DataTable(
            self._context.theme,
            self.tr("Members of the plan"),
            columns(self.tr("Known as") if field is None else field.name, segments=several),
            row_height=ROW_ONE_LINE,
            multiple=False,
            sortable=False,
        )
        table.selection_changed.connect(self._on_selected)
        table.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        if self.table is not None:
            self._table_place.removeWidget(self.table)
            self.table.hide()
            self.table.deleteLater()
        self.table = table
        self._table_place.addWidget(table)

    def _ask_page(self, *, more: bool = False) -> None:
        made = self._made
        if made is None:
            return
        services, asked, masked, look = self._context.services, self._asked, self._masking.on, made.look
        offset, wanted = (len(self._lines), PAGE) if more else (0, max(PAGE, len(self._lines) if not masked else 0))

        def read(ctx: JobContext) -> _Page:
            looks = services.plan_looks
            lines = looks.page(look, asked, offset, wanted, ctx, masked=masked)
            if more:
                return _Page(asked, masked, offset, lines, 0, [])
            return _Page(asked, masked, 0, lines, looks.number(look, asked, ctx), looks.reasons(look, asked, ctx))

        self._page_query.ask(read, at_once=True)

    def _on_page(self, page: _Page) -> None:
        if page.asked != self._asked or page.masked != self._masking.on or self.table is None:
            return
        self._complete = len(page.lines) < PAGE
        self._lines = self._lines[: page.offset] + page.lines
        chosen = self.table.selected_keys()
        self.table.set_rows([Row(line) for line in self._lines])
        if page.offset:
            return
        formats = self._context.formats
        choices = [Choice("any", self.tr("Any reason"))]
        choices += [
            Choice(each.kept, f"{words}  {formats.number(number)}", tooltip=words)
            for each, number in page.reasons
            for words in (reason_words(each),)
        ]
        self.reasons.set_choices(choices)
        self.reasons.set_current_key(self._asked.reason.kept or "any")
        if chosen:
            self._on_selected()
        elif self._lines and self._drawer.is_docked():
            self.table.select_keys([self._lines[0].id])
        elif not self._lines:
            self.panel.show_nobody()

    def _on_selected(self) -> None:
        made = self._made
        chosen = self.table.selected_keys() if self.table is not None else []
        if made is None or not chosen:
            return
        services, look, masked, line = self._context.services, made.look, self._masking.on, chosen[0]
        self._drawer.open()
        self._member_query.ask(lambda ctx: services.plan_looks.member(look, line, ctx, masked=masked), at_once=True)

    def _on_member(self, shown: PlanMember | None) -> None:
        if shown is None or self._made is None:
            self.panel.show_nobody()
            return
        self.panel.show_member(shown, self._made.look.destination)

    def _look_for_changes(self) -> None:
        made = self._made
        if made is not None and self.isVisible():
            services, look = self._context.services, made.look
            self._stale_query.ask(lambda _ctx: services.plan_looks.stale(look), at_once=True)

    def _show_sending(self, *, stale: bool) -> None:
        """Whether it can be sent, and what stands in the way."""
        made = self._made
        if made is None:
            return
        plan = made.look.plan
        may_go = any(not each.skipped for each in plan.segments)
        obstacle = plan.forecast.obstacle if plan.forecast is not None else ()
        self.send.setEnabled(may_go and not stale and not obstacle)
        self.again.set_kind("primary" if stale else "secondary")
        note = self.numbers.note
        note.setVisible(stale or bool(obstacle) or plan.held is not None)
        if stale:
            sentence = self.tr("A table or the export has changed since this plan was made.")
            note.set_note("warning", sentence, self.tr("Plan again to see what sending would change now."))
        elif obstacle:
            note.set_note("warning", obstacle[0], " ".join(obstacle[1:]))
        elif plan.held is not None:
            detail = self.tr("A run is held and waits for somebody who sends it anyway.")
            if plan.held.cause is not None:
                detail = f"{cause_words(plan.held.cause)[1]} {detail}"
            note.set_note("warning", held_words(plan.held, self._context.formats), detail)
        words = send_words(plan, self._context.formats) if may_go else self.tr("No segment can be sent.")
        self._reason.set_words(words)
        self._requests.set_words(forecast_words(plan, self._context.formats))

    # What the person does

    def _filter(self, asked: PlanFilter) -> None:
        if asked != self._asked:
            self._asked, self._lines = asked, []
            if self.table is not None:
                self.table.clearSelection()
            self._ask_page()

    def _on_chip(self, key: str) -> None:
        self._filter(replace(self._asked, change=Change(key) if key else None, reason=Reason()))

    def _on_reason(self, key: str) -> None:
        self._filter(replace(self._asked, reason=Reason.read("" if key == "any" else key)))

    def _on_scrolled(self, value: int) -> None:
        bar = self.table.verticalScrollBar() if self.table is not None else None
        if bar is not None and value >= bar.maximum() - bar.pageStep() and not self._complete and self._lines:
            self._complete = True  # until the next lines are there
            self._ask_page(more=True)

    def _on_step(self, step: int) -> None:
        if self.table is None or not self._lines:
            return
        keys = [line.id for line in self._lines]
        chosen = self.table.selected_keys()
        at = keys.index(chosen[0]) + step if chosen and chosen[0] in keys else 0
        if 0 <= at < len(keys):
            self.table.select_keys([keys[at]])

    def _on_masking_changed(self) -> None:
        self._show_masking()
        self._ask_page()

    def _show_masking(self) -> None:
        masked = self._masking.on
        self.show_values.set_words(self.tr("Show") if masked else self.tr("Hide"))
        self._hidden.set_words(
            self.tr("Personal values are hidden") if masked else self.tr("Personal values are shown for 20 s")
        )

    def _on_send(self) -> None:
        made = self._made
        if made is None:
            return
        plan = made.look.plan
        if made.held is not None and plan.held is not None:
            of = made.row.description
            HeldDialog(self._context, self, made.held, of.name, of.badge, None).open()
            return

        self._context.carry_out(self, self.tr("Start the export"), lambda _ctx: self._start(plan), self._on_started)

    def _start(self, plan: Plan) -> str:
        """Start the run, in a job, and say its id."""
        services = self._context.services
        approval = services.held_runs.reviewed(plan.changes)
        started: list[Run] = services.runs.start([plan.export], Trigger.PERSON, approval)
        return started[0].id

    def _on_started(self, _run_id: str) -> None:
        self._context.navigator.changed("runs")
        self._go_back()

    def _on_save(self) -> None:
        """Ask for a place; the file holds personal data and the dialog's title says so."""
        dialog = QFileDialog(
            self,
            self.tr("Save the plan as CSV – the file holds personal data"),
            f"plan-{self._made.look.export.name if self._made else ''}.csv",
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setNameFilter(self.tr("CSV files (*.csv)"))
        dialog.fileSelected.connect(lambda name: self.save_to(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_to(self, path: Path) -> None:
        """Write what the filters find."""
        made = self._made
        if made is None:
            return
        services, look, asked = self._context.services, made.look, self._asked

        def told(number: int) -> None:
            members = self._context.formats.counted(number, "members")
            words = self.tr("Saved {members} to {file}. The file holds personal data.")
            self._context.navigator.toast(words.format(members=members, file=path.name))

        self._context.carry_out(
            self, self.tr("Save the plan"), lambda ctx: services.plan_looks.save_csv(look, path, ctx, asked), told
        )

    # Building

    def _connect(self) -> None:
        self._plan_query.ready.connect(self._on_made)
        self._plan_query.failed.connect(self._on_failed)
        self._page_query.ready.connect(self._on_page)
        self._page_query.failed.connect(self._on_failed)
        self._member_query.ready.connect(self._on_member)
        self._member_query.failed.connect(lambda _error: self.panel.show_nobody())
        self._stale_query.ready.connect(lambda stale: self._show_sending(stale=stale))
        self._head.back_asked.connect(self._go_back)
        self.back.clicked.connect(self._head.back_asked)
        self.again.clicked.connect(self._plan)
        self._error.primary_clicked.connect(self._plan)
        self._loading.cancelled.connect(self._head.back_asked)
        self.chips.chosen.connect(self._on_chip)
        self.reasons.chosen.connect(self._on_reason)
        self.search.textChanged.connect(lambda _words: self._type.start())
        self._type.timeout.connect(lambda: self._filter(replace(self._asked, search=self.search.text().strip())))
        self.show_values.clicked.connect(self._masking.toggle)
        self._masking.changed.connect(self._on_masking_changed)
        self.panel.step_asked.connect(self._on_step)
        self.save.clicked.connect(self._on_save)
        self.send.clicked.connect(self._on_send)
        self._context.navigator.noticed.connect(self._on_noticed)

    def _on_noticed(self, what: str) -> None:
        if what in {"tables", "exports", "segments", "suppression", "everything"}:
            self._look_for_changes()

    def _on_failed(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self._error.set_words(told.what, f"{told.why} {told.fix}".strip())
        self._pages.setCurrentWidget(self._error)
        self.again.setEnabled(True)

    def _assemble(self) -> None:
        theme = self._context.theme
        self._head.actions.addWidget(self.again)
        self._hidden = Label(theme, self.tr("Personal values are hidden"), "body", "text2")
        self.search.setFixedWidth(236)
        self.reasons.setFixedWidth(170)
        self._left = QWidget()
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self.numbers)
        left.addLayout(row(self.chips, None, margins=(24, 12, 12, 8)))
        hidden = row(IconLabel(theme, "lock-simple"), self._hidden, self.show_values)
        left.addLayout(row(self.search, self.reasons, None, hidden, margins=(24, 0, 24, 8)))
        self._table_place.setContentsMargins(0, 0, 0, 0)
        left.addLayout(self._table_place, 1)
        age = Area(theme, "surface", "t")
        age.setFixedHeight(32)
        age.setLayout(row(self._age, None, self._requests, margins=(24, 0, 24, 0)))
        left.addWidget(age)
        panel = Area(theme, "subtle")
        panel.setLayout(column(self.panel, spacing=0))
        self._drawer.set_content(self._left)
        self._drawer.set_drawer(panel)
        self._loading_page = QWidget()
        self._loading_page.setLayout(column(self._loading, None, margins=(24, 16, 24, 16)))
        for page in (self._loading_page, self._drawer, self._error):
            self._pages.addWidget(page)
        self._foot = Area(theme, "surface")
        self._foot.setFixedHeight(56)
        edge = 24 - self.save.inset()
        self._foot.setLayout(row(self.save, None, self._reason, 4, self.back, self.send, margins=(edge, 0, 24, 0)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(self._pages, 1)
        layout.addWidget(Line(theme))
        layout.addWidget(self._foot)
        self.panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, False)
