"""Roles, types, meanings and changes of tables in words and icons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.core.table_changes import Broken, ColumnsChanged, TableChange, UserKind
from app.core.tables import ColumnType, Meaning, TableRole
from app.ui.formats import Formats

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_refresh import HeldRefresh, Missing

ROLE_ICONS = {
    TableRole.CUSTOMER: "users-three",
    TableRole.CONTACT: "users",
    TableRole.ACCOUNT: "database",
    TableRole.OTHER: "table",
}
MEANING_ICONS = {
    Meaning.EMAIL: "envelope-simple",
    Meaning.PHONE: "phone",
    Meaning.FIRST_NAME: "text-t",
    Meaning.LAST_NAME: "text-t",
    Meaning.FULL_NAME: "text-t",
    Meaning.COUNTRY: "map-pin",
    Meaning.CITY: "map-pin",
    Meaning.STREET: "map-pin",
    Meaning.STATE: "map-pin",
    Meaning.POSTAL_CODE: "map-pin",
    Meaning.CONSENT: "check-circle",
    Meaning.BIRTH_DATE: "calendar-blank",
    Meaning.WEBSITE: "globe-simple",
}


def tr(text: str) -> str:
    """Translate a word of this module."""
    return QCoreApplication.translate("TableWords", text)


def role_word(role: TableRole) -> str:
    """What one row of a table is."""
    return {
        TableRole.CUSTOMER: tr("Customers"),
        TableRole.CONTACT: tr("Contacts"),
        TableRole.ACCOUNT: tr("Accounts"),
        TableRole.OTHER: tr("Other"),
    }[role]


def type_word(kind: ColumnType) -> str:
    """A column's type as people say it."""
    return {
        ColumnType.TEXT: tr("Text"),
        ColumnType.INTEGER: tr("Whole number"),
        ColumnType.DECIMAL: tr("Decimal number"),
        ColumnType.NUMBER: tr("Number"),
        ColumnType.BOOLEAN: tr("Yes/No"),
        ColumnType.DATE: tr("Date"),
        ColumnType.TIME: tr("Time"),
        ColumnType.TIMESTAMP: tr("Date and time"),
        ColumnType.BINARY: tr("Binary"),
        ColumnType.NESTED: tr("Nested"),
    }[kind]


def meaning_word(meaning: Meaning) -> str:
    """What a column holds."""
    return {
        Meaning.NONE: tr("None"),
        Meaning.EMAIL: tr("E-mail"),
        Meaning.PHONE: tr("Phone"),
        Meaning.FIRST_NAME: tr("First name"),
        Meaning.LAST_NAME: tr("Last name"),
        Meaning.FULL_NAME: tr("Full name"),
        Meaning.BIRTH_DATE: tr("Date of birth"),
        Meaning.GENDER: tr("Gender"),
        Meaning.STREET: tr("Street"),
        Meaning.CITY: tr("City"),
        Meaning.STATE: tr("State"),
        Meaning.POSTAL_CODE: tr("Postal code"),
        Meaning.COUNTRY: tr("Country"),
        Meaning.LANGUAGE: tr("Language"),
        Meaning.COMPANY: tr("Company"),
        Meaning.JOB_TITLE: tr("Job title"),
        Meaning.WEBSITE: tr("Website"),
        Meaning.CONSENT: tr("Consent"),
        Meaning.MOBILE_AD_ID: tr("Mobile ad ID"),
    }[meaning]


def rows_changed(change: TableChange) -> bool:
    """Whether rows came or went, as far as anybody can tell."""
    return bool(change.rows_added or change.rows_removed or change.rows_now != change.rows_before)


def rows_words(change: TableChange, formats: Formats) -> str:
    """How the rows changed: "+1,120 rows", or what came and what went."""
    added, removed = change.rows_added, change.rows_removed
    if not rows_changed(change):
        return tr("As many rows")
    if added and removed:
        return tr("{added}, {removed} rows").format(added=formats.signed(added), removed=formats.signed(-removed))
    return tr("{change} rows").format(change=formats.signed(change.rows_now - change.rows_before))


def columns_words(columns: ColumnsChanged) -> str:
    """Which columns came, went and changed their type."""
    parts = [tr("+{name}").format(name=name) for name in columns.added]
    parts += [tr("−{name}").format(name=name) for name in columns.removed]
    parts += [
        tr("{name} is {type}").format(name=column.name, type=type_word(column.now).lower())
        for column in columns.retyped
    ]
    return ", ".join(parts)


def held_words(held: HeldRefresh) -> str:
    """What a refresh that waits is about, in two sentences."""
    names = [column.name for column in held.gone] or [column.name for column in held.changed.retyped]
    if not names:
        return tr("The columns of its source changed. Nothing breaks any more: refresh again.")
    if len(names) > 1:
        gone = tr("{names} are gone from the source.") if held.gone else tr("{names} changed their types.")
    else:
        gone = tr("{names} is gone from the source.") if held.gone else tr("{names} changed its type.")
    users = tr("{users} would stop working.").format(users=users_words(held.broken))
    return gone.format(names=", ".join(names)) + " " + users


def missing_words(missing: Missing) -> str:
    """Which columns are missing, and what does not work."""
    words = tr("{names} is not there any more. Needed by {users}.")
    if len(missing.columns) > 1:
        words = tr("{names} are not there any more. Needed by {users}.")
    return words.format(names=", ".join(missing.columns), users=users_words(missing.broken))


def users_words(broken: Sequence[Broken]) -> str:
    """What does not work, counted by kind."""
    counted = []
    for kind, one, many in (
        (UserKind.KEY, tr("The key"), ""),
        (UserKind.LINK, tr("1 link"), tr("{n} links")),
        (UserKind.SEGMENT, tr("1 segment"), tr("{n} segments")),
        (UserKind.EXPORT, tr("1 export"), tr("{n} exports")),
    ):
        number = sum(item.kind is kind for item in broken)
        if number:
            counted.append(one if number == 1 else many.format(n=number))
    if len(counted) < 2:
        return "".join(counted)
    return tr("{first} and {last}").format(first=", ".join(counted[:-1]), last=counted[-1])
