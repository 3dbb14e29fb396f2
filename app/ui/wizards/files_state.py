"""What files an export would write: asked anew with every change, shown as soon as it is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.core import layouts
from app.core.file_formats import Compression, FileType, Format

if TYPE_CHECKING:
    from app.services.export_views import TreeNode
    from app.ui.wizards.state import WizardState

ASK_MS = 60
"""A change shows within 200 ms; letters typed together are asked together."""


class PlannedFiles(QObject):
    """Signal `changed()`: read `nodes`, `bytes` and `plain_bytes` (None while not known). Main thread only."""

    changed = Signal()

    def __init__(self, state: WizardState) -> None:
        super().__init__(state)
        self._state = state
        self.nodes: tuple[TreeNode, ...] = ()
        self.plain_bytes: int | None = None
        self._asked: object = None
        self._query = state.query("List the files", delay_ms=ASK_MS)
        self._query.ready.connect(self._on_ready)
        self._query.failed.connect(self._on_failed)

    @property
    def bytes(self) -> int | None:
        """About how much is written."""
        return _sum(self.nodes)

    def files(self) -> int:
        """How many files."""
        return sum(node.files for node in self.nodes)

    def ask(self) -> None:
        """Ask when the draft holds something that can be listed, and it is not what was asked last."""
        draft, context = self._state.draft, self._state.context
        items = len(getattr(draft, "tables", ())) or len(getattr(draft, "segments", ()))
        if not items or layouts.check(draft.layout, draft.format, items):
            self._query.cancel()
            self._asked = None
            self._on_failed(None)
            return
        now = context.formats.now()
        export = replace(draft, name=draft.name.strip() or self.tr("New export")).so_far(now, self._state.facts.person)
        wanted = (export.name, export.tables, export.segments, export.format, export.layout)
        if wanted == self._asked:
            return
        self._asked = wanted
        plain = replace(export, format=_plain(export.format), layout=replace(export.layout, model_json=False))
        services = context.services

        def work(_ctx: Any) -> tuple[tuple[TreeNode, ...], int | None]:
            return tuple(services.exports.tree(export, now)), _plain_size(services, plain, now)

        self._query.ask(work)

    def _on_ready(self, found: tuple[tuple[TreeNode, ...], int | None]) -> None:
        self.nodes, self.plain_bytes = found
        self.changed.emit()

    def _on_failed(self, _error: object) -> None:
        self.nodes, self.plain_bytes = (), None
        self.changed.emit()


def _plain(form: Format) -> Format:
    """The same rows, neither compressed nor parted."""
    return replace(form, type=FileType.CSV, compression=Compression.NONE, partition=None)


def _plain_size(services: Any, plain: Any, now: Any) -> int | None:
    """The size before compression; None when the usual layout does not fit this one's patterns."""
    if layouts.check(plain.layout, plain.format, max(len(plain.tables), len(plain.segments))):
        return None
    return _sum(tuple(services.exports.tree(plain, now)))


def _sum(nodes: tuple[TreeNode, ...]) -> int | None:
    known = [node.bytes for node in nodes if node.bytes is not None]
    return sum(known) if known else None
