"""Run after run into one target: what it holds in the end, whatever was refused, cut off or lost on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.core.errors import FixData, FixSettings, TryAgain
from app.core.exports import Guard, SyncMode
from app.core.guards import Approval
from app.core.plans import Basis, Plan
from app.core.reasons import Reason, Says
from app.core.runs import Run, Status
from app.core.segments import Segment
from app.core.tables import Catalog, TableRole
from app.data.counting import Counter
from app.data.engines.duckdb import DuckDBEngine
from app.data.members import Members
from app.data.plan_rows import clear_looks
from app.data.sent import forget_export
from app.data.workspace_rows import KeyFacts, Scope
from app.delivery.deliver import deliver
from app.delivery.planner import make_plan
from app.delivery.ports import Deps
from app.destinations.batches import Member, Outcome, OutcomeKind
from app.destinations.contract import Confirmation, Place
from app.destinations.description import Repeat
from app.jobs import JobContext
from app.services.run_members import WorkspaceMembers
from tests.data.rows import add_table
from tests.data.test_counting import EVERYBODY
from tests.delivery.fakes import FIELDS, NOW, FakeFiles, FakeTarget, description, export, opened
from tests.delivery.test_run_state import queued

ALL_MODES = tuple(SyncMode)
OF = description(batch_size=3, sync_modes=ALL_MODES, repeat=Repeat.HARMLESS)

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failing history takes seconds each time: it is told as it was found."""

People = Mapping[str, tuple[str, str]]
"""Address and first name by our key."""


@dataclass
class Audience(FakeTarget):
    """Holds first names by address; request number `stops_at` fails, before it has any effect or after."""

    members: dict[str, str] = field(default_factory=dict)
    there: bool = True
    requests: int = 0
    refused: frozenset[str] = frozenset()
    stops_at: int = 0
    after_effect: bool = False
    whole_batches: bool = False
    sent: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        return Place(f"list {target.get('list', '')}", self.there)

    def read_members(
        self, target: Mapping[str, str], segment: str, ctx: JobContext
    ) -> Iterator[Sequence[Mapping[str, str | None]]]:
        assert self.there
        addresses = sorted(self.members)
        for at in range(0, len(addresses), 4):
            yield [{"email": address} for address in addresses[at : at + 4]]

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> AudienceSession:
        return AudienceSession(self, mode)


@dataclass
class AudienceSession:
    audience: Audience
    mode: SyncMode

    def __enter__(self) -> Self:
        self.audience.there = True
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def confirm(self, ctx: JobContext) -> Confirmation:
        return Confirmation()

    def send(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        return self._answer(members, [self._put(member) for member in members])

    def remove(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        return self._answer(members, [self._take(member) for member in members])

    def _answer(self, members: Sequence[Member], effects: list[tuple[str, str | None, OutcomeKind]]) -> list[Outcome]:
        audience = self.audience
        audience.requests += 1
        stops = audience.requests == audience.stops_at
        if stops and not audience.after_effect:
            raise TryAgain("The line broke.")
        if audience.whole_batches and any(kind is OutcomeKind.REJECTED for _a, _n, kind in effects):
            raise FixData("One of them is bad.", "It does not say which.", "")
        for address, name, kind in effects:
            if kind is OutcomeKind.REMOVED:
                audience.members.pop(address, None)
                audience.removed.append(address)
            elif kind is not OutcomeKind.REJECTED:
                audience.members[address] = name or ""
                audience.sent.append(address)
        if stops:
            raise TryAgain("The answer was lost.")
        return [Outcome(m.key, kind, "email", "No.") for m, (_a, _n, kind) in zip(members, effects, strict=True)]

    def _put(self, member: Member) -> tuple[str, str | None, OutcomeKind]:
        address = member.values["email"] or ""
        name = member.values.get("first_name")
        there = address in self.audience.members
        if address in self.audience.refused:
            return address, name, OutcomeKind.REJECTED
        if there and self.mode is SyncMode.ADD:
            return address, self.audience.members[address], OutcomeKind.UNCHANGED
        return address, name, OutcomeKind.UPDATED if there else OutcomeKind.ADDED

    def _take(self, member: Member) -> tuple[str, str | None, OutcomeKind]:
        assert set(member.values) == {"email"}
        address = member.values["email"] or ""
        refused = address in self.audience.refused
        return address, None, OutcomeKind.REJECTED if refused else OutcomeKind.REMOVED


class Bench:
    """One export whose people change between runs."""

    def __init__(self, folder: Path) -> None:
        self.engine = DuckDBEngine(folder, threads=1)
        self.target = Audience()
        self.export = export("Everybody", target={"list": "a"})
        self.catalog = Catalog(())
        self._generation = 0
        facts = KeyFacts(self.engine)
        self._counter, self._members = Counter(self.engine, facts), Members(self.engine, facts)

    def people(self, people: People) -> None:
        self._generation += 1
        rows = {
            "Id": list(people),
            "Email": [address for address, _name in people.values()],
            "FirstName": [name for _address, name in people.values()],
        }
        schema = pa.schema([(name, pa.string()) for name in rows])
        table = add_table(
            self.engine,
            "Customer",
            pa.table(rows, schema=schema),
            key="Id",
            role=TableRole.CUSTOMER,
            generation=self._generation,
        )
        self.catalog = Catalog((table,))

    @staticmethod
    def _segments(changes: dict[str, object]) -> Sequence[str]:
        return changes.pop("segments", ("Everybody",))

    def run(
        self,
        mode: SyncMode = SyncMode.UPDATE,
        others: Sequence[Segment] = (EVERYBODY,),
        approval: Approval | None = None,
        **changes: object,
    ) -> Run:
        self.target.sent, self.target.removed, self.target.requests = [], [], 0
        given = export(*self._segments(changes), sync=mode, **{"target": self.export.target, **changes})
        begun, to = replace(queued(), approval=approval), opened(self.target, OF)
        return deliver(begun, given, to, self._deps(others), JobContext(), lambda _run: None)

    def plan(
        self, mode: SyncMode = SyncMode.UPDATE, others: Sequence[Segment] = (EVERYBODY,), **changes: object
    ) -> Plan:
        given = export(*self._segments(changes), sync=mode, **{"target": self.export.target, **changes})
        return make_plan(given, opened(self.target, OF), self._deps(others), JobContext(), 2)

    def _deps(self, segments: Sequence[Segment]) -> Deps:
        scope = Scope(self.catalog, tuple(segments), NOW)
        return Deps(
            self.engine.folder,
            self.catalog,
            tuple(segments),
            lambda of, _description, _fields: WorkspaceMembers(
                self.engine, self._counter, self._members, scope, of, OF, FIELDS, "DE"
            ),
            lambda _export, _description, _moment: FakeFiles({}),
            str,
        )


@contextmanager
def bench_in(folder: Path) -> Iterator[Bench]:
    bench = Bench(folder)
    try:
        yield bench
    finally:
        bench.engine.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as made:
        yield made


def some(*numbers: int, name: str = "Ann") -> dict[str, tuple[str, str]]:
    return {f"C-{i}": (f"p{i}@example.com", name) for i in numbers}


def addresses(*numbers: int) -> set[str]:
    return {address for address, _name in some(*numbers).values()}


def test_who_is_unchanged_is_not_sent_again(bench: Bench) -> None:
    bench.people(some(*range(10)))
    first = bench.run()
    assert (first.totals.added, first.total) == (10, 10)
    again = bench.run()
    assert again.status is Status.SUCCESSFUL
    assert (again.totals.unchanged, again.totals.added, again.total, bench.target.sent) == (10, 0, 0, [])
    bench.people({**some(*range(10)), **some(3, name="Eve"), **some(11)})
    plan = bench.plan()
    assert (plan.changes.added, plan.changes.changed, plan.changes.unchanged) == (1, 1, 9)
    assert [(m.member, m.change, m.values["first_name"]) for m in plan.members] == [
        ("C-11", "added", "Ann"),
        ("C-3", "changed", "Eve"),
    ]
    third = bench.run()
    assert (third.totals.added, third.totals.updated, third.totals.unchanged) == (1, 1, 9)
    assert set(bench.target.sent) == addresses(3, 11)
    assert bench.target.members["p3@example.com"] == "Eve"


def test_no_value_is_not_an_empty_one_nor_another_fields_value(bench: Bench) -> None:
    bench.people({"C-1": ("p1@example.com", "-")})
    bench.run()
    for name, changed in ((" ", 1), ("1:-", 1), ("1:-", 0)):
        bench.people({"C-1": ("p1@example.com", name)})
        assert bench.plan().changes.changed == changed
        bench.run()


def test_a_mirror_takes_out_who_left_and_nobody_else(bench: Bench) -> None:
    bench.target.members["stranger@example.com"] = "Zoe"
    bench.people(some(1, 2, 3))
    bench.run(SyncMode.MIRROR)
    bench.people(some(2, 3))
    plan = bench.plan(SyncMode.MIRROR)
    assert (plan.changes.removed, plan.changes.unchanged) == (1, 2)
    assert [(m.member, m.values) for m in plan.members] == [("C-1", {"email": "p1@example.com"})]
    assert bench.run(SyncMode.MIRROR).totals.removed == 1
    assert set(bench.target.members) == {*addresses(2, 3), "stranger@example.com"}
    assert bench.plan(SyncMode.MIRROR).changes.removed == 0


def test_replace_takes_out_also_whom_sendoff_never_sent(bench: Bench) -> None:
    bench.target.members |= {"stranger@example.com": "Zoe", "p2@example.com": "There before"}
    bench.people(some(1, 2, 3))
    bench.run(SyncMode.MIRROR)
    bench.people(some(2, 3))
    plan = bench.plan(SyncMode.REPLACE)
    assert (plan.changes.removed, plan.changes.strangers, plan.changes.unchanged) == (2, 1, 2)
    assert [(m.member, m.values["email"]) for m in plan.members] == [
        ("", "stranger@example.com"),
        ("C-1", "p1@example.com"),
    ]
    assert [member.reason for member in plan.members] == [Reason(Says.NEVER_SENT), Reason(Says.GONE)]
    run = bench.run(SyncMode.REPLACE)
    assert (run.status, run.totals.removed, run.totals.unchanged) == (Status.SUCCESSFUL, 2, 2)
    assert bench.target.members == {"p2@example.com": "Ann", "p3@example.com": "Ann"}
    assert bench.plan(SyncMode.REPLACE).changes.to_send == 0
    assert bench.plan(SyncMode.MIRROR).changes.to_send == 0


def test_replace_goes_by_what_the_place_says(bench: Bench) -> None:
    bench.people(some(1, 2, 3))
    bench.run()
    del bench.target.members["p1@example.com"], bench.target.members["p3@example.com"]
    bench.people(some(1, 2))
    assert bench.plan().changes.unchanged == 2  # nobody told us that they are gone
    plan = bench.plan(SyncMode.REPLACE)
    assert (plan.changes.added, plan.changes.removed, plan.changes.unchanged) == (1, 0, 1)
    assert [member.reason for member in plan.members] == [Reason(Says.NOT_THERE)]
    bench.run(SyncMode.REPLACE)
    assert bench.target.sent == ["p1@example.com"]
    assert set(bench.target.members) == addresses(1, 2)
    assert bench.plan(SyncMode.MIRROR).changes.to_send == 0


def test_replace_leaves_whom_another_export_sends_there(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.run(SyncMode.UPDATE, id="e2")
    bench.people(some(2))
    bench.target.members["stranger@example.com"] = "Zoe"
    assert bench.plan(SyncMode.REPLACE).changes.removed == 1
    bench.run(SyncMode.REPLACE)
    assert set(bench.target.members) == addresses(1, 2)


@pytest.mark.parametrize("arrived", [True, False])
def test_replace_leaves_only_those_in_doubt_who_are_there(bench: Bench, arrived: bool) -> None:
    bench.people(some(*range(9)))
    bench.target.stops_at, bench.target.after_effect = 2, arrived
    assert bench.run(SyncMode.REPLACE).status is Status.FAILED
    bench.target.stops_at = 0
    plan = bench.plan(SyncMode.REPLACE)
    assert (plan.changes.added, plan.changes.changed, plan.changes.unchanged) == (6, 0, 3)
    assert plan.changes.in_doubt == (3 if arrived else 0)
    bench.run(SyncMode.REPLACE)
    assert bench.target.members == dict.fromkeys(addresses(*range(9)), "Ann")


def test_replace_asks_about_those_in_doubt(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being there does not tell that the newest values arrived: who has them is not sent again, who has not is."""
    monkeypatch.setattr(f"{__name__}.OF", description(batch_size=3, sync_modes=ALL_MODES, asks=True))
    monkeypatch.setattr(AudienceSession, "holds", _holds, raising=False)
    bench.people(some(*range(6)))
    bench.run(SyncMode.REPLACE)
    bench.people(some(*range(6), name="Bea"))
    bench.target.stops_at, bench.target.after_effect = 2, True
    assert bench.run(SyncMode.REPLACE).status is Status.FAILED
    arrived = {address for address, name in bench.target.members.items() if name == "Bea"}
    assert len(arrived) == 6
    overtaken = max(arrived)
    bench.target.members[overtaken] = "Zoe"
    bench.target.stops_at = 0
    assert bench.run(SyncMode.REPLACE).status is Status.SUCCESSFUL
    assert bench.target.sent == [overtaken]
    assert set(bench.target.members.values()) == {"Bea"}


def _holds(session: AudienceSession, members: Sequence[Member], _ctx: JobContext) -> list[bool]:
    held = session.audience.members
    return [held.get(member.values["email"] or "") == member.values["first_name"] for member in members]


def test_two_segments_do_not_replace_one_audience(bench: Bench) -> None:
    bench.people(some(1))
    others = (EVERYBODY, replace(EVERYBODY, id="s2", name="Others"))
    with pytest.raises(FixSettings) as caught:
        bench.plan(SyncMode.REPLACE, segments=("Everybody", "Others"), others=others)
    assert caught.value.code == "same_place"
    run = bench.run(SyncMode.REPLACE, segments=("Everybody", "Others"), others=others)
    assert (run.status, bench.target.requests) == (Status.FAILED, 0)
    assert bench.plan(SyncMode.MIRROR, segments=("Everybody", "Others"), others=others).changes.added == 2


def test_who_left_while_the_mode_was_another_leaves_with_the_first_mirror(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.run(SyncMode.UPDATE)
    bench.people(some(2))
    bench.run(SyncMode.UPDATE)
    assert set(bench.target.members) == addresses(1, 2)
    bench.run(SyncMode.MIRROR)
    assert set(bench.target.members) == addresses(2)


def test_add_changes_nobody_and_a_later_update_does(bench: Bench) -> None:
    bench.target.members["p1@example.com"] = "Old"
    bench.people(some(1, 2))
    assert (run := bench.run(SyncMode.ADD)).totals.added == 1
    assert run.totals.unchanged == 1
    assert bench.plan(SyncMode.ADD).changes.to_send == 0
    bench.people({**some(1), **some(2, name="Eve")})
    assert bench.plan(SyncMode.ADD).changes.to_send == 0
    assert bench.plan(SyncMode.UPDATE).changes.changed == 2
    bench.run(SyncMode.UPDATE)
    assert bench.target.members == {"p1@example.com": "Ann", "p2@example.com": "Eve"}


def test_rejected_members_are_tried_again(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.target.refused = frozenset(addresses(1))
    assert bench.run().totals.rejected == 1
    bench.target.refused = frozenset()
    assert bench.plan().changes.added == 1
    bench.run()
    assert bench.target.sent == ["p1@example.com"]


def test_who_was_on_the_way_when_it_stopped_and_left_since_is_taken_out(bench: Bench) -> None:
    bench.people(some(*range(9)))
    bench.target.stops_at, bench.target.after_effect = 2, True
    assert bench.run(SyncMode.MIRROR).status is Status.FAILED
    assert len(bench.target.members) == 6
    bench.target.stops_at = 0
    bench.people(some(0, 1, 2))
    plan = bench.plan(SyncMode.MIRROR)
    assert (plan.changes.removed, plan.changes.in_doubt, plan.changes.unchanged) == (3, 3, 3)
    bench.run(SyncMode.MIRROR)
    assert set(bench.target.members) == addresses(0, 1, 2)


def test_another_match_says_so_and_sends_everybody(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.run()
    plan = bench.plan(match={"email": "Customer.Email"})
    assert (plan.changes.changed, plan.segments[0].basis) == (2, Basis.MATCH)
    bench.run(match={"email": "Customer.Email"})
    assert bench.plan(match={"email": "Customer.Email"}).segments[0].basis is None


def test_a_place_that_is_gone_is_filled_again(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.run()
    bench.target.members, bench.target.there = {}, False
    assert bench.plan().changes.added == 2
    bench.run()
    assert set(bench.target.members) == addresses(1, 2)
    bench.export = export("Everybody", target={"list": "b"})
    assert bench.plan().changes.added == 2


def test_an_export_does_not_take_out_whom_another_one_sends_there(bench: Bench) -> None:
    bench.people(some(1, 2))
    bench.run(SyncMode.MIRROR, id="e2")
    bench.run(SyncMode.MIRROR)
    bench.people(some(2))
    plan = bench.plan(SyncMode.MIRROR)
    assert plan.changes.removed == 0
    assert bench.run(SyncMode.MIRROR).totals.removed == 0
    assert bench.run(SyncMode.MIRROR, id="e2").totals.removed == 1
    assert set(bench.target.members) == addresses(2)


def test_a_plan_that_is_looked_at_leaves_nothing_behind(bench: Bench) -> None:
    bench.people(some(1))
    bench.plan()
    folder = bench.engine.folder
    assert list((folder / "tmp").glob("plan-*")) == []
    assert not (folder / "sent").exists()
    left = folder / "tmp" / "plan-of-a-dead-process.parquet"
    left.touch()
    clear_looks(folder, datetime.now(UTC) - timedelta(days=1))
    assert left.exists()
    clear_looks(folder, datetime.now(UTC) + timedelta(days=1))
    assert not left.exists()


def test_the_notes_of_an_export_that_is_gone_go(bench: Bench) -> None:
    bench.people(some(1))
    bench.run()
    forget_export(bench.engine.folder, "e1")
    assert bench.plan().changes.added == 1


def test_a_line_that_was_half_written_counts_as_not_told(bench: Bench) -> None:
    bench.people(some(*range(6)))
    bench.target.stops_at = 2
    bench.run()
    (told,) = (bench.engine.folder / "sent").rglob("told.csv")
    for torn in ("3", "3,5", "3,5,add", "3,5,added,,"):
        told.write_text("0,2,sending\n0,2,added\n3,5,sending\n" + torn, "utf-8")
        assert bench.plan().changes.unchanged == 3 + 3 * (torn == "3,5,added,,")
    told.write_text("", "utf-8")
    assert bench.plan().changes.added == 6


def test_a_guard_holds_a_mirror_that_would_remove_too_many(bench: Bench) -> None:
    bench.people(some(*range(10)))
    assert bench.run(SyncMode.MIRROR, guard=Guard()).status is Status.SUCCESSFUL
    bench.people(some(*range(7)))
    assert (plan := bench.plan(SyncMode.MIRROR, guard=Guard())).held is not None
    run = bench.run(SyncMode.MIRROR, guard=Guard())
    assert (run.status, run.held, bench.target.requests) == (Status.HELD, plan.held, 0)
    assert run.held is not None
    assert run.held.sentence == "30.0% of the audience would be removed; your limit is 20%."
    assert run.held.cause is not None
    assert run.held.cause.detail == "Customer went from 10 to 7 rows since the last run."
    assert len(bench.target.members) == 10

    agreed = Approval("ann", NOW, run.held.changes, anyway=True)
    bench.people(some(*range(6)))
    assert bench.run(SyncMode.MIRROR, approval=agreed, guard=Guard()).status is Status.HELD
    bench.people(some(*range(7)))
    assert bench.run(SyncMode.MIRROR, approval=agreed, guard=Guard()).totals.removed == 3
    assert set(bench.target.members) == addresses(*range(7))


def test_an_emptied_segment_is_held_by_a_mirror_and_skipped_otherwise(bench: Bench) -> None:
    bench.people(some(*range(3)))
    bench.run(SyncMode.MIRROR)
    bench.people({})
    assert bench.run(SyncMode.UPDATE, guard=Guard()).status is Status.SKIPPED_TOO_SMALL
    run = bench.run(SyncMode.MIRROR, guard=Guard(removed_percent=None))
    assert run.status is Status.HELD
    assert run.held is not None
    assert run.held.sentence == "“Everybody” is empty now; all 3 members sent there would be removed."
    assert bench.run(SyncMode.MIRROR).totals.removed == 3
    assert bench.run(SyncMode.MIRROR, guard=Guard()).status is Status.SKIPPED_TOO_SMALL
    assert str(bench.plan(SyncMode.MIRROR).segments[0].skipped) == "Nobody in it can be sent."


def test_less_than_half_of_the_members_of_last_time_is_held(bench: Bench) -> None:
    bench.people(some(*range(20)))
    bench.run()
    bench.people(some(*range(9)))
    run = bench.run(guard=Guard())
    assert run.held is not None
    assert run.held.sentence == "“Everybody” has 9 members; the last run found 20."
    assert bench.run().status is Status.SUCCESSFUL
    assert bench.run(guard=Guard()).status is Status.SUCCESSFUL


persons = st.dictionaries(
    st.integers(0, 11).map(lambda i: f"C-{i}"),
    st.tuples(st.integers(0, 11).map(lambda i: f"p{i}@example.com"), st.sampled_from(["Ann", "Eve", ""])),
    min_size=1,
    max_size=12,
)
refusals = st.frozensets(st.integers(0, 11).map(lambda i: f"p{i}@example.com"), max_size=3)
steps = st.tuples(persons, st.sampled_from(ALL_MODES), refusals, st.integers(0, 6), st.booleans(), st.booleans())


def wanted_of(people: People) -> dict[str, str]:
    """First name by address; of several with one address the lowest key speaks."""
    wanted: dict[str, str] = {}
    for key in sorted(people):
        wanted.setdefault(people[key][0], people[key][1])
    return wanted


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
@given(history=st.lists(steps, min_size=1, max_size=4), last=persons, mode=st.sampled_from(ALL_MODES))
def test_whatever_happened_the_target_holds_what_it_should(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple], last: People, mode: SyncMode
) -> None:
    with bench_in(tmp_path_factory.mktemp("sent")) as bench:
        strangers = {"stranger@example.com": "Zoe", "p0@example.com": "There before"}
        bench.target.members = dict(strangers)
        ever: set[str] = set()
        for people, how, refused, stops_at, after_effect, whole in history:
            target = bench.target
            target.refused, target.stops_at, target.after_effect, target.whole_batches = (
                refused,
                stops_at,
                after_effect,
                whole,
            )
            bench.people(people)
            before = dict(target.members)
            planned = bench.plan(how).changes
            run = bench.run(how)
            ever |= {*target.sent, *wanted_of(people), *(strangers if how is SyncMode.REPLACE else ())}
            if run.status in {Status.SUCCESSFUL, Status.COMPLETED_WITH_REJECTS}:
                check_run(run, planned, before, bench, wanted_of(people), how)
            assert set(target.removed) <= ever
        bench.target.refused, bench.target.stops_at = frozenset(), 0
        bench.people(last)
        run = bench.run(mode)
        assert run.status is Status.SUCCESSFUL
        wanted = wanted_of(last)
        assert set(wanted) <= set(bench.target.members)
        if mode is not SyncMode.ADD:
            assert {address: bench.target.members[address] for address in wanted} == wanted
        if mode is SyncMode.MIRROR:
            assert set(bench.target.members) - set(wanted) <= set(strangers)
        if mode is SyncMode.REPLACE:
            assert bench.target.members == wanted
        bench.target.sent = []
        again = bench.run(mode)
        assert (again.totals.unchanged, bench.target.sent, bench.target.removed) == (len(wanted), [], [])


def check_run(
    run: Run, planned, before: Mapping[str, str], bench: Bench, wanted: Mapping[str, str], mode: SyncMode
) -> None:
    """A run that came to its end did what the plan said, and sent nobody twice."""
    totals = run.totals
    assert run.total == planned.to_send == run.done
    assert totals.removed + totals.added + totals.updated + totals.unchanged + totals.rejected == (
        planned.to_send + planned.unchanged
    )
    assert len(set(bench.target.sent)) == len(bench.target.sent)
    if mode is not SyncMode.ADD and not planned.in_doubt:
        assert totals.unchanged == planned.unchanged
        same = {a for a, name in wanted.items() if before.get(a) == name}
        assert planned.changed + planned.added >= len(set(wanted) - same) - totals.rejected
