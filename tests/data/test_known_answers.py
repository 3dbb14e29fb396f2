"""What vendors publish as the answers of their own normalising and hashing, given by both of ours: for one value and in SQL.

LinkedIn and Microsoft publish the rule alone (trimmed, lower case, SHA-256 in hexadecimal), no answers; theirs are those of a
connector others run in earnest (segmentio/action-destinations).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest

from app.core import identifiers
from app.destinations.registry import description
from tests.data.test_identifiers_sql import in_sql

META = "Meta, Conversions API: customer information parameters"
GOOGLE = "Google, Data Manager API: tests of its formatting library (googleads/data-manager-python)"
GOOGLE_PAGE = "Google, Data Manager API: format user data"
CRITEO = "Criteo, Publisher SDK: hashed e-mail addresses"
LINKEDIN = "segmentio/action-destinations, LinkedIn audiences"
MICROSOFT = "segmentio/action-destinations, Microsoft Bing Ads audiences"

JOHN_SMITH = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
US = "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"
ALEXZ = "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"
PHONE = "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"
GIVEN_NAME = "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814"
FAMILY_NAME = "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574"


@dataclass(frozen=True)
class Vector:
    """`rule` is the one a field of the destination names, or what that one hashes."""

    destination: str
    source: str
    rule: str
    text: str
    answer: str | None
    country: str = "US"

    def __str__(self) -> str:
        return f"{self.destination}-{self.rule}-{self.text.strip()}"


VECTORS = [
    Vector("meta-ads", META, "email_sha256", " John_Smith@gmail.com ", JOHN_SMITH),
    Vector(
        "meta-ads",
        META,
        "phone_digits_sha256",
        "(650)555-1212",
        "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    ),
    Vector(
        "meta-ads",
        META,
        "name_sha256",
        "Mary",
        "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    ),
    Vector(
        "meta-ads",
        META,
        "name_sha256",
        "Valéry",
        "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
        "FR",
    ),
    Vector(
        "meta-ads",
        META,
        "name_sha256",
        "정",
        "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
        "KR",
    ),
    Vector("meta-ads", META, "country_sha256", "United States", US),
    Vector("meta-ads", META, "birth_year", "2/16/1997", "1997"),
    Vector("meta-ads", META, "birth_month", "2/16/1997", "02"),
    Vector("meta-ads", META, "birth_day", "2/16/1997", "16"),
    Vector("meta-ads", META, "gender", "Female", "f"),
    Vector("meta-ads", META, "bare_place", "New York", "newyork"),
    Vector("meta-ads", META, "bare_postal_code", "94035", "94035"),
    *(
        Vector("google-ads", GOOGLE, "google_email_sha256", text, ALEXZ)
        for text in ("alexz@example.com", "  ALEXZ@example.com   ", "  alexz@EXAMPLE.com   ")
    ),
    Vector("google-ads", GOOGLE, "google_email", "QuinnY@EXAMPLE.com", "quinny@example.com"),
    Vector("google-ads", GOOGLE, "google_email", "Jefferson.Loves.hiking@gmail.com", "jeffersonloveshiking@gmail.com"),
    Vector(
        "google-ads",
        GOOGLE,
        "google_email",
        "Jefferson.LOVES.Hiking@googlemail.com",
        "jeffersonloveshiking@googlemail.com",
    ),
    Vector("google-ads", GOOGLE, "google_email", " ...@gmail.com", None),
    Vector(
        "google-ads",
        GOOGLE_PAGE,
        "google_email",
        "cloudy.sanfrancisco+shopping@gmail.com",
        "cloudysanfrancisco@gmail.com",
    ),
    Vector("google-ads", GOOGLE_PAGE, "google_email", "user.name+NYC@Example.com", "user.name+nyc@example.com"),
    *(
        Vector("google-ads", GOOGLE, "phone_sha256", text, PHONE)
        for text in ("+18005550100", "   +1-800-555-0100", "1-800-555-0100   ", "1 800 555 0100")
    ),
    Vector("google-ads", GOOGLE_PAGE, "phone_e164", "(800)555-0100", "+18005550100"),
    Vector("google-ads", GOOGLE, "phone_e164", "+44-113-496-0987", "+441134960987"),
    Vector("google-ads", GOOGLE, "name_sha256", "  GivenName  ", GIVEN_NAME),
    Vector("google-ads", GOOGLE, "name_sha256", "  FamilyName ", FAMILY_NAME),
    Vector("google-ads", GOOGLE, "country_iso", " uS ", "US"),
    Vector("google-ads", GOOGLE, "postal_code", " 1229-076  ", "1229-076"),
    Vector(
        "criteo",
        CRITEO,
        "email_sha256",
        " John.Doe@gmail.com ",
        "375320dd9ae7ed408002f3768e16cb5f28c861062fd50dff9a3bff62e9dce4ef",
    ),
    Vector(
        "microsoft-advertising",
        MICROSOFT,
        "email_sha256",
        "demo@segment.com",
        "5a95f052958dac8ed1d66d74eb481b3ccdbbc953b583c5ff0325be6b091d6281",
    ),
    Vector(
        "linkedin-ads",
        LINKEDIN,
        "email_sha256",
        "testing@testing.com",
        "584c4423c421df49955759498a71495aba49b8780eb9387dff333b6f0982c777",
    ),
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_both_ways_give_the_published_answer(connection: duckdb.DuckDBPyConnection, vector: Vector) -> None:
    assert identifiers.normalise(vector.rule, vector.text, vector.country) == vector.answer
    assert in_sql(connection, vector.rule, [vector.text], vector.country) == [vector.answer]


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_the_destination_goes_by_that_rule(vector: Vector) -> None:
    of = description(vector.destination)
    fields = [field for each in (of, *of.audience_types) for field in each.fields]
    rules = {field.normalise for field in fields}
    assert vector.rule in rules | {identifiers.HASHES[rule] for rule in rules if rule in identifiers.HASHES}


@pytest.mark.parametrize("vector", [each for each in VECTORS if each.rule in identifiers.HASHES], ids=str)
def test_a_published_hash_is_passed_on_as_it_is(connection: duckdb.DuckDBPyConnection, vector: Vector) -> None:
    assert vector.answer is not None
    for text in (vector.answer, f" {vector.answer.upper()}\n"):
        assert identifiers.normalise(vector.rule, text, vector.country) == vector.answer
        assert in_sql(connection, vector.rule, [text], vector.country) == [vector.answer]
