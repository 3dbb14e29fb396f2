from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.errors import FixData, FixSettings
from app.core.workspaces import Audience
from app.store import Store
from app.store.small import KEPT_COUNTS
from tests.store import samples
from tests.store.samples import NOON


def test_a_workspace_knows_what_it_is(tmp_path):
    store = Store.create(tmp_path / "50% off" / "Łódź", " Acme ", Audience.BUSINESSES, "PL")
    info = store.workspace.info()
    assert (info.name, info.audience, info.country_code) == ("Acme", Audience.BUSINESSES, "PL")
    assert store.workspace.rename("Acme II").name == "Acme II"
    assert store.workspace.set_country("DE").country_code == "DE"
    assert store.workspace.info().country_code == "DE"
    store.close()
    again = Store.open(tmp_path / "50% off" / "Łódź")
    assert again.workspace.info().name == "Acme II"
    assert again.workspace.info().created_at == info.created_at
    again.close()
    assert [path.name for path in (tmp_path / "50% off" / "Łódź").iterdir()] == ["workspace.db"]


def test_a_folder_holds_one_workspace(store, folder):
    with pytest.raises(FixSettings) as raised:
        Store.create(folder, "Second", Audience.CONSUMERS)
    assert raised.value.code == "workspace_exists"
    assert store.workspace.info().name == "Northwind Retail"


def test_a_workspace_needs_a_name_and_a_failed_start_leaves_nothing(tmp_path):
    with pytest.raises(FixData):
        Store.create(tmp_path / "ws", "  ", Audience.CONSUMERS)
    assert not (tmp_path / "ws").exists()


def test_settings(store):
    assert store.workspace.setting("theme") is None
    store.workspace.set_setting("theme", "dark")
    store.workspace.set_setting("theme", "light")
    assert store.workspace.setting("theme") == "light"
    store.workspace.set_setting("theme", None)
    assert store.workspace.setting("theme") is None


def test_counts_newest_and_history(store):
    segment = store.segments.save(samples.segment())
    counts = [samples.count(members=n, counted_at=NOON + timedelta(minutes=n)) for n in range(4)]
    for n, count in enumerate(counts):
        store.counts.save(segment.id, "a" if n % 2 else "b", count)
    assert store.counts.get(segment.id, "a") == counts[3]
    assert store.counts.get(segment.id, "b") == counts[2]
    assert store.counts.get(segment.id, "c") is None
    assert store.counts.history(segment.id, 3) == [counts[3], counts[2], counts[1]]
    assert store.counts.history(segment.id, 9, "b") == [counts[2], counts[0]]


def test_counts_stay_while_removing_can_be_undone_and_go_with_the_segment(store):
    segment = store.segments.save(samples.segment())
    store.counts.save(segment.id, "a", samples.count())
    store.segments.save(store.segments.remove(segment.id))
    assert store.counts.get(segment.id, "a") == samples.count()
    store.segments.remove(segment.id)
    store.segments.purge(segment.id)
    assert store.counts.history(segment.id, 9) == []
    store.counts.save(segment.id, "a", samples.count())  # a count that ended after the segment was gone
    assert store.counts.history(segment.id, 9) == []


def test_old_counts_are_dropped(store):
    segment = store.segments.save(samples.segment())
    for n in range(KEPT_COUNTS + 5):
        store.counts.save(segment.id, "a", samples.count(counted_at=NOON + timedelta(minutes=n)))
    kept = store.counts.history(segment.id, 1000)
    assert len(kept) == KEPT_COUNTS
    assert kept[-1].counted_at == NOON + timedelta(minutes=5)


def test_drafts(store):
    store.drafts.save("d1", "segment", '{"a": 1}')
    store.drafts.save("d2", "data-out", "{}")
    store.drafts.save("d1", "segment", '{"a": 2}')
    assert [draft.id for draft in store.drafts.all()] == ["d1", "d2"]
    draft = store.drafts.get("d1")
    assert (draft.kind, draft.body) == ("segment", '{"a": 2}')
    store.drafts.remove("d1")
    store.drafts.remove("d1")
    assert store.drafts.get("d1") is None


def test_a_due_time_is_taken_once(store):
    assert store.schedule_marks.get("e1") is None
    store.schedule_marks.set("e1", NOON)
    assert store.schedule_marks.get("e1") == NOON
    assert store.schedule_marks.claim_due("e1", NOON)
    assert not store.schedule_marks.claim_due("e1", NOON)
    assert not store.schedule_marks.claim_due("e1", NOON - timedelta(hours=1))
    assert store.schedule_marks.claim_due("e1", NOON + timedelta(microseconds=1))
    assert store.schedule_marks.claim_due("never seen", NOON)
    assert store.schedule_marks.get("e1") == NOON


def test_changes_moves_with_every_change_and_only_then(store, folder):
    before = store.changes()
    store.workspace.setting("a")
    assert store.changes() == before
    store.workspace.set_setting("a", "1")
    own = store.changes()
    assert own != before
    other = Store.open(folder)
    other.workspace.set_setting("a", "2")
    other.close()
    assert store.changes() != own
