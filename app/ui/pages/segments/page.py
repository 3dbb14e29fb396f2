"""The page of segments: all of them with live counts at the left, one in words with its first members at the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.counts import Count
from app.core.roles import Action, may
from app.core.segments import Segment
from app.jobs import JobContext
from app.services.documents import read_documents
from app.ui.context import WindowContext
from app.ui.pages.freshness import Freshness
from app.ui.pages.job_page import JobPage
from app.ui.pages.segments.details import SegmentDetails, SegmentDetailsView
from app.ui.pages.side_list import SideList, SideRow
from app.ui.runner import Finished, Job, LiveQuery, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import row
from app.ui.widgets.states import EmptyState

FIRST_MEMBERS = 20


@dataclass(frozen=True)
class _Listed:
    segments: tuple[Segment, ...]
    counts: dict[str, Count]
    may_change: bool


class SegmentsPage(JobPage):
    """Counts begin when the page is shown; numbers known already stay, dimmed words say what is being counted."""

    page_id = "segments"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(
            context,
            self.tr("Segments"),
            self.tr("Groups of customers you can send anywhere."),
            self._read_segments,
            self._show_segments,
            parent,
        )
        theme = context.theme
        self._listed = _Listed((), {}, may_change=False)
        self._counting: dict[str, Job] = {}
        self._wanted = ""
        self._list = SideList(theme, self.tr("Segments"), self.tr("Search segments"))
        self._details = SegmentDetailsView(theme, context.formats)
        self._recount = Button(theme, self.tr("Recount"), "secondary", icon="arrows-clockwise")
        self._import = Button(theme, self.tr("Import from a file…"), "primary", icon="upload-simple")
        self._detail_query = LiveQuery(context.runner, "Read a segment", delay_ms=0, parent=self)
        self.search_field = self._list.search
        self._list.chosen.connect(self._on_chosen)
        self._recount.clicked.connect(self._on_recount)
        self._import.clicked.connect(self._on_import)
        self._details.remove_asked.connect(self._on_remove)
        self._details.show_values_asked.connect(self._on_show_values)
        self._details.open_export_asked.connect(lambda name: context.navigator.show_page("exports", name))
        self._detail_query.ready.connect(self._on_details_read)
        self._detail_query.failed.connect(self._on_details_failed)
        Freshness(self, context.navigator.noticed, ("segments", "tables"), self.refresh)
        for button in (self._recount, self._import):
            self.actions.addWidget(button)
        self.content.setLayout(row(self._list, self._details, spacing=0))
        empty = EmptyState(
            theme,
            self.tr("No segments yet"),
            self.tr("A segment says in rules who belongs to it. Import one from a definition file."),
            icon="users-three",
            primary=self.tr("Import from a file…"),
        )
        empty.primary_clicked.connect(self._on_import)
        self.set_empty(empty)

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is a segment's name."""
        self._wanted = focus or self._wanted
        self.refresh()

    # Reading, in jobs

    def _read_segments(self, _ctx: JobContext) -> _Listed:
        services = self.context.services
        rows = services.segments.all()
        counts = {r.segment.name: r.count for r in rows if r.count is not None}
        return _Listed(tuple(r.segment for r in rows), counts, may(services.roles.role(), Action.CHANGE_SEGMENTS))

    def _read_details(self, segment: Segment, ctx: JobContext, *, masked: bool = True) -> SegmentDetails:
        services = self.context.services
        issues = tuple(services.segments.issues(segment.name))
        page = None if issues else services.segments.members(segment.name, FIRST_MEMBERS, ctx, masked=masked)
        return SegmentDetails(
            segment,
            tuple(services.segments.words(segment.name)),
            issues,
            page,
            tuple(services.segments.used_by(segment.name)),
            self._listed.may_change,
            may(services.roles.role(), Action.SHOW_PERSONAL_VALUES),
        )

    # Answers

    def _show_segments(self, listed: _Listed) -> bool:
        self._listed = listed
        self._import.setVisible(listed.may_change)
        self._recount.setEnabled(bool(listed.segments))
        self._fill()
        if self._wanted:
            self._list.select(self._wanted)
            self._wanted = ""
        self._on_chosen(self._list.key())
        for segment in listed.segments:
            self._count(segment)
        return bool(listed.segments)

    def _fill(self) -> None:
        formats = self.context.formats
        rows = []
        for segment in self._listed.segments:
            count = self._listed.counts.get(segment.name)
            counting = self.tr("counting") if segment.name in self._counting else ""
            number = formats.number(count.members) if count is not None else "–"
            rows.append(SideRow(segment.name, segment.name, number=number, counting=counting if count is None else ""))
        self._list.set_rows(rows, formats.counted(len(rows), "segments"))

    def _count(self, segment: Segment) -> None:
        """Count one in its own job; a count that is current comes from the cache at once."""
        name = segment.name
        if name in self._counting:
            return
        work: Callable[[JobContext], Count] = partial(self.context.services.counts.count, name, None)
        self._counting[name] = self.context.runner.submit(
            "queries", f"Count {name}", work, on_finished=lambda end: self._on_counted(name, end)
        )

    def _on_counted(self, name: str, end: Finished) -> None:
        self._counting.pop(name, None)
        if end.outcome is Outcome.DONE:
            self._listed.counts[name] = end.value
        self._fill()
        if name == self._list.key():
            self._details.show_count(self._listed.counts.get(name), counting=False)

    def _on_chosen(self, name: str) -> None:
        segment = next((s for s in self._listed.segments if s.name == name), None)
        if segment is None:
            return
        self._details.show_title(segment)
        self._details.show_count(self._listed.counts.get(name), counting=name in self._counting)
        self._detail_query.ask(lambda ctx: self._read_details(segment, ctx), at_once=True)

    def _on_details_read(self, details: SegmentDetails) -> None:
        if details.segment.name == self._list.key():
            self._details.show_details(details)

    def _on_details_failed(self, error: BaseException) -> None:
        self._details.show_problem(error)

    # What the person does

    def _on_show_values(self, name: str) -> None:
        segment = next((s for s in self._listed.segments if s.name == name), None)
        if segment is not None:
            self._detail_query.ask(lambda ctx: self._read_details(segment, ctx, masked=False), at_once=True)

    def _on_recount(self) -> None:
        for segment in self._listed.segments:
            self._count(segment)
        self._fill()

    def _on_import(self) -> None:
        dialog = QFileDialog(self, self.tr("Import segments from a definition file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self.tr("Definition files (*.yaml *.yml)"))
        dialog.fileSelected.connect(lambda name: self._import_file(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _import_file(self, path: Path) -> None:
        def told(saved: list[Segment]) -> None:
            self._wanted = saved[0].name
            words = self.tr("Saved {segments}.").format(segments=self.context.formats.counted(len(saved), "segments"))
            self.context.navigator.toast(words)
            self.context.navigator.changed("segments")

        self.do(
            "Import segments",
            lambda _ctx: self.context.services.segments.save_all(read_documents(path), path.parent),
            told,
        )

    def _on_remove(self, name: str) -> None:
        services, navigator = self.context.services, self.context.navigator

        def removed(segment: Segment) -> None:
            navigator.changed("segments")
            navigator.toast(
                self.tr("Segment removed"),
                undo=lambda: self.do(
                    "Put a segment back",
                    lambda _ctx: services.segments.put_back(segment),
                    lambda _v: navigator.changed("segments"),
                ),
            )

        dialog = ConfirmDialog(
            self.context.theme,
            self,
            title=self.tr("Remove '{name}'?").format(name=name),
            sentence=self.tr("Its rules go. Audiences it was sent to stay as they are."),
            confirm=self.tr("Remove segment"),
            danger=True,
        )
        dialog.accepted.connect(
            lambda: self.do("Remove a segment", lambda _ctx: services.segments.remove(name), removed)
        )
        dialog.open()
