from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.core.tables import Catalog, Column, ColumnType, Link, Meaning, Table, TableRole
from app.data.catalog import find_links, meaning_of, understand
from app.data.engines.duckdb import rows_in
from app.data.ingest import Incoming
from app.data.meanings import meaning_of_name
from app.data.personal import masked
from app.jobs import CancelToken


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("EmailPrimary", Meaning.EMAIL),
        ("e-mail", Meaning.EMAIL),
        ("E-Mail-Adresse", Meaning.EMAIL),
        ("contact_email_2", Meaning.EMAIL),
        ("Correo electrónico", Meaning.EMAIL),
        ("Handynummer", Meaning.PHONE),
        ("téléphone", Meaning.PHONE),
        ("Vorname", Meaning.FIRST_NAME),
        ("Prénom", Meaning.FIRST_NAME),
        ("NACHNAME", Meaning.LAST_NAME),
        ("příjmení", Meaning.LAST_NAME),
        ("Kunden-PLZ", Meaning.POSTAL_CODE),
        ("Código postal", Meaning.POSTAL_CODE),
        ("Straße", Meaning.STREET),
        ("Land", Meaning.COUNTRY),
        ("País", Meaning.COUNTRY),
        ("Geburtsdatum", Meaning.BIRTH_DATE),
        ("date_of_birth", Meaning.BIRTH_DATE),
        ("EmailOptIn", Meaning.CONSENT),
        ("IDFA", Meaning.MOBILE_AD_ID),
        ("Website", Meaning.WEBSITE),
        ("CustomerId", Meaning.NONE),
        ("EmailCount", Meaning.NONE),
        ("Total", Meaning.NONE),
        ("", Meaning.NONE),
        ("顧客", Meaning.NONE),
    ],
)
def test_names_in_many_languages(name, meaning):
    assert meaning_of_name(name) is meaning


@pytest.mark.parametrize(
    ("column", "sample", "meaning"),
    [
        ("field_7", ["a@example.com", "b@example.org", "", "c@example.net", "n/a"], Meaning.EMAIL),
        ("field_7", ["+49 30 23125000", "(212) 555-0123", "07700 900123"], Meaning.PHONE),
        ("field_7", ["2026-01-31", "01.02.2026", "31/01/26"], Meaning.NONE),
        ("field_7", ["Germany", "FR", "Österreich", "united kingdom"], Meaning.COUNTRY),
        ("field_7", ["m", "f", "F", "d"], Meaning.GENDER),
        ("field_7", ["https://a.example", "www.b.example/x", "http://c.example"], Meaning.WEBSITE),
        ("field_7", ["red", "green", "blue"], Meaning.NONE),
        ("field_7", [], Meaning.NONE),
        ("Country", ["red", "green", "blue"], Meaning.NONE),
        ("Email", ["no", "yes", "no"], Meaning.NONE),
        ("Email", [], Meaning.EMAIL),
    ],
)
def test_values_decide_where_names_do_not(column, sample, meaning):
    assert meaning_of(Column(column, ColumnType.TEXT), [cell for cell in sample if cell]) is meaning


def test_types_that_cannot_hold_a_meaning_have_none():
    assert meaning_of(Column("Email", ColumnType.DATE), []) is Meaning.NONE
    assert meaning_of(Column("Phone", ColumnType.INTEGER), []) is Meaning.PHONE
    assert meaning_of(Column("wants_newsletter", ColumnType.BOOLEAN), []) is Meaning.CONSENT


def as_table(desk, incoming: Incoming, catalog: Catalog) -> Table:
    with desk.engine.cursor(CancelToken()) as cursor:
        guessed = understand(cursor, incoming.name, incoming.columns, rows_in(incoming.files), incoming.rows, catalog)
    return Table(
        incoming.name,
        incoming.name,
        guessed.role,
        guessed.columns,
        guessed.key,
        incoming.rows,
        1,
        "",
        datetime.now(UTC),
    )


def in_turn(desk, **texts: str) -> tuple[Catalog, dict[str, Incoming]]:
    catalog = Catalog(())
    incoming = {}
    for name, text in texts.items():
        incoming[name] = desk.csv(text, f"{name}.csv")
        catalog = Catalog((*catalog.tables, as_table(desk, incoming[name], catalog)))
    return catalog, incoming


def links(desk, catalog: Catalog, incoming: dict[str, Incoming], name: str) -> list[Link]:
    table = catalog.table(name)
    assert table is not None
    with desk.engine.cursor(CancelToken()) as cursor:
        return find_links(cursor, table, catalog, lambda t: rows_in(incoming[t.name].files))


def test_roles_of_a_business(desk):
    catalog, incoming = in_turn(
        desk,
        Account="AccountId,Name,Website\nA1,Acme,acme.example\nA2,Bolt,bolt.example\n",
        Contact="ContactId,AccountId,FirstName,Email\nK1,A1,Ann,a@example.com\nK2,A1,Bo,b@example.com\n",
        Opportunity="OpportunityId,AccountId,Amount\nO1,A1,5\nO2,A2,6\n",
    )
    assert [table.role for table in catalog.tables] == [TableRole.ACCOUNT, TableRole.CONTACT, TableRole.OTHER]
    assert [table.key for table in catalog.tables] == ["AccountId", "ContactId", "OpportunityId"]
    assert links(desk, catalog, incoming, "Account") == [
        Link("Account", "AccountId", "Contact", "AccountId"),
        Link("Account", "AccountId", "Opportunity", "AccountId"),
    ]


def test_a_table_of_people_with_a_strange_name_is_customers_when_nobody_else_is(desk):
    catalog, _ = in_turn(
        desk,
        export_2026="Nr,Vorname,E-Mail\n1,Ann,a@example.com\n2,Bo,b@example.com\n",
        more="Nr,Vorname,E-Mail\n1,Ann,a@example.com\n2,Bo,b@example.com\n",
    )
    assert [table.role for table in catalog.tables] == [TableRole.CUSTOMER, TableRole.OTHER]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Id,Name\n1,a\n2,b\n", "Id"),
        ("Id,Name\n1,a\n1,b\n", None),
        ("Id,Name\n1,a\n,b\n", None),
        ("Name,CustomerNumber\nx,5\nx,6\n", "CustomerNumber"),
        ("Column,Price\n5,1.5\n6,1.5\n", "Column"),
        ("Email,Name\na@example.com,a\nb@example.com,b\n", "Email"),
        ("Id,Name\n", None),
    ],
)
def test_a_key_is_unique_and_has_no_gaps(desk, text, key):
    catalog, _ = in_turn(desk, Things=text)
    assert catalog.tables[0].key == key


def test_links_need_shared_values_and_types(desk):
    catalog, incoming = in_turn(
        desk,
        Customers="Id,Email\n1,a@example.com\n2,b@example.com\n",
        Orders="OrderId,customer_id\n10,1\n11,2\n12,2\n",
        Returns="ReturnId,customer_id\n10,77\n11,78\n",
        Visits="VisitId,customer_id\n10,one\n11,two\n",
    )
    assert links(desk, catalog, incoming, "Customers") == [Link("Customers", "Id", "Orders", "customer_id")]
    assert links(desk, catalog, incoming, "Returns") == []


def test_numbered_columns_are_never_linked_by_name(desk):
    catalog, incoming = in_turn(desk, A="1,x\n2,y\n", B="1,x\n2,y\n")
    assert [t.key for t in catalog.tables] == ["Column_1", "Column_1"]
    assert links(desk, catalog, incoming, "A") == []
    assert replace(catalog.tables[0], key=None).key is None


@pytest.mark.parametrize(
    ("value", "meaning", "hidden"),
    [
        ("marie@example.net", Meaning.EMAIL, "m•••@e•••.net"),
        ("not an address", Meaning.EMAIL, "n•••"),
        ("x@localhost", Meaning.EMAIL, "x•••@l•••"),
        ("+49 30 23125000", Meaning.PHONE, "+49 ••• ••"),
        ("07700 900123", Meaning.PHONE, "••• ••"),
        ("Marie", Meaning.FIRST_NAME, "M•••"),
        ("1990-05-01", Meaning.BIRTH_DATE, "••••"),
        (" ", Meaning.FIRST_NAME, ""),
        (None, Meaning.EMAIL, None),
    ],
)
def test_masking_leaves_a_hint(value, meaning, hidden):
    assert masked(value, meaning) == hidden
