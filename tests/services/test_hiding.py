from __future__ import annotations

import csv
import io
import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from app.services.hiding import hide


def test_values_are_hidden_where_they_stand_as_a_whole():
    masks = {"nora@example.com": "n•••@e•••.com", "Al": "A•••", "+49 30 1234": "+49 •••"}
    text = '{"email": "nora@example.com", "name": "Al", "also": "Also Alabama", "phone": "+49 30 1234"}'
    hidden = hide(text, masks)
    assert hidden == '{"email": "n•••@e•••.com", "name": "A•••", "also": "Also Alabama", "phone": "+49 •••"}'


def test_the_longer_value_wins_and_nothing_is_hidden_twice():
    assert hide("Ann Lee", {"Ann": "A•••", "Ann Lee": "A••• L•••", "A": "x"}) == "A••• L•••"
    assert hide("", {"a": "b"}) == ""
    assert hide("nothing", {}) == "nothing"
    assert hide("a  b", {" ": "x", "": "y"}) == "a  b"


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=4, max_size=20))
def test_however_the_text_spells_a_value_it_is_hidden(value):
    value = f"k{value}k"  # begins and ends with a letter, as whole words do
    line = io.StringIO()
    csv.writer(line).writerow(["1", value, "2"])
    for text in (
        json.dumps([value]),
        json.dumps([value], ensure_ascii=False),
        f"/m/{quote(value, safe='')}",
        line.getvalue(),
    ):
        assert hide(text, {value: "•••"}).count("•••") == 1
