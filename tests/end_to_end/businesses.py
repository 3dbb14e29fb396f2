"""A workspace of accounts and contacts made through the same doors people use, and what plain SQL says of its files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb

from app.bootstrap import Services
from app.core.connections import Access
from app.core.tables import Meaning
from app.jobs import JobContext
from tests.vendors.linkedin import TOKEN

ACCOUNTS, CONTACTS = 700, 1500
ACCOUNT = "516848833"
SEGMENTS: tuple[dict[str, Any], ...] = (
    {"name": "Large firms", "of": "accounts", "rules": [{"all": [{"field": "Account.Employees", "at_least": 200}]}]},
    {"name": "Giants", "of": "accounts", "rules": [{"all": [{"field": "Account.Employees", "at_least": 900}]}]},
    {"name": "Buyers", "of": "contacts", "rules": [{"all": [{"field": "Contact.Title", "is": "Buyer"}]}]},
    {"name": "On their own", "of": "contacts", "rules": [{"all": [{"field": "Contact.AccountId", "is_empty": True}]}]},
)
_SITES = ("https://www.firm{n}.example/en", "firm{n}.example", "http://Firm{n}.example", "WWW.FIRM{n}.EXAMPLE")


def write_tables(folder: Path) -> list[Path]:
    """Accounts of which some share a domain and some have none, and contacts of which some have no account."""
    folder.mkdir(parents=True, exist_ok=True)
    accounts, contacts = folder / "Account.csv", folder / "Contact.csv"
    with accounts.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("AccountId", "Name", "Website", "Country", "Employees"))
        for n in range(ACCOUNTS):
            shared = n - 100 if n % 50 == 49 and n >= 100 else n
            site = "" if n % 20 == 3 else _SITES[n % 4].format(n=shared)
            name = "" if n % 40 == 3 else f"Firm {n} GmbH"
            writer.writerow((f"A{n:04}", name, site, ("DE", "Germany", "AT")[n % 3], n * 37 % 1000))
    with contacts.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("ContactId", "AccountId", "FirstName", "LastName", "Email", "Title", "EmailOptIn"))
        for n in range(CONTACTS):
            account = "" if n % 30 == 7 else f"A{n * 13 % ACCOUNTS:04}"
            address = "nobody" if n % 25 == 6 else f"  P{n}@Example.com "
            title = "Buyer" if n % 3 else "Engineer"
            agreed = "" if n % 7 == 5 else "false" if n % 5 == 4 else "true"
            writer.writerow((f"K{n:04}", account, f"Zoë {n}", f"Ng {n}", address, title, agreed))
    return [accounts, contacts]


def fill(services: Services, source: Path) -> None:
    """Fill an open empty workspace."""
    services.tables.add(write_tables(source), None, JobContext())
    services.tables.set_meaning("Contact", "Email", Meaning.EMAIL)
    services.tables.set_meaning("Contact", "EmailOptIn", Meaning.CONSENT)
    for document in SEGMENTS:
        services.segments.save(dict(document), None)


def connect(services: Services, url: str, name: str = "LinkedIn NW") -> None:
    services.connections.add(
        name, "linkedin-ads", {"api_url": url}, {"access_token": TOKEN}, Access.CONTRIBUTORS, agreed=True
    )


def ask(source: Path, query: str) -> Any:
    """One row of plain SQL over the two files, read as text, with none of the program's own code."""
    with duckdb.connect() as connection:
        for name in ("Account", "Contact"):
            path = source / f"{name}.csv"
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{path}', all_varchar=true)")
        return connection.execute(query).fetchone()
