"""What members are sent, and how many, is the same whether their tables are here or on a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import FixData
from app.core.exports import SyncMode
from app.core.file_formats import Compression, FileType, Format
from app.core.plans import PlanFilter
from app.core.row_deltas import Rows
from app.core.segments import FieldRef, Segment
from app.core.suppression import ContactKind
from app.core.tables import Catalog, Link, ServerTable, TableRole
from app.data.catalog import find_links, is_unique
from app.data.changed_rows import compare
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.first_lines import first_rows
from app.data.identity import Identity, MatchedField
from app.data.looking import empties_of, profile, rows_of
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.plan_pages import PlanPages
from app.data.sent import Held, Told
from app.data.sizes import TableSizes
from app.data.suppression import ListedValues, SuppressedRows
from app.data.table_files import MemberRows, TableRows, write
from app.data.table_rows import asking, looked_at, row_count
from app.data.workspace_rows import Scope
from app.jobs import CancelToken, JobContext
from tests.data import pg_tables
from tests.data.rows import WHEN, Stream, add_list, add_table
from tests.data.test_counting import segment
from tests.servers.postgres import PostgresServer

EMAIL = MatchedField(FieldRef("Customer", "Email"), "email")
PHONE = MatchedField(FieldRef("Customer", "Phone"), "phone_e164")
LAST = MatchedField(FieldRef("Orders", "Item"))
CONTACTS = ((EMAIL.field, ContactKind.EMAIL), (PHONE.field, ContactKind.PHONE))
CONSENT = FieldRef("Customer", "OptIn")
LINKS = (Link("Customer", "Id", "Orders", "CustomerId"),)


@dataclass
class Twins:
    """The same tables twice: `here` in the engine, `there` on the server."""

    engine: DuckDBEngine
    server: Any
    schema: str
    counter: Counter
    made: int = 0

    def fill(self, name: str, rows: pa.Table) -> None:
        """Replace the rows on the server."""
        pg_tables.fill(self.server, self.schema, name, rows)

    def scopes(
        self, customers: pa.Table, orders: pa.Table, *segments: Segment, keyed: bool = False
    ) -> tuple[Scope, Scope]:
        """`keyed`: the server itself sees to it that no two customers have one key."""
        self.made += 1
        here, there = [], []
        for name, rows, role, key in (
            ("Customer", customers, TableRole.CUSTOMER, "Id"),
            ("Orders", orders, TableRole.OTHER, "OrderId"),
        ):
            table = add_table(self.engine, name, rows, key=key, role=role, generation=self.made)
            here.append(table)
            place = ServerTable(self.schema, "Keyed" if keyed and name == "Customer" else name)
            self.fill(place.name, rows)
            there.append(replace(table, id=f"{name}-there", server=place))
        one, two = (Scope(Catalog(tuple(tables), LINKS), segments, WHEN) for tables in (here, there))
        return one, two


@pytest.fixture(scope="module")
def twins(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    server = postgres.engine()
    engine = DuckDBEngine(tmp_path_factory.mktemp("twins"), threads=1, server=lambda: server)
    with postgres.schema() as schema:
        for name, empty in (("Customer", customers()), ("Orders", orders())):
            pg_tables.create(postgres, schema, name, empty)
        pg_tables.create(postgres, schema, "Keyed", customers(), key="Id")
        yield Twins(engine, postgres, schema, Counter(engine))
    server.close()
    engine.close()


def _table(names: dict[str, pa.DataType], rows: tuple[tuple[Any, ...], ...]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [[] for _ in names]
    return pa.table({name: pa.array(list(c), kind) for (name, kind), c in zip(names.items(), columns, strict=True)})


def customers(*rows: tuple[Any, ...]) -> pa.Table:
    text = pa.string()
    names = {"Id": text, "Email": text, "Phone": text, "Country": text, "OptIn": pa.bool_(), "Points": pa.float64()}
    return _table(names, rows)


def orders(*rows: tuple[Any, ...]) -> pa.Table:
    names = {"OrderId": pa.int64(), "CustomerId": pa.string(), "Item": pa.string(), "Total": pa.decimal128(10, 2)}
    return _table(names, rows)


EMAILS = ["a@x.de", " A@x.de", "b@x.de", "c@x.de", "İ@x.de", "none", "", "\u2003", None]
PHONES = ["+49 30 23125000", "030/23125-000", "+4930 23125001", "x", "", None]
people = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "10", "ä", "", " ", None]),
        st.sampled_from(EMAILS),
        st.sampled_from(PHONES),
        st.sampled_from(["DE", "de", "ΑΣ", "ας", None]),
        st.sampled_from([True, False, None]),
        st.sampled_from([0.0, 1.5, float("nan"), float("inf"), None]),
    ),
    max_size=8,
)
bought = st.lists(
    st.tuples(
        st.integers(1, 9),
        st.sampled_from(["1", "2", "3", "", None]),
        st.sampled_from(["b", "B", "ä", " ", None]),
        st.sampled_from([None, "0.10", "5.00"]).map(lambda v: None if v is None else Decimal(v)),
    ),
    max_size=5,
    unique_by=lambda row: row[0],
)
SEGMENTS = [
    segment("Everybody", {"field": "Customer.Id", "is_not_empty": True}),
    segment("Greeks", {"field": "Customer.Country", "contains": "ΑΣ"}),
    segment("Pointed", {"field": "Customer.Points", "at_least": 0}, {"field": "Customer.Country", "is_not": "DE"}),
    segment("Buyers", {"field": "Orders.Total", "sum": True, "at_least": "0.1"}),
    segment("Not buyers", {"field": "Orders.OrderId", "count": True, "is": 0}),
]
IDENTITIES = [
    Identity(country="DE"),
    Identity((("email", EMAIL),), CONSENT, country="DE"),
    Identity((("email", EMAIL), ("phone", PHONE)), CONSENT, empty_refuses=True, country="DE", contacts=CONTACTS),
    Identity((("email", EMAIL),), country="DE", contacts=CONTACTS),
    Identity(country="DE", contacts=CONTACTS),
    Identity(consent=CONSENT, country="DE", contacts=CONTACTS, known_by=((EMAIL,), (PHONE,))),
]
FIELDS = {"mail": EMAIL, "item": LAST, "points": MatchedField(FieldRef("Customer", "Points"))}


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    people=people,
    bought=bought,
    unique=st.booleans(),
    listed=st.lists(st.sampled_from(["a@x.de", "b@x.de", "i@x.de"]), max_size=2),
    identity=st.sampled_from(IDENTITIES),
    asked=st.sampled_from(SEGMENTS),
)
def test_the_same_numbers_and_members(
    twins: Twins,
    people: list[tuple[Any, ...]],
    bought: list[tuple[Any, ...]],
    unique: bool,
    listed: list[str],
    identity: Identity,
    asked: Segment,
) -> None:
    if unique:
        people = list({row[0]: row for row in people if row[0] is not None}.values())
    scopes = twins.scopes(customers(*people), orders(*bought), *SEGMENTS, keyed=unique)
    if listed:
        facts = add_list(twins.engine, listed)
        scopes = (replace(scopes[0], suppression=facts), replace(scopes[1], suppression=facts))
    check_the_same(twins, scopes, asked, identity)


def check_the_same(twins: Twins, scopes: tuple[Scope, Scope], asked: Segment, identity: Identity) -> None:
    """Every question about a segment has the same answer here and there."""
    counter, members, ctx = twins.counter, Members(twins.engine), JobContext()
    spec, wanted = CountSpec(identity), MemberSpec(FIELDS, identity)
    one, two = (replace(counter.count(scope, asked, spec, ctx), counted_at=WHEN) for scope in scopes)
    assert two == one
    one, two = (counter.narrowing(scope, replace(asked, rules=asked.rules * 2), ctx) for scope in scopes)
    assert two == one
    one, two = (members.reach(scope, asked, {"email": EMAIL}, identity, ctx) for scope in scopes)
    assert two == one
    assert members.number(scopes[1], asked, ctx) == members.number(scopes[0], asked, ctx)
    streams = [Stream(twins.engine, scope, asked, wanted, 3, ctx) for scope in scopes]
    # A stream promises no order: a plan is written to a file, and that file's order is the one that stays.
    here, there = (sorted((row for batch in each for row in batch), key=lambda row: row.key) for each in streams)
    assert there == here
    assert streams[1].sent_empty == streams[0].sent_empty
    here, there = (list(members.left_out(scope, asked, wanted, ctx)) for scope in scopes)
    assert there == here
    assert members.suppressed(scopes[1], asked, wanted, ctx) == members.suppressed(scopes[0], asked, wanted, ctx)
    assert members.keys(scopes[1], asked, 3, ctx) == members.keys(scopes[0], asked, 3, ctx)
    here, there = (members.page(scope, asked, ["Id"], 3, ctx) for scope in scopes)
    assert there == here
    if identity.consent is None and not identity.contacts:
        assert members.coverage(scopes[1], asked, wanted, ctx) == members.coverage(scopes[0], asked, wanted, ctx)
    one, two = (counter.totals(scope, [asked, SEGMENTS[1]], spec, ctx) for scope in scopes)
    assert two == one


def test_reasons_where_the_server_answers_for_the_rules(twins: Twins) -> None:
    """Only members and those who refuse come here: of everybody else it is known that they are no longer in the segment."""
    germans = segment("Germans", {"field": "Customer.Country", "is": "DE"})
    identity = Identity((("email", EMAIL),), CONSENT, country="DE")
    spec = MemberSpec({"mail": EMAIL, "points": FIELDS["points"]}, identity, {"email": "e-mail", "points": "Points"})
    held = Held.of(twins.engine, "server", "list", "Germans")
    members, ctx = Members(twins.engine), JobContext()

    def plan(*rows: tuple[Any, ...]) -> dict[str, str]:
        _here, there = twins.scopes(customers(*rows), orders(), germans)
        held.settle(ctx.token)
        members.plan(there, germans, spec, held, SyncMode.MIRROR, held.plan_path, ctx)
        pages = PlanPages(twins.engine, {held.plan_path: "Germans"})
        found = {line.member.member: str(line.member.reason) for line in pages.page(PlanFilter(), 0, 99, ctx)}
        told = Told(held, SyncMode.MIRROR)
        told.settled(range(pages.number(PlanFilter(), ctx.token)), "added", {})
        told.close()
        return found

    everybody = [(str(i), f"p{i}@x.de", None, "DE", True, 1.0) for i in range(1, 6)]
    assert set(plan(*everybody).values()) == {"Joined: sent there for the first time"}
    assert plan(
        ("1", "p1@x.de", None, "FR", True, 1.0),
        ("2", "nope", None, "DE", True, 1.0),
        ("3", "p3@x.de", None, "DE", False, 1.0),
        ("4", "p4@x.de", None, "DE", True, 2.0),
        ("6", "p6@x.de", None, "DE", True, 1.0),
    ) == {
        "1": "Left: no longer in “Germans”",
        "2": "Left: no usable e-mail any more",
        "3": "Left: no marketing consent any more",
        "4": "Changed: Points",
        "5": "Left: no longer in “Germans”",
        "6": "Joined: in “Germans”",
    }
    _here, there = twins.scopes(customers(("2", "nope", None, "DE", True, 1.0), everybody[3]), orders(), germans)
    look = twins.engine.folder / "tmp" / "look.parquet"
    members.plan(there, germans, spec, held, SyncMode.UPDATE, look, ctx, whole=True)
    pages = PlanPages(twins.engine, {look: "Germans"})
    found = [(line.member.member, line.member.change) for line in pages.page(PlanFilter(), 0, 9, ctx)]
    assert found == [("4", "changed"), ("2", "left_out")]
    assert members.one(there, germans, spec, "4", ctx)["mail"] == ("p4@x.de", "p4@x.de", "p4@x.de")


def test_samples_and_estimates_come_from_the_server(twins: Twins) -> None:
    rows = [(str(i), f"p{i}@x.de", None, "DE" if i % 2 else "FR", True, 1.0) for i in range(4000)]
    _, scope = twins.scopes(customers(*rows), orders(), *SEGMENTS)
    germans = segment("Germans", {"field": "Customer.Country", "is": "DE"})
    found = Members(twins.engine).sample(scope, germans, MemberSpec({"mail": EMAIL}), 3, JobContext())
    assert len(found) == 3
    assert all(int(row.key) % 2 for row in found)
    estimate = twins.counter.estimate(scope, germans, JobContext())
    assert abs(estimate.members - 2000) <= estimate.error or estimate.error == 4000
    table = scope.catalog.tables[0]
    with twins.engine.cursor(CancelToken()) as cursor:
        source, looked = looked_at(twins.engine, cursor, replace(table, rows=4000), 1000, CancelToken())
        assert 0 < looked.rows <= 1000
        assert len(rows_of(cursor, looked, source, 2, hide_personal=False)) == 2
        assert empties_of(cursor, looked, source)["Phone"] == 1.0
        assert {p.name: p.empty for p in profile(cursor, looked, source)}["Email"] == 0.0
    assert TableSizes(twins.engine).estimate_bytes(table, ["Id"], Format(), CancelToken()) > 4000
    assert row_count(twins.engine, table, CancelToken()) == 4000


def test_keys_and_links_are_asked_of_the_server(twins: Twins) -> None:
    rows = [(str(i), None, None, None, None, None) for i in range(5)]
    _, scope = twins.scopes(customers(*rows), orders((1, "1", None, None), (2, "4", None, None), (3, None, None, None)))
    customer, order = scope.catalog.tables
    with asking(twins.engine, customer, CancelToken()) as (cursor, source_of):
        assert is_unique(cursor, source_of(customer), "Id")
        assert not is_unique(cursor, source_of(customer), "Email")
        assert find_links(cursor, order, scope.catalog, source_of) == list(LINKS)


def test_a_question_over_two_places_is_refused(twins: Twins) -> None:
    here, there = twins.scopes(customers(("1", "a@x.de", None, None, None, None)), orders(), *SEGMENTS)
    for tables in (
        (here.catalog.tables[0], there.catalog.tables[1]),
        (there.catalog.tables[0], here.catalog.tables[1]),
    ):
        mixed = Scope(Catalog(tables, LINKS), SEGMENTS, WHEN)
        with pytest.raises(FixData) as caught:
            twins.counter.count(mixed, SEGMENTS[3], CountSpec(), JobContext())
        assert caught.value.code == "two_places"


def files(engine: DuckDBEngine, source: TableRows | MemberRows, file_format: Format, folder: Path) -> list[str]:
    folder.mkdir()
    lines: list[str] = []
    for part in write(engine, source, file_format, folder, JobContext()):
        lines += sorted(part.path.read_text("utf-8").splitlines())
    return lines


@pytest.mark.parametrize("kind", [FileType.CSV, FileType.JSON_LINES])
def test_files_hold_the_same_lines(twins: Twins, tmp_path: Path, kind: FileType) -> None:
    rows = [
        (str(i), EMAILS[i % 9], PHONES[i % 6], 'say "hi"', None, [0.1, None, float("nan")][i % 3]) for i in range(40)
    ]
    here, there = twins.scopes(customers(*rows), orders(*((i, str(i), "x", None) for i in range(3))), *SEGMENTS)
    plain = Format(type=kind, compression=Compression.NONE)
    fields = ("Id", "Email", "Phone", "Country", "OptIn", "Points")
    facts = add_list(twins.engine, ["b@x.de"])
    listed = SuppressedRows(ListedValues(twins.engine), facts, "DE")
    for number, suppression in enumerate((None, listed)):
        found = [
            files(
                twins.engine,
                TableRows(twins.engine, scope.catalog.tables[0], fields, suppression),
                plain,
                tmp_path / f"{number}-{place}",
            )
            for place, scope in enumerate((here, there))
        ]
        assert found[1] == found[0]
    found = [
        files(
            twins.engine,
            MemberRows(Members(twins.engine), scope, SEGMENTS[0], MemberSpec(FIELDS)),
            plain,
            tmp_path / f"members-{place}",
        )
        for place, scope in enumerate((here, there))
    ]
    assert found[1] == found[0]
    assert len(found[0]) >= 40


def test_the_first_rows_of_a_file_are_read_once(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is hidden in the lines comes from the values: rows read again could be others."""
    rows = [(str(i), f"u{i}@x.de", None, "DE", True, 0.5) for i in range(9)]
    _, scope = twins.scopes(customers(*rows), orders(), *SEGMENTS)
    assert twins.engine.server is not None
    server = twins.engine.server()
    reading, asked = server.reader, []

    def reader(query: str, token: CancelToken, **more: Any) -> Any:
        asked.append(query)
        return reading(query, token, **more)

    monkeypatch.setattr(server, "reader", reader)
    source = TableRows(twins.engine, scope.catalog.tables[0], ("Id", "Email", "Points"))
    found = first_rows(twins.engine, source, Format(), 3, JobContext())
    assert len(asked) == 1
    assert len(found.values) == 3
    assert found.lines[0] == "Id,Email,Points"
    for line, (key, email, _) in zip(found.lines[1:], found.values, strict=True):
        assert line.startswith(f"{key},{email}")


TYPES = {
    "small": ("int2", "7", "7"),
    "big": ("int8", "9007199254740993", "9007199254740993"),
    "money_like": ("numeric(12,2)", "12.50", "12.50"),
    "open": ("numeric", "12.5", "12.500"),
    "nan": ("numeric", "NaN", ""),
    "wide": ("numeric(60,2)", "1e40", "1e+40"),
    "real": ("float4", "0.1", "0.1"),
    "infinite": ("float8", "-Infinity", "-inf"),
    "yes": ("bool", "true", "true"),
    "day": ("date", "2024-02-29", "2024-02-29"),
    "never": ("date", "infinity", ""),
    "clock": ("time", "18:30:00.5", "18:30:00.5"),
    "moment": ("timestamp", "2024-02-29 12:00:00", "2024-02-29T12:00:00"),
    "zoned": ("timestamptz", "2024-02-29 12:00:00+05", "2024-02-29T07:00:00Z"),
    "before": ("timestamp", "0044-03-15 12:00:00 BC", ""),
    "bytes": ("bytea", "\\xdead", "3q0="),
    "fixed": ("char(5)", "ab", "ab"),
    "name": ("name", "pg", "pg"),
    "uuid": ("uuid", "00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000a"),
    "network": ("inet", "10.0.0.1", "10.0.0.1/32"),
    "span": ("interval", "1 day", "1 day"),
    "json": ("jsonb", '{"a": [1, null]}', '"{""a"":[1,null]}"'),
    "list": ("int[]", "{1,2}", '"[1,2]"'),
    "domain": ("pg_temp_free_domain", "x", "x"),
    "mood": ("mood", "glad", "glad"),
    "cased": ('text COLLATE "any_case"', "Aa", "Aa"),
}


def test_every_type_comes_as_what_it_is(twins: Twins, tmp_path: Path) -> None:
    schema, server = twins.schema, twins.server
    server.run(
        f"CREATE DOMAIN {schema}.short AS varchar(9)",
        f"CREATE TYPE {schema}.mood AS ENUM ('sad', 'glad')",
        f"CREATE COLLATION {schema}.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )
    own = {"pg_temp_free_domain": f"{schema}.short", "mood": f"{schema}.mood"}
    kinds = {n: own.get(k, k).replace('"any_case"', f"{schema}.any_case") for n, (k, _, _) in TYPES.items()}
    columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    values = ", ".join("'" + value.replace("'", "''") + "'" for _, value, _ in TYPES.values())
    server.run(
        f"CREATE TABLE {schema}.types (id int PRIMARY KEY, {columns})",
        f"INSERT INTO {schema}.types VALUES (1, {values}), (2{', NULL' * len(TYPES)})",
        f"UPDATE {schema}.types SET open = 0.125 WHERE id = 2",
    )
    engine = server.engine()
    table = pg_tables.described(engine, schema, "types", key="id", role=TableRole.CUSTOMER, called="Customer", rows=2)
    engine.close()
    source = TableRows(twins.engine, table, ("id", *TYPES))
    lines = files(twins.engine, source, Format(compression=Compression.NONE), tmp_path / "out")
    assert lines[0] == "1," + ",".join(written for _, _, written in TYPES.values())
    assert lines[1] == "2," + ",".join("0.125" if name == "open" else "" for name in TYPES)
    scope = Scope(Catalog((table,)), (), WHEN)
    counter = twins.counter
    for rule, members in (
        ({"field": "Customer.cased", "is": "aa"}, 0),
        ({"field": "Customer.cased", "is": "Aa"}, 1),
        ({"field": "Customer.fixed", "is": "ab"}, 1),
        ({"field": "Customer.nan", "is_empty": True}, 2),
        ({"field": "Customer.infinite", "is_empty": True}, 2),
        ({"field": "Customer.open", "at_least": 12.5}, 1),
        ({"field": "Customer.mood", "contains": "GLA"}, 1),
        ({"field": "Customer.zoned", "is": "2024-02-29T07:00:00Z"}, 1),
        ({"field": "Customer.uuid", "is": "00000000-0000-0000-0000-00000000000a"}, 1),
        ({"field": "Customer.name", "is_not": "a\0b"}, 2),
        ({"field": "Customer.list", "is_empty": True}, 1),
    ):
        found = counter.count(scope, segment("S", rule), CountSpec(), JobContext())
        assert found.members == members, rule
    server.run(f"UPDATE {schema}.types SET open = 0.00001 WHERE id = 2")
    with pytest.raises(FixData) as caught:
        files(twins.engine, source, Format(compression=Compression.NONE), tmp_path / "finer")
    assert caught.value.code == "server_changed"


def test_a_query_written_by_a_person_is_the_same_on_both(twins: Twins) -> None:
    rows = [(str(i), None, None, "DE" if i < 3 else "FR", None, float(i)) for i in range(6)]
    sql = (
        "WITH big AS (SELECT id, points FROM customer WHERE points >= 2) "
        "SELECT c.Id FROM Customer AS c JOIN big ON big.id = c.ID WHERE c.country = 'DE' OR len(c.Country) > 9"
    )
    asked = Segment("q", "Query", SEGMENTS[0].of, sql=sql)
    scopes = twins.scopes(customers(*rows), orders(), asked)
    members = Members(twins.engine)
    assert [members.keys(scope, asked, 9, JobContext()) for scope in scopes] == [["2"], ["2"]]


def test_changed_rows_of_a_server_are_brought_once_and_are_those_of_here(twins: Twins, tmp_path: Path) -> None:
    check_changed_rows(twins, tmp_path)


def check_changed_rows(twins: Twins, tmp_path: Path) -> None:
    """The rows are filled anew between comparing and writing: what is written is what was compared."""
    first = orders((1, "1", "b", Decimal("0.10")), (2, "2", None, None), (3, "", "ä", Decimal("5.00")))
    second = orders((2, "2", "", None), (3, "", "ä", Decimal("5.00")), (4, None, " ", Decimal("5.01")))
    found = []
    for rows in (first, second):
        both = [scope.catalog.table("Orders") for scope in twins.scopes(customers(), rows)]
        fields = tuple(column.name for column in both[0].columns)
        compared = []
        for name, table in zip(("here", "there"), both, strict=True):
            source = TableRows(twins.engine, table, fields)
            compared.append(compare(source, tmp_path / f"{name}.parquet", tmp_path, JobContext()))
        assert compared[0].changes == compared[1].changes
        twins.fill("Orders", orders())
        for which in (Rows.ALL,) if compared[0].changes.whole else (Rows.ADDED, Rows.CHANGED, Rows.REMOVED):
            lines = [
                sorted(
                    line
                    for file in write(
                        twins.engine, each.rows(which), Format(FileType.JSON_LINES), tmp_path, JobContext()
                    )
                    for line in file.path.read_text("utf-8").splitlines()
                )
                for each in compared
            ]
            assert lines[0] == lines[1]
            found.append(len(lines[0]))
        for each in compared:
            each.settle()
    assert found == [3, 1, 1, 1]
