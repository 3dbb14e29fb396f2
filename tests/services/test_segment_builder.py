"""What a builder asks of segments that are not saved, checked against what is counted of saved ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app.core.errors import FixData, NotAllowed, TryAgain
from app.core.names import new_id
from app.core.roles import Role
from app.core.segment_documents import parse
from app.core.segment_editing import BLANK, add, add_rule
from app.core.segments import FieldRef, Group, Mode, Segment, SegmentOf, SegmentRef
from app.core.tables import Link, Meaning, TableRole
from app.core.workspaces import Audience
from app.data.engines.duckdb import DuckDBEngine
from app.destinations import registry
from app.jobs import Cancelled, JobContext
from app.services.counts import CountService
from app.services.destinations import DestinationService
from app.services.roles import RoleService
from app.services.segment_builder import SegmentBuilder
from app.services.segments import SegmentService
from app.store import Store
from tests.data.rows import add_table
from tests.services.auditing import audit_of, trail_of
from tests.store import samples

PEOPLE = [
    ("1", "a@x.de", "+4915112345671", "DE", True, 10.0),
    ("2", "A@x.de ", "0151 1234 5672", "DE", False, 20.0),
    ("3", "nope", None, "DE", None, 30.0),
    ("4", "d@x.de", "12", "FR", True, float("nan")),
    ("5", None, "+33 1 42 68 53 00", "FR", True, 50.0),
    ("6", "f@x.de", None, None, True, None),
]
ORDERS = [("a", "1", 5.0), ("b", "1", 7.0), ("c", "2", 100.0), ("d", "5", 3.0)]


def table(rows: list[tuple[Any, ...]], **types: pa.DataType) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table({n: pa.array(list(c), t) for (n, t), c in zip(types.items(), columns, strict=True)})


@dataclass
class Desk:
    store: Store
    roles: RoleService
    segments: SegmentService
    counts: CountService
    builder: SegmentBuilder
    ctx: JobContext

    def members(self, segment: Segment) -> int:
        """As the saved segment is counted."""
        self.segments.save_edited(replace(segment, id=new_id(), name="Probe"))
        found = self.counts.count("Probe", None, self.ctx).members
        self.segments.remove("Probe")
        return found


@pytest.fixture(params=["unique", "several rows of a key"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    store = Store.create(tmp_path / "w", "W", Audience.CONSUMERS, "DE")
    engine = DuckDBEngine(tmp_path / "w", threads=1)
    roles = RoleService(store, environment={})
    people = PEOPLE if request.param == "unique" else [*PEOPLE, ("6", "g@x.de", "+4915112345676", "FR", False, 1.0)]
    text, number = pa.string(), pa.float64()
    rows = table(people, Id=text, Email=text, Phone=text, Country=text, OptIn=pa.bool_(), Spend=number)
    meanings = {"Email": Meaning.EMAIL, "Phone": Meaning.PHONE, "OptIn": Meaning.CONSENT}
    store.tables.save(add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER, meanings=meanings))
    store.tables.save(add_table(engine, "Orders", table(ORDERS, OrderId=text, Who=text, Total=number), key="OrderId"))
    store.tables.save_link(Link("Customer", "Id", "Orders", "Who"))
    counts = CountService(store, lambda: engine, DestinationService(lambda: (registry.description("local-folder"),)))
    yield Desk(
        store,
        roles,
        SegmentService(store, lambda: engine, roles, tmp_path / "w", trail_of(store)),
        counts,
        SegmentBuilder(store, lambda: engine, counts.counter, roles, audit_of(store)),
        JobContext(),
    )
    engine.close()
    store.close()


def rules(*cards: dict[str, Any], name: str = "Draft", id_: str = "draft") -> Segment:
    return parse({"name": name, "rules": list(cards)}, segment_id=id_)


GERMANS = {"all": [{"field": "Customer.Country", "is": "DE"}]}
BUYERS = {"all": [{"field": "Orders.Total", "sum": True, "at_least": 5}]}
THREE = rules(
    {"any": [{"field": "Customer.Country", "is_not": "DE"}, {"field": "Customer.Spend", "at_least": 20}]},
    {"intersect": BUYERS},
    {"except": {"all": [{"field": "Customer.OptIn", "is": True}]}},
)


@pytest.mark.parametrize(
    "segment",
    [
        THREE,
        rules(GERMANS, {"union": BUYERS}, {"union": {"all": [{"field": "Customer.Spend", "is_empty": True}]}}),
        rules(GERMANS, {"except": {"any": [{"field": "Customer.Email", "ends_with": "x.de"}]}}),
        rules({"all": [{"field": "Customer.Spend", "is_not_one_of": [10, 20]}]}, {"intersect": GERMANS}),
    ],
)
def test_each_rule_and_what_is_left_after_it(desk: Desk, segment: Segment) -> None:
    look = desk.builder.look(segment, desk.ctx)
    assert look.issues == ()
    alone = [
        desk.members(replace(segment, rules=(replace(r, operator=segment.rules[0].operator),))) for r in segment.rules
    ]
    after = [desk.members(replace(segment, rules=segment.rules[: i + 1])) for i in range(len(segment.rules))]
    assert (list(look.rules), list(look.running)) == (alone, after)
    assert (look.members, look.everyone) == (after[-1], 6)


def test_what_is_unfinished_is_left_out(desk: Desk) -> None:
    draft = add(add_rule(add_rule(rules(GERMANS), SegmentRef("")), Group(Mode.ALL, (BLANK,))), (0,), BLANK)
    look = desk.builder.look(draft, desk.ctx)
    assert (look.issues, look.rules, look.running, look.members) == ((), (3, None, None), (3, None, None), 3)
    empty = desk.builder.look(Segment("n", "N", SegmentOf.CUSTOMERS), desk.ctx)
    assert (empty.issues, empty.members) == ((), None)
    with pytest.raises(FixData):
        desk.builder.reach(Segment("n", "N", SegmentOf.CUSTOMERS), desk.ctx)
    with pytest.raises(FixData, match="not finished"):
        desk.segments.save_edited(draft)


def test_issues_stand_where_they_belong(desk: Desk) -> None:
    wrong = {"any": [GERMANS, {"all": [{"field": "Customer.Shoe", "is": 1}]}]}
    draft = add(rules(GERMANS, {"union": wrong}, {"union": {"segment": "Nowhere"}}), (0,), BLANK)
    look = desk.builder.look(draft, desk.ctx)
    assert [(i.place, i.sentence) for i in look.issues] == [
        ((1, 1, 0), "The table Customer has no field “Shoe”."),
        ((2,), "There is no segment “Nowhere”."),
    ]
    assert look.members is None


def test_reach(desk: Desk) -> None:
    everybody = rules({"all": [{"field": "Customer.Id", "is_not_empty": True}]})
    reach = desk.builder.reach(everybody, desk.ctx)
    rows = desk.store.tables.get("Customer").rows
    assert (reach.email, reach.phone, reach.consent) == ((4, 3, 4) if rows == 6 else (4, 4, 3))
    without = desk.store.tables.get("Customer")
    for name in ("Phone", "OptIn"):
        column = without.column(name)
        assert column is not None
        without = without.with_column(replace(column, meaning=Meaning.NONE))
    desk.store.tables.save(without)
    reach = desk.builder.reach(everybody, desk.ctx)
    assert (reach.email, reach.phone, reach.consent) == (4, None, None)


def test_overlap_with_a_saved_segment_also_of_a_query_and_a_list(desk: Desk) -> None:
    desk.segments.save({"name": "Buyers", "rules": [BUYERS]})
    listed = desk.segments.paste_list("1\n2\n3;99", desk.ctx)
    for draft in (
        rules(GERMANS),
        Segment("q", "Q", SegmentOf.CUSTOMERS, sql="SELECT Id FROM Customer WHERE Country = 'DE'"),
        Segment("l", "L", SegmentOf.CUSTOMERS, list_file=listed.name),
    ):
        found = desk.builder.overlap(draft, "buyers", desk.ctx)
        assert (found.members, found.others, found.both) == (3, 2, 2)
    assert desk.builder.look(draft, desk.ctx).keys == 4


def test_a_changed_draft_counts_in_place_of_what_is_saved(desk: Desk) -> None:
    saved = desk.segments.save({"name": "Base", "rules": [GERMANS]})
    desk.segments.save({"name": "Above", "rules": [{"segment": "Base"}, {"except": BUYERS}]})
    draft = replace(rules(BUYERS), id=saved.id, name="Other name", revision=saved.revision)
    assert desk.builder.look(draft, desk.ctx).members == 2
    assert desk.builder.overlap(draft, "Above", desk.ctx).others == 0


def test_first_members_and_frequent_values(desk: Desk) -> None:
    page = desk.builder.members(rules(GERMANS), 2, desk.ctx, masked=True)
    assert (page.masked, [row[0] for row in page.rows]) == (True, ["1", "2"])
    assert "a@x.de" not in str(page.rows)
    assert "a@x.de" in str(desk.builder.members(rules(GERMANS), 2, desk.ctx, masked=False).rows)
    desk.roles.set_role(Role.VIEWER)
    assert "a@x.de" not in str(desk.builder.members(rules(GERMANS), 2, desk.ctx, masked=False).rows)
    assert desk.builder.frequent(FieldRef("Customer", "Country"), desk.ctx)[0] == ("DE", 3)
    assert desk.builder.frequent(FieldRef("Customer", "Email"), desk.ctx) == ()
    assert desk.builder.frequent(FieldRef("Customer", "Shoe"), desk.ctx) == ()
    assert not desk.builder.ground().may_change


def test_saving_what_was_edited(desk: Desk) -> None:
    saved = desk.segments.save_edited(rules(GERMANS, name=" Germans "))
    assert (saved.name, saved.revision) == ("Germans", 1)
    desk.segments.save({"name": "Above", "rules": [{"segment": "germans"}]})
    desk.store.exports.save(samples.export("E", segments=("Germans",)))
    renamed = desk.segments.save_edited(replace(saved, name="At home"))
    assert desk.segments.get("Above").rules[0].body == SegmentRef("At home")
    assert desk.store.exports.get("E").segments == ("At home",)
    with pytest.raises(TryAgain, match="changed or removed meanwhile"):
        desk.segments.save_edited(replace(saved, name="At home"))
    circle = add_rule(replace(renamed, name="Yet another"), SegmentRef("Above"))
    with pytest.raises(FixData, match="circle"):
        desk.segments.save_edited(circle)
    assert desk.segments.get("At home").rules == renamed.rules
    desk.roles.set_role(Role.VIEWER)
    with pytest.raises(NotAllowed):
        desk.segments.save_edited(renamed)


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM Customer",
        "DROP TABLE Customer",
        "INSERT INTO Customer SELECT * FROM Customer RETURNING Id",
        "SELECT Id FROM Customer; DELETE FROM Customer",
        "COPY Customer TO 'x.csv'",
        "ATTACH 'other.db'",
        "PRAGMA version",
        "SELECT Id INTO Other FROM Customer",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT content FROM '/etc/passwd'",
        "SELECT getenv('HOME')",
        "WITH x AS (DELETE FROM Customer RETURNING Id) SELECT Id FROM x",
        "SELECT Id, Email FROM Customer",
    ],
)
def test_a_query_only_reads(desk: Desk, query: str) -> None:
    for save in (
        lambda: desk.segments.save({"name": "Q", "sql": query}),
        lambda: desk.segments.save_edited(Segment("q", "Q", SegmentOf.CUSTOMERS, sql=query)),
    ):
        if query.startswith("SELECT content"):  # a text in quotes may be the name of a table: known at the count
            continue
        with pytest.raises(FixData) as refused:
            save()
        assert refused.value.code == "not_read_only"
    look = desk.builder.look(Segment("q", "Q", SegmentOf.CUSTOMERS, sql=query), desk.ctx)
    assert len(look.issues) == 1
    assert look.members is None


def test_a_query_the_engine_refuses_is_told_as_data(desk: Desk) -> None:
    draft = Segment("q", "Q", SegmentOf.CUSTOMERS, sql="SELECT Shoe FROM Customer")
    with pytest.raises(FixData, match=r"can.t be run.*Shoe"):
        desk.builder.look(draft, desk.ctx)


@pytest.mark.parametrize("text", ["", " \n;,\t\n", '""'])
def test_nothing_pasted(desk: Desk, text: str) -> None:
    with pytest.raises(FixData, match="empty"):
        desk.segments.paste_list(text, desk.ctx)


def test_lists_that_nobody_needs_go_after_a_while(desk: Desk) -> None:
    kept, removed, left = (desk.segments.paste_list(text, desk.ctx).name for text in "123")
    desk.segments.save_edited(Segment("k", "Kept", SegmentOf.CUSTOMERS, list_file=kept))
    desk.segments.save_edited(Segment("r", "Removed", SegmentOf.CUSTOMERS, list_file=removed))
    back = desk.segments.remove("Removed")
    now = datetime.now(UTC)
    desk.segments.clear_away(now - timedelta(hours=1))
    desk.segments.clear_away(now + timedelta(hours=1))
    desk.segments.put_back(back)
    assert [desk.counts.count(name, None, desk.ctx).members for name in ("Kept", "Removed")] == [1, 1]
    with pytest.raises(FixData, match="gone"):
        desk.builder.look(Segment("l", "Left", SegmentOf.CUSTOMERS, list_file=left), desk.ctx)


def test_every_question_can_be_cancelled(desk: Desk) -> None:
    desk.segments.save({"name": "Buyers", "rules": [BUYERS]})
    ctx = JobContext()
    ctx.token.cancel()
    for ask in (
        lambda: desk.builder.look(THREE, ctx),
        lambda: desk.builder.reach(THREE, ctx),
        lambda: desk.builder.overlap(THREE, "Buyers", ctx),
        lambda: desk.builder.members(THREE, 2, ctx, masked=True),
        lambda: desk.builder.frequent(FieldRef("Customer", "Country"), ctx),
        lambda: desk.segments.paste_list("1", ctx),
    ):
        with pytest.raises(Cancelled):
            ask()
