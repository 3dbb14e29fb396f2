"""A small real workspace for tests of the window: 200 customers, 600 orders, 4 segments, a folder to deliver into, 3 exports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import Services, create_workspace
from app.core.connections import Access
from app.jobs import JobContext
from tests.fakes.secret_store import MemoryStore

CUSTOMERS, ORDERS = 200, 600
SEGMENTS: tuple[dict[str, Any], ...] = (
    {"name": "Everyone", "of": "customers", "rules": [{"all": [{"field": "Customer.Email", "is_not_empty": True}]}]},
    {"name": "Germany", "of": "customers", "rules": [{"all": [{"field": "Customer.Country", "is_one_of": ["DE"]}]}]},
    {"name": "Big spenders", "of": "customers", "rules": [{"all": [{"field": "Customer.Spend", "at_least": 900}]}]},
    {"name": "Nobody", "of": "customers", "rules": [{"all": [{"field": "Customer.Spend", "at_least": 90_000}]}]},
)


def write_tables(folder: Path) -> list[Path]:
    """Write the two CSV files."""
    folder.mkdir(parents=True, exist_ok=True)
    customers, orders = folder / "Customer.csv", folder / "Orders.csv"
    lines = ["CustomerId,FirstName,LastName,Email,Country,Consent,Spend"]
    for number in range(1, CUSTOMERS + 1):
        country = ("DE", "AT", "FR", "GB")[number % 4]
        spend = number * 7 % 1000
        lines.append(f"C{number:04d},Ann{number},Lee{number},ann{number}@example.com,{country},true,{spend}.50")
    customers.write_text("\n".join(lines) + "\n", "utf-8")
    begin = date(2025, 1, 1)
    lines = ["OrderId,CustomerId,PlacedOn,Total"]
    for number in range(1, ORDERS + 1):
        day = begin + timedelta(days=number % 365)
        lines.append(f"O{number:05d},C{number % CUSTOMERS + 1:04d},{day.isoformat()},{number % 90}.90")
    orders.write_text("\n".join(lines) + "\n", "utf-8")
    return [customers, orders]


def fill_small(services: Services, folder: Path) -> None:
    """Fill an open empty workspace; `folder / "delivered"` is where its exports go."""
    ctx = JobContext()
    services.tables.add(write_tables(folder / "source"), None, ctx)
    for document in SEGMENTS:
        services.segments.save(dict(document), None)
    delivered = folder / "delivered"
    delivered.mkdir()
    services.connections.add(
        "Shared drive", "local-folder", {"folder": str(delivered)}, {}, Access.CONTRIBUTORS, agreed=True, tested=None
    )
    services.exports.apply_all(
        [
            {
                "name": "Weekly letter",
                "kind": "segment",
                "connection": "Shared drive",
                "segments": ["Everyone"],
                "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
                "sync": "replace",
                "consent": {"agreed": True},
            },
            {
                "name": "Two countries",
                "kind": "segment",
                "connection": "Shared drive",
                "segments": ["Germany", "Big spenders"],
                "match": {"email": "Customer.Email"},
                "sync": "replace",
                "consent": {"agreed": True},
                "schedule": {"every": "day", "at": "05:00", "time_zone": "Europe/Berlin"},
            },
            {
                "name": "Whole tables",
                "kind": "data-out",
                "connection": "Shared drive",
                "tables": [{"name": "Customer"}, {"name": "Orders"}],
                "format": {"type": "csv"},
                "consent": {"agreed": True},
            },
        ]
    )


def make_small(folder: Path) -> Services:
    """Create and fill a small workspace in a new folder; close it when done."""
    services = create_workspace(folder, "Small shop", "consumers", country_code="DE", secrets=MemoryStore())
    fill_small(services, folder)
    return services


@pytest.fixture
def small_services(tmp_path: Path) -> Iterator[Services]:
    """The services of a small workspace, closed after the test."""
    services = make_small(tmp_path / "workspace")
    yield services
    services.close()
