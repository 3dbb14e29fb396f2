"""Two runs of one export: who is in one's audience and not in the other's, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog, QGridLayout, QStackedWidget, QVBoxLayout, QWidget

from app.core.configurations import SegmentChange
from app.core.errors import FixData, as_sendoff_error
from app.core.reasons import Reason
from app.core.roles import Action, may
from app.core.run_differences import DifferencePage, Differing, RunDifference, Side
from app.core.runs import Run
from app.destinations.description import Badge as BadgeLook
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.dialogs.segment_change import RunMark, SegmentChangeDialog
from app.ui.pages.compare.chart import AudienceChart, AudiencePoint
from app.ui.pages.compare.parts import Reasons, RunPicker
from app.ui.pages.runs.head import RunHead
from app.ui.pages.runs.words import badge_of
from app.ui.reason_words import reason_words
from app.ui.runner import Finished, LiveQuery, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import ChipBar, Choice, Segmented
from app.ui.widgets.columns import Column, TextCell
from app.ui.widgets.fields import SearchField
from app.ui.widgets.focus import take_focus
from app.ui.widgets.labels import Card, Label, Line, clear, row
from app.ui.widgets.menus import Menu
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Flowing, Scroll
from app.ui.widgets.states import EmptyState, Loading, inset
from app.ui.widgets.table import DataTable
from app.ui.widgets.with_panel import WithPanel

PANEL_WIDTHS = 316, 260
ROW, LEAST_ROWS, MOST_ROWS, FIRST, OFFERED = 36, 4, 6, 500, 60
ALL, MONTH, QUARTER = "all", "30", "90"
DAYS = {MONTH: 30, QUARTER: 90}


@dataclass(frozen=True)
class _Asked:
    """What is to be shown; `a` and `b` as the person ordered them, empty ones are chosen by the page."""

    a: str = ""
    b: str = ""
    side: Side | None = None
    search: str = ""


@dataclass(frozen=True)
class _Read:
    asked: _Asked
    runs: tuple[Run, ...]
    difference: RunDifference
    page: DifferencePage
    badge: BadgeLook
    may_save: bool

    def run(self, run_id: str) -> Run:
        return next(run for run in self.runs if run.id == run_id)

    @property
    def swapped(self) -> bool:
        """Whether A is the later one."""
        return self.run(self.asked.a).queued_at > self.run(self.asked.b).queued_at


@dataclass(frozen=True)
class _Row:
    key: str
    member: Differing


class ComparePage(QWidget):
    """A further view of the runs; `activate` names a run, or two with a blank between. Main thread only."""

    page_id = "compare"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._asked = _Asked()
        self._read: _Read | None = None
        theme, formats = context.theme, context.formats
        self.title = self.tr("Compare two runs")
        self._head = RunHead(theme)
        self.search_field = SearchField(theme, self.tr("Search members"), shortcut=QKeySequence.StandardKey.Find)
        self.pick_a, self.pick_b = RunPicker(theme, "A", strong=False), RunPicker(theme, "B", strong=True)
        self.swap = Button(theme, icon="swap", name=self.tr("Swap A and B"))
        self._missing = Note(theme, "warning", "")
        self._figures = QGridLayout()
        self.chart = AudienceChart(theme, formats)
        self.span = Segmented(
            theme,
            self.tr("How far back"),
            [Choice(MONTH, self.tr("30 days")), Choice(QUARTER, self.tr("90 days")), Choice(ALL, self.tr("All"))],
            MONTH,
            small=True,
        )
        self.chips = ChipBar(theme, self.tr("Which members"), [Choice(ALL, self.tr("All"))])
        self.save = Button(theme, self.tr("Save as CSV"), icon="download-simple")
        self.table = DataTable(
            theme,
            self.tr("Members that differ"),
            self._columns(),
            row_height=ROW,
            sortable=False,
            edge=16,
            in_card=True,
        )
        self._more = Label(theme, "", "caption", "text2")
        self.joined = Reasons(theme, formats, self.tr("Why members joined"), "success_fill")
        self.left = Reasons(theme, formats, self.tr("Why members left"), "danger_fill")
        self._configuration = QVBoxLayout()
        self._error = EmptyState(
            theme, "", icon="warning-circle-fill", icon_role="danger", primary=self.tr("Back to the runs")
        )
        self._loading = inset(Loading(theme, self.tr("Comparing the runs"), rows=8, cancellable=False))
        self._pages = QStackedWidget()
        self._query = LiveQuery(context.runner, self.tr("Compare two runs"), delay_ms=150, parent=self)
        self._assemble()
        self._connect()

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is B's id, or those of A and B with a blank between."""
        if focus:
            a, _, b = focus.rpartition(" ")
            self._read = None
            take_focus(self)
            self.search_field.clear()
            self._pages.setCurrentWidget(self._loading)
            self._ask(_Asked(a, b), at_once=True)

    def refresh(self) -> None:
        """Compare again."""
        if self._asked.b:
            self._ask(self._asked, at_once=True)

    def regions(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self._head, self.pick_a, self.chart, self.table, self._body.panel]

    def _assemble(self) -> None:
        theme = self._context.theme
        self.search_field.setFixedWidth(220)
        self._head.actions.addWidget(self.search_field)
        left = Flowing()
        inside = QVBoxLayout(left)
        inside.setContentsMargins(24, 16, 24, 20)
        inside.setSpacing(12)
        picks = row(self.pick_a, self.swap, self.pick_b)
        picks.setStretch(0, 1)
        picks.setStretch(2, 1)
        self._figures.setHorizontalSpacing(24)
        self._figures.setVerticalSpacing(0)
        card = Card(theme, margin=1)
        card.body.setContentsMargins(1, 4, 1, 4)
        card.body.addWidget(self.table)
        inside.addLayout(picks)
        inside.addWidget(self._missing)
        inside.addLayout(self._figures)
        inside.addLayout(row(Label(theme, self.tr("Members in the audience"), "subtitle"), None, self.span))
        inside.addWidget(self.chart)
        inside.addLayout(row(self.chips, None, self.save))
        inside.addWidget(card)
        inside.addWidget(self._more)
        inside.addStretch(1)
        self._left = Scroll(left, sideways=True)
        side = Flowing()
        facts = QVBoxLayout(side)
        facts.setContentsMargins(20, 16, 20, 20)
        facts.setSpacing(16)
        self._configuration.setSpacing(6)
        facts.addWidget(self.joined)
        facts.addWidget(Line(theme))
        facts.addWidget(self.left)
        facts.addWidget(Line(theme))
        facts.addLayout(self._configuration)
        facts.addStretch(1)
        self._body = WithPanel(theme, self._left, side, PANEL_WIDTHS)
        for page in (self._loading, self._body, self._error):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self._query.ready.connect(self._on_read)
        self._query.failed.connect(self._on_failed)
        self._head.back_asked.connect(self._on_back)
        self._error.primary_clicked.connect(self._on_back)
        self.pick_a.clicked.connect(lambda: self._offer(self.pick_a, as_a=True))
        self.pick_b.clicked.connect(lambda: self._offer(self.pick_b, as_a=False))
        self.swap.clicked.connect(
            lambda: self._ask(replace(self._asked, a=self._asked.b, b=self._asked.a), at_once=True)
        )
        self.chart.chosen.connect(lambda run, as_a: self._choose(run, as_a=as_a))
        self.span.chosen.connect(lambda _key: self._show_chart())
        self.chips.chosen.connect(self._on_chip)
        self.search_field.textChanged.connect(lambda words: self._ask(replace(self._asked, search=words)))
        self.save.clicked.connect(self._on_save)

    # Reading

    def _ask(self, asked: _Asked, *, at_once: bool = False) -> None:
        self._asked = asked
        self._query.ask(lambda ctx: self._compare(asked, ctx), at_once=at_once)

    def _compare(self, asked: _Asked, ctx: JobContext) -> _Read:
        services = self._context.services
        later = services.runs.get(asked.b)
        runs = services.comparing.runs(later.export_name)
        if not asked.a:
            asked = replace(asked, a=_before(runs, later))
        difference, page = services.comparing.look(
            asked.a, asked.b, ctx, side=asked.side, search=asked.search, words=reason_words, limit=FIRST
        )
        badge = badge_of(services, later.destination)
        return _Read(
            asked, tuple(runs), difference, page, badge, may(services.roles.role(), Action.SHOW_PERSONAL_VALUES)
        )

    def _on_read(self, read: _Read) -> None:
        self._asked, self._read = replace(self._asked, a=read.asked.a, b=read.asked.b), read
        self._show(read)
        self._pages.setCurrentWidget(self._body)

    def _on_failed(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self._error.set_words(told.what, f"{told.why} {told.fix}".strip())
        self._pages.setCurrentWidget(self._error)

    # Showing

    def _show(self, read: _Read) -> None:
        formats, difference = self._context.formats, read.difference
        later = read.run(read.asked.b)
        self._head.set_head(
            self.tr("Compare two runs of {export}").format(export=later.export_name),
            self.tr("Who is in one run’s audience and not in the other’s, and why."),
            read.badge,
            later.destination,
        )
        for picker, run_id in ((self.pick_a, read.asked.a), (self.pick_b, read.asked.b)):
            run = read.run(run_id)
            short = "" if run.audience is None else formats.counted(run.audience, "members")
            picker.set_run(self._when(run), self._ended(run), short or self._ended(run))
        self._missing.setVisible(difference.missing > 0)
        self._missing.set_note(
            "warning",
            self.tr("Who changed is no longer kept for {runs} between").format(
                runs=formats.counted(difference.missing, "runs")
            ),
            self.tr("The numbers hold only what is kept; Settings say for how long that is."),
        )
        self._show_figures(read)
        self._show_chart()
        self._show_chips(read)
        self._show_members(read)
        self._show_reasons(read)

    def _show_figures(self, read: _Read) -> None:
        formats, difference = self._context.formats, read.difference
        only_b, only_a = self._only(read)
        both = "–" if difference.both is None else formats.number(difference.both)
        shown = (
            (formats.signed(only_b - only_a), self.tr("More in B"), "text"),
            (formats.number(only_b), self.tr("Only in B"), "success" if only_b else "text"),
            (formats.number(only_a), self.tr("Only in A"), "danger" if only_a else "text"),
            (both, self.tr("In both"), "text"),
            (formats.number(difference.changed), self.tr("In both, values changed"), "accent_text"),
        )
        clear(self._figures)
        theme = self._context.theme
        for at, (number, words, ink) in enumerate(shown):
            self._figures.addWidget(Label(theme, number, "number", ink), 0, at)
            self._figures.addWidget(Label(theme, words, "caption", "text2"), 1, at)
            self._figures.setColumnStretch(at, 0 if at == len(shown) - 1 else 1)
        self._figures.setColumnStretch(len(shown), 1)

    def _show_chart(self) -> None:
        read = self._read
        if read is None:
            return
        days = DAYS.get(self.span.current())
        since = None if days is None else self._context.formats.now() - timedelta(days=days)
        points = [
            AudiencePoint(run.id, run.started_at or run.queued_at, run.audience)
            for run in reversed(read.runs)
            if run.audience is not None and (since is None or run.queued_at >= since)
        ]
        self.chart.show_points(points, read.asked.a, read.asked.b)

    def _show_chips(self, read: _Read) -> None:
        number = self._context.formats.number
        only_b, only_a = self._only(read)
        b, a = (Side.LEFT, Side.JOINED) if read.swapped else (Side.JOINED, Side.LEFT)
        current = self.chips.current()
        self.chips.set_choices(
            [
                Choice(ALL, self.tr("All"), number(read.difference.differing)),
                Choice(b, self.tr("Only in B"), number(only_b)),
                Choice(a, self.tr("Only in A"), number(only_a)),
                Choice(Side.CHANGED, self.tr("Changed"), number(read.difference.changed)),
            ]
        )
        self.chips.set_current(current or ALL)
        self.save.setVisible(read.may_save)
        self.save.setEnabled(read.difference.differing > 0)

    def _show_members(self, read: _Read) -> None:
        members = read.page.members
        self.table.set_rows(_Row(str(at), member) for at, member in enumerate(members))
        rows = min(MOST_ROWS, max(LEAST_ROWS, len(members)))
        self.table.set_height_in_rows(rows)
        rest = read.page.total - len(members)
        words = self.tr("The first {shown} of {all} are shown. Save as CSV has all of them.")
        number = self._context.formats.number
        self._more.set_words(words.format(shown=number(len(members)), all=number(read.page.total)) if rest else "")
        self._more.setVisible(rest > 0)

    def _show_reasons(self, read: _Read) -> None:
        number, difference = self._context.formats.number, read.difference
        came, went = ("A", "B") if read.swapped else ("B", "A")
        words = self.tr("{n} only in {letter}")
        reasons = difference.reasons
        self.joined.show_reasons(words.format(n=number(difference.joined), letter=came), reasons.get(Side.JOINED, {}))
        self.left.show_reasons(words.format(n=number(difference.left), letter=went), reasons.get(Side.LEFT, {}))
        theme = self._context.theme
        clear(self._configuration)
        self._configuration.addWidget(Label(theme, self.tr("What differs in the configuration"), "subtitle", wrap=True))
        if difference.configuration is None:
            sentences = [self.tr("No longer kept.")]
        else:
            sentences = [*difference.configuration] or [self.tr("Same configuration.")]
        for sentence in sentences:
            self._configuration.addWidget(Label(theme, sentence, "body", "text2", wrap=True))
        for change in difference.segments:
            words = (
                self.tr("Show the segment change")
                if len(difference.segments) == 1
                else self.tr("Show the change of “{segment}”").format(segment=change.name)
            )
            link = Button(theme, words, "link", trailing="arrow-right")
            link.clicked.connect(lambda _checked=False, of=change: self._show_change(of))
            self._configuration.addLayout(row(link, None))

    def _only(self, read: _Read) -> tuple[int, int]:
        """How many are only in B, and only in A."""
        numbers = read.difference.joined, read.difference.left
        return numbers[::-1] if read.swapped else numbers

    def _when(self, run: Run) -> str:
        return self._context.formats.day_and_clock(run.started_at or run.queued_at)

    def _ended(self, run: Run) -> str:
        formats = self._context.formats
        status = formats.status(run.status).word
        if run.audience is None:
            return status
        return self.tr("{status}, {n} in the audience").format(status=status, n=formats.number(run.audience))

    def _columns(self) -> list[Column[_Row]]:
        formats = self._context.formats
        return [
            Column("member", self.tr("Member"), lambda r: TextCell(r.member.member, role="body-medium"), width=120),
            Column("where", self.tr("Where"), lambda r: self._where(r.member), width=120),
            Column("reason", self.tr("Reason"), lambda r: TextCell(self._reason(r.member)), width=260, stretch=True),
            Column(
                "since",
                self.tr("Since the run of"),
                lambda r: TextCell(formats.day_and_clock(r.member.at), ink="text2"),
                width=130,
            ),
        ]

    def _where(self, member: Differing) -> TextCell:
        if member.side is Side.CHANGED:
            return TextCell(self.tr("Changed"), icon="pencil-simple", icon_role="accent_text")
        swapped = self._read is not None and self._read.swapped
        if (member.side is Side.JOINED) != swapped:
            return TextCell(self.tr("Only in B"), icon="plus-circle-fill", icon_role="success")
        return TextCell(self.tr("Only in A"), icon="minus-circle-fill", icon_role="danger")

    def _reason(self, member: Differing) -> str:
        if member.side is Side.CHANGED and member.fields:
            return self.tr("New values: {fields}").format(fields=", ".join(member.fields))
        reason = Reason.bare(reason_words(member.reason)) or self.tr("Reason no longer kept")
        day = self._context.formats.date(member.at)
        if member.side is Side.JOINED:
            return self.tr("Joined on {day}: {reason}").format(day=day, reason=_small(reason))
        if member.side is Side.LEFT:
            return self.tr("Left on {day}: {reason}").format(day=day, reason=_small(reason))
        return reason

    # What the person does

    def _show_change(self, change: SegmentChange) -> None:
        if self._read is None:
            return
        read = self._read
        marks = [
            RunMark(run_id, letter, self._when(read.run(run_id)))
            for letter, run_id in (("A", read.asked.a), ("B", read.asked.b))
        ]
        earlier, later = reversed(marks) if read.swapped else marks
        SegmentChangeDialog(self._context, self, change, earlier, later).open()

    def _on_back(self) -> None:
        self._context.navigator.show_page("runs", self._asked.b or None)

    def _on_chip(self, key: str) -> None:
        self._ask(replace(self._asked, side=None if key == ALL else Side(key)), at_once=True)

    def _choose(self, run: str, *, as_a: bool) -> None:
        """Take a run as A or B; the other one's place means to swap them."""
        a, b = (run, self._asked.b) if as_a else (self._asked.a, run)
        if a == b:
            a, b = self._asked.b, self._asked.a
        self._ask(replace(self._asked, a=a, b=b), at_once=True)

    def _offer(self, picker: RunPicker, *, as_a: bool) -> None:
        if self._read is None:
            return
        current = self._asked.a if as_a else self._asked.b
        menu = Menu(self._context.theme, picker.accessibleName(), self)
        for run in self._read.runs[:OFFERED]:
            words = f"{self._when(run)}  ·  {self._ended(run)}"
            menu.add(words, lambda r=run.id: self._choose(r, as_a=as_a), checked=run.id == current)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(picker.mapToGlobal(picker.rect().bottomLeft()))

    def _on_save(self) -> None:
        words = self.tr("Save the difference as CSV – the file names people")
        dialog = QFileDialog(self, words, f"difference-{self._asked.b}.csv")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setNameFilter(self.tr("CSV files (*.csv)"))
        dialog.fileSelected.connect(lambda name: self._save(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _save(self, path: Path) -> None:
        asked, comparing = self._asked, self._context.services.comparing

        def work(ctx: JobContext) -> int:
            number: int = comparing.save(
                asked.a, asked.b, path, ctx, side=asked.side, search=asked.search, words=reason_words
            )
            return number

        def finished(end: Finished) -> None:
            if end.outcome is Outcome.DONE:
                words = self.tr("Saved {members} to {file}.")
                members = self._context.formats.counted(end.value, "members")
                self._context.navigator.toast(words.format(members=members, file=path.name))
            elif end.error is not None:
                self._context.navigator.show_error(end.error, self)

        self._context.runner.submit("queries", self.tr("Save the difference"), work, on_finished=finished)


def _before(runs: list[Run], later: Run) -> str:
    """The run before that one."""
    found = next((run.id for run in runs if run.queued_at < later.queued_at), "")
    if not found:
        raise FixData(
            "There is no run to compare with.",
            "This is the first run of the export that sent members, or the ones before are no longer kept.",
            "Run the export again; then the two can be compared.",
            code="no_run_before",
        )
    return found


def _small(words: str) -> str:
    """The words as they go on in a sentence."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
