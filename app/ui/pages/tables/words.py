"""Roles, types and meanings of tables in words and icons."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.tables import ColumnType, Meaning, TableRole

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
