"""Drafts: exports left half way in a wizard, kept in the workspace until they are finished or thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core.drafts import DataOutDraft, SegmentDraft
from app.core.errors import FixData
from app.core.exports import ExportKind
from app.store import Store
from app.store.small import StoredDraft

Draft = SegmentDraft | DataOutDraft


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A draft and when it was last kept."""

    draft: Draft
    saved_at: datetime


class DraftService:
    """Drafts of the workspace; thread safe. Keeping one changes nothing that is sent, so every role may."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, draft: Draft) -> None:
        """Keep the draft in place of what was kept of it before."""
        kind = ExportKind.SEGMENT if isinstance(draft, SegmentDraft) else ExportKind.DATA_OUT
        self._store.drafts.save(draft.id, kind.value, draft.to_json())

    def remove(self, draft_id: str) -> None:
        """Throw a draft away; nothing happens when it is not there."""
        self._store.drafts.remove(draft_id)

    def latest(self, kind: ExportKind, export_id: str | None) -> KeptDraft | None:
        """The newest draft of that kind for that export, or for a new one with None.

        A draft that another version wrote and that can't be read any more counts as not there.
        """
        for stored in self._store.drafts.all():
            if stored.kind == kind.value:
                draft = _read(stored)
                if draft is not None and draft.export_id == export_id:
                    return KeptDraft(draft, stored.saved_at)
        return None


def _read(stored: StoredDraft) -> Draft | None:
    try:
        if stored.kind == ExportKind.SEGMENT.value:
            return SegmentDraft.from_json(stored.body)
        return DataOutDraft.from_json(stored.body)
    except FixData:
        return None
