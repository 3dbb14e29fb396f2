from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.counts import Limits, Verdict
from app.core.errors import FixData
from app.core.identifiers import normalise
from app.core.segment_documents import parse
from app.core.segments import FieldRef, Segment
from app.core.suppression import ContactKind
from app.core.tables import Catalog, Link, Table, TableRole
from app.data import count_query, samples_of_rows
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity, MatchedField
from app.data.workspace_rows import Scope
from app.jobs import Cancelled, JobContext
from tests.data.rows import WHEN, add_list, add_table

EMAIL = MatchedField(FieldRef("Customer", "Email"), "email")
CONTACTS = ((EMAIL.field, ContactKind.EMAIL),)
SPEC = CountSpec(Identity((("email", EMAIL),), consent=FieldRef("Customer", "OptIn")))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


def customers(*rows: tuple[Any, ...]) -> pa.Table:
    names = ["Id", "Email", "Country", "OptIn"]
    types = [pa.string(), pa.string(), pa.string(), pa.bool_()]
    columns = list(zip(*rows, strict=True)) if rows else [[]] * 4
    return pa.table({n: pa.array(list(c), t) for n, c, t in zip(names, columns, types, strict=True)})


def segment(name: str, *conditions: dict[str, Any], mode: str = "all") -> Segment:
    return parse({"name": name, "rules": [{mode: list(conditions)}]}, segment_id=name)


def scope_of(table: Table, *segments: Segment, others: tuple[Table, ...] = (), links: tuple[Link, ...] = ()) -> Scope:
    return Scope(Catalog((table, *others), links), segments, WHEN)


GERMANS = segment("Germans", {"field": "Customer.Country", "is": "DE"})
EVERYBODY = segment("Everybody", {"field": "Customer.Id", "is_not_empty": True})


def test_every_number(engine: DuckDBEngine) -> None:
    table = add_table(
        engine,
        "Customer",
        customers(
            ("1", " A@x.de ", "DE", True),
            ("2", "a@x.de", "DE", True),
            ("3", "b@x.de", "DE", False),
            ("4", "c@x.de", "DE", True),
            ("5", "not one", "DE", True),
            ("6", None, "DE", True),
            ("7", "d@x.de", "DE", None),
            ("8", "c@x.de", "FR", False),
            ("9", "e@x.de", "FR", True),
        ),
        key="Id",
        role=TableRole.CUSTOMER,
    )
    found = Counter(engine).count(scope_of(table, GERMANS), GERMANS, SPEC, JobContext())
    assert (found.members, found.eligible, found.duplicates) == (7, 5, 1)
    # b refuses, and c refuses in another row of another country
    assert (found.no_consent, found.suppressed, found.to_send) == (2, 0, 2)


def test_addresses_that_duckdb_hashes_alike_are_two(engine: DuckDBEngine) -> None:
    alike = ("person.2077993@example59.com", "person.9077993@example54.com")
    rows = customers(*((str(i), address, "DE", True) for i, address in enumerate(alike)))
    table = add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER)
    count = Counter(engine).count(scope_of(table), EVERYBODY, SPEC, JobContext())
    assert (count.to_send, count.duplicates) == (2, 0)


def test_the_suppression_list_and_empty_consent(engine: DuckDBEngine) -> None:
    table = add_table(
        engine,
        "Customer",
        customers(("1", "a@x.de", "DE", True), ("2", "b@x.de", "DE", None), ("3", "c@x.de", "DE", True)),
        key="Id",
        role=TableRole.CUSTOMER,
    )
    identity = Identity((("email", EMAIL),), FieldRef("Customer", "OptIn"), empty_refuses=True, contacts=CONTACTS)
    counter = Counter(engine)
    scope = replace(scope_of(table), suppression=add_list(engine, ["A@x.de", "b@x.de"]))
    found = counter.count(scope, GERMANS, CountSpec(identity), JobContext())
    assert (found.eligible, found.no_consent, found.suppressed, found.to_send) == (3, 1, 1, 1)
    without = counter.count(scope_of(table), GERMANS, CountSpec(identity), JobContext())
    assert (without.no_consent, without.suppressed, without.to_send) == (1, 0, 2)


def test_limits_give_a_verdict(engine: DuckDBEngine) -> None:
    table = add_table(engine, "Customer", customers(("1", "a@x.de", "DE", True)), key="Id", role=TableRole.CUSTOMER)
    spec = CountSpec(SPEC.identity, Limits(minimum=300))
    found = Counter(engine).count(scope_of(table), GERMANS, spec, JobContext())
    assert found.verdict is Verdict.TOO_SMALL
    assert found.reason


def test_a_new_generation_is_noticed(engine: DuckDBEngine) -> None:
    counter = Counter(engine)
    first = add_table(engine, "Customer", customers(("1", "a@x.de", "DE", True)), key="Id", role=TableRole.CUSTOMER)
    assert counter.count(scope_of(first), GERMANS, SPEC, JobContext()).members == 1
    rows = customers(("1", "a@x.de", "DE", True), ("2", "b@x.de", "DE", True))
    second = add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER, generation=2)
    assert counter.count(scope_of(second), GERMANS, SPEC, JobContext()).members == 2


def test_a_segment_with_issues_is_refused(engine: DuckDBEngine) -> None:
    table = add_table(engine, "Customer", customers(), key="Id", role=TableRole.CUSTOMER)
    with pytest.raises(FixData, match="no field “Shoe”"):
        Counter(engine).count(scope_of(table), segment("x", {"field": "Customer.Shoe", "is": 44}), SPEC, JobContext())


def test_cancel(engine: DuckDBEngine) -> None:
    table = add_table(engine, "Customer", customers(("1", "a", "b", True)), key="Id", role=TableRole.CUSTOMER)
    ctx = JobContext()
    ctx.token.cancel()
    with pytest.raises(Cancelled):
        Counter(engine).count(scope_of(table), GERMANS, SPEC, ctx)


def test_phone_or_email_and_a_linked_email(engine: DuckDBEngine) -> None:
    people = pa.table({"Id": ["1", "2", "3", "4"], "Phone": ["030 123456", None, "x", "030 123456"]})
    table = add_table(engine, "Customer", people, key="Id", role=TableRole.CUSTOMER)
    emails = pa.table({"N": [1, 2, 3, 4], "Who": ["2", "2", "3", "4"], "Email": ["", "b@x.de", "nope", "d@x.de"]})
    mails = add_table(engine, "Mail", emails, key="N")
    identity = Identity(
        (
            ("phone", MatchedField(FieldRef("Customer", "Phone"), "phone_e164")),
            ("email", MatchedField(FieldRef("Mail", "Email"), "email")),
        ),
        country="DE",
    )
    scope = scope_of(table, others=(mails,), links=(Link("Customer", "Id", "Mail", "Who"),))
    found = Counter(engine).count(scope, EVERYBODY, CountSpec(identity), JobContext())
    assert (found.members, found.eligible, found.duplicates, found.to_send) == (4, 3, 1, 2)


def test_counts_from_many_threads_while_columns_are_added(engine: DuckDBEngine) -> None:
    rows = customers(*((str(i), f"u{i}@x.de", "DE" if i % 2 else "FR", True) for i in range(2000)))
    table = add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER)
    counter = Counter(engine)
    questions = [
        (GERMANS, 1000),
        (EVERYBODY, 2000),
        (segment("e", {"field": "Customer.Email", "starts_with": "u1"}), 1111),
        (segment("o", {"field": "Customer.OptIn", "is": False}), 0),
    ]
    wrong: list[Any] = []

    def work(turn: int) -> None:
        for i in range(8):
            asked, members = questions[(turn + i) % len(questions)]
            try:
                found = counter.count(scope_of(table), asked, SPEC, JobContext()).members
            except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
                wrong.append(error)
            else:
                if found != members:
                    wrong.append((asked.name, found))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("number", [40, 3_000, 60_000, 200_000])
def test_an_estimate_is_near(engine: DuckDBEngine, number: int) -> None:
    """Also of tables of a few blocks of rows, of which a hundredth is one block, or none."""
    rows = customers(*((str(i), f"u{i}@x.de", "DE" if i % 4 else "FR", True) for i in range(number)))
    table = add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER)
    counter = Counter(engine)
    cold = counter.estimate(scope_of(table), GERMANS, JobContext())
    counter.warm(scope_of(table), [GERMANS], SPEC, JobContext())
    warm = counter.estimate(scope_of(table), GERMANS, JobContext())
    for estimate in (cold, warm):
        assert abs(estimate.members - number * 0.75) <= number * 0.02
        assert estimate.error <= max(number * 0.02, 2 * number**0.5)


def test_an_estimate_of_a_large_table_comes_from_places_all_over_it(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples_of_rows, "_LARGE", 100_000)
    rows = customers(*((str(i), f"u{i}@x.de", "DE" if i < 100_000 else "FR", True) for i in range(200_000)))
    table = add_table(engine, "Customer", rows, key="Id", role=TableRole.CUSTOMER)
    whole, empty = (segment("s", {"field": "Customer.Id", asked: True}) for asked in ("is_not_empty", "is_empty"))
    found = [Counter(engine).estimate(scope_of(table), one, JobContext()).members for one in (GERMANS, whole, empty)]
    assert found == [100_000, 200_000, 0]


emails = st.sampled_from([None, "", "no", "a@x.de", "A@x.de ", "b@x.de", "c@x.de", "d@x.de"])
people = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "4", "5", "6", " ", None]),
        emails,
        st.sampled_from("DF"),
        st.sampled_from([None, True, False]),
    ),
    max_size=12,
)


def by_hand(
    rows: list[tuple[Any, ...]], country: set[str], *, empty_refuses: bool
) -> dict[str, tuple[str | None, bool]]:
    """Members with their identifier and whether it refuses: lowest identifier of a key, any refusal of key or identifier."""
    filled = [row for row in rows if row[0] and row[0].strip()]
    known: dict[str, str | None] = {}
    for key, email, _, _ in filled:
        usable = normalise("email", email)
        before = known.get(key)
        known[key] = usable if before is None or (usable is not None and usable < before) else before
    refusing_keys = {r[0] for r in filled if r[3] is False or (r[3] is None and empty_refuses)}
    refused = {known[key] for key in refusing_keys}
    return {row[0]: (known[row[0]], known[row[0]] in refused) for row in filled if row[2] in country}


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are asked in parts however few rows there are, where there are hands for it."""
    monkeypatch.setattr(count_query, "_WORTH_PARTS", 0)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(rows=people, empty_refuses=st.booleans(), hands=st.sampled_from([1, 2]))
def test_numbers_are_those_found_by_hand(
    in_parts: None,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[Any, ...]],
    empty_refuses: bool,
    hands: int,
) -> None:
    engine = DuckDBEngine(tmp_path_factory.mktemp("w"), threads=1)
    engine.hands = hands
    try:
        table = add_table(engine, "Customer", customers(*rows), key="Id", role=TableRole.CUSTOMER)
        spec = CountSpec(Identity((("email", EMAIL),), FieldRef("Customer", "OptIn"), empty_refuses=empty_refuses))
        d = segment("D", {"field": "Customer.Country", "is": "D"})
        f = segment("F", {"field": "Customer.Country", "is": "F"})
        counter = Counter(engine)
        for asked, countries in ((d, {"D"}), (f, {"F"})):
            found = counter.count(scope_of(table), asked, spec, JobContext())
            members = by_hand(rows, countries, empty_refuses=empty_refuses)
            usable = {identifier: no for identifier, no in members.values() if identifier is not None}
            assert found.members == len(members)
            assert found.eligible == sum(identifier is not None for identifier, _ in members.values())
            assert found.duplicates == found.eligible - len(usable)
            assert found.no_consent == sum(usable.values())
            assert found.to_send == len(usable) - sum(usable.values())
        total = counter.totals(scope_of(table), [d, f], spec, JobContext())
        both = {i: no for i, no in by_hand(rows, {"D", "F"}, empty_refuses=empty_refuses).values() if i is not None}
        assert total.to_send == len(both) - sum(both.values())
        gone = total.not_eligible + total.duplicates + total.in_several + total.no_consent + total.suppressed
        assert total.members - gone == total.to_send
    finally:
        engine.close()
