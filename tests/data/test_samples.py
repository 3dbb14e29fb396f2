from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from app.core.segment_documents import parse
from app.core.tables import Catalog, ColumnType, Link, Meaning, Table, TableRole
from app.data import samples
from app.data.catalog import find_links, understand
from app.data.engines.duckdb import DuckDBEngine, rows_in
from app.jobs import Cancelled, CancelToken, JobContext

CONTENTS = {
    "Account": (20000, 184000435935723138611055),
    "Contact": (60000, 551857788119199158851460),
    "Customer": (200000, 1845675228344407396352877),
    "Opportunity": (9000, 83383970268703988773832),
    "Orders": (1000000, 9217178451555618323655586),
}


@pytest.fixture(scope="module")
def cooked(tmp_path_factory) -> tuple[dict[str, Path], float]:
    folder = tmp_path_factory.mktemp("samples")
    began = time.process_time()
    files = [*samples.consumers(folder, JobContext()), *samples.businesses(folder, JobContext())]
    assert sorted(folder.iterdir()) == sorted(files), "nothing else is left in the folder"
    return {file.stem: file for file in files}, time.process_time() - began


@pytest.fixture
def sql(cooked):
    connection = duckdb.connect()
    for name, file in cooked[0].items():
        connection.execute(f"CREATE VIEW {name} AS FROM '{file}'")
    yield lambda query: connection.execute(query).fetchall()
    connection.close()


def test_the_rows_are_the_same_everywhere(sql, cooked):
    """Hash of the printed rows; a change here changes every count people and tests know."""
    got = {}
    for name in cooked[0]:
        rows, total = sql(f"SELECT count(*), sum(md5_number_lower(t::VARCHAR)::HUGEINT) FROM {name} AS t")[0]
        got[name] = (rows, total)
    assert got == CONTENTS


def test_it_takes_seconds(cooked):
    assert cooked[1] < 20, "processor seconds for both audiences"


@pytest.mark.parametrize(("table", "column"), [("Customer", "EmailPrimary"), ("Contact", "Email")])
def test_every_mail_address_is_at_a_reserved_name(sql, table, column):
    ends = sql(
        f"SELECT DISTINCT lower(trim(regexp_extract({column}, '.*@(.*)$', 1))) FROM {table} WHERE {column} LIKE '%@%'"
    )
    reserved = re.compile(r"^$|(^|\.)(example|test|example\.(com|net|org)|example\.\.com)$")
    assert [end for (end,) in ends if not reserved.search(end)] == []


@pytest.mark.parametrize(("table", "column"), [("Customer", "Mobile"), ("Contact", "Phone"), ("Account", "Phone")])
def test_every_phone_number_is_kept_for_fiction(sql, table, column):
    plain = {
        re.sub(r"\D", "", phone)
        for (phone,) in sql(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL")
    }
    fiction = re.compile(
        r"^0?$|^1?\d{3}55501\d\d$|^(0|44|440|0044)(7700900\d{3}|2079460\d{3}|1614960\d{3})$"
        r"|^(0|49|490|0049)(3023125\d{3}|17139200\d\d)$|^(0|33|0033)63998\d{4}$|^(0|46)7017406\d\d$|^(0|61|610)4915[0-9]{5}$"
    )
    assert sorted(number for number in plain if not fiction.search(number)) == []


def test_it_is_as_messy_as_real_data(sql):
    one = sql(
        "SELECT count(*) FILTER (EmailPrimary IS NULL), count(*) FILTER (EmailPrimary = ''), count(*) FILTER (EmailOptIn IS NULL), "
        "count(*) FILTER (EmailPrimary <> trim(EmailPrimary)), count(*) FILTER (Mobile IS NULL), "
        "count(*) - count(DISTINCT lower(trim(EmailPrimary))), count(DISTINCT Country) FROM Customer"
    )[0]
    assert all(number > 100 for number in one[:6])
    assert one[6] > 60, "countries as names and codes in many spellings"
    assert sql("SELECT count(*) FROM Customer WHERE FirstName SIMILAR TO '.*[^ -~].*'")[0][0] > 20_000
    assert sql("SELECT count(*) FROM Customer WHERE PostalCode LIKE '0%'")[0][0] > 1_000


def test_keys_are_unique_and_orders_belong_to_customers(sql):
    for table, key in (
        ("Customer", "CustomerId"),
        ("Orders", "OrderId"),
        ("Account", "AccountId"),
        ("Contact", "ContactId"),
    ):
        assert sql(f"SELECT count(*) - count(DISTINCT {key}) FROM {table}") == [(0,)]
    assert sql("SELECT count(*) FROM Orders ANTI JOIN Customer USING (CustomerId)") == [(0,)]
    assert sql(
        "SELECT count(*) FROM Customer LEFT JOIN (SELECT CustomerId, max(PlacedOn) AS last_on FROM Orders "
        "WHERE Status <> 'cancelled' GROUP BY ALL) USING (CustomerId) WHERE last_on IS DISTINCT FROM LastPurchaseOn"
    ) == [(0,)]


def test_the_types_are_the_product_s(cooked, tmp_path):
    engine = DuckDBEngine(tmp_path, threads=1)
    types = {column.name: column.type for column in engine.describe([cooked[0]["Customer"]])}
    engine.close()
    assert types["BirthDate"] is ColumnType.DATE
    assert types["EmailOptIn"] is ColumnType.BOOLEAN
    assert types["LifetimeValue"] is ColumnType.DECIMAL
    assert types["LastPurchaseOn"] is ColumnType.TIMESTAMP
    assert types["PostalCode"] is ColumnType.TEXT


def test_the_catalog_understands_them(cooked, tmp_path):
    engine = DuckDBEngine(tmp_path, threads=1)
    catalog = Catalog(())
    with engine.cursor(CancelToken()) as cursor:
        for name in ("Customer", "Orders", "Account", "Contact", "Opportunity"):
            files = [str(cooked[0][name])]
            guessed = understand(cursor, name, engine.describe(files), rows_in(files), CONTENTS[name][0], catalog)
            table = Table(name, name, guessed.role, guessed.columns, guessed.key, 1, 1, "", datetime.now(UTC))
            catalog = Catalog((*catalog.tables, table))
        links = [
            link
            for name in ("Orders", "Contact", "Opportunity")
            for link in find_links(cursor, catalog.table(name), catalog, lambda table: rows_in([cooked[0][table.name]]))
        ]
    engine.close()
    assert {table.name: (table.role, table.key) for table in catalog.tables} == {
        "Customer": (TableRole.CUSTOMER, "CustomerId"),
        "Orders": (TableRole.OTHER, "OrderId"),
        "Account": (TableRole.ACCOUNT, "AccountId"),
        "Contact": (TableRole.CONTACT, "ContactId"),
        "Opportunity": (TableRole.OTHER, "OpportunityId"),
    }
    assert set(links) == {
        Link("Customer", "CustomerId", "Orders", "CustomerId"),
        Link("Account", "AccountId", "Contact", "AccountId"),
        Link("Account", "AccountId", "Opportunity", "AccountId"),
    }
    customer = {column.name: column.meaning for column in catalog.table("Customer").columns}
    assert customer["EmailPrimary"] is Meaning.EMAIL
    assert customer["Mobile"] is Meaning.PHONE
    assert customer["EmailOptIn"] is Meaning.CONSENT
    assert customer["LoyaltyTier"] is Meaning.NONE


@pytest.mark.parametrize(("audience", "least"), [("consumers", 10), ("businesses", 8)])
def test_segment_documents_name_what_is_there(sql, cooked, audience, least):
    columns = {f"{table}.{row[0]}" for table in cooked[0] for row in sql(f"DESCRIBE {table}")}
    documents = [(file, yaml.safe_load(file.read_text(encoding="utf-8"))) for file in samples.segment_files(audience)]
    assert len(documents) >= least
    names: set[str] = set()
    for file, document in documents:
        text = file.read_text(encoding="utf-8")
        assert set(re.findall(r"field: ([\w.]+)", text)) <= columns
        assert set(re.findall(r"segment: ([\w ]+)\}", text)) <= names, "a segment stands behind those it refers to"
        if "list" in document:
            lines = (file.parent / document["list"]).read_text(encoding="utf-8").splitlines()
            table = {"CustomerId": "Customer", "AccountId": "Account"}[lines[0]]
            known = {key for (key,) in sql(f"SELECT {lines[0]} FROM {table}")}
            assert set(lines[1:]) <= known
        assert parse(document, segment_id="s1").name == document["name"]
        names.add(document["name"])
    assert len(names) == len(documents)


def test_a_cancel_leaves_nothing_behind(tmp_path):
    ctx = JobContext()
    ctx.listener = lambda progress: ctx.token.cancel() if progress.done == 15 else None
    ctx.interval = 0
    with pytest.raises(Cancelled):
        samples.businesses(tmp_path, ctx)
    assert list(tmp_path.iterdir()) == []
