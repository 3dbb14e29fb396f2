"""Segments by command line to those who pick files up, with nothing said about format and layout but what is usual there."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.cli.desk import Desk
from tests.destinations import test_azure_blob, test_azure_data_lake
from tests.servers import datalake, openssh
from tests.servers.azurite import ACCOUNT, Azurite, azurite
from tests.servers.datalake import Lake, data_lake
from tests.servers.openssh import OpenSshServer
from tests.servers.secret_service import SecretServiceServer

__all__ = ["azurite", "data_lake"]

GERMANY = "{name: Germany and Zürich, of: customers, rules: [{all: [{field: Customer.Country, is_one_of: [DE, CH]}]}]}"
EXPORT = """
name: Weekly
kind: segment
connection: Far
segments: [Germany and Zürich]
match: {MATCH}
consent: {agreed: true}
"""
LIVERAMP = "{EMAIL1: Customer.Email, CCID: Customer.CustomerId, TIER: Customer.Country}"


@pytest.fixture
def shop(desk: Desk, secret_service_here: SecretServiceServer) -> Desk:
    desk.make_shop(20)
    desk.done("segments", "save", desk.file("both.yaml", GERMANY))
    return desk


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OpenSshServer]:
    if not openssh.USABLE:
        pytest.skip("needs OpenSSH's sshd")
    started = openssh.start(tmp_path / "sshd")
    yield started
    started.stop()


def connect(desk: Desk, destination: str, values: dict[str, str], field: str, secret: str) -> None:
    path = desk.file("secret", secret)
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    given = (*settings, "--secret", f"{field}=file:{path}", "--agree")
    desk.done("connections", "add", "--name", "Far", "--destination", destination, *given)
    path.unlink()
    assert desk.do("connections", "test", "Far", "--json").document["ok"] is True


def send(desk: Desk, match: str, more: str = "") -> None:
    desk.done("exports", "apply", desk.file("weekly.yaml", EXPORT.replace("{MATCH}", match) + more))
    desk.done("exports", "run", "Weekly")


def refused(desk: Desk, match: str, more: str = "") -> str:
    said = desk.do("exports", "apply", desk.file("weekly.yaml", EXPORT.replace("{MATCH}", match) + more))
    assert said.status != 0
    return said.err


def test_liveramp(shop: Desk, server: OpenSshServer) -> None:
    table = shop.folder / "Customer.csv"
    table.write_text(table.read_text("utf-8").replace("p0@example.com", " P0@Example.COM "), "utf-8")
    shop.done("tables", "refresh", "Customer")
    connect(shop, "liveramp", server.values(), "private_key", server.key)
    send(shop, LIVERAMP)
    (path,) = server.folder.iterdir()
    assert re.fullmatch(r"Weekly_Germany_and_Zurich_\d{4}-\d\d-\d\d_\d{4}\.csv", path.name)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert list(rows[0]) == ["EMAIL1", "CCID", "TIER"]
    assert {row["TIER"] for row in rows} == {"DE", "CH"}
    assert [row["EMAIL1"] for row in rows if row["CCID"] == "C-00000"] == ["p0@example.com"]
    assert len(rows) == 10


def test_liveramp_gets_nobody_it_could_not_know(shop: Desk, server: OpenSshServer) -> None:
    table = shop.folder / "Customer.csv"
    text = table.read_text("utf-8").replace("p0@example.com", "").replace("p4@example.com", "no address")
    text = text.replace("p8@example.com", "").replace("Zoë 8,", "(202) 555-0123,")
    table.write_text(text, "utf-8")
    shop.done("tables", "refresh", "Customer")
    connect(shop, "liveramp", server.values(), "private_key", server.key)
    send(shop, LIVERAMP.replace("TIER", "PHONE1: Customer.FirstName, ZIP"))
    (path,) = server.folder.iterdir()
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert len(rows) == 8
    assert [row["PHONE1"] for row in rows if not row["EMAIL1"]] == ["+12025550123"]
    (run,) = shop.do("runs", "list", "--json").document["runs"]
    assert (run["rows"], run["left_out"]) == (8, 2)
    assert "Left out: 2 without a usable identifier." in shop.done("runs", "show", run["id"]).out


def test_liveramp_refuses_what_it_could_not_read(shop: Desk, server: OpenSshServer) -> None:
    connect(shop, "liveramp", server.values(), "private_key", server.key)
    assert "“EMAIL1” has no field of yours" in refused(shop, "{CCID: Customer.CustomerId}")
    assert "“FIRSTNAME”" in refused(shop, LIVERAMP, "target: {identifier: name-and-address}")
    assert "“e mail”" in refused(shop, LIVERAMP.replace("TIER", "e mail"))
    assert "reads CSV, not Parquet" in refused(shop, LIVERAMP, "format: {type: parquet}")
    assert "plain letters" in refused(shop, LIVERAMP, "layout: {plain_names: false}")


def test_salesforce_marketing_cloud(shop: Desk, server: OpenSshServer) -> None:
    values = server.values(folder=str(server.folder / "Import"))
    connect(shop, "salesforce-marketing-cloud", values, "private_key", server.key)
    send(shop, "{SubscriberKey: Customer.CustomerId, EmailAddress: Customer.Email}")
    (path,) = (server.folder / "Import").iterdir()
    assert re.fullmatch(r"Weekly_Germany and Zürich_\d{8}_\d{4}\.csv", path.name)
    assert path.read_text("utf-8").splitlines()[0] == "SubscriberKey,EmailAddress"


@pytest.mark.parametrize(
    ("destination", "pattern"),
    [
        ("adobe-campaign-standard", r"CustomerInsights_[0-9a-f-]+/Weekly_Germany and Zürich_\d{10}\.csv"),
        (
            "adobe-experience-platform",
            r"CustomerInsights_[0-9a-f-]+/Weekly/Germany and Zürich/\d{4}/\d\d/\d\d/\d{4}/Germany and Zürich_1\.csv",
        ),
        (
            "inmobi",
            r"CustomerInsights_[0-9a-f-]+/Weekly/Germany and Zürich/\d{4}/\d\d/\d\d/\d{4}/Germany and Zürich_1\.csv",
        ),
    ],
)
def test_blob_hand_offs(shop: Desk, azurite: Azurite, destination: str, pattern: str) -> None:
    bench = test_azure_blob.Bench(azurite)
    values = {"account": ACCOUNT, "container": bench.name, "endpoint": azurite.endpoint, "folder": "Team/Exports"}
    connect(shop, destination, values, "account_key", azurite.key)
    send(shop, "{email: Customer.Email, firstName: Customer.FirstName}")
    (path,) = bench.files()
    assert re.fullmatch(pattern, path)
    lines = bench.read(path).decode("utf-8").splitlines()
    assert lines[0] == "email,firstName"
    assert len(lines) == 11


def test_adobe_campaign_wants_one_file(shop: Desk, azurite: Azurite) -> None:
    bench = test_azure_blob.Bench(azurite)
    values = {"account": ACCOUNT, "container": bench.name, "endpoint": azurite.endpoint}
    connect(shop, "adobe-campaign-standard", values, "account_key", azurite.key)
    said = refused(
        shop, "{email: Customer.Email}", "format: {rows_per_file: 5}\nlayout: {file: '{segment}_{timestamp}_{part}'}"
    )
    assert "each segment or table in one file" in said


def test_synapse_gets_tables_a_manifest_and_the_script_of_a_lake_database(shop: Desk, data_lake: Lake) -> None:
    bench = test_azure_data_lake.Bench(data_lake)
    values = {
        "account": datalake.ACCOUNT,
        "container": bench.container,
        "endpoint": data_lake.endpoint,
        "folder": "Team/Exports",
    }
    connect(shop, "azure-synapse", values, "account_key", data_lake.key)
    document = "{name: Customer 360, kind: data-out, connection: Far, tables: [Customer], consent: {agreed: true}}"
    shop.done("exports", "apply", shop.file("lake.yaml", document))
    for _again in range(2):  # the database stays where it is
        shop.done("exports", "run", "Customer 360")
    assert bench.files() == [
        "Customer 360/Customer.cdm.json",
        "Customer 360/Customer/Customer_1.parquet",
        "Customer 360/default.manifest.cdm.json",
        "Customer 360/lake_database.sql",
        "Customer 360/model.json",
    ]
    rows = pyarrow.parquet.read_table(io.BytesIO(bench.read("Customer 360/Customer/Customer_1.parquet")))
    assert rows.num_rows == 20
    script = bench.read("Customer 360/lake_database.sql").decode()
    assert "CREATE DATABASE IF NOT EXISTS `customer_360`;" in script
    assert f"{bench.container}/Team/Exports/Customer 360/Customer';" in script
    said = shop.do(
        "exports", "apply", shop.file("lake.yaml", document.replace("tables:", "format: {type: json-lines}, tables:"))
    )
    assert "reads Parquet or CSV, not JSON lines" in said.err
