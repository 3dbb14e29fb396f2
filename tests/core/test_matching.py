from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from app.core.matching import OWN_ID, MatchKind, guess_keys, guess_matches, plain_name
from app.core.tables import Column, ColumnType, Meaning
from tests.store.samples import table


@dataclass(frozen=True)
class Field:
    id: str
    name: str
    type: str = "text"
    meaning: str = "none"


EMAIL = Field("email", "E-mail address", "email", "email")
FIRST = Field("first_name", "First name", meaning="first_name")
PHONE = Field("sms", "SMS number", meaning="phone")


def _guess(field: Field, *columns: Column):
    return guess_matches([field], table(columns=columns)).get(field.id)


def test_a_confirmed_meaning_is_exact():
    guess = _guess(EMAIL, Column("Kontakt", ColumnType.TEXT, Meaning.EMAIL, confirmed=True))
    assert (str(guess.field), guess.kind, guess.percent, guess.note) == ("Customer.Kontakt", MatchKind.EXACT, 100, "")


def test_the_same_name_is_exact():
    assert _guess(Field("merge_7", "Shoe size"), Column("shoe_size", ColumnType.TEXT)).kind is MatchKind.EXACT


@pytest.mark.parametrize(
    ("field", "column"),
    [
        (EMAIL, "E-Mail-Adresse"),
        (EMAIL, "correo electrónico"),
        (EMAIL, "Courriel"),
        (FIRST, "Vorname"),
        (FIRST, "Prénom"),
        (FIRST, "nombre"),
        (FIRST, "Imię"),
        (PHONE, "Telefonnummer"),
        (PHONE, "móvil"),
        (Field("city", "City", meaning="city"), "Ciudad"),
        (Field("zip", "ZIP code", meaning="postal_code"), "PLZ"),
        (Field("street", "Street", meaning="street"), "Straße"),
        (Field("country", "Country"), "Land"),  # the field's own name tells its meaning
    ],
)
def test_names_in_other_languages_are_likely(field, column):
    guess = _guess(field, Column(column, ColumnType.TEXT))
    assert guess.kind is MatchKind.LIKELY
    assert guess.percent == 90
    assert column in guess.note


def test_a_name_that_only_looks_alike_is_to_be_checked():
    guess = _guess(Field("loyalty", "Loyalty tier"), Column("LoyaltyTyp", ColumnType.TEXT))
    assert guess.kind is MatchKind.CHECK
    assert 55 <= guess.percent < 80
    assert "loyalty tier" in guess.note


def test_a_type_that_does_not_fit_is_to_be_checked_however_sure_the_name():
    guess = _guess(Field("spent", "Spent", "number"), Column("Spent", ColumnType.TEXT))
    assert (guess.kind, guess.percent) == (MatchKind.CHECK, 75)
    assert "number" in guess.note
    assert "text" in guess.note


def test_what_somebody_confirmed_as_something_else_is_not_guessed():
    assert _guess(EMAIL, Column("email", ColumnType.TEXT, Meaning.FULL_NAME, confirmed=True)) is None


def test_nothing_alike_is_no_guess_and_binary_never_is():
    assert _guess(EMAIL, Column("Total", ColumnType.DECIMAL), Column("Blob", ColumnType.BINARY)) is None
    assert _guess(Field("photo", "Photo"), Column("photo", ColumnType.BINARY)) is None


def test_the_main_address_wins_over_the_second():
    for names in (("EmailSecondary", "EmailPrimary"), ("EmailPrimary", "EmailSecondary")):
        columns = [Column(name, ColumnType.TEXT, Meaning.EMAIL) for name in names]
        assert _guess(EMAIL, *columns).field.column == "EmailPrimary"


def test_a_column_fills_one_field_and_the_order_is_that_of_the_fields():
    fields = [Field("name", "Name"), FIRST, EMAIL]
    columns = (
        Column("Email", ColumnType.TEXT, Meaning.EMAIL),
        Column("First name", ColumnType.TEXT, Meaning.FIRST_NAME),
    )
    matches = guess_matches(fields, table(columns=columns))
    assert list(matches) == ["first_name", "email"]
    assert len({guess.field for guess in matches.values()}) == len(matches)


def test_the_key_of_the_table_likely_fills_an_id_of_ours():
    own = Field("external_id", "Your own ID", meaning=OWN_ID)
    columns = (Column("Nr", ColumnType.INTEGER), Column("Other", ColumnType.INTEGER))
    keyed = replace(table(columns=columns), key="Nr")
    guess = guess_matches([own], keyed)["external_id"]
    assert (guess.field.column, guess.kind, guess.note) == ("Nr", MatchKind.LIKELY, f"Nr is the key of {keyed.name}.")
    assert guess_matches([own], replace(keyed, key=None)) == {}
    assert guess_matches([replace(own, meaning="none")], keyed) == {}
    named = replace(table(columns=(*columns, Column("external_id", ColumnType.TEXT))), key="Nr")
    assert guess_matches([own], named)["external_id"].field.column == "external_id"


def test_plain_names():
    assert plain_name("E-Mail Adresse_2") == "emailadresse2"
    assert plain_name("StraßeÉtage") == "strasseetage"


def test_key_fields_are_guessed_when_that_is_sure():
    columns = (Column("Vorname", ColumnType.TEXT), Column("E-Mail", ColumnType.TEXT), Column("SmsTyp", ColumnType.TEXT))
    found = guess_keys([EMAIL, FIRST, PHONE], ["sms", "email"], table(columns=columns))
    assert found == {"email": "Customer.E-Mail"}
    assert guess_keys([EMAIL], ["email"], None) == {}
