"""What is noted beside a plan while it is sent gives what became of each member, however it was cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.exports import SyncMode
from app.data.engines.duckdb import DuckDBEngine
from app.data.run_changes import NOT_SENT, SENDING, THERE, changes_query
from app.data.sent import Held, Told, pending
from app.jobs import CancelToken

ROWS = 300
WORDS = ("added", "updated", "unchanged", "rejected", "invalid")

rows = st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=40).map(sorted)
others = st.dictionaries(st.integers(0, 39), st.sampled_from(WORDS), max_size=6)
batches = st.tuples(rows, st.sampled_from((None, *WORDS)), others)
stretches = st.tuples(st.integers(0, ROWS - 1), st.integers(1, 40)).map(lambda at: range(at[0], min(sum(at), ROWS)))
torn = st.sampled_from(["", "7", "7,9", "7,9,add", "7,9,added,,\n", "\x00\x00\n8,8,updat", ",,\n", "9,7,added\n"])


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    engine = DuckDBEngine(tmp_path_factory.mktemp("told"), threads=1)
    made = Held.of(engine, "e1", "list", "Everybody")
    made.folder.mkdir(parents=True)
    numbers = range(ROWS)
    plan = {
        "change": ["added" if i % 7 else "released" for i in numbers],
        "identifier": [f"email:p{i}" for i in numbers],
        "member": [str(i) for i in numbers],
    }
    payload = pa.nulls(ROWS, pa.string())
    pq.write_table(pa.table(plan).append_column("payload", payload), made.plan_path)
    yield made
    engine.close()


@settings(max_examples=60)
@given(sent=st.lists(batches, max_size=8), mode=st.sampled_from(SyncMode), tail=torn)
def test_the_last_word_on_each_member_counts_and_torn_lines_do_not(
    held: Held, sent: Sequence[tuple[list[int], str | None, Mapping[int, str]]], mode: SyncMode, tail: str
) -> None:
    expected = tell(held, sent, mode, tail)
    assert became(held) == expected


@settings(max_examples=40)
@given(sent=st.lists(st.tuples(stretches, st.sampled_from((None, "added")), st.just({})), max_size=80))
def test_neighbouring_batches_are_told_as_one_and_come_to_the_same(
    held: Held, sent: Sequence[tuple[range, str | None, Mapping[int, str]]]
) -> None:
    expected = tell(held, sent, SyncMode.UPDATE, "")
    assert became(held) == expected


def tell(
    held: Held,
    sent: Sequence[tuple[Sequence[int], str | None, Mapping[int, str]]],
    mode: SyncMode,
    tail: str,
) -> dict[str, str]:
    """Note all that, and say what it comes to: of several outcomes of a member the last one of the alphabet."""
    path = held.folder / "told.csv"
    path.unlink(missing_ok=True)
    told = Told(held, mode)
    outcomes: dict[int, set[str]] = {}
    for batch, what, differently in sent:
        told.sending(batch)
        words = [differently.get(place, what) if what else SENDING for place in range(len(batch))]
        if what:
            told.settled(batch, what, differently)
        for row, word in zip(batch, words, strict=True):
            there = mode is SyncMode.ADD and word == "unchanged"
            outcomes.setdefault(row, set()).add(THERE if there else word)
    told.close()
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(tail)
    if tail == "7,9,added,,\n":
        for row in (7, 8, 9):
            outcomes.setdefault(row, set()).add("added")
    return {
        str(row): max(outcomes.get(row, set()) - {SENDING}, default=SENDING if row in outcomes else NOT_SENT)
        for row in range(ROWS)
        if row % 7
    }


def became(held: Held) -> dict[str, str]:
    """What the notes make of each member of the plan."""
    plan, told = pending(held.folder)
    assert plan is not None
    with held.engine.cursor(CancelToken()) as cursor:
        found = cursor.execute(f"SELECT member, what::VARCHAR FROM ({changes_query(cursor, plan, told)})")
        return dict(found.fetchall())
