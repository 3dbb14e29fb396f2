from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit import HIDDEN, Area, Deed, changed, facts, names_nobody, segment_facts, without_people
from app.core.segment_documents import parse
from app.core.tables import Catalog, Column, ColumnType, Meaning
from tests.store import samples


def test_a_document_becomes_dotted_names_with_plain_text():
    told = facts(
        {
            "name": "Newsletter",
            "segments": ["A", "B"],
            "schedule": {"at": "05:30", "on": []},
            "leave_out_suppressed": True,
            "tables": [{"name": "Orders", "fields": ["Id", "Total"]}, {"name": "Customer"}],
            "connection": None,
        }
    )
    assert told == {
        "name": "Newsletter",
        "segments": "A, B",
        "schedule.at": "05:30",
        "schedule.on": "",
        "leave_out_suppressed": "yes",
        "tables": "Orders fields: Id, Total, Customer",
        "connection": "",
    }


def test_what_changed_comes_with_its_group_and_nothing_else():
    before = {"name": "A", "schedule.at": "05:35", "schedule.time_zone": "UTC", "sync": "add"}
    after = {"name": "A", "schedule.at": "06:00", "schedule.time_zone": "UTC", "sync": "add", "guard.removed": "20"}
    assert changed(before, after) == (
        {"schedule.at": "05:35", "schedule.time_zone": "UTC", "guard.removed": ""},
        {"schedule.at": "06:00", "schedule.time_zone": "UTC", "guard.removed": "20"},
    )
    assert changed(before, dict(before)) == ({}, {})


def test_every_deed_has_an_area_and_security_holds_what_guards_look_for():
    security = {deed for deed in Deed if deed.area is Area.SECURITY}
    assert {Deed.WRONG_PASSPHRASE, Deed.ADMIN_UNLOCKED, Deed.VALUES_SHOWN, Deed.GUARD_PASSED} <= security
    assert Deed.EXPORT_CHANGED.area is Area.EXPORTS
    assert Deed.REJECTS_SAVED.area is Area.RUNS
    assert Deed.SUPPRESSION_LIST.area is Area.DATA


LOCAL = st.text("abcdefghijklmnopqrstuvwxyzäöü0123456789._%+-", min_size=1, max_size=20)
AROUND = st.text(" ,;:()\"'<>=\n", max_size=3)


@given(AROUND, LOCAL, LOCAL, AROUND)
def test_no_address_stays_in_a_text(before, local, domain, after):
    address = f"{local}@{domain}.example"
    shown = without_people(f"{before}{address}{after}")
    assert address not in shown
    assert "@" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call +49 151 1234567 now", f"call {HIDDEN} now"),
        ("318 entries added", "318 entries added"),
        ("+1,120 rows", "+1,120 rows"),
        ("34.0% would be removed", "34.0% would be removed"),
        ("https://eu1.example/3.0", "https://eu1.example/3.0"),
        ("2026-03-12 06:02:17+00:00", "2026-03-12 06:02:17+00:00"),
    ],
)
def test_numbers_that_are_no_phone_numbers_stay(text, shown):
    assert without_people(text) == shown


COLUMNS = (
    Column("CustomerId", ColumnType.TEXT),
    Column("Email", ColumnType.TEXT, Meaning.EMAIL),
    Column("Country", ColumnType.TEXT, Meaning.COUNTRY),
)
CATALOG = Catalog((samples.table(columns=COLUMNS),))


def _segment(*conditions: dict[str, object]):
    return parse({"name": "S", "rules": [{"all": list(conditions)}]}, segment_id="s")


def test_values_of_personal_columns_and_keys_are_no_facts():
    segment = _segment(
        {"field": "Customer.Country", "is": "DE"},
        {"field": "Customer.Email", "is_one_of": ["nora", "omar"]},
        {"any": [{"field": "Customer.CustomerId", "is": "C-104882"}, {"field": "Customer.Email", "is_empty": True}]},
    )
    told = str(segment_facts(segment, CATALOG))
    assert "DE" in told
    assert not any(value in told for value in ("nora", "omar", "C-104882"))
    assert not names_nobody(segment, CATALOG)
    assert names_nobody(_segment({"field": "Customer.Country", "is": "DE"}), CATALOG)
    assert names_nobody(_segment({"field": "Customer.Email", "is_empty": True}), CATALOG)


def test_a_query_is_told_without_its_literals():
    segment = parse({"name": "S", "sql": "SELECT k FROM t WHERE n = 'O''Mara' AND a > 3"}, segment_id="s")
    assert segment_facts(segment, CATALOG)["sql"] == f"SELECT k FROM t WHERE n = '{HIDDEN}' AND a > 3"
    assert not names_nobody(segment, CATALOG)
