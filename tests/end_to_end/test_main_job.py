"""The main job on published data: import, segment, SFTP and Mailchimp; every number counted again by other means.

SENDOFF_REAL_DATA names the folder with chinook/ and adventureworks_oltp/.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.cli.desk import Desk
from tests.servers import openssh
from tests.vendors.mailchimp import KEY, MailchimpEmulator

REAL = os.environ.get("SENDOFF_REAL_DATA")
pytestmark = [
    pytest.mark.skipif(REAL is None, reason="SENDOFF_REAL_DATA is not set"),
    pytest.mark.skipif(not openssh.USABLE, reason="no OpenSSH server on this computer"),
    pytest.mark.usefixtures("secret_service_here"),
]

BUYERS = """
name: Europe's good buyers
of: customers
rules:
  - all:
      - {field: Customer.Country, is_one_of: [Germany, France, Czech Republic, Norway, Portugal, Austria]}
      - {field: Invoice.Total, sum: true, at_least: 38}
  - except:
      any:
        - {field: Customer.Company, is_not_empty: true}
"""
BUYERS_SQL = """
SELECT lower(trim(c.Email)), c.FirstName FROM Customer c JOIN Invoice i ON i.CustomerId = c.CustomerId
WHERE c.Country IN ('Germany', 'France', 'Czech Republic', 'Norway', 'Portugal', 'Austria')
  AND (c.Company IS NULL OR trim(c.Company) = '')
GROUP BY c.CustomerId HAVING round(sum(i.Total), 2) >= 38
"""
EXPORTS = """
name: Buyers
kind: segment
connection: Mail
segments: ["Europe's good buyers"]
target: {audience_id: a1b2c3d4e5}
match: {email: Customer.Email, first_name: Customer.FirstName}
sync: update
consent: {agreed: true}
---
name: Shop data
kind: data-out
connection: Server
tables: [{name: Customer}, {name: Invoice}, {name: InvoiceLine, fields: [InvoiceLineId, InvoiceId, UnitPrice, Quantity]}]
format: {type: csv, compression: gzip, rows_per_file: 1000}
layout: {folder: "{export}/{table}", keep_earlier_runs: false}
consent: {agreed: true}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[openssh.OpenSshServer]:
    started = openssh.start(tmp_path / "sshd")
    yield started
    started.stop()


def connect_server(desk: Desk, server: openssh.OpenSshServer) -> None:
    (desk.folder / "key").write_text(server.key)
    settings = [part for key, value in server.values().items() for part in ("--set", f"{key}={value}")]
    secret = f"private_key=file:{desk.folder / 'key'}"
    desk.done(
        "connections", "add", "--name", "Server", "--destination", "sftp", *settings, "--secret", secret, "--agree"
    )


def ask_sqlite(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def ask_files(sql: str, files: Path) -> list[tuple[object, ...]]:
    with duckdb.connect() as database:
        return database.execute(sql.replace("$files", f"read_csv('{files}', all_varchar=true)")).fetchall()


def test_a_shops_customers_and_tables(
    desk: Desk, server: openssh.OpenSshServer, mailchimp: MailchimpEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(REAL or "") / "chinook" / "chinook.sqlite"
    desk.done("workspace", "create", desk.workspace, "--audience", "consumers")
    desk.done("tables", "add", source)
    desk.done("segments", "save", desk.file("buyers.yaml", BUYERS))
    connect_server(desk, server)
    assert desk.connect_mail(mailchimp.url, monkeypatch, KEY).status == 0
    desk.done("exports", "apply", desk.file("exports.yaml", EXPORTS))
    wanted = dict(ask_sqlite(source, BUYERS_SQL))
    assert len(wanted) > 3

    counted = desk.told("segments", "count", "Europe's good buyers", "--for", "Mail")
    assert counted["members"] == counted["to_send"] == len(wanted)
    buyers, data = desk.told("exports", "run", "Buyers", "Shop data")["runs"]

    assert buyers["added"] == len(wanted)
    there = {email: contact.merge_fields["FNAME"] for email, contact in mailchimp.audience.contacts.items()}
    assert there == wanted
    tag = mailchimp.audience.tag("Europe's good buyers")
    assert tag is not None
    assert set(tag.members) == set(wanted)

    assert (data["rows"], data["files"]) == (59 + 412 + 2240, 6)
    for table, amount in (("Customer", "SupportRepId"), ("Invoice", "Total"), ("InvoiceLine", "UnitPrice")):
        files = server.folder / "Shop data" / table / "*.csv.gz"
        ((rows, total),) = ask_files(f"SELECT count(*), sum({amount}::DECIMAL(18, 2)) FROM $files", files)
        ((rows_before, total_before),) = ask_sqlite(source, f"SELECT count(*), round(sum({amount}), 2) FROM {table}")
        assert (rows, float(str(total))) == (rows_before, total_before)
    names = {
        name for (name,) in ask_files("SELECT LastName FROM $files", server.folder / "Shop data/Customer/*.csv.gz")
    }
    assert names == {name for (name,) in ask_sqlite(source, "SELECT LastName FROM Customer")}
    assert (server.folder / "Shop data" / "model.json").exists()


def test_twenty_thousand_addresses(desk: Desk, mailchimp: MailchimpEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(REAL or "") / "adventureworks_oltp" / "EmailAddress.csv"
    desk.done("workspace", "create", desk.workspace, "--audience", "consumers")
    desk.done("tables", "add", source, "--name", "Person")
    desk.done("tables", "set", "Person", "--role", "customer", "--key", "Column_1")
    everybody = "name: Everybody\nof: customers\nrules:\n  - all: [{field: Person.Column_3, contains: '@'}]\n"
    desk.done("segments", "save", desk.file("everybody.yaml", everybody))
    assert desk.connect_mail(mailchimp.url, monkeypatch, KEY).status == 0
    export = EXPORTS.partition("---")[0].replace("Europe's good buyers", "Everybody")
    export = export.replace("{email: Customer.Email, first_name: Customer.FirstName}", "{email: Person.Column_3}")
    desk.done("exports", "apply", desk.file("exports.yaml", export))
    (run,) = desk.told("exports", "run", "Buyers")["runs"]
    records = source.read_text("utf-8-sig").split("&|")
    addresses = [record.split("+|")[2].strip().lower() for record in records if "+|" in record]
    assert len(addresses) == 19_972
    usable = {
        address for address in addresses if address.isascii()
    }  # such as ramón19@…: Mailchimp takes no such letters
    assert set(mailchimp.audience.contacts) == usable
    assert (run["added"], run["rejected"], run["left_out"]) == (len(usable), 0, len(addresses) - len(usable))
