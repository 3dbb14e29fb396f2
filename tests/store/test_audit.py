from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from app.core.audit import Area, AuditFilter, Deed, Subject
from tests.store import samples

HOUR = timedelta(hours=1)


def test_an_entry_comes_back_whole(store):
    entry = store.audit.add(samples.audit_entry(former="{}", note="Schedule"))
    assert store.audit.by_id(entry.id) == entry
    assert store.audit.by_id(entry.id + 1) is None


@pytest.mark.parametrize("deed", ["UPDATE audit_entries SET person = 'other'", "DELETE FROM audit_entries"])
def test_entries_are_only_added(store, folder, deed):
    store.audit.add(samples.audit_entry())
    with (
        closing(sqlite3.connect(folder / "workspace.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="only added"),
    ):
        connection.execute(deed)


def test_pages_go_on_where_the_last_one_ended(store):
    times = [0, 1, 1, 3, 2]  # the clock of a computer may be put back
    made = [store.audit.add(samples.audit_entry(at=samples.NOON + hours * HOUR)).id for hours in times]
    made = [made[at] for at in (0, 1, 2, 4, 3)]
    first = store.audit.page(AuditFilter(), 2)
    assert [entry.id for entry in first.entries] == made[:2:-1]
    second = store.audit.page(AuditFilter(), 2, first.older)
    third = store.audit.page(AuditFilter(), 2, second.older)
    assert [entry.id for page in (second, third) for entry in page.entries] == made[2::-1]
    assert third.older is None


def test_filters_find_what_they_name(store):
    for number, (deed, person, name) in enumerate(
        [
            (Deed.EXPORT_CHANGED, "nora", "Newsletter"),
            (Deed.WRONG_PASSPHRASE, "omar", "This computer"),
            (Deed.RUN_FAILED, "nora", "Straße 50%"),
        ]
    ):
        store.audit.add(
            samples.audit_entry(deed, person=person, name=name, at=samples.NOON + number * HOUR, subject=Subject.RUN)
        )

    def found(hidden: frozenset[Area] = frozenset(), **wanted: object) -> list[Deed]:
        return [entry.deed for entry in store.audit.page(AuditFilter(**wanted), 10, None, hidden).entries]

    assert found() == [Deed.RUN_FAILED, Deed.WRONG_PASSPHRASE, Deed.EXPORT_CHANGED]
    assert found(area=Area.SECURITY) == [Deed.WRONG_PASSPHRASE]
    assert found(person="nora") == [Deed.RUN_FAILED, Deed.EXPORT_CHANGED]
    assert found(since=samples.NOON + HOUR) == [Deed.RUN_FAILED, Deed.WRONG_PASSPHRASE]
    assert found(until=samples.NOON + HOUR) == [Deed.EXPORT_CHANGED]
    assert found(text="STRASSE 50%") == [Deed.RUN_FAILED]
    assert found(text="%") == [Deed.RUN_FAILED]
    assert found(text="wrong pass") == [Deed.WRONG_PASSPHRASE]
    assert found(frozenset({Area.SECURITY})) == [Deed.RUN_FAILED, Deed.EXPORT_CHANGED]
    numbers = store.audit.numbers(AuditFilter(area=Area.RUNS), frozenset({Area.SECURITY}))
    assert numbers.total == 2
    assert numbers.by_area == {
        Area.EXPORTS: 1,
        Area.RUNS: 1,
        Area.CONNECTIONS: 0,
        Area.DATA: 0,
        Area.SETTINGS: 0,
    }
    assert store.audit.people() == ("nora", "omar")
    assert store.audit.people(frozenset({Area.SECURITY})) == ("nora",)
