from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.errors import FixData, NotAllowed, TryAgain
from app.core.exports import Export, ExportKind, TableChoice
from app.core.names import new_id
from app.core.roles import Role
from app.core.segment_documents import parse
from app.core.segments import FieldRef
from app.core.table_changes import ColumnsChanged, Offer, Retyped, UserKind
from app.core.tables import ColumnType, Link, Meaning, TableRole
from app.data.engines.duckdb import generation_folder
from app.data.ingest import ReadOptions
from app.jobs import JobContext
from tests.services.table_desk import CUSTOMERS, leftovers


def test_refreshing_keeps_meanings_and_id(tables, engine, files):
    [table] = tables.add(files[:1], None, JobContext())
    tables.set_meaning("Customer", "Vorname", Meaning.NONE)
    files[0].write_text(CUSTOMERS + "C-999,new@example.com,,Ana,FR,yes\n", encoding="utf-8")
    new = tables.refresh("Customer", JobContext()).table
    assert (new.id, new.rows, new.generation) == (table.id, 21, 2)
    assert new.column("Vorname").meaning is Meaning.NONE
    assert new.column("Vorname").confirmed
    assert new.column("Email").meaning is Meaning.EMAIL
    assert tables.get("Customer") == new


def test_a_refresh_that_fails_keeps_the_old_rows(tables, engine, files):
    [table] = tables.add(files[:1], None, JobContext())
    for text, code in (
        ("CustomerId,Email\nC-1\n", "ragged"),
        ("CustomerId,Email\nC-1,a@example.com\nC-1,b@example.com\n", "key_not_unique"),
        ("", "empty_file"),
    ):
        files[0].write_text(text)
        with pytest.raises(FixData) as caught:
            tables.refresh("Customer", JobContext())
        assert caught.value.code == code
        assert tables.get("Customer") == table
        assert len(engine.table_files(table)) == 1
    files[0].unlink()
    with pytest.raises(FixData) as caught:
        tables.refresh("Customer", JobContext())
    assert caught.value.code == "no_file"
    assert leftovers(engine) == [table.id]


def test_a_refresh_tells_what_came_and_what_went(tables, files):
    tables.add(files, None, JobContext())
    assert tables.last_change("Customer") is None
    lines = CUSTOMERS.replace("C-001,", "C-901,").replace("Mobile", "Telephone").splitlines()
    files[0].write_text("\n".join([*lines[:-2], "C-902,new@example.com,,Ana,FR,yes"]) + "\n", encoding="utf-8")
    change = tables.refresh("Customer", JobContext()).change
    assert (change.rows_before, change.rows_now, change.rows_added, change.rows_removed) == (20, 19, 2, 3)
    assert change.columns == ColumnsChanged(("Telephone",), ("Mobile",))
    assert tables.last_change("Customer") == change
    (plain := files[0].parent / "Plain.csv").write_text("Tag\nx\nx\n")
    tables.add([plain], None, JobContext())
    plain.write_text("Tag\nx\nx\ny\n")
    change = tables.refresh("Plain", JobContext()).change
    assert (change.rows_before, change.rows_now, change.rows_added) == (2, 3, None), "without a key nobody can tell"


def test_rows_that_are_gone_from_the_drive_come_back_with_a_refresh(tables, engine, files):
    [table] = tables.add(files[:1], None, JobContext())
    for file in engine.table_files(table):
        Path(file).unlink()
    done = tables.refresh("Customer", JobContext())
    assert (done.table.rows, done.change.rows_added) == (20, None)


@pytest.fixture
def used(tables, store, files):
    """Tables with a link, and segments and exports that need Customer.Country and the key."""
    tables.add(files, None, JobContext())
    now = datetime.now(UTC)
    german = {"field": "Customer.Country", "is": "DE"}
    for document in (
        {"name": "Germans", "of": "customers", "rules": [{"all": [german]}]},
        {"name": "Buyers", "of": "customers", "rules": [{"all": [{"field": "Orders.Total", "at_least": 5}]}]},
        {"name": "Built on", "of": "customers", "rules": [{"segment": "Germans"}]},
        {"name": "By hand", "of": "customers", "sql": "SELECT CustomerId FROM Customer WHERE Country = 'DE'"},
    ):
        store.segments.save(parse(document, segment_id=new_id()))
    match = {"email": "Customer.Email", "country": "customer.Country"}
    for export in (
        Export(new_id(), "Mail", ExportKind.SEGMENT, "mailchimp", None, now, "me", segments=("germans",), match=match),
        Export(
            new_id(), "Lake", ExportKind.DATA_OUT, "local-folder", None, now, "me", tables=(TableChoice("Customer"),)
        ),
    ):
        store.exports.save(export)
    return files[0]


def renamed(source: Path, **names: str) -> None:
    text = CUSTOMERS
    for old, new in names.items():
        text = text.replace(old, new, 1)
    source.write_text(text, encoding="utf-8")


def test_a_refresh_that_would_break_something_waits_and_names_it(tables, engine, used):
    before = tables.get("Customer")
    renamed(used, Country="Land")
    done = tables.refresh("Customer", JobContext())
    assert (done.table, done.change) == (before, None)
    held = done.held
    assert [(one.kind, one.name, one.columns, one.through) for one in held.broken] == [
        (UserKind.SEGMENT, "Built on", (), ("Germans",)),
        (UserKind.SEGMENT, "By hand", ("Country",), ()),
        (UserKind.SEGMENT, "Germans", ("Country",), ()),
        (UserKind.EXPORT, "Mail", ("Country",), ("germans",)),
    ]
    assert held.changed == ColumnsChanged(("Land",), ("Country",))
    assert held.offers == (Offer("Country", "Land", 1.0),)
    assert held.chosen == {"Country": "Land"}
    assert tables.held("Customer") == held, "the window and the next command know it too"
    assert tables.get("Customer") == before
    assert leftovers(engine) == sorted(table.id for table in tables.all())
    tables.keep_old("Customer")
    assert tables.held("Customer") is None


def test_another_column_takes_the_place_of_one_that_went_wherever_it_is_needed(tables, store, used):
    tables.set_meaning("Customer", "Country", Meaning.COUNTRY)
    store.segments.remove(store.segments.get("By hand").id)
    renamed(used, Country="Land", CustomerId="Number")
    held = tables.refresh("Customer", JobContext()).held
    assert {one.kind for one in held.broken} == set(UserKind)
    assert held.chosen == {"Country": "Land", "CustomerId": "Number"}
    done = tables.refresh("Customer", JobContext(), renamed=held.chosen)
    assert done.held is None
    assert (done.change.rows_added, done.change.rows_removed) == (0, 0), "the key has another name and the same values"
    assert (done.table.key, done.table.column("Land").meaning) == ("Number", Meaning.COUNTRY)
    assert store.segments.get("Germans").rules[0].body.items[0].field == FieldRef("Customer", "Land")
    assert store.exports.get("Mail").match == {"email": "Customer.Email", "country": "customer.Land"}
    assert tables.links.all() == [Link("Customer", "Number", "Orders", "CustomerId")]
    assert tables.held("Customer") is None


def test_an_empty_column_that_went_is_offered_others_by_their_names(tables, used):
    used.write_text(CUSTOMERS.replace(",DE,", ",,"), encoding="utf-8")
    tables.refresh("Customer", JobContext())
    used.write_text(CUSTOMERS.replace(",DE,", ",,").replace("Country", "CountryName"), encoding="utf-8")
    held = tables.refresh("Customer", JobContext()).held
    assert held.offers == (Offer("Country", "CountryName", 0.0),)
    assert tables.held("Customer").chosen == {"Country": "CountryName"}


def test_what_cannot_be_compared_is_offered_by_type_and_name(tables, engine, used):
    for file in engine.table_files(tables.get("Customer")):
        Path(file).unlink()
    renamed(used, Country="CountryName")
    held = tables.refresh("Customer", JobContext()).held
    assert held.offers == (Offer("Country", "CountryName", 0.0),)
    assert held.chosen == {"Country": "CountryName"}


def test_a_query_names_the_other_column_once_somebody_looked_at_it(tables, store, used):
    renamed(used, Country="Land")
    held = tables.refresh("Customer", JobContext()).held
    assert [(one.name, one.columns) for one in held.broken][1] == ("By hand", ("Country",))
    after = "SELECT CustomerId FROM Customer WHERE \"Land\" = 'DE'"
    assert [(one.segment, one.after) for one in tables.requeried("Customer", held.chosen)] == [("By hand", after)]
    assert "Country" in store.segments.get("By hand").sql, "looking changes nothing"
    assert tables.refresh("Customer", JobContext(), renamed=held.chosen).held is None
    assert store.segments.get("By hand").sql == after


def test_a_query_that_cannot_be_mended_holds_the_refresh(tables, store, used):
    by_hand = store.segments.get("By hand")
    store.segments.save(replace(by_hand, sql="SELECT CustomerId FROM (SELECT * FROM Customer) WHERE Country = 'DE'"))
    renamed(used, Country="Land")
    assert tables.requeried("Customer", {"Country": "Land"}) == ()
    held = tables.refresh("Customer", JobContext(), renamed={"Country": "Land"}).held
    assert [one.name for one in held.broken] == ["By hand"]
    store.segments.save(replace(store.segments.get("By hand"), sql="SELECT CustomerId FROM Customer"))
    assert tables.refresh("Customer", JobContext(), renamed={"Country": "Land"}).held is None


def test_the_columns_may_be_taken_as_they_are(tables, store, used):
    renamed(used, Country="Land")
    done = tables.refresh("Customer", JobContext(), anyway=True)
    assert (done.held, done.change.columns.removed) == (None, ("Country",))
    assert done.table.generation == 2
    assert tables.refresh("Customer", JobContext()).held is None, "what is broken already holds nothing up"
    renamed(used, CustomerId="Number")
    with pytest.raises(FixData) as caught:
        tables.refresh("Customer", JobContext(), anyway=True)
    assert caught.value.code == "key_missing"


def test_what_was_taken_as_it_is_can_be_mended_later(tables, store, used, roles):
    assert tables.missing("Customer") is None
    renamed(used, Country="Land")
    tables.refresh("Customer", JobContext(), anyway=True)
    missing = tables.missing("Customer")
    assert missing.columns == ("Country",)
    assert [one.name for one in missing.broken] == ["Built on", "By hand", "Germans", "Mail"]
    for mapping, code in (
        ({"Country": "Nothing"}, "no_column"),
        ({"Strange": "Land"}, "no_column"),
        ({"Email": "Land"}, "not_missing"),
    ):
        with pytest.raises(FixData) as caught:
            tables.use_columns("Customer", mapping, JobContext())
        assert caught.value.code == code
    tables.use_columns("customer", {"Country": "Land"}, JobContext())
    assert tables.missing("Customer") is None
    assert store.exports.get("Mail").match["country"] == "customer.Land"
    assert '"Land"' in store.segments.get("By hand").sql
    roles.current = Role.CONTRIBUTOR
    with pytest.raises(NotAllowed):
        tables.use_columns("Customer", {}, JobContext())


def test_a_link_moves_only_to_a_column_that_can_carry_it(tables, files):
    tables.add(files, None, JobContext())
    tables.set_role("Customer", TableRole.OTHER, None)
    renamed(files[0], CustomerId="Number")
    held = tables.refresh("Customer", JobContext()).held
    assert [one.kind for one in held.broken] == [UserKind.LINK]
    for column, code in (("Vorname", "key_not_unique"), ("Opt-in", "link_types")):
        with pytest.raises(FixData) as caught:
            tables.refresh("Customer", JobContext(), renamed={"CustomerId": column})
        assert caught.value.code == code
    tables.refresh("Customer", JobContext(), anyway=True)
    assert tables.missing("Customer").columns == ("CustomerId",)
    with pytest.raises(FixData):
        tables.use_columns("Customer", {"CustomerId": "Vorname"}, JobContext())
    tables.use_columns("Customer", {"CustomerId": "Number"}, JobContext())
    assert tables.links.all() == [Link("Customer", "Number", "Orders", "CustomerId")]


def test_a_type_holds_a_refresh_only_where_it_matters(tables, store, used):
    used.write_text(CUSTOMERS.replace(",DE,", ",7,"), encoding="utf-8")
    held = tables.refresh("Customer", JobContext()).held
    assert held.changed.retyped == (Retyped("Country", ColumnType.TEXT, ColumnType.INTEGER),)
    assert [one.name for one in held.broken if one.kind is UserKind.SEGMENT] == ["Built on", "Germans"]
    store.segments.remove(store.segments.get("Germans").id)
    assert tables.refresh("Customer", JobContext()).held is None


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"Nothing": "Land"}, "no_column"),
        ({"Country": "Nothing"}, "no_column"),
        ({"Country": "Land", "Email": "Land"}, "same_column"),
    ],
)
def test_a_place_that_is_none_is_refused(tables, used, mapping, code):
    renamed(used, Country="Land")
    before = tables.get("Customer")
    with pytest.raises(FixData) as caught:
        tables.refresh("Customer", JobContext(), renamed=mapping)
    assert caught.value.code == code
    assert tables.get("Customer") == before


def test_what_somebody_else_changed_meanwhile_is_not_lost(tables, store, engine, used, monkeypatch):
    store.segments.remove(store.segments.get("By hand").id)
    renamed(used, Country="Land")
    germans = store.segments.get("Germans")
    save = store.save_together

    def late(*args, **more):
        store.segments.save(replace(germans, name="Germans now"))
        return save(*args, **more)

    monkeypatch.setattr(store, "save_together", late)
    before = tables.get("Customer")
    with pytest.raises(TryAgain):
        tables.refresh("Customer", JobContext(), renamed={"Country": "Land"})
    assert tables.get("Customer") == before
    assert store.exports.get("Mail").match["country"] == "customer.Country"
    assert len(engine.table_files(before)) == 1
    assert [path.name for path in (engine.folder / "data" / before.id).iterdir()] == ["1"]


def test_two_refreshes_at_once_never_touch_each_others_rows(tables, store, engine, files, monkeypatch):
    tables.add(files[:1], None, JobContext())
    save = store.save_together

    def meanwhile(*args, **more):
        monkeypatch.setattr(store, "save_together", save)
        files[0].write_text(CUSTOMERS + "C-999,new@example.com,,Ana,FR,yes\n", encoding="utf-8")
        assert tables.refresh("Customer", JobContext()).table.rows == 21
        return save(*args, **more)

    monkeypatch.setattr(store, "save_together", meanwhile)
    with pytest.raises(TryAgain):
        tables.refresh("Customer", JobContext())
    now = tables.get("Customer")
    assert (now.rows, now.generation) == (21, 3)
    assert tables.sample("Customer", 30, JobContext()).rows[-1][0] == "C-999"
    kept = generation_folder(engine.folder, now).parent
    assert sorted(path.name for path in kept.iterdir()) == ["1", "3"], "the one before stays, the late one is gone"


def test_what_a_crash_left_is_neither_read_nor_kept(tables, engine, files):
    [table] = tables.add(files[:1], None, JobContext())
    left = generation_folder(engine.folder, table).parent / "2"
    left.mkdir()
    (left / "part-0000.parquet").write_bytes(b"half a file")
    assert tables.refresh("Customer", JobContext()).table.generation == 3
    assert tables.sample("Customer", 1, JobContext()).rows[0][0] == "C-001"
    assert not left.exists()


def test_old_generations_go_but_the_one_before_stays(tables, engine, files):
    tables.add(files[:1], None, JobContext())
    for _ in range(3):
        table = tables.refresh("Customer", JobContext()).table
    assert sorted(p.name for p in generation_folder(engine.folder, table).parent.iterdir()) == ["3", "4"]


def test_refreshing_reads_the_same_table_of_a_book_or_folder_with_the_same_options(tables, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "people_1.csv").write_text("1;a\n2;b\n")
    (folder / "people_2.csv").write_text("3;c\n")
    (folder / "things_1.csv").write_text("9;x;y\n")
    people, things = tables.add([folder], None, JobContext(), ReadOptions(header=False))
    assert (people.name, people.rows, things.name, things.rows) == ("people", 3, "things", 1)
    (folder / "people_3.csv").write_text("4;d\n")
    assert tables.refresh("people", JobContext()).table.rows == 4
    assert tables.refresh("things", JobContext()).table.rows == 1
