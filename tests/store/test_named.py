from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.errors import FixSettings, TryAgain
from app.core.tables import Link
from app.store import Store
from tests.store import samples

KINDS = {
    "tables": samples.table,
    "segments": samples.segment,
    "connections": samples.connection,
    "exports": samples.export,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make(kind: str) -> Any:
    return KINDS[kind]


@pytest.fixture
def repository(store: Store, kind: str) -> Any:
    return getattr(store, kind)


def test_what_is_saved_comes_back_equal(repository, make, store, folder):
    thing = make()
    stored = repository.save(thing)
    assert stored == thing
    assert stored.revision == 1
    store.close()
    again = Store.open(folder)
    for read in (repository.get(thing.name), repository.by_id(thing.id), repository.all()[0]):
        assert read == thing
        assert read.revision == 1
        assert repr(read) == repr(stored)  # the types too, mappings and enums alike
    again.close()


def test_names_are_found_and_unique_regardless_of_case_and_composition(repository, make):
    repository.save(make("Straße Café"))
    assert repository.get("STRASSE CAFE\u0301") is not None
    with pytest.raises(FixSettings) as raised:
        repository.save(make("strasse café"))
    assert raised.value.code == "name_taken"
    assert "strasse café" in raised.value.what
    assert len(repository.all()) == 1


def test_a_thing_keeps_its_own_name_and_may_change_its_case(repository, make):
    first = repository.save(make("gold"))
    second = repository.save(replace(first, name="GOLD"))
    assert [item.name for item in repository.all()] == ["GOLD"]
    assert second.revision == 2


def test_all_are_sorted_by_name_regardless_of_case(repository, make):
    for name in ("b", "A", "ç", "C"):
        repository.save(make(name))
    assert [item.name for item in repository.all()] == ["A", "b", "C", "ç"]


def test_a_stale_save_is_refused_and_loses_nothing(repository, make, folder, kind):
    first = repository.save(make("one"))
    other = Store.open(folder)
    newer = getattr(other, kind).save(replace(first, name="two"))
    other.close()
    repository.all()  # reading meanwhile must not make the stale object fresh
    with pytest.raises(TryAgain) as raised:
        repository.save(replace(first, name="three"))
    assert raised.value.code == "changed_elsewhere"
    assert repository.by_id(first.id).name == newer.name == "two"
    assert repository.save(replace(newer, name="three")).revision == 3


def test_a_new_thing_never_replaces_one_with_its_id(repository, make):
    first = repository.save(make("one"))
    with pytest.raises(TryAgain):
        repository.save(make("two", id=first.id))


def test_remove_hides_and_put_back_brings_the_same(repository, make):
    thing = repository.save(make("one"))
    removed = repository.remove(thing.id)
    assert repository.all() == ()
    assert repository.get("one") is None
    assert repository.by_id(thing.id) is None
    assert repository.removed() == (thing,)
    back = repository.save(removed)
    assert back == thing
    assert repository.all() == (thing,)
    assert repository.removed() == ()


def test_an_edit_begun_before_the_removal_does_not_bring_it_back(repository, make):
    thing = repository.save(make("one"))
    repository.remove(thing.id)
    with pytest.raises(TryAgain):
        repository.save(replace(thing, name="two"))
    assert repository.all() == ()


def test_the_name_of_a_removed_thing_is_free_and_putting_it_back_then_says_why_not(repository, make):
    removed = repository.remove(repository.save(make("one")).id)
    repository.save(make("ONE"))
    with pytest.raises(FixSettings) as raised:
        repository.save(removed)
    assert raised.value.code == "name_taken"


def test_removing_twice_says_that_it_is_gone(repository, make):
    thing = repository.save(make("one"))
    repository.remove(thing.id)
    with pytest.raises(TryAgain):
        repository.remove(thing.id)


def test_purge_deletes_only_what_is_removed(repository, make):
    kept, gone = repository.save(make("kept")), repository.save(make("gone"))
    removed = repository.remove(gone.id)
    now = datetime.now(UTC)
    assert repository.removed(now - timedelta(hours=1)) == ()
    assert repository.removed(now + timedelta(seconds=1)) == (gone,)
    assert repository.purge(gone.id)
    assert not repository.purge(gone.id)
    assert not repository.purge(kept.id)
    with pytest.raises(TryAgain):
        repository.save(removed)
    assert repository.all() == (kept,)


def test_links_live_as_long_as_their_tables(store):
    customer, orders = store.tables.save(samples.table("Customer")), store.tables.save(samples.table("Orders"))
    link = Link("Customer", "CustomerId", "Orders", "CustomerId")
    store.tables.save_link(link)
    store.tables.save_link(link)
    assert store.tables.links() == (link,)
    assert store.tables.catalog().tables == (customer, orders)
    removed = store.tables.remove(orders.id)
    assert store.tables.links() == ()
    store.tables.save(removed)
    assert store.tables.links() == (link,)
    store.tables.remove(orders.id)
    store.tables.purge(orders.id)
    store.tables.save(samples.table("Orders"))
    assert store.tables.links() == ()


def test_a_link_can_be_removed(store):
    store.tables.save(samples.table("Customer"))
    store.tables.save(samples.table("Orders"))
    link = Link("Customer", "CustomerId", "Orders", "CustomerId")
    store.tables.save_link(link)
    store.tables.remove_link(link)
    store.tables.remove_link(link)
    assert store.tables.links() == ()


def test_several_are_saved_all_or_none(repository, make):
    kept = repository.save(make("kept"))
    with pytest.raises(FixSettings):
        repository.save_all([replace(kept, name="changed"), make("new"), make("NEW")])
    assert repository.all() == (kept,)
    assert [item.name for item in repository.save_all([make("b"), make("a")])] == ["b", "a"]


def test_a_table_and_what_hangs_on_it_are_saved_together_or_not_at_all(store):
    table = store.tables.save(samples.table())
    segment, export = store.segments.save(samples.segment()), store.exports.save(samples.export())
    old, new = Link("Customer", "CustomerId", "Customer", "Email"), Link("Customer", "Email", "Customer", "Email")
    store.tables.save_link(old)
    stale = replace(export, revision=7, name="other")
    with pytest.raises(TryAgain):
        store.save_together(replace(table, rows=1), [replace(segment, name="new")], [stale], {old: new})
    assert (store.tables.get("Customer"), store.segments.all(), store.tables.links()) == (table, (segment,), (old,))
    saved = store.save_together(
        replace(table, rows=1), [replace(segment, name="new")], [replace(export, name="other")], {old: new}
    )
    assert (saved.rows, saved.revision) == (1, 2)
    assert [item.name for item in (*store.segments.all(), *store.exports.all())] == ["new", "other"]
    assert store.tables.links() == (new,)
