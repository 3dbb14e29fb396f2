"""The page of segments: all of them with live counts at the left, one of them in the builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.counts import Count
from app.core.errors import TryAgain
from app.core.names import fold, free_name, new_id
from app.core.segments import Segment, SegmentOf
from app.jobs import JobContext
from app.services.documents import read_documents
from app.ui.context import WindowContext
from app.ui.pages.freshness import Freshness
from app.ui.pages.job_page import JobPage
from app.ui.pages.segments.builder import BuilderView
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.leaving import LeaveDialog
from app.ui.pages.segments.new_menu import new_menu
from app.ui.pages.side_list import SideList, SideRow
from app.ui.pages.view_switch import SegmentViews
from app.ui.runner import Finished, Job, LiveQuery, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import row
from app.ui.widgets.states import EmptyState

if TYPE_CHECKING:
    from app.services.segment_builder import Ground

HISTORY = 30


@dataclass(frozen=True)
class _Listed:
    segments: tuple[Segment, ...]
    counts: dict[str, Count]
    stale: frozenset[str]
    ground: Ground


@dataclass(frozen=True)
class _Details:
    segment: Segment
    history: tuple[Count, ...]
    users: tuple[str, ...]


class SegmentsPage(JobPage):
    """Counts begin when the page is shown; numbers known already stay, dimmed words say what is being counted.

    One segment is edited at a time. Leaving it with changes asks; what is new stands in the list as not saved.
    """

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
        self._listed: _Listed | None = None
        self._counting: dict[str, Job] = {}
        self._unreached: set[str] = set()  # counts of earlier stay, with their time
        self._wanted = ""
        self._asking = False
        self._count_all = True
        self.state = BuilderState(context, self)
        self._list = SideList(theme, self.tr("Segments"), self.tr("Search segments"))
        self.builder = BuilderView(self.state)
        self._recount = Button(theme, self.tr("Recount"), "ghost", icon="arrows-clockwise")
        self._import = Button(
            theme, self.tr("Import…"), "secondary", icon="upload-simple", name=self.tr("Import from a file")
        )
        self._new = Button(theme, self.tr("New segment"), "secondary", icon="plus")
        self._detail_query = LiveQuery(context.runner, "Read a segment", delay_ms=0, parent=self)
        self.search_field = self._list.search
        self._list.chosen.connect(self._on_chosen)
        self._recount.clicked.connect(self._on_recount)
        self._import.clicked.connect(self._on_import)
        self._new.clicked.connect(self._on_new)
        self.state.edited.connect(self._on_draft_moved)
        self.state.answered.connect(self._on_draft_moved)
        self.builder.save_asked.connect(self.save)
        self.builder.copy_asked.connect(self._on_copy)
        self.builder.discard_asked.connect(self._on_discard)
        self.builder.remove_asked.connect(self._on_remove)
        self.builder.open_asked.connect(self._on_open_user)
        self._detail_query.ready.connect(self._on_details_read)
        self._detail_query.failed.connect(self.builder.show_problem)
        Freshness(self, context.navigator.noticed, ("segments", "tables"), self.refresh)
        self.views.addWidget(SegmentViews(context, self.page_id))
        for button in (self._recount, self._import, self._new):
            self.actions.addWidget(button)
        self.content.setLayout(row(self._list, self.builder, spacing=0))
        empty = EmptyState(
            theme,
            self.tr("No segments yet"),
            self.tr("A segment says in rules who belongs to it. Make one, or import one from a definition file."),
            icon="users-three",
            primary=self.tr("New segment"),
        )
        empty.primary_clicked.connect(self._on_new)
        self.set_empty(empty)

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is a segment's name."""
        self._wanted = focus or self._wanted
        self._count_all = True
        self.refresh()

    def settled(self) -> bool:
        """Whether everything is there, and every number shown is of what is shown."""
        return self.state.history is None or (self.state.exact and self.state.turns.idle())

    def unsaved(self) -> str:
        """The name of the segment whose changes would be lost, or an empty text."""
        return self.state.draft.name if self.state.changed else ""

    # Reading, in jobs

    def _read_segments(self, _ctx: JobContext) -> _Listed:
        services = self.context.services
        rows = services.segments.all()
        counts = {r.segment.name: r.count for r in rows if r.count is not None}
        stale = frozenset(services.counts.stale())
        return _Listed(tuple(r.segment for r in rows), counts, stale, services.segment_builder.ground())

    def _read_details(self, segment: Segment, _ctx: JobContext) -> _Details:
        services = self.context.services
        history = services.segment_builder.history(segment.id, HISTORY)
        return _Details(segment, history, tuple(services.segments.used_by(segment.name)))

    # Answers

    def _show_segments(self, listed: _Listed) -> bool:
        self._listed = listed
        may = listed.ground.may_change
        for button in (self._import, self._new):
            button.setVisible(may)
        self._recount.setEnabled(bool(listed.segments))
        self.state.set_ground(listed.ground)
        self._keep_or_reopen()
        self.builder.set_may_change(may)
        self._fill()
        if self._wanted:
            self._list.select(self._wanted)
            self._wanted = ""
        self._on_chosen(self._list.key())
        for segment in listed.segments:
            if self._count_all or segment.name in listed.stale:
                self._count(segment)
        self._count_all = False
        return bool(listed.segments) or self.state.history is not None

    def _keep_or_reopen(self) -> None:
        """A draft with changes stays; one without becomes what is saved now, or goes when it was removed."""
        state = self.state
        if state.history is None or self._listed is None or state.changed:
            return
        now = next((s for s in self._listed.segments if s.id == state.draft.id), None)
        if now is None:
            state.close()
        elif now == state.saved:
            state.took_over(now)
        else:
            state.open(now, saved=True)

    def _kind_words(self, segment: Segment) -> str:
        """What it holds, where a workspace has two kinds."""
        kinds = {SegmentOf.ACCOUNTS: self.tr("Accounts"), SegmentOf.CONTACTS: self.tr("Contacts")}
        return kinds.get(segment.of, "")

    def _fill(self) -> None:
        if self._listed is None:
            return
        formats = self.context.formats
        rows = []
        for segment in self._listed.segments:
            count = self._listed.counts.get(segment.name)
            counting = self.tr("counting") if segment.name in self._counting else ""
            number = formats.number(count.members) if count is not None else "–"
            unreached = segment.name in self._unreached
            rows.append(
                SideRow(
                    segment.name,
                    segment.name,
                    self._kind_words(segment),
                    number=number,
                    counting=counting if count is None else "",
                    as_of=formats.day_and_clock(count.counted_at) if count is not None and unreached else "",
                )
            )
        if self._new_draft():
            look = self.state.look
            members = look.members if look is not None else None
            number = formats.number(members) if members is not None else "–"
            rows.insert(0, SideRow(self.state.draft.id, self.state.draft.name, number=number))
        self._list.set_rows(rows, formats.counted(len(self._listed.segments), "segments"))

    def _on_draft_moved(self) -> None:
        """The row of what is not saved yet follows its name and its number."""
        if self._new_draft():
            self._fill()

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
        self._unreached.discard(name)
        if end.outcome is Outcome.DONE and self._listed is not None:
            self._listed.counts[name] = end.value
        elif isinstance(end.error, TryAgain):
            self._unreached.add(name)
        self._fill()

    def _on_chosen(self, key: str) -> None:
        segment = self._segment(key)
        if segment is None or (self.state.history is not None and self.state.draft.id == segment.id):
            if segment is not None:
                self._ask_details(segment)
            return
        if self.state.changed:
            self._list.select(self._current_key())
            self._leave(lambda: self._list.select(key))
            return
        self.state.open(segment, saved=True)
        self._ask_details(segment)

    def _ask_details(self, segment: Segment) -> None:
        self._detail_query.ask(lambda ctx: self._read_details(segment, ctx), at_once=True)

    def _on_details_read(self, details: _Details) -> None:
        if self.state.history is not None and details.segment.id == self.state.draft.id:
            self.builder.show_saved(details.history, details.users)

    def _segment(self, key: str) -> Segment | None:
        listed = self._listed.segments if self._listed is not None else ()
        return next((s for s in listed if s.name == key), None)

    def _new_draft(self) -> bool:
        return self.state.history is not None and self.state.saved is None

    def _current_key(self) -> str:
        if self.state.history is None:
            return ""
        return self.state.draft.id if self.state.saved is None else self.state.saved.name

    # What the person does

    def _leave(self, then: Callable[[], None]) -> None:
        """Ask what becomes of the changes before something else is edited."""
        if self._asking:
            return
        self._asking = True
        dialog = LeaveDialog(self.context.theme, self, self.state.draft.name, may_save=self.builder.save.isEnabled())
        dialog.save_chosen.connect(lambda: self.save(then))
        dialog.discard_chosen.connect(lambda: self._drop_changes(then))
        dialog.finished.connect(self._on_answered)
        dialog.open()

    def _on_answered(self, _code: int) -> None:
        self._asking = False

    def _drop_changes(self, then: Callable[[], None]) -> None:
        self.state.close()
        self._fill()
        then()

    def _on_discard(self) -> None:
        """Back to what is saved; a new segment goes."""
        if self.state.saved is not None:
            self.state.discard()
            self.refresh()
            return
        gone = self.state.draft
        self._drop_changes(lambda: self._on_chosen(self._list.key()))
        words = self.tr("“{name}” was discarded.").format(name=gone.name)
        self.context.navigator.toast(words, undo=lambda: self._bring_back(gone))

    def _bring_back(self, draft: Segment) -> None:
        if not self.state.changed:
            self._edit_new(draft)

    def _on_new(self) -> None:
        if self._listed is not None:
            menu = new_menu(self.context.theme, self._listed.ground.catalog, self.begin, self)
            menu.popup(self._new.mapToGlobal(self._new.rect().bottomLeft()))

    def begin(self, segment: Segment) -> None:
        """Edit a new segment like this one, under a name that is free."""
        if self._listed is None:
            return
        if self.state.changed:
            self._leave(lambda: self.begin(segment))
            return
        taken = frozenset(fold(s.name) for s in self._listed.segments)
        self._edit_new(replace(segment, id=new_id(), name=free_name(self.tr("New segment"), taken)))

    def _edit_new(self, segment: Segment) -> None:
        self.state.open(segment, saved=False)
        self._fill()
        self._list.select(segment.id)
        self._pages.setCurrentWidget(self.content)

    def _on_copy(self) -> None:
        if self._listed is None:
            return
        taken = frozenset(fold(s.name) for s in self._listed.segments)
        draft = self.state.draft
        self._edit_new(replace(draft, id=new_id(), revision=0, name=free_name(draft.name, taken)))

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save the draft; names who uses the segment. An error is told and the draft stays."""
        services, draft = self.context.services, self.state.to_save

        def saved(stored: Segment) -> None:
            if self.state.history is not None and self.state.draft.id == stored.id:
                self.state.took_over(stored)
            users = self.builder.title.users()
            words = self.tr("Saved “{name}”.").format(name=stored.name)
            if users:
                words += " " + self.tr("Used by {names}.").format(names=", ".join(users))
            self.context.navigator.toast(words)
            self._wanted = "" if then is not None else stored.name
            if then is not None:
                then()
            self.context.navigator.changed("segments")

        self.do("Save a segment", lambda _ctx: services.segments.save_edited(draft), saved)

    def _on_open_user(self, name: str) -> None:
        if self._segment(name) is not None:
            self._list.select(name)
        else:
            self.context.navigator.show_page("exports", name)

    def _on_recount(self) -> None:
        for segment in self._listed.segments if self._listed is not None else ():
            self._count(segment)
        self._fill()
        if self.state.history is not None:
            self.state.ask(at_once=True)

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

    def _on_remove(self) -> None:
        services, navigator = self.context.services, self.context.navigator
        saved = self.state.saved
        if saved is None:
            return

        def removed(segment: Segment) -> None:
            self.state.close()
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
            title=self.tr("Remove '{name}'?").format(name=saved.name),
            sentence=self.tr("Its rules go. Audiences it was sent to stay as they are."),
            confirm=self.tr("Remove segment"),
            danger=True,
        )
        dialog.accepted.connect(
            lambda: self.do("Remove a segment", lambda _ctx: services.segments.remove(saved.name), removed)
        )
        dialog.open()
