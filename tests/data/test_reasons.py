"""Why members are in a plan: against plain Python for random segments, and through two plans of the same place."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.exports import SyncMode
from app.core.plans import Change, Changes, LeftOut, PlanFilter, left_out_of
from app.core.reasons import Reason, parts_of, reason_of, why_joined, why_left
from app.core.segments import Condition, FieldRef, Group, Place, Rule, Segment, SetOperator
from app.core.tables import Table, TableRole
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine, generation_folder
from app.data.identity import Identity, MatchedField
from app.data.last_seen import seen_now, write_seen
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.plan_pages import PlanPages
from app.data.reasons import PART, Why
from app.data.sent import Held, Told
from app.data.workspace_rows import Scope
from app.jobs import CancelToken, JobContext
from tests.data.messy import Oracle, blank, segment, tables, with_unique_keys
from tests.data.rows import add_list, add_table
from tests.data.test_counting import CONTACTS, EMAIL, customers, scope_of
from tests.data.test_counting import segment as asking
from tests.data.test_sql import compiler, fill

NAMES = {"email": "e-mail address", "country": "Country"}
FIELDS = {"email": EMAIL, "country": MatchedField(FieldRef("Customer", "Country"), "trim")}
IDENTITY = Identity((("email", EMAIL),), FieldRef("Customer", "OptIn"), contacts=CONTACTS)
GERMANS = asking("Germans", {"field": "Customer.Country", "is_one_of": ["DE", "AT"]})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


def parts_met(oracle: Oracle, asked: Segment, own: str, key: Any) -> set[Place]:
    """The parts of the rules that hold for a row with that key, by plain Python."""
    met: set[Place] = set()
    rows = [row for row in oracle.rows[own] if row["Id"] == key]
    for place, part in parts_of(asked):
        if isinstance(part, Group):
            holds = any(oracle.group(part, own, row) for row in rows)
        elif isinstance(part, Condition):
            holds = any(oracle.condition(part, own, row) for row in rows)
        else:
            holds = key in oracle.of_segment(oracle.segments[part.name], own)
        if holds:
            met.add(place)
    return met


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), unique=st.booleans())
def test_reasons_are_those_of_plain_python(tmp_path: Path, data: st.DataObject, unique: bool) -> None:
    rows = data.draw(tables())
    rows = with_unique_keys(rows) if unique else rows
    first = data.draw(segment("First"))
    second = data.draw(segment("Second", ("First",)))
    segments = {s.name: s for s in (first, second)}
    oracle = Oracle(rows, segments)
    with duckdb.connect(config={"threads": 1}) as connection:
        fill(connection, tmp_path, rows)
        for asked in segments.values():
            sql = compiler(segments, unique=unique)
            table = sql.table(asked)
            members = oracle.members(asked)
            keys = {row["Id"] for row in rows[table.name] if not blank(row["Id"])}
            why = Why(sql, asked, table, Identity())
            for belongs, found, query, tree in (
                (False, keys - members, why.members_that_left, why_left(asked, table.name)),
                (True, keys & members, why.members_that_joined, why_joined(asked, table.name)),
            ):
                connection.execute("CREATE OR REPLACE TABLE asked (member VARCHAR, identifier VARCHAR)")
                for key in found:
                    connection.execute("INSERT INTO asked VALUES (?, ?)", [str(key), str(key)])
                answers = dict(connection.execute(query("asked")).fetchall())
                assert answers == {
                    str(key): reason_of(tree, asked, parts_met(oracle, asked, table.name, key).__contains__).kept
                    for key in found
                }, (belongs, asked)


class SentPlace:
    """One segment at one place, sent again and again."""

    def __init__(self, engine: DuckDBEngine, asked: Segment = GERMANS) -> None:
        self.engine = engine
        self.asked = asked
        self.held = Held.of(engine, "e1", "list", asked.name)
        self._generation = 0

    def table(self, *rows: tuple[Any, ...]) -> Table:
        self._generation += 1
        return add_table(
            self.engine,
            "Customer",
            customers(*rows),
            key="Id",
            role=TableRole.CUSTOMER,
            generation=self._generation,
        )

    def send(
        self, scope: Scope, mode: SyncMode = SyncMode.MIRROR, spec: MemberSpec | None = None
    ) -> list[dict[str, Any]]:
        """Plan, tell that everybody arrived, settle; the rows of the plan by member."""
        self.held.settle(CancelToken())
        spec = spec or MemberSpec(FIELDS, IDENTITY, NAMES)
        path = self.held.plan_path
        difference = Members(self.engine).plan(scope, self.asked, spec, self.held, mode, path, JobContext())
        plan = pq.read_table(path).to_pylist()
        assert isinstance(difference.changes, Changes)
        told = Told(self.held, mode)
        gone = {at: "removed" for at, row in enumerate(plan) if row["change"] == "removed"}
        told.settled(range(len(plan)), "added", gone)
        told.close()
        self.held.settle(CancelToken())
        return sorted(plan, key=lambda row: (row["member"], row["change"]))


def reasons(plan: list[dict[str, Any]]) -> dict[str, str]:
    return {f"{row['member']} {row['change']}": str(Reason.read(row["reason"])) for row in plan}


def test_every_reason_of_a_second_plan(engine: DuckDBEngine) -> None:
    place = SentPlace(engine)
    before = [(str(i), f"p{i}@x.de", "DE", True) for i in range(1, 9)]
    first = place.send(scope_of(place.table(*before)))
    assert set(reasons(first).values()) == {"Joined: sent there for the first time"}
    now = place.table(
        ("1", "p1@x.de", "FR", True),
        ("2", "nope", "DE", True),
        ("3", "p3@x.de", "DE", False),
        ("4", "p4@x.de", "DE", True),  # on the suppression list
        ("5", "other@x.de", "DE", True),
        ("6", "p6@x.de", "AT", True),
        ("7", "p7@x.de", "DE", True),
        ("9", "p9@x.de", "DE", True),
        ("99", "p7@x.de", "FR", False),
    )
    plan = place.send(replace(scope_of(now), suppression=add_list(engine, ["p4@x.de"])))
    assert reasons(plan) == {
        "1 removed": "Left: Country is no longer DE or AT",
        "2 removed": "Left: no usable e-mail address any more",
        "3 removed": "Left: no marketing consent any more",
        "4 removed": "Left: on the suppression list",
        "5 removed": "Left: known by another e-mail address now",
        "5 added": "Joined: known by another e-mail address now",
        "6 changed": "Changed: Country",
        "7 removed": ("Left: another row with the same e-mail address has no consent or is on the suppression list"),
        "8 removed": "Left: no longer in the tables",
        "9 added": "Joined: Country is DE or AT",
    }
    assert {row["member"]: row["fields"] for row in plan if row["fields"]} == {"6": ["country"]}


people = st.lists(
    st.tuples(
        st.sampled_from(["a@x.de", "A@x.de ", "b@x.de", "c@x.de", "nope", None]),
        st.sampled_from(["DE", "AT", "FR"]),
        st.sampled_from([True, False, None]),
    ),
    max_size=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    before=people,
    now=people,
    listed=st.lists(st.sampled_from(["a@x.de", "b@x.de"]), max_size=1),
    mode=st.sampled_from(SyncMode),
)
def test_a_plan_to_be_looked_at_holds_everybody_once(
    tmp_path_factory: pytest.TempPathFactory, before: list[Any], now: list[Any], listed: list[str], mode: SyncMode
) -> None:
    """Its rows by change and reason are the numbers of the plan and of the count."""
    engine = DuckDBEngine(tmp_path_factory.mktemp("look"), threads=1)
    try:
        place = SentPlace(engine)
        place.send(scope_of(place.table(*((str(at), *row) for at, row in enumerate(before)))))
        scope = scope_of(place.table(*((str(at), *row) for at, row in enumerate(now))), GERMANS)
        scope = replace(scope, suppression=add_list(engine, listed)) if listed else scope
        spec, path = MemberSpec(FIELDS, IDENTITY, NAMES), engine.folder / "tmp" / "look.parquet"
        ctx = JobContext()
        made = Members(engine).plan(scope, GERMANS, spec, place.held, mode, path, ctx, whole=True)
        count = Counter(engine).count(scope, GERMANS, CountSpec(IDENTITY), ctx)
        pages = PlanPages(engine, {path: "Germans"})
        numbers = {change: pages.number(PlanFilter(change), CancelToken()) for change in Change}
        changes = made.changes
        assert numbers == {
            Change.ADDED: changes.added,
            Change.CHANGED: changes.changed,
            Change.REMOVED: changes.removed,
            Change.UNCHANGED: changes.unchanged,
            Change.LEFT_OUT: sum(left_out_of(count).values()),
        }
        words = {
            "Left out: no usable e-mail address": LeftOut.NO_IDENTIFIER,
            "Left out: twice in the segment": LeftOut.TWICE,
            "Left out: no marketing consent": LeftOut.NO_CONSENT,
            "Left out: on the suppression list": LeftOut.SUPPRESSED,
        }
        found = pages.reasons(PlanFilter(Change.LEFT_OUT), CancelToken())
        assert {words[str(reason)]: number for reason, number in found} == left_out_of(count)
        lines = pages.page(PlanFilter(), 0, 100, ctx)
        assert len({line.id for line in lines}) == len(lines) == sum(numbers.values())
        assert all(pages.one(line.id, ctx) == line.member for line in lines)
        assert all(line.member.reason for line in lines if line.member.change is not Change.UNCHANGED)
        assert sorted(line.id for line in lines[3:5]) == sorted(each.id for each in pages.page(PlanFilter(), 3, 2, ctx))
    finally:
        engine.close()


def test_the_rule_that_brings_somebody_in_is_named(engine: DuckDBEngine) -> None:
    other = asking("x", {"field": "Customer.OptIn", "is": True})
    two = replace(GERMANS, rules=(*GERMANS.rules, Rule(SetOperator.UNION, other.rules[0].body)))
    place = SentPlace(engine, two)
    place.send(scope_of(place.table(("1", "p1@x.de", "DE", None))))
    plan = place.send(
        scope_of(place.table(("1", "p1@x.de", "DE", None), ("2", "p2@x.de", "AT", None), ("3", "p3@x.de", "FR", True)))
    )
    assert reasons(plan) == {"2 added": "Joined: Country is DE or AT", "3 added": "Joined: OptIn is true"}


def test_another_match_is_said_and_old_snapshots_stay_readable(engine: DuckDBEngine) -> None:
    place = SentPlace(engine)
    people = [("1", "p1@x.de", "DE", True), ("2", "p2@x.de", "DE", True)]
    place.send(scope_of(place.table(*people)), spec=MemberSpec({"email": EMAIL}, IDENTITY, NAMES))
    plan = place.send(scope_of(place.table(*people)))
    assert set(reasons(plan).values()) == {"Changed: other fields are matched"}
    (snapshot,) = place.held.folder.glob("[0-9]*.parquet")
    kept = pq.read_table(snapshot)
    assert [name for name in kept.column_names if name.startswith("part ")] == [PART + "email", PART + "country"]

    older = kept.drop_columns([PART + "country"]).rename_columns(
        [name.replace(PART, "part 0.1 ") for name in kept.column_names if name != PART + "country"]
    )
    mapping = {b"mapping": pq.read_metadata(snapshot).metadata[b"mapping"]}
    pq.write_table(older.replace_schema_metadata(mapping), snapshot)  # as another version of DuckDB left it
    assert place.send(scope_of(place.table(*people))) == []
    plan = place.send(scope_of(place.table(("1", "p1@x.de", "AT", True), people[1])))
    assert reasons(plan) == {"1 changed": "Changed: a value is another one"}
    plan = place.send(scope_of(place.table(people[0], ("2", "p2@x.de", "AT", True))))
    assert reasons(plan) == {"1 changed": "Changed: Country", "2 changed": "Changed: a value is another one"}
    (snapshot,) = place.held.folder.glob("[0-9]*.parquet")
    assert "part 0.1 email" not in pq.read_table(snapshot).column_names


@pytest.mark.parametrize(("country", "written"), [("DE", "2:DE"), ("Åland", "5:Åland"), (None, "-")])
def test_what_tells_that_a_member_changed_does_not_depend_on_duckdb(
    engine: DuckDBEngine, country: str | None, written: str
) -> None:
    """An update of DuckDB must not make everybody look changed: the hash is MD5 of a text that Python makes as well."""
    place = SentPlace(engine, asking("Everybody", {"field": "Customer.Id", "is": "1"}))
    (row,) = place.send(scope_of(place.table(("1", "p1@x.de", country, True))))
    mapping = hashlib.sha256(b'{"format": 2, "fields": ["country", "email"]}').hexdigest()[:16]
    assert row["payload"].bytes[::-1] == hashlib.md5(f"{mapping}{written}7:p1@x.de".encode()).digest()


def test_who_was_on_the_way_and_where_the_values_are_not_known(engine: DuckDBEngine) -> None:
    place = SentPlace(engine)
    people = [(str(i), f"p{i}@x.de", "DE", True) for i in range(1, 4)]
    place.held.settle(CancelToken())
    spec = MemberSpec(FIELDS, IDENTITY, NAMES)
    scope = scope_of(place.table(*people))
    Members(engine).plan(scope, GERMANS, spec, place.held, SyncMode.ADD, place.held.plan_path, JobContext())
    told = Told(place.held, SyncMode.ADD)
    told.sending([0, 1])
    told.settled([1, 2], "unchanged", {1: "added"})
    told.close()
    plan = place.send(scope_of(place.table(people[0], people[1])))
    assert reasons(plan) == {
        "1 added": "Joined: an earlier sending was never confirmed",
        "2 changed": "Changed: the values there are not known",
        "3 removed": "Left: no longer in the tables",
    }


def remember(place: SentPlace, scope: Scope) -> None:
    """As a run does that comes to its end."""
    write_seen(place.held.folder, seen_now(scope, place.asked, IDENTITY, 1))


def test_who_joined_is_told_what_was_otherwise_at_the_last_run(engine: DuckDBEngine) -> None:
    place = SentPlace(engine)
    scope = replace(
        scope_of(
            place.table(
                ("1", "p1@x.de", "DE", True),
                ("2", "p2@x.de", "FR", True),
                ("3", "nope", "DE", True),
                ("4", "p4@x.de", "DE", False),
                ("5", "p5@x.de", "DE", True),
                ("6", "p6@x.de", "DE", True),
            )
        ),
        suppression=add_list(engine, ["p5@x.de"]),
    )
    place.send(scope)
    remember(place, scope)
    now = place.table(
        ("1", "p1@x.de", "DE", True),
        ("2", "p2@x.de", "AT", True),
        ("3", "p3@x.de", "DE", True),
        ("4", "p4@x.de", "DE", True),
        ("5", "p5@x.de", "DE", True),
        ("6", "other@x.de", "DE", True),
        ("7", "p7@x.de", "DE", True),
    )
    assert scope.suppression is not None
    later = replace(scope_of(now), suppression=add_list(engine, ["x@x.de"]))
    assert reasons(place.send(later)) == {
        "2 added": "Joined: Country is DE or AT now",
        "3 added": "Joined: has a usable e-mail address now",
        "4 added": "Joined: has marketing consent now",
        "5 added": "Joined: no longer on the suppression list",
        "6 added": "Joined: known by another e-mail address now",
        "6 removed": "Left: known by another e-mail address now",
        "7 added": "Joined: new in Customer",
    }


def test_other_rules_than_at_the_last_run_are_not_taken_for_other_values(engine: DuckDBEngine) -> None:
    place = SentPlace(engine)
    scope = scope_of(
        place.table(("1", "p1@x.de", "DE", True), ("2", "p2@x.de", "AT", True), ("3", "p3@x.de", "FR", True))
    )
    place.send(scope)
    remember(place, scope)
    place.asked = asking("Germans", {"field": "Customer.Country", "is_one_of": ["DE", "FR"]})
    rows = ("1", "p1@x.de", "AT", True), ("2", "p2@x.de", "AT", True), ("3", "p3@x.de", "FR", True)
    changed = replace(scope_of(place.table(*rows)), segments=[place.asked])
    plan = place.send(changed)
    assert reasons(plan) == {
        "1 removed": "Left: Country is no longer DE or FR",
        "2 removed": "Left: does not meet the rules, which were changed since the last run",
        "3 added": "Joined: by rules that were changed since the last run, Country is DE or FR",
    }


@pytest.mark.parametrize("gone", [True, False])
def test_rows_of_the_last_run_that_are_gone_or_have_other_columns_are_not_asked(
    engine: DuckDBEngine, *, gone: bool
) -> None:
    place = SentPlace(engine)
    scope = scope_of(place.table(("1", "p1@x.de", "DE", True)))
    place.send(scope)
    remember(place, scope)
    now = scope_of(place.table(("1", "p1@x.de", "DE", True), ("2", "p2@x.de", "DE", True)))
    rows = generation_folder(engine.folder, scope.catalog.tables[0])
    if gone:
        shutil.rmtree(rows)
    else:
        (file,) = rows.glob("*.parquet")
        pq.write_table(pq.read_table(file).drop_columns(["Country"]), file)
    assert reasons(place.send(now)) == {"2 added": "Joined: Country is DE or AT"}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("rejected", "Joined: was rejected before, tried again"),
        ("invalid", "Joined: could not be sent as it was before, tried again"),
        ("", "Joined: an earlier run ended before it was sent"),
    ],
)
def test_who_was_not_taken_before_is_told_so(engine: DuckDBEngine, what: str, said: str) -> None:
    place = SentPlace(engine)
    (engine.folder / "runs" / "r1").mkdir(parents=True)
    scope = scope_of(place.table(("1", "p1@x.de", "DE", True), ("2", "p2@x.de", "DE", True)))
    spec, ctx, path = MemberSpec(FIELDS, IDENTITY, NAMES), JobContext(), place.held.plan_path
    Members(engine).plan(scope, GERMANS, spec, place.held, SyncMode.MIRROR, path, ctx, run="r1")
    told = Told(place.held, SyncMode.MIRROR)
    told.settled([0], "added", {})
    if what:
        told.settled([1], what, {})
    told.close()
    place.held.settle(CancelToken())
    ((left,),) = [pq.read_table(path).to_pylist() for path in place.held.folder.glob("[0-9]*.parquet")]
    (other,) = {"1", "2"} - {left["member"]}
    assert reasons(place.send(scope)) == {f"{other} added": said}
