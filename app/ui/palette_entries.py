"""What Ctrl+K finds, made from the last snapshot."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence

from app.core.roles import Action, may
from app.ui.context import Navigator
from app.ui.formats import Formats
from app.ui.snapshot import Snapshot
from app.ui.widgets.palette import PaletteGroup, PaletteItem

PAGE_ICONS = {
    "exports": "paper-plane-tilt",
    "segments": "users-three",
    "tables": "table",
    "connections": "link",
    "runs": "clock-counter-clockwise",
    "settings": "gear-six",
}

RECENT = 3
"""How many exports are offered before anything is typed."""


def _keys(words: str) -> str:
    return QKeySequence(words).toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")


class PaletteEntries(QObject):
    """Answers the palette from memory.

    Args:
        run_export: runs the named export.
        run_all: runs every export that can run.
    """

    def __init__(
        self,
        navigator: Navigator,
        formats: Formats,
        page_titles: dict[str, str],
        run_export: Callable[[str], None],
        run_all: Callable[[], None],
        show_help: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._navigator = navigator
        self._formats = formats
        self._titles = page_titles
        self._run_export = run_export
        self._run_all = run_all
        self._show_help = show_help
        self._snapshot: Snapshot | None = None

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Answer from this reading from now on."""
        self._snapshot = snapshot

    def __call__(self, words: str) -> list[PaletteGroup]:
        """Return everything there is to find, of which the palette chooses; without words the recent exports and actions."""
        snapshot = self._snapshot
        if snapshot is None:
            return [PaletteGroup(self.tr("Actions"), self._pages())]
        if not words.strip():
            recent = self._exports(snapshot)[:RECENT]
            return [
                PaletteGroup(self.tr("Exports"), recent),
                PaletteGroup(self.tr("Actions"), (*self._actions(snapshot), *self._pages())),
            ]
        return [
            PaletteGroup(self.tr("Exports"), self._exports(snapshot)),
            PaletteGroup(self.tr("Actions"), (*self._actions(snapshot), *self._pages())),
            PaletteGroup(self.tr("Segments"), self._named("segments", snapshot.segments)),
            PaletteGroup(self.tr("Tables"), self._named("tables", snapshot.tables)),
            PaletteGroup(
                self.tr("Connections"),
                self._named("connections", tuple(row.connection.name for row in snapshot.connections)),
            ),
            PaletteGroup(self.tr("Runs"), self._runs(snapshot)),
        ]

    def _exports(self, snapshot: Snapshot) -> tuple[PaletteItem, ...]:
        items: list[PaletteItem] = []
        # Recent first: what ran last is what people look for.
        rows = sorted(snapshot.exports, key=lambda r: r.latest.queued_at.timestamp() if r.latest else 0.0, reverse=True)
        for row in rows:
            name, badge = row.export.name, (row.description.badge.letters, row.description.badge.colour)
            access = row.connection.access if row.connection else None
            if row.connection is not None and may(snapshot.role, Action.RUN_EXPORTS, access):
                words = self.tr("Run {name}").format(name=name)
                items.append(PaletteItem(words, lambda n=name: self._run_export(n), badge=badge))
        for row in rows:
            name, badge = row.export.name, (row.description.badge.letters, row.description.badge.colour)
            words = self.tr("Open {name}").format(name=name)
            items.append(PaletteItem(words, lambda n=name: self._navigator.show_page("exports", n), badge=badge))
        return tuple(items)

    def _actions(self, snapshot: Snapshot) -> tuple[PaletteItem, ...]:
        items: list[PaletteItem] = []
        if may(snapshot.role, Action.CHANGE_EXPORTS):
            items += [
                PaletteItem(
                    self.tr("New segment export"),
                    self._navigator.open_segment_wizard,
                    icon="users-three",
                    shortcut=_keys("Ctrl+N"),
                ),
                PaletteItem(
                    self.tr("New data-out export"),
                    self._navigator.open_data_out_wizard,
                    icon="table",
                    shortcut=_keys("Ctrl+Shift+N"),
                ),
            ]
        if may(snapshot.role, Action.RUN_EXPORTS) and snapshot.exports:
            items.append(
                PaletteItem(
                    self.tr("Run all exports"), self._run_all, icon="fast-forward", shortcut=_keys("Ctrl+Shift+R")
                )
            )
        if may(snapshot.role, Action.CHANGE_CONNECTIONS):
            items.append(
                PaletteItem(self.tr("Add connection"), lambda: self._navigator.show_page("connections"), icon="link")
            )
        items.append(
            PaletteItem(
                self.tr("Go to the suppression list"),
                lambda: self._navigator.show_page("suppression"),
                icon="prohibit-bold",
            )
        )
        items.append(PaletteItem(self.tr("Help"), self._show_help, icon="info", shortcut=_keys("F1")))
        if may(snapshot.role, Action.SEE_AUDIT):
            items.append(
                PaletteItem(
                    self.tr("Go to the audit trail"),
                    lambda: self._navigator.show_page("audit"),
                    icon="clock-counter-clockwise",
                )
            )
        return tuple(items)

    def _pages(self) -> tuple[PaletteItem, ...]:
        items = []
        for number, (page, title) in enumerate(self._titles.items(), start=1):
            keys = _keys("Ctrl+,") if page == "settings" else _keys(f"Ctrl+{number}")
            words = self.tr("Go to {page}").format(page=title)
            items.append(
                PaletteItem(words, lambda p=page: self._navigator.show_page(p), icon=PAGE_ICONS[page], shortcut=keys)
            )
        return tuple(items)

    def _named(self, page: str, names: tuple[str, ...]) -> tuple[PaletteItem, ...]:
        return tuple(
            PaletteItem(name, lambda n=name: self._navigator.show_page(page, n), icon=PAGE_ICONS[page])
            for name in names
        )

    def _runs(self, snapshot: Snapshot) -> tuple[PaletteItem, ...]:
        items = []
        for run in snapshot.runs:
            words = self.tr("{export}, {when}").format(
                export=run.export_name, when=self._formats.day_and_clock(run.queued_at)
            )
            items.append(
                PaletteItem(words, lambda r=run.id: self._navigator.show_page("runs", r), icon=PAGE_ICONS["runs"])
            )
        return tuple(items)
