"""The page of the audit trail: filters, entries by day, and one of them beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.audit import Area as Group
from app.core.audit import AuditEntry, AuditFilter, AuditNumbers, Subject
from app.core.audit import AuditPage as Entries
from app.core.roles import Role
from app.destinations.description import Badge as BadgeLook
from app.jobs import JobContext
from app.services.putting_back import can_put_back
from app.ui.context import WindowContext
from app.ui.pages.audit.panel import EntryPanel, Shown
from app.ui.pages.audit.words import day_words, deed_words, icon_of, name_words, note_words, who_words
from app.ui.pages.freshness import Freshness
from app.ui.pages.job_page import JobPage
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import ChipBar, Choice
from app.ui.widgets.columns import Column, GroupRow, TextCell
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Area, Label, column, row
from app.ui.widgets.menus import Menu
from app.ui.widgets.select import Select
from app.ui.widgets.states import EmptyState
from app.ui.widgets.table import DataTable

ALL, EVERYONE = "all", ""
STEP = 200
"""Entries read at once; more come when the list is scrolled to its end."""
NARROW = 1000
PANEL, NARROW_PANEL = 376, 320
TYPING_MS = 250
DAYS = (7, 30, 365, 0)
"""The periods to choose from; 0 is all of it."""


@dataclass(frozen=True)
class _Row:
    entry: AuditEntry

    @property
    def key(self) -> str:
        return str(self.entry.id)


@dataclass(frozen=True)
class _Read:
    entries: Entries
    numbers: AuditNumbers
    people: tuple[str, ...]
    role: Role
    badges: dict[str, BadgeLook]


def _export_key(name: str) -> str:
    """How the badge of a run's export is found: its entry names the run."""
    return f"export {name}"


class AuditPage(JobPage):
    """Who did what, and when. Filters are asked in jobs; a viewer is told that the page is not theirs. Main thread only."""

    page_id = "audit"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(
            context,
            self.tr("Audit trail"),
            self.tr("Who did what, and when. Entries are only added, never changed or removed."),
            self._read_entries,
            self._show_entries,
            parent,
        )
        theme = context.theme
        self._shown: _Read | None = None
        self._limit = STEP
        self.back = Button(theme, self.tr("Settings"), "link", icon="arrow-left")
        self.export = Button(theme, self.tr("Export"), icon="download-simple", trailing="caret-down")
        self.search_field = SearchField(theme, self.tr("Search the trail"))
        self.chips = ChipBar(theme, self.tr("Which entries"), self._chip_choices(None))
        self.people = Select(theme, self.tr("Who"), [Choice(EVERYONE, self.tr("Everyone"), icon="users")])
        self.period = Select(theme, self.tr("When"), self._periods())
        self.period.set_current_key("30")
        self.table = DataTable(
            theme,
            self.title,
            self._columns(),
            row_height=46,
            multiple=False,
            sortable=False,
            keep_order=True,
        )
        self.panel = EntryPanel(theme, context.formats)
        self._number = Label(theme, "", "caption", "text2")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._none = EmptyState(
            theme,
            self.tr("No entries match"),
            self.tr("Change the search, the people or the time."),
            primary=self.tr("Clear filters"),
        )
        self._connect()
        self._assemble()

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is searched for, however long ago it was."""
        if focus is not None:
            self.period.set_current_key("0")
            self.search_field.setText(focus)
        self.refresh()

    def regions(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.chips, self.table, self.panel]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the table more of a small window."""
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        self.panel.setFixedWidth(NARROW_PANEL if narrow else PANEL)
        wanted = self._second if narrow else self._first
        if wanted.indexOf(self.search_field) < 0:
            wanted.insertWidget(0, self.search_field)

    def _connect(self) -> None:
        navigator = self.context.navigator
        self.back.clicked.connect(lambda: navigator.show_page("settings"))
        self.export.clicked.connect(self._on_export)
        self.search_field.textChanged.connect(lambda _words: self._typing.start())
        self._typing.timeout.connect(self._on_filter_changed)
        self.chips.chosen.connect(lambda _key: self._on_filter_changed())
        self.people.chosen.connect(lambda _key: self._on_filter_changed())
        self.period.chosen.connect(lambda _key: self._on_filter_changed())
        self.table.selection_changed.connect(self._show_chosen)
        self.table.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.panel.open_asked.connect(lambda page, name: navigator.show_page(page, name))
        self.panel.put_back_asked.connect(self._on_put_back)
        self._none.primary_clicked.connect(self._on_clear_filters)
        topics = ("audit", "exports", "connections", "segments", "suppression", "tables", "runs")
        Freshness(self, navigator.noticed, topics, self.refresh)

    def _assemble(self) -> None:
        theme = self.context.theme
        self.back.setFixedHeight(22)
        self.heading.setSpacing(0)
        self.heading.insertLayout(0, row(self.back, None))
        self.actions.addWidget(self.export)
        self.search_field.setFixedWidth(220)
        self.people.setFixedWidth(180)
        self.period.setFixedWidth(176)
        foot = Area(theme, "surface", "t")
        foot.setFixedHeight(32)
        kept = Label(theme, self.tr("Kept as long as the workspace"), "caption", "text2")
        foot.setLayout(row(self._number, None, kept, margins=(24, 0, 24, 0)))
        left = QWidget()
        self._none.hide()
        self._first = row(self.search_field, self.chips, None, margins=(24, 12, 12, 8))
        self._second = row(self.people, self.period, None, margins=(24, 0, 24, 4))
        lines = column(
            self._first,
            self._second,
            self.table,
            self._none,
            foot,
            spacing=0,
        )
        lines.setStretch(2, 1)
        lines.setStretch(3, 1)
        left.setLayout(lines)
        both = row(left, self.panel, spacing=0)
        both.setStretch(0, 1)
        self.content.setLayout(both)

    def _columns(self) -> tuple[Column[_Row], ...]:
        formats = self.context.formats

        def who(line: _Row) -> TextCell:
            name, detail = who_words(line.entry, formats)
            return TextCell(name, detail, role="body-medium")

        return (
            Column(
                "time",
                self.tr("Time"),
                lambda r: TextCell(formats.clock(r.entry.at), ink="text2"),
                tooltip=lambda r: formats.exact(r.entry.at),
                width=72,
            ),
            Column("who", self.tr("Who"), who, width=142),
            Column(
                "what",
                self.tr("What"),
                lambda r: TextCell(deed_words(r.entry.deed), icon=icon_of(r.entry.deed)),
                width=190,
            ),
            Column(
                "on",
                self.tr("On"),
                lambda r: TextCell(name_words(r.entry)),
                tooltip=lambda r: name_words(r.entry),
                width=150,
            ),
            Column(
                "note",
                "",
                lambda r: TextCell(note_words(r.entry), ink="text2"),
                tooltip=lambda r: note_words(r.entry),
                width=80,
                stretch=True,
            ),
        )

    # Reading, in jobs

    def _filter(self) -> AuditFilter:
        """What the person wants to see now; asked in the main thread."""
        days, chip = int(self.period.current_key() or 0), self.chips.current()
        return AuditFilter(
            area=None if chip in {"", ALL} else Group(chip),
            person=self.people.current_key() or None,
            since=self.context.formats.now() - timedelta(days=days) if days else None,
            text=self.search_field.text(),
        )

    def refresh(self) -> None:
        """Read again what the filters name."""
        self._wanted = self._filter()
        super().refresh()

    def _read_entries(self, _ctx: JobContext) -> _Read:
        services, wanted = self.context.services, self._wanted
        exports = services.exports.all()
        badges = {row.export.id: row.description.badge for row in exports}
        badges |= {_export_key(row.export.name): row.description.badge for row in exports}
        badges |= {row.connection.id: row.description.badge for row in services.connections.all()}
        return _Read(
            services.audit.page(wanted, self._limit),
            services.audit.numbers(wanted),
            services.audit.people(),
            services.roles.role(),
            badges,
        )

    # Answers

    def _show_entries(self, read: _Read) -> bool:
        self._shown = read
        everyone = Choice(EVERYONE, self.tr("Everyone"), icon="users")
        self.people.set_choices([everyone, *(Choice(name, name, icon="users") for name in read.people)])
        self.chips.set_choices(self._chip_choices(read.numbers))
        rows: list[_Row | GroupRow] = []
        for title, group in groupby(read.entries.entries, lambda e: day_words(e, self.context.formats)):
            lines = [_Row(entry) for entry in group]
            rows += [GroupRow(f"day {lines[0].key}", title, tuple(line.key for line in lines)), *lines]
        found = bool(rows)
        self.table.setVisible(found)
        self._none.setVisible(not found)
        self.export.setEnabled(found)
        chosen = self.table.selected_keys()
        self.table.set_rows(rows)
        first = next((line.key for line in rows if isinstance(line, _Row)), "")
        if first and not self.table.selected_keys():
            self.table.select_keys([first])
        elif chosen == self.table.selected_keys() or not first:
            self._show_chosen()
        self._number.set_words(self._number_words(read))
        return True

    def _number_words(self, read: _Read) -> str:
        formats, chip = self.context.formats, self.chips.current()
        number = read.numbers.total if chip in {"", ALL} else read.numbers.by_area.get(Group(chip), 0)
        entries = formats.counted(number, "entries")
        days = int(self.period.current_key() or 0)
        if not days:
            return entries
        return self.tr("{entries} in the last {n} days").format(entries=entries, n=formats.number(days))

    def _show_chosen(self) -> None:
        chosen = self.table.selected_rows()
        if not chosen or self._shown is None:
            self.panel.show_entry(None)
            return
        entry = chosen[0].entry
        badges = self._shown.badges
        badge = badges.get(entry.subject_id)
        if badge is None and entry.subject is Subject.RUN:
            badge = badges.get(_export_key(entry.name))
        self.panel.show_entry(Shown(entry, badge, can_put_back(entry, self._shown.role)))

    def _chip_choices(self, numbers: AuditNumbers | None) -> list[Choice]:
        def count(group: Group) -> str:
            return "" if numbers is None else self.context.formats.number(numbers.by_area.get(group, 0))

        total = "" if numbers is None else self.context.formats.number(numbers.total)
        choices = [
            Choice(ALL, self.tr("All"), total),
            Choice(Group.EXPORTS, self.tr("Exports"), count(Group.EXPORTS)),
            Choice(Group.RUNS, self.tr("Runs"), count(Group.RUNS)),
            Choice(Group.CONNECTIONS, self.tr("Connections"), count(Group.CONNECTIONS)),
        ]
        if numbers is None or Group.SECURITY in numbers.by_area:
            choices.append(Choice(Group.SECURITY, self.tr("Security"), count(Group.SECURITY), dot="danger_fill"))
        return choices

    def _periods(self) -> list[Choice]:
        number = self.context.formats.number
        return [
            Choice(
                str(days),
                self.tr("Last {n} days").format(n=number(days)) if days else self.tr("From the beginning"),
                icon="calendar-blank",
            )
            for days in DAYS
        ]

    # What the person does

    def _on_filter_changed(self) -> None:
        self._limit = STEP
        self.refresh()

    def _on_clear_filters(self) -> None:
        self.search_field.clear()
        self.chips.set_current(ALL)
        self.people.set_current_key(EVERYONE)
        self.period.set_current_key("0")
        self._on_filter_changed()

    def _on_scrolled(self, value: int) -> None:
        bar = self.table.verticalScrollBar()
        older = self._shown is not None and self._shown.entries.older is not None
        if older and value >= bar.maximum() - bar.pageStep() and self._limit == len(self._entries()):
            self._limit += STEP
            self.refresh()

    def _entries(self) -> tuple[AuditEntry, ...]:
        return () if self._shown is None else self._shown.entries.entries

    def _on_put_back(self, entry_id: int) -> None:
        services, navigator = self.context.services, self.context.navigator

        def done(entry: AuditEntry) -> None:
            navigator.toast(self.tr("{name} is as before").format(name=name_words(entry)))
            navigator.changed("everything")

        self.panel.put_back.set_busy(True)
        self.do(
            "Put back as before",
            lambda _ctx: services.putting_back.put_back(entry_id),
            done,
            always=lambda: self.panel.put_back.set_busy(False),
        )

    def _on_export(self) -> None:
        menu = Menu(self.context.theme, self.tr("Export"), self)
        menu.add(self.tr("As CSV…"), lambda: self._ask_place("csv"))
        menu.add(self.tr("As JSON…"), lambda: self._ask_place("json"))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.export.mapToGlobal(QPoint(0, self.export.height() + 4)))

    def _ask_place(self, suffix: str) -> None:
        dialog = QFileDialog(self, self.tr("Save what the filters show"), f"audit-trail.{suffix}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.setNameFilter(f"{suffix.upper()} (*.{suffix})")
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save(self, path: Path) -> None:
        """Write what the filters show into a file and tell how many entries that were."""
        services, wanted = self.context.services, self._filter()

        def told(number: int) -> None:
            words = self.tr("Saved {entries} to {file}.")
            entries = self.context.formats.counted(number, "entries")
            self.context.navigator.toast(words.format(entries=entries, file=path.name))

        self.do("Save the audit trail", lambda _ctx: services.audit.save(path, wanted), told)
