from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.counts import Limits, Verdict
from app.core.tables import Meaning
from app.data.counting import Counter
from app.data.members import Members
from app.data.workspace_rows import KeyFacts, Scope
from app.destinations.contract import Place
from app.services.run_members import WorkspaceMembers
from tests.fakes import tiny

NO_LIMITS = Limits()
PLACE = Place("list one", there=True)


@pytest.fixture
def source(looking):
    engine = looking.exports._views()._members._engine
    facts = KeyFacts(engine)
    counter, members = Counter(engine, facts), Members(engine, facts)

    def make(limits: Limits = NO_LIMITS) -> WorkspaceMembers:
        scope = Scope(looking.store.tables.catalog(), looking.store.segments.all(), looking.clock())
        description = replace(tiny.description(), limits=limits)
        export = looking.exports.get("Newsletter").export
        return WorkspaceMembers(engine, counter, members, scope, export, description, description.fields, "DE")

    return make


def test_the_members_of_a_run_agree_with_their_count(looking, source):
    gold = looking.store.segments.get("Gold")
    members = source()
    count = members.count(gold, looking.ctx)
    assert (count.members, count.eligible, count.to_send, count.verdict) == (3, 2, 2, Verdict.OK)
    with members.plan(gold, PLACE, looking.ctx) as plan:
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
    with source().plan(gold, PLACE, looking.ctx) as plan:
        assert list(plan.batches(10, looking.ctx)) == []
