"""Mailchimp's merge fields: which target fields an audience offers, and values in the form each type wants.

The id of a target field is the merge tag, followed by its type when that is not text: `BIRTHDAY:birthday`. An address has
six parts, each a target field of its own: `ADDRESS:addr1`; as `zip` is one of them, a field of that type is `CODE:us_zip`, and
a phone number that has to be one of the US is `PHONE:us_phone`. So a preview can be built without asking Mailchimp.
Source: mailchimp.com/developer/marketing/docs/merge-fields.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import msgspec

from app.destinations.batches import objects_of
from app.destinations.contract import TargetField

LONGEST_TEXT = 255
FIRST_NAME = "FNAME"
LAST_NAME = "LNAME"
EMAIL = "email"
_OWN_TAGS: Mapping[str, str] = MappingProxyType({"first_name": FIRST_NAME, "last_name": LAST_NAME})
_ADDRESS_PARTS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "addr1": ("street", "street", "trim"),
        "addr2": ("second line of the street", "none", "trim"),
        "city": ("city", "city", "trim"),
        "state": ("state", "state", "trim"),
        "zip": ("postal code", "postal_code", "trim"),
        "country": ("country", "country", "country_iso"),
    }
)
_MEANINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "birthday": ("birth_date", "date_iso"),
        "date": ("none", "date_iso"),
        "phone": ("phone", "phone_e164"),
        "zip": ("postal_code", "trim"),
    }
)

_ZIP = "us_zip"
_US_PHONE = "us_phone"
_NEEDED_PARTS = frozenset({"addr1", "city", "state", "zip"})
_CHECKED_TYPES = frozenset({"number", "birthday", "date", "url", "imageurl", "radio", "dropdown", "zip", _US_PHONE})


class Options(msgspec.Struct):
    """What only some types have."""

    choices: list[str] = []
    phone_format: str = ""


class MergeField(msgspec.Struct):
    """A merge field as `GET /lists/{id}/merge-fields` answers."""

    tag: str
    name: str = ""
    type: str = "text"
    required: bool = False
    options: Options = msgspec.field(default_factory=Options)


class BadValue(ValueError):
    """A value Mailchimp would refuse: our sentence, and what helps."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Target:
    """A target field's id taken apart."""

    tag: str
    type: str
    part: str = ""

    @classmethod
    def parse(cls, field_id: str) -> Target:
        """`first_name`, `MMERGE7`, `BIRTHDAY:birthday` or `ADDRESS:city`."""
        tag, _colon, kind = field_id.partition(":")
        if kind in _ADDRESS_PARTS:
            return cls(tag, "address", kind)
        return cls(_OWN_TAGS.get(tag, tag), "zip" if kind == _ZIP else kind or "text")


def target_fields(found: Iterable[MergeField], *, skip_required: bool) -> Iterator[TargetField]:
    """The audience's own fields; a required one is not when the export skips that check."""
    for each in found:
        if each.tag in {FIRST_NAME, LAST_NAME}:
            continue
        required = each.required and not skip_required
        if each.type == "address":
            for part, (words, meaning, normalise) in _ADDRESS_PARTS.items():
                needed = required and part in _NEEDED_PARTS
                yield TargetField(
                    f"{each.tag}:{part}", f"{each.name}: {words}", "text", needed, meaning, normalise, LONGEST_TEXT
                )
            continue
        meaning, normalise = _MEANINGS.get(each.type, ("none", "trim"))
        kind = _ZIP if each.type == "zip" else each.type
        if kind == "phone" and each.options.phone_format.upper() == "US":
            kind = _US_PHONE
        field_id = each.tag if kind == "text" else f"{each.tag}:{kind}"
        yield TargetField(field_id, each.name or each.tag, each.type, required, meaning, normalise, LONGEST_TEXT)


def bodies(
    columns: Mapping[str, Sequence[str | None]], known: Mapping[str, MergeField], number: int
) -> tuple[list[dict[str, Any]], dict[int, tuple[str, BadValue]]]:
    """The `merge_fields` of that many members, and by place the first field with a bad value of those that have one.

    `known` are the audience's fields by tag, empty when they were not asked for. Empty values are left out, so that they
    change nothing at Mailchimp.
    """
    made: dict[str, Sequence[Any]] = {}
    parts: dict[str, dict[str, Sequence[Any]]] = {}
    faults: dict[int, tuple[str, BadValue]] = {}
    for field_id, values in columns.items():
        if field_id == EMAIL:
            continue
        target = Target.parse(field_id)
        field = known.get(target.tag)
        typed, bad = _typed_column(values, target.type, field.options if field else Options())
        for place, error in bad.items():
            faults.setdefault(place, (field_id, error))
        if target.part:
            parts.setdefault(target.tag, {})[target.part] = typed
        else:
            made[target.tag] = typed
    for tag, columns_of_parts in parts.items():
        made[tag] = [each or None for each in objects_of(columns_of_parts, number)]
    return objects_of(made, number), faults


def _typed_column(
    values: Sequence[str | None], kind: str, options: Options
) -> tuple[Sequence[str | int | float | None], dict[int, BadValue]]:
    """The values in the form of their type, and what is bad of them by place."""
    if kind not in _CHECKED_TYPES and max(map(len, filter(None, values)), default=0) <= LONGEST_TEXT:
        return values, {}
    typed: list[str | int | float | None] = [None] * len(values)
    bad: dict[int, BadValue] = {}
    for place, value in enumerate(values):
        try:
            typed[place] = _typed(value, kind, options) if value else None
        except BadValue as error:
            bad[place] = error
    return typed, bad


def _typed(value: str, kind: str, options: Options) -> str | int | float:
    if len(value) > LONGEST_TEXT:
        raise BadValue(
            f"The value has {len(value)} characters; Mailchimp takes {LONGEST_TEXT}.",
            "Shorten it, or match another field.",
        )
    if kind == "number":
        return _number(value)
    if kind == "birthday":
        return _day(value).strftime("%m/%d")
    if kind == "date":
        return _day(value).isoformat()
    if kind == "zip":
        return _us_zip(value)
    if kind == _US_PHONE:
        return _us_phone(value)
    if kind in {"url", "imageurl"} and not re.fullmatch(r"https?://\S+", value):
        raise BadValue("The value is not a web address.", "It must begin with https:// or http://.")
    if kind in {"radio", "dropdown"} and options.choices and value not in options.choices:
        raise BadValue(
            "The value is not one of the choices of this field in Mailchimp.",
            "Add the choice in Mailchimp, or match another field.",
        )
    return value


def _number(value: str) -> int | float:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadValue("The value is not a number.", "Match a number, or make the field a text in Mailchimp.")
    return number


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise BadValue("The value is not a date.", "Match a date such as 1990-05-17.") from None


def _us_zip(value: str) -> str:
    """Five digits: the type is for the US alone, and other postal codes belong into a text field."""
    found = re.fullmatch(r"([0-9]{5})(?:[- ]?[0-9]{4})?", value.strip())
    if found is None:
        raise BadValue(
            "The postal code is not one of the US, which this field demands.",
            "Make the field a text in Mailchimp, or match another one.",
        )
    return found[1]


def _us_phone(value: str) -> str:
    digits = re.sub(r"\D", "", value)
    abroad = value.startswith("+") and not digits.startswith("1")
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    if abroad or len(digits) != 10:
        raise BadValue(
            "The phone number is not one of the US, which this field demands.",
            "Make the field's phone format international in Mailchimp.",
        )
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
