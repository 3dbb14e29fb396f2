from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed
from app.core.exports import Export, ExportKind, TableChoice
from app.core.names import new_id
from app.core.roles import Role
from app.core.segment_documents import parse
from app.core.segments import FieldRef, Segment, SegmentOf
from app.core.tables import Link, Meaning, TableRole
from app.jobs import Cancelled, JobContext
from tests.services.table_desk import ORDERS, leftovers


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
    assert tables.links.all() == [Link("Customer", "CustomerId", "Orders", "CustomerId")]
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
    assert tables.links.all() == [Link("People", "Who", "Visits", "Person")]
    (folder / "Visits.csv").write_text("1,7,x\n2,7,y\n3,8,z\n")
    assert tables.refresh("Visits", JobContext()).table.rows == 3
    again = tables.add([folder], None, JobContext())
    assert [table.name for table in again] == ["People_2", "Visits_2"]
    assert Link("People_2", "Who", "Visits_2", "Person") in tables.links.all()


def test_what_a_model_declares_since_is_taken_over_with_a_refresh(tables, tmp_path):
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "People.csv").write_text("7,a\n8,b\n")
    (folder / "Notes.csv").write_text("1,Sun,5\n2,Sun,5\n")

    def entity(name: str, *columns: str, key: str = "") -> dict[str, object]:
        attributes = [{"name": column, "dataType": "string"} for column in columns]
        parts = [{"name": "p", "location": f"{name}.csv", "fileFormatSettings": {"columnHeaders": False}}]
        notes = [{"name": "primaryKey", "value": key}] if key else []
        return {"name": name, "attributes": attributes, "partitions": parts, "annotations": notes}

    def write(*relationships: tuple[str, str], key: str = "") -> None:
        ends = [
            {
                end: dict(zip(("entityName", "attributeName"), field.split("."), strict=True))
                for end, field in (("fromAttribute", many), ("toAttribute", one))
            }
            for many, one in relationships
        ]
        entities = [entity("People", "Who", "Word"), entity("Notes", "Line", "About", "Whom", key=key)]
        document = {"name": "L", "version": "1", "entities": entities, "relationships": ends}
        (folder / "model.json").write_text(json.dumps(document))

    write()
    tables.add([folder], None, JobContext())
    for link in tables.links.all():
        tables.links.remove(FieldRef(link.one_table, link.one_column), FieldRef(link.many_table, link.many_column))
    tables.set_role("Notes", TableRole.OTHER, None)
    write(("Notes.Whom", "People.Who"), key="Line")
    ours = Link("People", "Who", "Notes", "Whom")
    done = tables.refresh("Notes", JobContext())
    assert (done.change.links, done.change.key, done.table.key) == ((ours,), "Line", "Line")
    assert tables.links.all() == [ours]
    tables.links.remove(FieldRef("People", "Who"), FieldRef("Notes", "Whom"))
    tables.set_role("Notes", TableRole.OTHER, None)
    again = tables.refresh("Notes", JobContext())
    assert (again.change.links, again.table.key, tables.links.all()) == ((), None, []), (
        "what a person took away stays away"
    )


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


def test_links_tell_how_many_rows_find_their_partner(tables, files):
    files[1].write_text(ORDERS.replace("C-001", "C-777") + "O-99,,1.50\n")
    tables.add(files, None, JobContext())
    [found] = tables.links.of("orders", JobContext())
    assert found.link == Link("Customer", "CustomerId", "Orders", "CustomerId")
    assert found.found == pytest.approx(38 / 40)
    assert tables.links.of("Customer", JobContext()) == (found,)
    files[1].write_text(ORDERS.replace("CustomerId", "Buyer"))
    tables.refresh("Orders", JobContext(), anyway=True)
    assert tables.links.of("Customer", JobContext()) == (replace(found, found=None, gone=True),)
    tables.links.remove(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId"))
    assert tables.links.of("Customer", JobContext()) == ()


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
    assert tables.links.all() == []
    tables.clear_away(datetime.now(UTC) + timedelta(days=6))
    back = tables.put_back(removed)
    assert back.id == customer.id
    assert len(tables.links.all()) == 1
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
        tables.links.add(FieldRef("Orders", "CustomerId"), FieldRef("Customer", "CustomerId"))
    assert caught.value.code == "key_not_unique"
    with pytest.raises(FixData) as caught:
        tables.links.add(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "Total"))
    assert caught.value.code == "link_types"
    [link] = tables.links.all()
    assert tables.links.remove(FieldRef("customer", "CUSTOMERID"), FieldRef("Orders", "CustomerId")) == link
    assert tables.links.all() == []
    with pytest.raises(FixData, match="not linked"):
        tables.links.remove(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId"))
    assert tables.links.add(FieldRef("customer", "customerid"), FieldRef("Orders", "CustomerId")) == link
    assert tables.links.all() == [link]


def test_samples_hide_personal_values_until_asked(tables, files, roles):
    tables.add(files[:1], None, JobContext())
    hidden = tables.sample("Customer", 2, JobContext())
    assert hidden.rows[0] == ("C-001", "p•••@e•••.com", "••• ••", "J•••", "DE", True)
    shown = tables.sample("Customer", 2, JobContext(), masked=False)
    assert shown.rows[0][1:4] == ("person1@example.com", "07700 900001", "Jörg")
    assert len(shown.rows) == 2
    assert shown.empties == {}, "all rows are read only when they are asked for"
    whole = tables.sample("Customer", 0, JobContext(), empties=True)
    assert set(whole.empties.values()) == {0.0}
    assert len(whole.empties) == 6
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
        lambda: tables.links.remove(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId")),
        lambda: tables.links.add(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId")),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert tables.get("Customer") == table


def test_an_unknown_table_is_said_so(tables):
    with pytest.raises(FixSettings) as caught:
        tables.get("Nothing")
    assert caught.value.code == "no_table"
