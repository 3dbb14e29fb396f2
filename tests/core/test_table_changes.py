from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.exports import ExportKind, TableChoice
from app.core.names import fold
from app.core.segment_documents import to_document
from app.core.segments import Condition, FieldRef, Group, Mode, Operator, Rule, Segment, SegmentRef, SetOperator
from app.core.table_changes import (
    Broken,
    ColumnsChanged,
    Offer,
    Retyped,
    UserKind,
    Users,
    broken_by,
    broken_in,
    columns_changed,
    likely,
    replaced,
)
from app.core.tables import Catalog, Column, ColumnType, Link, Table
from tests.core.segment_strategies import names, segments, tables
from tests.store import samples

CUSTOMER = samples.table(
    "Customer",
    id="c",
    key="Id",
    columns=(
        Column("Id", ColumnType.INTEGER),
        Column("Country", ColumnType.TEXT),
        Column("Spent", ColumnType.INTEGER),
        Column("Born", ColumnType.DATE),
    ),
)
ORDERS = samples.table(
    "Orders", id="o", key="No", columns=(Column("No", ColumnType.TEXT), Column("Who", ColumnType.INTEGER))
)
LINK = Link("Customer", "Id", "Orders", "Who")
CATALOG = Catalog((CUSTOMER, ORDERS), (LINK,))


def asking(name: str, *columns: str, table: str = "Customer", refers: tuple[str, ...] = ()) -> Segment:
    conditions = tuple(Condition(FieldRef(table, column), Operator.IS, "x") for column in columns)
    rules = [Rule(SetOperator.UNION, Group(Mode.ANY, (Group(Mode.ALL, conditions),)))] if columns else []
    rules += [Rule(SetOperator.EXCEPT, SegmentRef(other)) for other in refers]
    return samples.segment(name, rules=tuple(rules))


def without(table: Table, *gone: str, **retyped: ColumnType) -> Table:
    kept = [replace(c, type=retyped.get(c.name, c.type)) for c in table.columns if c.name not in gone]
    return replace(table, columns=tuple(kept))


def test_columns_are_compared_by_name():
    before = (Column("a", ColumnType.TEXT), Column("b", ColumnType.TEXT), Column("c", ColumnType.TEXT))
    now = (Column("c", ColumnType.DATE), Column("a", ColumnType.TEXT), Column("d", ColumnType.TEXT))
    changed = columns_changed(before, now)
    assert changed == ColumnsChanged(("d",), ("b",), (Retyped("c", ColumnType.TEXT, ColumnType.DATE),))
    assert changed
    assert not columns_changed(before, before[::-1])


def test_segments_and_exports_that_need_a_gone_column_are_named_with_those_built_on_them():
    users = Users(
        CATALOG,
        (asking("A", "Country"), asking("B", refers=("a",)), asking("C", refers=("B",)), asking("D", "Born", "Spent")),
        (
            samples.export("Mail", segments=("c",), match={"email": "Customer.Id", "list": "plain"}),
            samples.export("Match", segments=(), match={"country": "customer.Country"}),
            samples.export("Files", kind=ExportKind.DATA_OUT, segments=(), match={}, tables=(TableChoice("Customer"),)),
            samples.export(
                "Some",
                segments=(),
                match={},
                tables=(TableChoice("customer", ("Country", "Id")), TableChoice("Orders")),
            ),
        ),
    )
    assert broken_by(without(CUSTOMER, "Country"), users) == (
        Broken(UserKind.SEGMENT, "A", ("Country",)),
        Broken(UserKind.SEGMENT, "B", (), ("a",)),
        Broken(UserKind.SEGMENT, "C", (), ("B",)),
        Broken(UserKind.EXPORT, "Mail", (), ("c",)),
        Broken(UserKind.EXPORT, "Match", ("Country",)),
        Broken(UserKind.EXPORT, "Some", ("Country",)),
    )


def test_a_segment_built_on_itself_ends():
    users = Users(CATALOG, (asking("A", "Country", refers=("B",)), asking("B", refers=("A",))))
    assert [broken.name for broken in broken_by(without(CUSTOMER, "Country"), users)] == ["A", "B"]


def test_keys_and_links_break_too():
    assert broken_by(without(CUSTOMER, "Id"), Users(CATALOG)) == (
        Broken(UserKind.KEY, "Customer", ("Id",)),
        Broken(UserKind.LINK, "Customer.Id → Orders.Who", ("Id",)),
    )
    assert broken_by(without(ORDERS, "Who"), Users(CATALOG)) == (
        Broken(UserKind.LINK, "Customer.Id → Orders.Who", ("Who",)),
    )
    assert [b.kind for b in broken_by(without(CUSTOMER, Id=ColumnType.TEXT), Users(CATALOG))] == [UserKind.LINK]


def test_what_needs_columns_that_are_not_there_is_named_afterwards_too():
    users = Users(
        Catalog((without(CUSTOMER, "Country", "Id"), ORDERS), (LINK,)),
        (asking("A", "Country"), asking("B", refers=("A",)), asking("C", "Spent")),
        (samples.export("Mail", segments=("B",), match={"email": "Customer.Land"}, tables=()),),
    )
    assert broken_in(without(CUSTOMER, "Country", "Id"), users) == (
        Broken(UserKind.LINK, "Customer.Id → Orders.Who", ("Id",)),
        Broken(UserKind.SEGMENT, "A", ("Country",)),
        Broken(UserKind.SEGMENT, "B", (), ("A",)),
        Broken(UserKind.EXPORT, "Mail", ("Land",), ("B",)),
    )
    assert broken_in(ORDERS, users) == ()


def test_who_can_read_sql_may_judge_segments_better():
    by_hand = Segment("s", "By hand", asking("A").of, sql="SELECT Id FROM Customer WHERE Country = 'DE'")
    users = Users(
        CATALOG, (asking("A", "Spent"), by_hand), (samples.export("E", segments=("by hand",), match={}, tables=()),)
    )
    judged = broken_by(without(CUSTOMER, "Country"), users, lambda segment: segment is by_hand)
    assert judged == (Broken(UserKind.SEGMENT, "By hand", ()), Broken(UserKind.EXPORT, "E", (), ("by hand",)))


def test_a_column_that_is_there_already_may_serve_in_place_of_another():
    users = Users(CATALOG, (asking("A", "Country", "Spent"),))
    there = replaced(users, CUSTOMER, {"Spent": "Country"})
    assert [c.name for c in there.catalog.tables[0].columns] == ["Id", "Country", "Born"]
    assert broken_by(without(CUSTOMER, "Spent"), there) == ()


def test_what_was_broken_before_is_not_told_again():
    dangling = Catalog(
        (CUSTOMER, without(ORDERS, Who=ColumnType.TEXT)), (LINK, Link("Customer", "Gone", "Orders", "No"))
    )
    users = Users(dangling, (asking("A", "Gone"),))
    assert broken_by(without(CUSTOMER, "Country"), users) == ()


@pytest.mark.parametrize(
    ("column", "now", "breaks"),
    [
        ("Spent", ColumnType.DECIMAL, False),
        ("Spent", ColumnType.NUMBER, False),
        ("Spent", ColumnType.TEXT, True),
        ("Born", ColumnType.TIMESTAMP, False),
        ("Born", ColumnType.TEXT, True),
        ("Country", ColumnType.INTEGER, True),
    ],
)
def test_a_type_of_the_same_family_breaks_nothing(column, now, breaks):
    export = samples.export(segments=(), match={"x": f"Customer.{column}"}, tables=())
    users = Users(CATALOG, (asking("A", column),), (export,))
    assert bool(broken_by(without(CUSTOMER, **{column: now}), users)) is breaks
    assert all(b.kind is UserKind.SEGMENT for b in broken_by(without(CUSTOMER, **{column: now}), users))


def test_the_likely_column_is_the_one_with_the_same_values_then_with_the_same_name():
    gone = Column("Country", ColumnType.TEXT)
    by_values = [Offer("Country", "Land", 0.9), Offer("Country", "CountryCode", 0.1), Offer("City", "Town", 1.0)]
    assert likely(gone, by_values) == by_values[0]
    assert likely(gone, by_values[1:]) == by_values[1]
    assert likely(gone, [Offer("Country", "Zip", 0.2)]) is None
    assert likely(gone, [Offer("Country", "Consent", 0.0)]) is None, "nobody would take one for the other"
    mail = Column("Email", ColumnType.TEXT)
    assert likely(mail, [Offer("Email", "EmailPrimary", 0.0)]) is not None
    assert likely(gone, []) is None


# Over random segments


def fields_in(node: object) -> Iterator[str]:
    """Every field that stands in a segment's document: another road to the same answer."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "field" and isinstance(value, str):
                yield value
            else:
                yield from fields_in(value)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from fields_in(inner)


@st.composite
def workplaces(draw: st.DrawFn) -> tuple[Table, Users]:
    """A table with segments and exports that use some of its columns."""
    found = draw(st.lists(segments(), min_size=1, max_size=5))
    found = [replace(segment, id=str(n), name=f"{n} {segment.name}") for n, segment in enumerate(found)]
    used = [FieldRef.parse(text) for segment in found for text in fields_in(to_document(segment))]
    name = draw(st.sampled_from([field.table for field in used]) if used else tables)
    wanted = {field.column for field in used if fold(field.table) == fold(name)} | set(draw(st.sets(names, max_size=4)))
    columns = tuple(Column(column, draw(st.sampled_from(ColumnType))) for column in sorted(wanted))
    table = samples.table(name, id="t", columns=columns, key=columns[0].name if columns else None)
    some = st.lists(st.sampled_from(sorted(wanted)), max_size=3) if wanted else st.just([])
    exports = [
        samples.export(
            f"E{n}",
            segments=(draw(st.sampled_from(found)).name,) if draw(st.booleans()) else (),
            match={f"f{at}": f"{name}.{column}" for at, column in enumerate(draw(some))},
            tables=(TableChoice(name, tuple(draw(some))),) if draw(st.booleans()) else (TableChoice(name),),
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    return table, Users(Catalog((table,)), tuple(found), tuple(exports))


@given(workplaces(), st.data())
def test_broken_are_exactly_those_whose_document_names_a_gone_column(workplace, data):
    table, users = workplace
    gone = {c.name for c in table.columns if data.draw(st.booleans())}
    broken = broken_by(without(table, *gone), users)
    assert {b.name for b in broken_in(without(table, *gone), users)} == {
        b.name for b in broken if b.kind is not UserKind.KEY
    }
    mine = {f"{table.name}.{column}" for column in gone}
    direct = {
        s.name
        for s in users.segments
        if any(
            fold(t.partition(".")[0]) == fold(table.name) and t.partition(".")[2] in gone
            for t in fields_in(to_document(s))
        )
    }
    assert {b.name for b in broken if b.kind is UserKind.SEGMENT and b.columns} == direct
    assert {b.name for b in broken if b.kind is UserKind.EXPORT and b.columns} == {
        e.name for e in users.exports if mine & set(e.match.values()) or gone & set(e.tables[0].fields or ())
    }
    assert {b.columns for b in broken if b.kind is UserKind.KEY} == ({(table.key,)} if table.key in gone else set())


@given(workplaces())
def test_nothing_breaks_when_no_column_changes(workplace):
    table, users = workplace
    assert broken_by(replace(table, columns=table.columns[::-1], rows=1), users) == ()


@given(workplaces(), st.data())
def test_other_columns_in_place_of_those_gone_repair_all_and_can_be_taken_back(workplace, data):
    table, users = workplace
    moved = {c.name: f"new {n}\x00" for n, c in enumerate(table.columns) if data.draw(st.booleans())}
    after = replace(
        table,
        columns=tuple(replace(c, name=moved.get(c.name, c.name)) for c in table.columns),
        key=moved.get(table.key, table.key),
    )
    repaired = replaced(users, table, moved)
    assert broken_by(after, repaired) == ()
    assert broken_in(after, repaired) == broken_in(table, users) == ()
    assert replaced(repaired, table, {new: old for old, new in moved.items()}) == users


@given(workplaces())
def test_two_columns_may_change_places(workplace):
    table, users = workplace
    if len(table.columns) < 2:
        return
    one, other = table.columns[0].name, table.columns[1].name
    there = replaced(users, table, {one: other, other: one})
    assert replaced(there, table, {one: other, other: one}) == users
