"""Queries of members are put together in place: what stands in one of them must be nowhere else, nor twice in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from sqlglot import exp

from app.core.segments import FieldRef
from app.core.suppression import ContactKind
from app.core.tables import Catalog, Link, TableRole
from app.data.engines.duckdb import DuckDBEngine
from app.data.identity import Identity, MatchedField
from app.data.member_query import MemberQuestion, MemberSpec
from app.data.suppression import ListedValues
from app.data.workspace_rows import KeyFacts, Scope, exact_sql
from app.jobs import CancelToken
from tests.data.rows import WHEN, add_list, add_table
from tests.data.test_counting import segment

EMAIL = MatchedField(FieldRef("Customer", "Email"), "email", longest=60)
CODE = MatchedField(FieldRef("Cards", "Code"))
CONSENT = FieldRef("Customer", "OptIn")
IDENTITIES = [
    Identity((("email", EMAIL), ("code", CODE)), CONSENT, contacts=((EMAIL.field, ContactKind.EMAIL),)),
    Identity((("email", EMAIL),)),
    Identity(consent=CONSENT, known_by=((EMAIL,), (CODE, EMAIL))),
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path, threads=1)
    yield engine
    engine.close()


@pytest.fixture(params=[True, False], ids=["one row each", "several rows"])
def question(request: pytest.FixtureRequest, engine: DuckDBEngine) -> MemberQuestion:
    keys = ["1", "2"] if request.param else ["1", "1"]
    customers = pa.table({"Id": keys, "Email": ["a@x.de", None], "OptIn": ["yes", "no"]})
    tables = (
        add_table(engine, "Customer", customers, key="Id", role=TableRole.CUSTOMER),
        add_table(engine, "Cards", pa.table({"CustomerId": ["1"], "Code": ["x"]}), key=None),
    )
    asked = segment("Asked", {"field": "Customer.Email", "is_not_empty": True})
    links = (Link("Customer", "Id", "Cards", "CustomerId"),)
    scope = Scope(Catalog(tables, links), (asked,), WHEN, suppression=add_list(engine, ["a@x.de"]))
    sql = exact_sql(engine, KeyFacts(engine), scope, CancelToken(), ListedValues(engine))
    return MemberQuestion(sql, asked, tables[0], MemberSpec({"mail": EMAIL, "code": CODE}))


def queries(question: MemberQuestion) -> list[exp.Expr | None]:
    """One of each kind."""
    listed = [
        question.winners(),
        question.held_back("SELECT 'x' AS identifier"),
        question.known(),
        question.chosen(keys=True),
        question.chosen_among("some"),
        question.without_identifier(),
        question.unsent({}),
        question.steps_of("1"),
        question.sampled(3),
        question.looked_at(3),
        question.covered(),
        question.reached(),
    ]
    return [*listed, question.chosen_of_all(some_unknown=True)] if question.unique else listed


@pytest.mark.parametrize("identity", IDENTITIES, ids=["two keys", "one key", "known by fields"])
def test_nothing_stands_in_two_places(question: MemberQuestion, identity: Identity) -> None:
    question = replace(question, spec=replace(question.spec, identity=identity))
    made = [query for query in queries(question) if query is not None]
    nodes = [id(node) for query in made for node in query.walk()]
    assert len(nodes) == len(set(nodes))
    words = [query.sql("duckdb") for query in made]
    assert [query.sql("duckdb", copy=False) for query in made] == words
