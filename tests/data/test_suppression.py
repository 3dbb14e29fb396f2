from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from app.core.identifiers import normalise
from app.core.segments import FieldRef
from app.core.suppression import ContactKind, ListFacts, contact_columns, digest_of, entry_of
from app.core.tables import Meaning, Table, TableRole
from app.data import suppression
from app.data.counting import Counter, CountSpec
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity, MatchedField
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.jobs import Cancelled, JobContext
from tests.data.rows import SALT, Stream, add_list, add_table
from tests.data.test_counting import EMAIL, EVERYBODY, scope_of
from tests.data.test_identifiers_sql import countries, values

CONTACTS = ((FieldRef("Customer", "Email"), ContactKind.EMAIL), (FieldRef("Customer", "Phone"), ContactKind.PHONE))
CONSENT = FieldRef("Customer", "OptIn")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


def people(*rows: tuple[Any, ...]) -> pa.Table:
    names, types = ["Id", "Email", "Phone", "OptIn"], [pa.string()] * 3 + [pa.bool_()]
    columns = list(zip(*rows, strict=True)) if rows else [[]] * 4
    return pa.table({n: pa.array(list(c), t) for n, c, t in zip(names, columns, types, strict=True)})


def add_people(engine: DuckDBEngine, *rows: tuple[Any, ...]) -> Table:
    meanings = {"Email": Meaning.EMAIL, "Phone": Meaning.PHONE}
    return add_table(engine, "Customer", people(*rows), key="Id", role=TableRole.CUSTOMER, meanings=meanings)


hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)


@settings(max_examples=12)
@given(
    texts=st.lists(st.none() | values | hashes | hashes.map(str.upper) | hashes.map(" {}\n".format), max_size=30),
    country=countries,
    salt=st.binary(min_size=16, max_size=16),
)
def test_sql_makes_the_entries_that_python_makes(texts: list[str | None], country: str, salt: bytes) -> None:
    for kind in ContactKind:
        digests = [None if text is None else digest_of(text, kind, country) for text in texts]
        wanted = [None if digest is None else entry_of(salt, digest) for digest in digests]
        expression = suppression.entry(salt, suppression.digest(exp.column("v", table="t"), kind, country))
        with duckdb.connect() as connection:
            connection.register("t", pa.table({"n": range(len(texts)), "v": pa.array(texts, pa.string())}))
            query = exp.select(expression).from_("t").order_by("n").sql("duckdb")
            assert [row[0] for row in connection.execute(query).fetchall()] == wanted


def test_an_entry_is_what_the_words_say() -> None:
    inner = hashlib.sha256(b"a@x.de").digest()
    assert digest_of(" A@X.de", ContactKind.EMAIL, "DE") == inner
    assert entry_of(SALT, inner) == hashlib.sha256(SALT + inner).digest()
    assert digest_of(inner.hex().upper(), ContactKind.PHONE, "DE") == inner
    assert digest_of("José@X.de\n", ContactKind.EMAIL, "DE") == hashlib.sha256("josé@x.de".encode()).digest()
    assert digest_of("nobody", ContactKind.EMAIL, "DE") is None
    assert digest_of("030 123456", ContactKind.PHONE, "DE") == hashlib.sha256(b"+4930123456").digest()


def test_any_contact_of_any_row_keeps_the_member_back(engine: DuckDBEngine) -> None:
    rows = (
        ("1", "a@x.de", None, True),
        ("2", "b@x.de", "030 123456", True),  # listed by phone, whatever the target's key
        ("3", "B@x.de ", None, True),  # the same person to the target as 2
        ("4", None, "030 765432", True),  # not eligible by e-mail; counts as that
        ("5", "e@x.de", "+49 30 123456", False),  # refuses, which is told first
        ("6", "f@x.de", "", True),
    )
    table = add_people(engine, *rows)
    scope = replace(scope_of(table), suppression=add_list(engine, ["A@X.DE"], ["+4930123456", "+4930765432"]))
    identity = Identity((("email", EMAIL),), CONSENT, country="DE", contacts=CONTACTS)
    found = Counter(engine).count(scope, EVERYBODY, CountSpec(identity), JobContext())
    assert (found.members, found.eligible, found.duplicates) == (6, 5, 1)
    assert (found.no_consent, found.suppressed, found.to_send) == (1, 2, 1)
    spec = MemberSpec({"email": EMAIL}, identity)
    [[row]] = Stream(engine, scope, EVERYBODY, spec, 10, JobContext())
    assert row.key == "6"
    assert Members(engine).suppressed(scope, EVERYBODY, spec, JobContext()) == 2
    assert [row.key for row in Members(engine).sample(scope, EVERYBODY, spec, 10, JobContext())] == ["3", "6"]


def test_an_abroad_number_needs_the_country(engine: DuckDBEngine) -> None:
    table = add_people(engine, ("1", "a@x.de", "030 123456", True))
    scope = replace(scope_of(table), suppression=add_list(engine, phones=["+4930123456"]))
    for country, listed in (("DE", 1), ("AT", 0)):
        identity = Identity((("email", EMAIL),), country=country, contacts=CONTACTS)
        found = Counter(engine).count(scope, EVERYBODY, CountSpec(identity), JobContext())
        assert found.suppressed == listed


def test_a_list_of_one_kind_asks_no_other_column(engine: DuckDBEngine) -> None:
    table = add_people(engine, ("1", "a@x.de", "030 123456", True))
    facts = add_list(engine, ["a@x.de"])
    listed = suppression.ListedValues(engine)
    token = JobContext().token
    columns = {kind: column for column, kind in contact_columns(table)}
    assert listed.of(facts, table, columns[ContactKind.PHONE], ContactKind.PHONE, "DE", token) is None
    assert listed.of(facts, table, columns[ContactKind.EMAIL], ContactKind.EMAIL, "DE", token) is not None
    assert len(listed._known) == 1


def test_a_new_generation_of_the_list_is_noticed(engine: DuckDBEngine) -> None:
    table = add_people(engine, ("1", "a@x.de", None, True), ("2", "b@x.de", None, True))
    counter, spec = Counter(engine), CountSpec(Identity((("email", EMAIL),), contacts=CONTACTS))
    other = CountSpec(Identity((("phone", MatchedField(FieldRef("Customer", "Phone"), "phone_e164")),)))
    assert counter.count(scope_of(table), EVERYBODY, spec, JobContext()).to_send == 2
    for emails, left in ((["a@x.de"], 1), (["a@x.de", "b@x.de"], 0), (["c@x.de"], 2)):
        scope = replace(scope_of(table), suppression=add_list(engine, emails))
        assert counter.count(scope, EVERYBODY, spec, JobContext()).to_send == left
        assert counter.count(scope, EVERYBODY, other, JobContext()).suppressed == 0
    assert counter.count(scope_of(table), EVERYBODY, spec, JobContext()).suppressed == 0


def test_cancelled_while_asked(engine: DuckDBEngine) -> None:
    table = add_people(engine, ("1", "a@x.de", None, True))
    ctx = JobContext()
    ctx.token.cancel()
    listed = suppression.ListedValues(engine)
    with pytest.raises(Cancelled):
        listed.of(add_list(engine, ["a@x.de"]), table, table.columns[1], ContactKind.EMAIL, "DE", ctx.token)
    assert not listed._known


def test_old_files_go_and_the_one_in_use_stays(tmp_path: Path) -> None:
    for generation in ("old", "now", "new"):
        suppression.write_list(tmp_path, generation, [[b"x" * 32], [b"y" * 32]])
    long_ago = time.time() - suppression.KEEP_OLD_SECONDS - 60
    for generation in ("old", "now"):
        os.utime(suppression.list_file(tmp_path, generation), (long_ago, long_ago))
    suppression.clear_away(tmp_path, "now")
    assert sorted(path.stem for path in (tmp_path / "data" / "suppression").iterdir()) == ["new", "now"]


def test_a_list_half_written_is_not_there(tmp_path: Path) -> None:
    def broken() -> Iterator[list[bytes]]:
        yield [b"x" * 32]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        suppression.write_list(tmp_path, "g", broken())
    assert list((tmp_path / "data" / "suppression").iterdir()) == []


contacts = st.sampled_from([None, "", "no", "a@x.de", "A@x.de ", "b@x.de", "c@x.de", "É@x.de"])
phones = st.sampled_from([None, "x", "030 123456", "+49 (0)30 123456", "030 765432"])
keys = st.sampled_from(["1", "2", "3", "4", "5", " ", None])
rows_of_people = st.lists(st.tuples(keys, contacts, phones, st.sampled_from([None, True, False])), max_size=12)


def left_by_hand(rows: list[tuple[Any, ...]], on_list: set[str | None]) -> tuple[set[str], set[str]]:
    """The e-mail identifiers to send and those kept back by the list: lowest of a key, any row of key or identifier."""
    filled = [row for row in rows if row[0] and row[0].strip()]
    mails: dict[str, set[str]] = {}
    for key, email, *_ in filled:
        mails.setdefault(key, set()).update(filter(None, [normalise("email", email)]))
    known = {key: min(found) for key, found in mails.items() if found}
    refusing = {known.get(row[0]) for row in filled if row[3] is False}
    listed = {
        known.get(row[0])
        for row in filled
        if {normalise("email", row[1]), normalise("phone_e164", row[2], "DE")} & on_list - {None}
    }
    everybody = set(known.values())
    return everybody - refusing - listed, everybody & listed - refusing


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    rows=rows_of_people,
    emails=st.sets(st.sampled_from(["a@x.de", "b@x.de", "z@x.de"])),
    numbers=st.sets(st.sampled_from(["+4930123456", "+4930999999"])),
    hashed=st.booleans(),
)
def test_members_and_counts_are_those_found_by_hand(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[Any, ...]],
    emails: set[str],
    numbers: set[str],
    hashed: bool,
) -> None:
    engine = DuckDBEngine(tmp_path_factory.mktemp("s"), threads=1)
    try:
        table = add_people(engine, *rows)
        given = {hashlib.sha256(e.encode()).hexdigest() for e in emails} if hashed else emails
        facts: ListFacts | None = add_list(engine, given, numbers) if emails or numbers else None
        scope = replace(scope_of(table), suppression=facts)
        identity = Identity((("email", EMAIL),), CONSENT, country="DE", contacts=CONTACTS)
        spec = MemberSpec({"email": EMAIL}, identity)
        to_send, kept_back = left_by_hand(rows, emails | numbers)
        count = Counter(engine).count(scope, EVERYBODY, CountSpec(identity), JobContext())
        assert (count.to_send, count.suppressed) == (len(to_send), len(kept_back))
        read = [row for part in Stream(engine, scope, EVERYBODY, spec, 5, JobContext()) for row in part]
        assert sorted(str(row.values["email"]) for row in read) == sorted(to_send)
        assert Members(engine).suppressed(scope, EVERYBODY, spec, JobContext()) == len(kept_back)
    finally:
        engine.close()
