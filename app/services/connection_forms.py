"""Checking what was typed into a connection's form, from the destination's description alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from app.core.errors import FixSettings
from app.destinations.description import Description, FieldKind, SettingField


class InvalidSettings(FixSettings):
    """Fields of a form are wrong; `fields` has a sentence for each, by the field's id."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        first = next(iter(fields.values()))
        super().__init__("The settings can't be used yet.", first, "Correct the field, then try again.", code="invalid")
        self.fields = dict(fields)


def visible_fields(description: Description, settings: Mapping[str, str]) -> tuple[SettingField, ...]:
    """The fields that the values typed so far show."""
    defaults = {field.id: field.default for field in description.connection_fields}
    effective = {**defaults, **{key: value for key, value in settings.items() if value.strip()}}

    def shown(field: SettingField) -> bool:
        return all(effective.get(key) in wanted.split("|") for key, wanted in (field.when or {}).items())

    return tuple(field for field in description.connection_fields if shown(field))


def check_form(
    description: Description, settings: Mapping[str, str], secrets: Mapping[str, str], stored: Collection[str] = ()
) -> dict[str, str]:
    """One sentence for each field that is wrong, by its id; empty when the form can be used.

    `secrets` are those typed now; `stored` names those the keyring holds already, which may stay empty here.
    """
    known = {field.id: field for field in description.connection_fields}
    found = {key: f"{description.name} has no setting “{key}”." for key in settings if key not in known}
    found |= {key: f"{description.name} has no secret “{key}”." for key in secrets if key not in known}
    for key, field in known.items():
        if field.secret and key in settings:
            found[key] = f"{field.label} is a secret and is entered as one."
        elif not field.secret and key in secrets:
            found[key] = f"{field.label} is a setting, not a secret."
    for field in visible_fields(description, settings):
        typed = secrets if field.secret else settings
        value = typed.get(field.id, "")
        if not value.strip():
            if field.required and not field.default and field.id not in stored and field.id not in found:
                found[field.id] = f"{field.label} is needed."
        elif sentence := _wrong_value(field, value):
            found.setdefault(field.id, sentence)
    return found


def effective_settings(description: Description, settings: Mapping[str, str]) -> dict[str, str]:
    """What the destination gets: the visible plain values, with the description's defaults where nothing was typed."""
    return {
        field.id: value
        for field in visible_fields(description, settings)
        if not field.secret and (value := settings.get(field.id, "").strip() or field.default)
    }


def kept_settings(description: Description, settings: Mapping[str, str]) -> dict[str, str]:
    """What the workspace keeps: the visible plain values that were typed."""
    return {
        field.id: value
        for field in visible_fields(description, settings)
        if not field.secret and (value := settings.get(field.id, "").strip())
    }


def kept_secrets(description: Description, settings: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets typed into visible fields, exactly as typed."""
    visible = {field.id for field in visible_fields(description, settings) if field.secret}
    return {key: value for key, value in secrets.items() if key in visible and value}


def _wrong_value(field: SettingField, value: str) -> str:
    text = value if field.kind is FieldKind.SECRET_FILE else value.strip()
    if field.pattern and re.fullmatch(field.pattern, text) is None:
        message = field.pattern_message or f"{field.label} does not have the right form."
        return message.replace("{length}", str(len(text)))
    if field.kind is FieldKind.NUMBER and not (text.isascii() and text.isdecimal()):
        return f"{field.label} must be a whole number."
    if field.kind is FieldKind.CHOICE and field.choices is not None and text not in field.choices:
        return f"{field.label} must be one of: {', '.join(field.choices)}."
    return ""
