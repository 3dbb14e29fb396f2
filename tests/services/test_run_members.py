from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.counts import Limits, Verdict
from app.core.errors import TryAgain
from app.core.tables import Meaning
from app.data.counting import Counter
from app.data.engines.duckdb import DuckDBEngine
from app.data.members import Members
from app.data.suppression import ListedValues
from app.data.workspace_rows import KeyFacts, Scope
from app.destinations.contract import Place
from app.jobs import CancelToken
from app.services.run_deps import make_deps
from app.services.run_members import WorkspaceMembers
from tests.fakes import tiny

NO_LIMITS = Limits()
PLACE = Place("list one", there=True)


@pytest.fixture
def source(looking):
    engine = looking.exports._views()._members._engine
    facts = KeyFacts(engine)
    counter, members = Counter(engine, facts), Members(engine, facts)

    def make(limits: Limits = NO_LIMITS, **more) -> WorkspaceMembers:
        scope = Scope(looking.store.tables.catalog(), looking.store.segments.all(), looking.clock())
        description = replace(tiny.description(), limits=limits)
        export = looking.exports.get("Newsletter").export
        fields = description.fields
        return WorkspaceMembers(engine, counter, members, scope, export, description, fields, "DE", **more)

    return make


def test_a_run_keeps_nothing_it_counted_with_while_it_reads_members(looking):
    gold, ctx = looking.store.segments.get("Gold"), looking.ctx
    export = looking.exports.get("Newsletter").export
    views = looking.exports._views()
    deps = make_deps(looking.store, views._members._engine, ListedValues(views._members._engine), str, looking.clock)
    with deps() as given:
        members = given.members(export, tiny.description(), tiny.description().fields)
        own = members._engine
        members.count(gold, ctx)
        assert kept_rows(own) > 0
        with members.plan([(gold, PLACE)], ctx)[0] as plan:
            assert kept_rows(own) == 0
            assert plan.changes.added == 2


def kept_rows(engine: DuckDBEngine) -> int:
    with engine.cursor(CancelToken()) as cursor:
        query = "SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables() WHERE table_name LIKE 'narrow%'"
        return int(cursor.execute(query).fetchall()[0][0])


def test_a_count_for_which_the_memory_is_not_enough_gets_what_reading_members_may_use(looking, source, monkeypatch):
    given = []
    members = source(counted=lambda: given.append("more"))
    count = Counter.count

    def short(*asked):
        if not given:
            raise TryAgain("There was not enough memory.", "", "", code="memory_full")
        return count(*asked)

    monkeypatch.setattr(Counter, "count", short)
    assert members.count(looking.store.segments.get("Gold"), looking.ctx).members == 3
    assert given == ["more"]


def test_the_members_of_a_run_agree_with_their_count(looking, source):
    gold = looking.store.segments.get("Gold")
    members = source()
    count = members.count(gold, looking.ctx)
    assert (count.members, count.eligible, count.to_send, count.verdict) == (3, 2, 2, Verdict.OK)
    with members.plan([(gold, PLACE)], looking.ctx)[0] as plan:
        batches = list(plan.batches(1, looking.ctx))
    assert [[dict(member.values) for member in batch] for batch in batches] == [
        [{"email": "nora@example.com", "first_name": "Nora"}],
        [{"email": "omar@example.com", "first_name": 'O"mar'}],
    ]
    [reject] = members.left_out(gold, looking.ctx)
    assert (reject.member, reject.field, reject.value, reject.by_target) == ("3", "email", "not an address", False)
    assert sum(len(batch) for batch in batches) == count.to_send


def test_the_limits_of_the_destination_count(looking, source):
    gold = looking.store.segments.get("Gold")
    assert source(Limits(maximum=1)).count(gold, looking.ctx).verdict is Verdict.TOO_LARGE


def test_who_refuses_is_not_sent(looking, source):
    table = looking.store.tables.get("Customer")
    changed = replace(table.column("Country"), meaning=Meaning.CONSENT, confirmed=True)
    looking.store.tables.save(table.with_column(changed))  # any text that gives no consent refuses
    gold = looking.store.segments.get("Gold")
    count = source().count(gold, looking.ctx)
    assert (count.eligible, count.no_consent, count.to_send) == (2, 2, 0)
    with source().plan([(gold, PLACE)], looking.ctx)[0] as plan:
        assert list(plan.batches(10, looking.ctx)) == []
