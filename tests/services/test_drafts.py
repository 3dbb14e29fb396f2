from __future__ import annotations

from pathlib import Path

from app.core.drafts import DataOutDraft, SegmentDraft
from app.core.exports import ExportKind
from app.core.workspaces import Audience
from app.services.drafts import DraftService
from app.store import Store


def test_drafts_are_kept_by_kind_and_export_and_the_newest_is_offered(tmp_path: Path):
    store = Store.create(tmp_path / "ws", "Test", Audience.CONSUMERS)
    drafts = DraftService(store)
    first, second = SegmentDraft(name="First"), SegmentDraft(name="Second")
    edited = SegmentDraft(name="Edited", export_id="e1")
    tables = DataOutDraft(name="Tables")
    for draft in (first, second, edited, tables):
        drafts.save(draft)
    assert drafts.latest(ExportKind.SEGMENT, None).draft == second
    assert drafts.latest(ExportKind.SEGMENT, "e1").draft == edited
    assert drafts.latest(ExportKind.DATA_OUT, None).draft == tables
    assert drafts.latest(ExportKind.DATA_OUT, "e1") is None
    drafts.remove(second.id)
    assert drafts.latest(ExportKind.SEGMENT, None).draft == first
    store.close()


def test_a_draft_of_another_version_counts_as_not_there(tmp_path: Path):
    store = Store.create(tmp_path / "ws", "Test", Audience.CONSUMERS)
    store.drafts.save("d1", "segment", '{"name": "of tomorrow"}')
    assert DraftService(store).latest(ExportKind.SEGMENT, None) is None
    store.close()
