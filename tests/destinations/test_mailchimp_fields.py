"""Values in the form each type of Mailchimp's merge fields wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.destinations.mailchimp import merge_fields
from app.destinations.mailchimp.merge_fields import MergeField, Options

MATCHED = ("A", "B:number", "C:birthday", "D:date", "E:phone", "F:city", "G:us_zip", "H:us_phone")


@pytest.mark.parametrize(
    ("kind", "value", "options", "expected"),
    [
        ("number", "7", Options(), 7),
        ("number", "-1.5", Options(), -1.5),
        ("us_phone", "+1 (404) 555-0100", Options(), "404-555-0100"),
        ("phone", "+4791234567", Options(), "+4791234567"),
        ("url", "https://shop.example/a", Options(), "https://shop.example/a"),
        ("radio", "A", Options(choices=["A"]), "A"),
        ("us_zip", "30318", Options(), "30318"),
        ("us_zip", "30318-1234", Options(), "30318"),
        ("text", "x" * 255, Options(), "x" * 255),
    ],
)
def test_good_values(kind: str, value: str, options: Options, expected: object) -> None:
    known = {"T": MergeField("T", type=kind, options=options)}
    made, faults = merge_fields.bodies({f"T:{kind}": [None, value]}, known, 2)
    assert made == [{}, {"T": expected}]
    assert faults == {}


@pytest.mark.parametrize(
    ("kind", "value", "options"),
    [
        ("number", "many", Options()),
        ("number", "inf", Options()),
        ("number", "nan", Options()),
        ("date", "29.02.2023", Options()),
        ("birthday", "2023-02-29", Options()),
        ("us_phone", "+4791234567", Options()),
        ("url", "shop.example", Options()),
        ("dropdown", "B", Options(choices=["A"])),
        ("us_zip", "SW1A 1AA", Options()),
        ("text", "x" * 256, Options()),
    ],
)
def test_bad_values(kind: str, value: str, options: Options) -> None:
    known = {"T": MergeField("T", type=kind, options=options)}
    made, faults = merge_fields.bodies({f"T:{kind}": [None, value], "T2": ["a", "b"]}, known, 2)
    assert made == [{"T2": "a"}, {"T2": "b"}]
    (field, error) = faults.pop(1)
    assert field == f"T:{kind}"
    assert error.reason
    assert error.fix
    assert faults == {}


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(MATCHED, st.none() | st.text()))))
def test_any_value_is_either_sent_or_explained(members: list[dict[str, str | None]]) -> None:
    columns = {field: [values[field] for values in members] for field in MATCHED}
    made, faults = merge_fields.bodies(columns, {}, len(members))
    for place, values in enumerate(members):
        wanted = {each.partition(":")[0] for each, value in values.items() if value}
        assert set(made[place]) <= wanted
        assert set(made[place]) == wanted or place in faults
