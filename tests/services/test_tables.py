from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, TryAgain
from app.core.exports import Export, ExportKind, TableChoice
from app.core.names import new_id
from app.core.roles import Role
from app.core.segment_documents import parse
from app.core.segments import FieldRef, Segment, SegmentOf
from app.core.table_changes import ColumnsChanged, Offer, Retyped, UserKind
from app.core.tables import ColumnType, Link, Meaning, TableRole
from app.core.workspaces import Audience
from app.data.engines.duckdb import DuckDBEngine, generation_folder
from app.data.ingest import ReadOptions
from app.jobs import Cancelled, JobContext
from app.services.tables import TableService
from app.store import Store

CUSTOMERS = "CustomerId,Email,Mobile,Vorname,Country,Opt-in\n" + "".join(
    f"C-{n:03d},person{n}@example.com,07700 900{n:03d},Jörg,DE,{'yes' if n % 2 else 'no'}\n" for n in range(1, 21)
)
ORDERS = "OrderId,CustomerId,Total\n" + "".join(f"O-{n},C-{n % 20 + 1:03d},{n}.50\n" for n in range(1, 41))


class Acting:
    def __init__(self) -> None:
        self.current = Role.ADMIN

    def role(self) -> Role:
        return self.current


@pytest.fixture
def roles() -> Acting:
    return Acting()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.create(tmp_path / "Northwind", "Northwind Retail", Audience.CONSUMERS)
    yield store
    store.close()


@pytest.fixture
def engine(tmp_path: Path, store: Store) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path / "Northwind", memory_limit="500MB", threads=1)
    yield engine
    engine.close()


@pytest.fixture
def tables(store: Store, engine: DuckDBEngine, roles: Acting) -> TableService:
    return TableService(store, engine, roles)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    customers, orders = tmp_path / "Customer.csv", tmp_path / "Orders.csv"
    customers.write_text(CUSTOMERS, encoding="utf-8")
    orders.write_text(ORDERS, encoding="utf-8")
    return customers, orders


def leftovers(engine: DuckDBEngine) -> list[str]:
    data = engine.folder / "data"
    return sorted(path.name for path in data.iterdir()) if data.is_dir() else []


def test_adding_guesses_role_key_meanings_and_links(tables, engine, files):
    customer, orders = tables.add(files, None, JobContext())
    assert (customer.name, customer.rows, customer.role, customer.key) == (
        "Customer",
        20,
        TableRole.CUSTOMER,
        "CustomerId",
    )
    assert {c.name: c.meaning for c in customer.columns} == {
        "CustomerId": Meaning.NONE,
        "Email": Meaning.EMAIL,
        "Mobile": Meaning.PHONE,
        "Vorname": Meaning.FIRST_NAME,
        "Country": Meaning.COUNTRY,
        "Opt-in": Meaning.CONSENT,
    }
    assert (orders.role, orders.key) == (TableRole.OTHER, "OrderId")
    assert tables.links() == [Link("Customer", "CustomerId", "Orders", "CustomerId")]
    assert leftovers(engine) == sorted([customer.id, orders.id])
    assert [table.name for table in tables.all()] == ["Customer", "Orders"]


def test_adding_is_all_or_nothing(tables, engine, files, tmp_path):
    (tmp_path / "Broken.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(FixData, match="Row 3 has 1 field"):
        tables.add([*files, tmp_path / "Broken.csv"], None, JobContext())
    assert tables.all() == []
    assert leftovers(engine) == []


def test_a_model_tells_keys_links_and_meanings_where_they_are_true(tables, tmp_path):
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "People.csv").write_text("7,a@example.com,x\n8,b@example.com,x\n")
    (folder / "Visits.csv").write_text("1,7,x\n2,7,y\n")
    csv = {"columnHeaders": False}

    def entity(name: str, key: str, *columns: str) -> dict[str, object]:
        attributes = [{"name": column, "dataType": "string"} for column in columns]
        parts = [{"name": "p", "location": f"{name}.csv", "fileFormatSettings": csv}]
        notes = [{"name": "primaryKey", "value": key}]
        return {"name": name, "attributes": attributes, "partitions": parts, "annotations": notes}

    def relationship(many: str, one: str) -> dict[str, object]:
        ends = {"fromAttribute": many, "toAttribute": one}
        return {
            end: dict(zip(("entityName", "attributeName"), field.split("."), strict=True))
            for end, field in ends.items()
        }

    entities = [entity("People", "Who", "Who", "Mail", "Tag"), entity("Visits", "Tag", "No", "Person", "Tag")]
    entities[0]["attributes"][2]["annotations"] = [{"name": "sendoff:meaning", "value": "job_title"}]
    relationships = [
        relationship("Visits.Person", "People.Who"),
        relationship("Visits.Tag", "People.Tag"),  # not unique there
        relationship("Visits.Person", "People.Gone"),
        relationship("Visits.Person", "Elsewhere.Id"),
        relationship("People.Tag", "People.Who"),  # a table is not linked to itself
    ]
    document = {"name": "L", "version": "1", "entities": entities, "relationships": relationships}
    (folder / "model.json").write_text(json.dumps(document))
    people, visits = tables.add([folder], None, JobContext())
    assert (people.key, visits.key) == ("Who", "Tag")
    meanings = {column.name: (column.meaning, column.confirmed) for column in people.columns}
    assert meanings["Tag"] == (Meaning.JOB_TITLE, True)
    assert meanings["Mail"] == (Meaning.EMAIL, False), "what the model leaves open is guessed"
    assert tables.links() == [Link("People", "Who", "Visits", "Person")]
    (folder / "Visits.csv").write_text("1,7,x\n2,7,y\n3,8,z\n")
    assert tables.refresh("Visits", JobContext()).table.rows == 3
    again = tables.add([folder], None, JobContext())
    assert [table.name for table in again] == ["People_2", "Visits_2"]
    assert Link("People_2", "Who", "Visits_2", "Person") in tables.links()


def test_a_failure_at_the_last_step_takes_everything_back(tables, engine, store, files, monkeypatch):
    monkeypatch.setattr(store.tables, "save_link", lambda link: (_ for _ in ()).throw(OSError("drive gone")))
    with pytest.raises(OSError, match="drive gone"):
        tables.add(files, None, JobContext())
    assert tables.all() == []
    assert leftovers(engine) == []


def test_a_cancel_leaves_nothing(tables, engine, files):
    ctx = JobContext()
    ctx.token.cancel()
    with pytest.raises(Cancelled):
        tables.add(files, None, ctx)
    assert tables.all() == []
    assert leftovers(engine) == []


def test_names_are_unique_and_without_dots(tables, files, tmp_path):
    tables.add(files[:1], None, JobContext())
    [again] = tables.add(files[:1], None, JobContext())
    assert again.name == "Customer_2"
    assert again.role is TableRole.OTHER, "one table of customers is enough"
    with pytest.raises(FixSettings) as taken:
        tables.add(files[:1], "customer", JobContext())
    assert taken.value.code == "name_taken"
    with pytest.raises(FixData):
        tables.add(files[:1], "a.b", JobContext())
    dotted = tmp_path / "crm.export.2026.csv"
    dotted.write_text("a,b\n1,2\n")
    assert "." not in tables.add([dotted], None, JobContext())[0].name


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
        (UserKind.SEGMENT, "By hand", (), ()),
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
    assert tables.links() == [Link("Customer", "Number", "Orders", "CustomerId")]
    assert tables.held("Customer") is None


def test_an_empty_column_that_went_is_offered_others_by_their_names(tables, used):
    used.write_text(CUSTOMERS.replace(",DE,", ",,"), encoding="utf-8")
    tables.refresh("Customer", JobContext())
    used.write_text(CUSTOMERS.replace(",DE,", ",,").replace("Country", "CountryName"), encoding="utf-8")
    held = tables.refresh("Customer", JobContext()).held
    assert held.offers == (Offer("Country", "CountryName", 0.0),)
    assert tables.held("Customer").chosen == {"Country": "CountryName"}


def test_sql_is_mended_by_hand(tables, store, used):
    renamed(used, Country="Land")
    held = tables.refresh("Customer", JobContext(), renamed={"Country": "Land"}).held
    assert [one.name for one in held.broken] == ["By hand"]
    by_hand = store.segments.get("By hand")
    store.segments.save(replace(by_hand, sql="SELECT CustomerId FROM Customer"))
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
    assert [one.name for one in missing.broken] == ["Built on", "Germans", "Mail"]
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
    assert tables.links() == [Link("Customer", "Number", "Orders", "CustomerId")]


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


def test_links_tell_how_many_rows_find_their_partner(tables, files):
    files[1].write_text(ORDERS.replace("C-001", "C-777") + "O-99,,1.50\n")
    tables.add(files, None, JobContext())
    [found] = tables.links_of("orders", JobContext())
    assert found.link == Link("Customer", "CustomerId", "Orders", "CustomerId")
    assert found.found == pytest.approx(38 / 40)
    assert tables.links_of("Customer", JobContext()) == (found,)
    files[1].write_text(ORDERS.replace("CustomerId", "Buyer"))
    tables.refresh("Orders", JobContext(), anyway=True)
    assert tables.links_of("Customer", JobContext()) == (replace(found, found=None, gone=True),)
    tables.unlink(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId"))
    assert tables.links_of("Customer", JobContext()) == ()


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


def test_what_was_decided_while_reading_is_kept(tables, tmp_path):
    file = tmp_path / "List.csv"
    file.write_bytes("Name;Name\nJürgen;Groß\n".encode("cp1252"))
    tables.add([file], None, JobContext())
    assert tables.notes("List") == (
        "Read as cp1252.",
        "Column 2 is named Name like one before it; it is called Name_2.",
    )
    file.write_text("Name;Other\na;b\n")
    tables.refresh("List", JobContext())
    assert tables.notes("List") == ()


def test_removing_can_be_undone_for_seven_days(tables, engine, files, store):
    customer, _orders = tables.add(files, None, JobContext())
    removed = tables.remove("customer")
    assert [t.name for t in tables.all()] == ["Orders"]
    assert tables.links() == []
    tables.clear_away(datetime.now(UTC) + timedelta(days=6))
    back = tables.put_back(removed)
    assert back.id == customer.id
    assert len(tables.links()) == 1
    removed = tables.remove("Customer")
    tables.clear_away(datetime.now(UTC) + timedelta(days=8))
    with pytest.raises(FixData):
        tables.put_back(removed)
    assert leftovers(engine) == [_orders.id]


def test_a_key_has_to_be_unique(tables, files):
    tables.add(files, None, JobContext())
    with pytest.raises(FixData) as caught:
        tables.set_role("Orders", TableRole.OTHER, "CustomerId")
    assert caught.value.code == "key_not_unique"
    with pytest.raises(FixSettings) as taken:
        tables.set_role("Orders", TableRole.CUSTOMER, "OrderId")
    assert taken.value.code == "role_taken"
    tables.set_role("Customer", TableRole.OTHER, "customerid")
    assert tables.set_role("Orders", TableRole.CUSTOMER, "OrderId").role is TableRole.CUSTOMER
    with pytest.raises(FixData):
        tables.set_role("Orders", TableRole.CUSTOMER, None)
    with pytest.raises(FixData):
        tables.set_role("Orders", TableRole.OTHER, "Nothing")


def test_links_go_from_a_unique_column_to_one_of_its_type(tables, files):
    tables.add(files, None, JobContext())
    with pytest.raises(FixData) as caught:
        tables.link(FieldRef("Orders", "CustomerId"), FieldRef("Customer", "CustomerId"))
    assert caught.value.code == "key_not_unique"
    with pytest.raises(FixData) as caught:
        tables.link(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "Total"))
    assert caught.value.code == "link_types"
    [link] = tables.links()
    assert tables.unlink(FieldRef("customer", "CUSTOMERID"), FieldRef("Orders", "CustomerId")) == link
    assert tables.links() == []
    with pytest.raises(FixData, match="not linked"):
        tables.unlink(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId"))
    assert tables.link(FieldRef("customer", "customerid"), FieldRef("Orders", "CustomerId")) == link
    assert tables.links() == [link]


def test_samples_hide_personal_values_until_asked(tables, files, roles):
    tables.add(files[:1], None, JobContext())
    hidden = tables.sample("Customer", 2, JobContext())
    assert hidden.rows[0] == ("C-001", "p•••@e•••.com", "••• ••", "J•••", "DE", True)
    shown = tables.sample("Customer", 2, JobContext(), masked=False)
    assert shown.rows[0][1:4] == ("person1@example.com", "07700 900001", "Jörg")
    assert len(shown.rows) == 2
    assert set(shown.empties.values()) == {0.0}
    roles.current = Role.VIEWER
    tables.sample("Customer", 2, JobContext())
    with pytest.raises(NotAllowed):
        tables.sample("Customer", 2, JobContext(), masked=False)


def test_a_profile_counts_empty_distinct_and_frequent(tables, tmp_path):
    file = tmp_path / "People.csv"
    file.write_text("Id,Email,Tier\n1,a@example.com,Gold\n2,,Gold\n3,b@example.com,\n4, ,Basic\n")
    tables.add([file], None, JobContext())
    by_name = {column.name: column for column in tables.profile("People", JobContext())}
    assert by_name["Email"].empty == 0.5
    assert by_name["Email"].frequent == ()
    assert by_name["Tier"].frequent == (("Gold", 0.5), ("Basic", 0.25))
    assert by_name["Id"].distinct == 4


def test_a_table_without_rows_can_be_looked_at(tables, tmp_path):
    file = tmp_path / "Empty.csv"
    file.write_text("Id,Email\n")
    tables.add([file], None, JobContext())
    assert tables.sample("Empty", 3, JobContext()).rows == ()
    assert [(c.empty, c.distinct, c.frequent) for c in tables.profile("Empty", JobContext())] == [(0.0, 0, ())] * 2


def test_used_by_names_segments_and_exports(tables, files, store):
    tables.add(files, None, JobContext())
    document = {"name": "Big", "of": "customers", "rules": [{"all": [{"field": "Orders.Total", "at_least": 5}]}]}
    store.segments.save(parse(document, segment_id=new_id()))
    now = datetime.now(UTC)
    store.exports.save(
        Export(new_id(), "Lake", ExportKind.DATA_OUT, "local-folder", None, now, "me", tables=(TableChoice("orders"),))
    )
    store.exports.save(
        Export(new_id(), "Mail", ExportKind.SEGMENT, "mailchimp", None, now, "me", match={"email": "Customer.Email"})
    )
    assert tables.used_by("Orders") == ["Big", "Lake"]
    assert tables.used_by("Customer") == ["Big", "Mail"]
    store.segments.save(Segment(new_id(), "By hand", SegmentOf.ACCOUNTS, sql="SELECT CustomerId FROM orders"))
    store.segments.save(Segment(new_id(), "Other", SegmentOf.ACCOUNTS, sql="SELECT Id FROM preorders"))
    assert tables.used_by("Orders") == ["Big", "By hand", "Lake"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CONTRIBUTOR])
def test_only_admins_change_tables(tables, files, roles, role):
    tables.add(files, None, JobContext())
    roles.current = role
    table = tables.get("Customer")
    for change in (
        lambda: tables.add(files, None, JobContext()),
        lambda: tables.refresh("Customer", JobContext()),
        lambda: tables.remove("Customer"),
        lambda: tables.put_back(table),
        lambda: tables.set_role("Customer", TableRole.OTHER, None),
        lambda: tables.set_meaning("Customer", "Email", Meaning.NONE),
        lambda: tables.confirm_meanings("Customer"),
        lambda: tables.keep_old("Customer"),
        lambda: tables.unlink(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId")),
        lambda: tables.link(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId")),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert tables.get("Customer") == table


def test_an_unknown_table_is_said_so(tables):
    with pytest.raises(FixSettings) as caught:
        tables.get("Nothing")
    assert caught.value.code == "no_table"
