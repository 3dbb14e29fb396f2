from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from app.core import identifiers
from app.core.phone_plans import PLANS
from app.core.place_names import LANGUAGES
from app.data import identifiers_sql

letters = st.characters(codec="utf-8", exclude_characters="\x00")
free = st.text(letters, max_size=24)
emails = st.from_regex(r"\A *[A-Za-z0-9.+_ü-]{0,5}@?[a-zA-Z0-9.-]{1,8}[.@][A-Za-z]{1,3} *\Z")
phones = st.from_regex(
    r"\A *(\+|00|0|011|8|06|1|)[0-9]{0,3}[ ()./\u00a0-]{0,2}(\(0\))?[0-9]{0,4}[ ./-]?[0-9]{0,9}x?\Z"
) | st.builds(
    lambda plan, rest, plus: f"{plus}{plan.code}{rest}",
    st.sampled_from(sorted(PLANS.values(), key=lambda p: p.code)),
    st.from_regex(r"\A[0-9]{4,13}\Z"),
    st.sampled_from(["+", "00", ""]),
)
dates = (
    st.dates().map(str)
    | st.from_regex(r"\A[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{3,4}\Z")
    | st.from_regex(r"\A[0-9]{7,8}\Z")
)
places = st.sampled_from([*identifiers.COUNTRY_CODES, *identifiers.LANGUAGE_CODES, *LANGUAGES]).map(str.title)
tags = st.from_regex(r"\A[a-zA-Z]{2}[-_]?[A-Za-z]{0,3}\Z")
hashes = st.from_regex(r"\A ?[0-9a-fA-F]{63,65}\n?\Z")
sites = st.from_regex(
    r"\A(https?://|ftp:|)([a-z]{0,3}@)?(www\.|)[A-Za-z0-9-]{0,5}[.:@/]{1,2}[a-z0-9]{1,4}\.?(:8|)([/?#][a-z]?\n?)?\Z"
)
postal = st.from_regex(r"\A *[a-z0-9]{1,5}[ \t-]{0,3}[A-Z0-9]{0,6} *\Z")
names = st.from_regex(r"\A *[A-Za-zÉéß’'. -]{1,9} *\Z") | st.sampled_from([*identifiers.GENDERS, "DIVERS"]).map(
    str.title
)
nine_digits = st.from_regex(r"\A[0-9]{5}-?[0-9]{3,4}\Z")
google = st.from_regex(r"\A *[a-zA-Z.+]{1,8}@(gmail|GoogleMail|gmail.com|mail)[.]com *\n?\Z")
values = google | names | nine_digits | free | emails | hashes | sites | phones | dates | places | tags | postal
countries = st.sampled_from([*PLANS, "XX"])


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@cache
def words(rule: str, country: str) -> str:
    """The rule as a query; for phone numbers that is 50,000 letters."""
    expression = identifiers_sql.normalise(rule, exp.column("v", table="t", quoted=True), country)
    query = exp.Select().select(exp.alias_(expression, "x", copy=False), copy=False)
    return query.from_("t", copy=False).order_by("n", copy=False).sql("duckdb", copy=False)


def in_sql(connection: duckdb.DuckDBPyConnection, rule: str, texts: list[str | None], country: str) -> list[str | None]:
    table = pa.table({"n": range(len(texts)), "v": pa.array(texts, pa.string())})
    connection.register("t", table)
    return [row[0] for row in connection.execute(words(rule, country)).fetchall()]


def agrees(connection: duckdb.DuckDBPyConnection, rule: str, texts: list[str | None], country: str) -> None:
    wanted = [identifiers.normalise(rule, text, country) for text in texts]
    assert list(zip(texts, in_sql(connection, rule, texts, country), strict=True)) == list(
        zip(texts, wanted, strict=True)
    )


@pytest.mark.parametrize("rule", sorted(identifiers.HASHES))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.none() | values, min_size=20, max_size=40), country=countries)
def test_sql_hashes_as_python_does(
    connection: duckdb.DuckDBPyConnection, rule: str, texts: list[str | None], country: str
) -> None:
    agrees(connection, rule, texts, country)


@pytest.mark.parametrize("rule", sorted(identifiers.RULES.keys() - identifiers.HASHES.keys()))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.none() | values, min_size=20, max_size=40), country=countries)
def test_sql_says_what_python_says(
    connection: duckdb.DuckDBPyConnection, rule: str, texts: list[str | None], country: str
) -> None:
    agrees(connection, rule, texts, country)


PLAIN = [
    ("google_email", "Ada.Lovelace+x@shop.example", "US", "ada.lovelace+x@shop.example"),
    ("google_email", "a.d.a@gmail.com.example", "US", "a.d.a@gmail.com.example"),
    ("google_email", "ada@gmail.com+x", "US", None),
    ("google_email", "+x@gmail.com", "US", None),
    ("phone_digits", "+1 (650) 555-1212", "US", "16505551212"),
    ("bare_name", "  Mary-Ann O’Neil ", "US", "maryann oneil"),
    ("bare_name", "Valéry", "FR", "valéry"),
    ("bare_place", "Saint-Denis la Plaine", "FR", "saintdenislaplaine"),
    ("bare_postal_code", "94035-1234", "US", "94035"),
    ("bare_postal_code", "SW1A 1AA", "GB", "sw1a1aa"),
    ("country_lower", "Deutschland", "DE", "de"),
    ("initial", " 'Élodie", "FR", "é"),
    ("initial", " - ", "FR", None),
    ("birth_year", "31.3.1985", "DE", "1985"),
    ("birth_month", "3/31/1985", "US", "03"),
    ("birth_day", "1985-03-31T00:00", "DE", "31"),
    ("gender", "divers", "DE", None),
]


@pytest.mark.parametrize(("rule", "text", "country", "answer"), PLAIN)
def test_what_is_hashed(
    connection: duckdb.DuckDBPyConnection, rule: str, text: str, country: str, answer: str | None
) -> None:
    assert identifiers.normalise(rule, text, country) == answer
    assert in_sql(connection, rule, [text], country) == [answer]


@pytest.mark.parametrize("dialect", ["postgres", "spark"])
@pytest.mark.parametrize("rule", sorted(identifiers.RULES))
def test_other_dialects_can_write_it(rule: str, dialect: str) -> None:
    assert identifiers_sql.normalise(rule, exp.column("v"), "DE").sql(dialect)


def test_upper_case_agrees_letter_by_letter(connection: duckdb.DuckDBPyConnection) -> None:
    """Every letter there is, each as a value of its own: folding differs between libraries exactly in the odd ones."""
    texts: list[str | None] = [chr(i) for i in range(1, 0x2FFF)]
    for rule in ("postal_code", "lower"):
        assert in_sql(connection, rule, texts, "DE") == [identifiers.normalise(rule, t, "DE") for t in texts]
