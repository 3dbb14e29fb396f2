from __future__ import annotations

import pytest

from app.core.errors import FixData
from app.core.tables import Column, ColumnType, Meaning
from app.core.value_mapping import mappable, mapped, understood, with_means

COUNTRY = Column("Country", ColumnType.TEXT, Meaning.COUNTRY)
CONSENT = Column("OptIn", ColumnType.TEXT, Meaning.CONSENT)


@pytest.mark.parametrize(
    ("meaning", "value", "means"),
    [
        (Meaning.COUNTRY, " germany", "DE"),
        (Meaning.COUNTRY, "Batavia", None),
        (Meaning.LANGUAGE, "Deutsch", "de"),
        (Meaning.CONSENT, "JA ", "yes"),
        (Meaning.CONSENT, "Nein", "no"),
        (Meaning.CONSENT, "vielleicht", None),
        (Meaning.EMAIL, "a@b.de", None),
    ],
)
def test_what_is_understood_by_itself(meaning, value, means):
    assert understood(meaning, value) == means


def test_what_a_person_says_counts_for_every_spelling_and_can_be_forgotten():
    said = with_means(COUNTRY, {" Das Land ": "germany", "germany": "AT"})
    assert said.means == (("das land", "DE"), ("germany", "AT"))
    assert mapped(said, "DAS LAND", 3).means == "DE"
    assert mapped(said, "Germany", 5).means == "AT"
    assert mapped(said, "France", 5) == mapped(COUNTRY, "France", 5)
    assert with_means(said, {"das land": ""}).means == (("germany", "AT"),)


def test_only_what_the_meaning_knows_can_be_meant():
    with pytest.raises(FixData) as raised:
        with_means(CONSENT, {"vielleicht": "maybe"})
    assert raised.value.code == "meaning"
    for column in (
        Column("Email", ColumnType.TEXT, Meaning.EMAIL),
        Column("OptIn", ColumnType.BOOLEAN, Meaning.CONSENT),
    ):
        assert not mappable(column)
        with pytest.raises(FixData) as raised:
            with_means(column, {"a": "b"})
        assert raised.value.code == "no_mapping"
