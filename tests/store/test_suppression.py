from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.suppression import Change, ChangeKind, ContactKind, Listing, Numbers
from app.store import Store
from tests.store.samples import NOON, imported

A, B, C, D = (letter.encode() * 32 for letter in "abcd")


def listed(store: Store) -> list[bytes]:
    with store.suppression.snapshot() as (_, parts):
        return [entry for part in parts for entry in part]


def change(what: ChangeKind, hours: int = 1) -> Change:
    return Change(NOON + timedelta(hours=hours), "ben", what, "", ContactKind.EMAIL, 0)


def test_an_empty_list_has_no_facts(store: Store) -> None:
    assert store.suppression.facts() is None
    assert store.suppression.numbers(NOON) == Numbers()
    assert (store.suppression.sources(), store.suppression.changes(5)) == ((), ())
    assert store.suppression.find(A) is None


def test_what_two_sources_hold_counts_once(store: Store) -> None:
    first, recorded = store.suppression.add(imported(), [[A, B], [C]], hashed=False)
    assert (recorded.entries, recorded.known) == (3, 0)
    later = imported("calls.xlsx", ContactKind.PHONE, NOON + timedelta(days=9))
    second, recorded = store.suppression.add(replace(later, unreadable=4), [[B, C, D]], hashed=False)
    assert (recorded.entries, recorded.known, recorded.unreadable) == (1, 2, 4)
    assert listed(store) == [A, B, C, D]
    assert store.suppression.numbers(NOON + timedelta(days=5)) == Numbers(4, 3, 3, 1)
    assert [(s.id, s.entries, s.name) for s in store.suppression.sources()] == [
        (second, 3, "calls.xlsx"),
        (first, 3, "optouts.csv"),
    ]
    assert store.suppression.find(B) == Listing(NOON, "optouts.csv", ContactKind.EMAIL)
    assert [c.entries for c in store.suppression.changes(5)] == [1, 3]


def test_each_change_gives_a_generation_that_never_comes_back(store: Store) -> None:
    source, _ = store.suppression.add(imported(), [[A]], hashed=False)
    facts = store.suppression.facts()
    assert facts is not None
    assert facts.kinds == {ContactKind.EMAIL}
    with store.suppression.snapshot() as (generation, _parts):
        assert generation == facts.generation
    seen = {facts.generation}
    store.suppression.mark_source(source, change(ChangeKind.SOURCE_REMOVED), removed=True)
    assert store.suppression.facts() is None
    store.suppression.mark_source(source, change(ChangeKind.SOURCE_PUT_BACK, 2), removed=False)
    store.suppression.add(imported(), [[B]], hashed=True)
    facts = store.suppression.facts()
    assert facts is not None
    assert facts.generation not in seen
    assert facts.kinds == set(ContactKind)  # nobody knows what a hash is of
    assert facts.salt == store.suppression.salt()
    assert len(facts.salt) == 16
    assert facts.salt.hex() not in repr(facts)


def test_a_source_goes_and_comes_back(store: Store) -> None:
    first, _ = store.suppression.add(imported(), [[A, B]], hashed=False)
    store.suppression.add(imported("b.csv"), [[B]], hashed=False)
    gone = store.suppression.mark_source(first, change(ChangeKind.SOURCE_REMOVED), removed=True)
    assert gone is not None
    assert (gone.entries, gone.source) == (-1, "optouts.csv")
    assert listed(store) == [B]
    assert store.suppression.mark_source(first, change(ChangeKind.SOURCE_REMOVED), removed=True) is None
    back = store.suppression.mark_source(first, change(ChangeKind.SOURCE_PUT_BACK, 2), removed=False)
    assert back is not None
    assert back.entries == 1
    assert listed(store) == [A, B]


def test_one_entry_is_taken_off_everywhere_and_put_back(store: Store) -> None:
    store.suppression.add(imported(), [[A, B]], hashed=False)
    store.suppression.add(imported("b.csv"), [[A]], hashed=False)
    off = replace(change(ChangeKind.TAKEN_OFF), entries=-1, reason="asked for it")
    assert store.suppression.take_off(A, off)
    assert not store.suppression.take_off(A, off)
    assert (listed(store), store.suppression.find(A)) == ([B], None)
    assert not store.suppression.put_back(A, NOON, change(ChangeKind.PUT_BACK, 2))
    assert store.suppression.put_back(A, off.at, change(ChangeKind.PUT_BACK, 2))
    assert listed(store) == [A, B]
    assert [c.what for c in store.suppression.changes(2)] == [ChangeKind.PUT_BACK, ChangeKind.TAKEN_OFF]
    assert store.suppression.changes(2)[1].reason == "asked for it"


def test_what_is_gone_long_enough_is_deleted(store: Store) -> None:
    first, _ = store.suppression.add(imported(), [[A, B]], hashed=False)
    store.suppression.add(imported("b.csv"), [[B, C]], hashed=False)
    store.suppression.mark_source(first, change(ChangeKind.SOURCE_REMOVED), removed=True)
    store.suppression.take_off(C, change(ChangeKind.TAKEN_OFF))
    store.suppression.purge(NOON)
    assert store.suppression.mark_source(first, change(ChangeKind.SOURCE_PUT_BACK), removed=False) is not None
    store.suppression.mark_source(first, change(ChangeKind.SOURCE_REMOVED), removed=True)
    store.suppression.purge(NOON + timedelta(days=1))
    assert store.suppression.mark_source(first, change(ChangeKind.SOURCE_PUT_BACK), removed=False) is None
    assert not store.suppression.put_back(C, NOON + timedelta(hours=1), change(ChangeKind.PUT_BACK))
    assert listed(store) == [B]


def test_an_import_that_fails_leaves_nothing(store: Store) -> None:
    def broken():
        yield [A]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.suppression.add(imported(), broken(), hashed=False)
    assert store.suppression.facts() is None
    assert store.suppression.sources() == ()


def test_many_entries_are_quick(store: Store) -> None:
    entries = sorted(i.to_bytes(32, "big") for i in range(100_000))
    store.suppression.add(imported(), [entries[:50_000], entries[50_000:]], hashed=False)
    assert listed(store) == entries


def test_what_is_read_back_is_one_source_that_grows(store: Store) -> None:
    store.suppression.add(imported(), [[B]], hashed=False)

    def read(hours: int, *entries: bytes, connection: str = "c1") -> Change | None:
        told = replace(change(ChangeKind.READ_BACK, hours), source="Unsubscribed at Mail")
        added = store.suppression.add_read_back(told, entries, connection)
        return None if added is None else added[1]

    first = read(1, A, B)
    assert first is not None
    assert (first.entries, first.known) == (1, 1)
    assert read(2, B, A) is None
    assert len(store.suppression.changes(9)) == 2
    later = read(30, A, B, C)
    assert later is not None
    assert later.entries == 1
    source, _file = store.suppression.sources()
    assert (source.name, source.entries, source.read_back) == ("Unsubscribed at Mail", 3, True)
    assert source.added_at == NOON + timedelta(hours=30)
    found = store.suppression.find(C)
    assert found is not None
    assert found.since == NOON + timedelta(hours=30)
    assert store.suppression.take_off(C, change(ChangeKind.TAKEN_OFF, 31))
    assert read(32, A, B, C) is None, "who was taken off stays off"
    assert read(33, A, connection="c2") is not None
    assert [s.read_back for s in store.suppression.sources()] == [True, True, False]


def test_all_that_was_read_back_goes_and_comes_together(store: Store) -> None:
    for hours, entries in ((1, (A,)), (2, (A, B)), (3, (A, B, C))):
        store.suppression.add_read_back(change(ChangeKind.READ_BACK, hours), entries, "c1")
    (source,) = store.suppression.sources()
    gone = store.suppression.mark_source(source.id, change(ChangeKind.SOURCE_REMOVED, 4), removed=True)
    assert gone is not None
    assert gone.entries == -3
    assert store.suppression.sources() == ()
    back = store.suppression.mark_source(source.id, change(ChangeKind.SOURCE_PUT_BACK, 5), removed=False)
    assert back is not None
    assert back.entries == 3
    assert listed(store) == [A, B, C]
