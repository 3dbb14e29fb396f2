"""Guessing which column fills which field of a target, and saying how sure the guess is.

Evidence, best first: the column's meaning, the same name, a name that means the same in another language, a name that looks
alike. A type that does not fit makes every guess one to check.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from app.core.segments import FieldRef
from app.core.tables import Column, ColumnType, Meaning, Table


class MatchKind(StrEnum):
    """How sure a guess is."""

    EXACT = "exact"
    LIKELY = "likely"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class MatchGuess:
    """A guess for one target field; `percent` is how sure it is, `note` says what to look at (empty when exact)."""

    field: FieldRef
    kind: MatchKind
    percent: int
    note: str = ""


class Wanted(Protocol):
    """What is known of a target field."""

    @property
    def id(self) -> str:
        """The target's own name of it."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def type(self) -> str:
        """text, email, phone, number, date, boolean ..."""

    @property
    def meaning(self) -> str:
        """The name of the `Meaning` that fits it, OWN_ID, or none."""


_NEVER_SENT = frozenset({ColumnType.BINARY, ColumnType.NESTED})
OWN_ID = "own_id"
"""What a target field means that tells our members apart by an ID of ours: the key of their table likely fills it."""
EXACT_FROM = 95
_OWN_ID = 85
LIKELY_FROM = 80
GUESS_FROM = 55

SYNONYMS: Mapping[Meaning, frozenset[str]] = MappingProxyType(
    {
        meaning: frozenset(words.split())
        for meaning, words in {
            Meaning.EMAIL: "email emailaddress emailadresse emailid mail mailaddress "
            "epost epostadresse eposta correo correoelectronico courriel "
            "adressemail posta postaelettronica indirizzoemail mailadres emailadres adresemail emailprimary",
            Meaning.PHONE: "phone phonenumber telephone tel telefon telefonnummer telefonno mobile mobilephone mobil "
            "mobilnummer handy handynummer cell cellphone movil celular telefono telefonocellulare cellulare portable "
            "telephoneportable telefoon telefoonnummer mobiel gsm komorka numertelefonu msisdn",
            Meaning.FIRST_NAME: "firstname fname givenname forename vorname prenom nombre nome primeironome voornaam imie "
            "fornavn fornamn",
            Meaning.LAST_NAME: "lastname lname surname familyname nachname familienname nom nomdefamille apellido apellidos "
            "cognome sobrenome achternaam nazwisko efternavn efternamn etternavn",
            Meaning.FULL_NAME: "fullname displayname contactname customername vollername nomcomplet nombrecompleto "
            "nomecompleto volledigenaam",
            Meaning.BIRTH_DATE: "birthdate birthday dateofbirth dob geburtsdatum geburtstag datedenaissance anniversaire "
            "fechadenacimiento datadinascita datadenascimento geboortedatum dataurodzenia fodselsdato",
            Meaning.GENDER: "gender sex geschlecht sexe sexo genero sesso geslacht plec kjonn kon",
            Meaning.STREET: "street streetaddress address addressline address1 addressline1 strasse anschrift rue adresse "
            "calle direccion via indirizzo rua endereco straat adres ulica",
            Meaning.CITY: "city town ort stadt wohnort ville ciudad citta comune cidade stad plaats miasto poblacion",
            Meaning.STATE: "state province region county bundesland departement provincia estado provincie wojewodztwo",
            Meaning.POSTAL_CODE: "postalcode postcode zip zipcode plz postleitzahl codepostal codigopostal cap cep "
            "kodpocztowy postnummer postnr",
            Meaning.COUNTRY: "country countrycode land laendercode pays codepays pais codigopais paese nazione kraj",
            Meaning.LANGUAGE: "language lang locale sprache langue idioma lingua taal jezyk sprak preferredlanguage",
            Meaning.COMPANY: "company companyname organization organisation account accountname firma unternehmen societe "
            "entreprise empresa azienda societa bedrijf bedrijfsnaam",
            Meaning.JOB_TITLE: "jobtitle title position role beruf berufsbezeichnung funktion poste fonction cargo puesto "
            "ruolo functie stanowisko",
            Meaning.WEBSITE: "website web url homepage domain webseite siteweb sitioweb sitoweb",
            Meaning.MOBILE_AD_ID: "mobileadid maid advertisingid idfa gaid aaid adid deviceid",
        }.items()
    }
)

_MAIN = frozenset({"primary", "main", "preferred", "default", "haupt", "principal"})
_SECOND = frozenset({"secondary", "second", "alternate", "alternative", "other", "old", "work", "2"})
_TYPES: Mapping[str, frozenset[ColumnType]] = MappingProxyType(
    {
        "number": frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.NUMBER}),
        "integer": frozenset({ColumnType.INTEGER}),
        "date": frozenset({ColumnType.DATE, ColumnType.TIMESTAMP}),
        "timestamp": frozenset({ColumnType.TIMESTAMP, ColumnType.DATE}),
        "boolean": frozenset({ColumnType.BOOLEAN}),
        "email": frozenset({ColumnType.TEXT}),
        "url": frozenset({ColumnType.TEXT}),
    }
)


def guess_matches(fields: Sequence[Wanted], table: Table) -> dict[str, MatchGuess]:
    """The best column of the table for each target field that has one; a column is given to one field only."""
    pairs = [
        (guess, -order, field.id)
        for field in fields
        for order, column in enumerate(table.columns)
        if (guess := guess_one(field, table, column)) is not None
    ]
    pairs.sort(key=lambda pair: (pair[0].percent, pair[1]), reverse=True)
    result: dict[str, MatchGuess] = {}
    taken: set[str] = set()
    for guess, _, field_id in pairs:
        if field_id not in result and guess.field.column not in taken:
            result[field_id] = guess
            taken.add(guess.field.column)
    return {field.id: result[field.id] for field in fields if field.id in result}


def guess_keys(fields: Sequence[Wanted], keys: Sequence[str], table: Table | None) -> dict[str, str]:
    """The columns that surely or likely fill key fields, while nobody has matched them yet."""
    if table is None:
        return {}
    guesses = guess_matches(fields, table)
    return {key: str(guesses[key].field) for key in keys if key in guesses and guesses[key].kind is not MatchKind.CHECK}


def propose_columns(table: Table) -> dict[str, MatchGuess]:
    """What a file of members begins with, which takes any column: the key and whatever is known to mean something.

    All columns where that is nothing; none that a file can't hold.
    """
    telling = [each for each in table.columns if each.name == table.key or each.meaning is not Meaning.NONE]
    return {
        column.name: MatchGuess(FieldRef(table.name, column.name), MatchKind.EXACT, 100)
        for column in telling or table.columns
        if column.type not in _NEVER_SENT
    }


def guess_one(field: Wanted, table: Table, column: Column) -> MatchGuess | None:
    """How well one column fits one field; None when there is no evidence."""
    percent, reason = _evidence(field, column)
    if field.meaning == OWN_ID and column.name == table.key and percent < _OWN_ID:
        percent, reason = _OWN_ID, f"{column.name} is the key of {table.name}."
    if percent < GUESS_FROM or column.type in _NEVER_SENT:
        return None
    wanted = _TYPES.get(field.type)
    ref = FieldRef(table.name, column.name)
    if wanted is not None and column.type not in wanted:
        note = f"{field.name} takes a {field.type}; {ref} holds {column.type}. Values that don't fit are left out."
        return MatchGuess(ref, MatchKind.CHECK, min(percent, LIKELY_FROM - 5), note)
    if percent >= EXACT_FROM:
        return MatchGuess(ref, MatchKind.EXACT, percent)
    if percent >= LIKELY_FROM:
        return MatchGuess(ref, MatchKind.LIKELY, percent, reason)
    return MatchGuess(ref, MatchKind.CHECK, percent, f"{reason} Check that it holds {field.name.lower()}.")


def _evidence(field: Wanted, column: Column) -> tuple[int, str]:
    """Percent and, for what is not certain, one sentence."""
    meaning = _meaning(field)
    names = {plain_name(field.id), plain_name(field.name)}
    own = plain_name(column.name)
    if column.confirmed and column.meaning not in {Meaning.NONE, meaning} and meaning is not Meaning.NONE:
        return 0, ""  # somebody said that it holds something else
    if meaning is not Meaning.NONE and column.meaning is meaning:
        return (100 if column.confirmed else 96) - _less(column), f"{column.name} was recognised by its values."
    if own in names:
        return 98, ""
    if meaning is not Meaning.NONE and own in SYNONYMS.get(meaning, frozenset()):
        return 90, f"{column.name} usually means {field.name.lower()}."
    alike = max(SequenceMatcher(None, own, name).ratio() for name in names)
    return round(alike * 89), f"{column.name} looks like {field.name}."


def _meaning(field: Wanted) -> Meaning:
    """The field's meaning as described, else what its names mean in the languages we know."""
    described = next((meaning for meaning in Meaning if meaning == field.meaning), Meaning.NONE)
    if described is not Meaning.NONE:
        return described
    names = {plain_name(field.id), plain_name(field.name)}
    return next((meaning for meaning, words in SYNONYMS.items() if words & names), Meaning.NONE)


def _less(column: Column) -> int:
    """Several columns may mean the same: a second address gives way to the main one."""
    words = set(_words(column.name))
    if words & _SECOND:
        return 12
    return 0 if words & _MAIN or len(words) == 1 else 1


def plain_name(name: str) -> str:
    """A name without case, accents, spaces and signs: `E-Mail Adresse` is `emailadresse`, `Straße` is `strasse`."""
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    letters = unicodedata.normalize("NFKD", spaced).casefold()
    return re.findall(r"[a-z]+|[0-9]+|[^\W\d_a-z]+", "".join(c for c in letters if not unicodedata.combining(c)))
