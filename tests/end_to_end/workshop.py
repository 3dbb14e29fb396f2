"""A workspace made through the same doors people use, with customers as messy as asked for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import Services, create_workspace
from app.core.connections import Access, Connection
from app.core.runs import Run, Trigger
from app.core.tables import Meaning, TableRole
from app.jobs import JobContext
from tests.fakes.secret_store import MemoryStore
from tests.vendors.mailchimp import KEY

COUNTRIES = ("DE", "AT", "CH", "FR")


class Workshop:
    """One workspace; `secrets` stands in for the computer's keyring."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workspace"
        self.outside = folder
        self.secrets = MemoryStore()
        self.services: Services = create_workspace(self.folder, "Shop", "consumers", secrets=self.secrets)

    def customers(self, number: int, *, without_address: int = 0, broken: int = 0, twice: int = 0) -> None:
        """The table, or new data for it: `number` rows; so many have no address, none that is one, or that of customer 0 again."""
        path = self.outside / "Customer.csv"
        bad = [""] * without_address + ["nobody at nowhere"] * broken + ["  P0@Example.com "] * twice
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("CustomerId", "Email", "FirstName", "Country"))
            for i in range(number):
                address = bad[i - number + len(bad)] if i >= number - len(bad) else f"p{i}@example.com"
                writer.writerow((f"C-{i:07}", address, f"Zoë {i}", COUNTRIES[i % 4]))
        if any(table.name == "Customer" for table in self.services.tables.all()):
            self.services.tables.refresh("Customer", JobContext())
            return
        self.services.tables.add([path], "Customer", JobContext())
        self.services.tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
        self.services.tables.set_meaning("Customer", "Email", Meaning.EMAIL)

    def segment(self, name: str, *countries: str) -> None:
        rule = {"field": "Customer.Country", "is_one_of": list(countries or COUNTRIES)}
        self.services.segments.save({"name": name, "of": "customers", "rules": [{"all": [rule]}]}, None)

    def connect(
        self, name: str, destination: str, settings: Mapping[str, str], secrets: Mapping[str, str] | None = None
    ) -> Connection:
        return self.services.connections.add(
            name, destination, settings, secrets or {}, Access.CONTRIBUTORS, agreed=True
        )

    def mailchimp(self, url: str, name: str = "Mail") -> None:
        self.connect(name, "mailchimp", {"api_url": url}, {"api_key": KEY})

    def newsletter(self, *segments: str, name: str = "Newsletter", connection: str = "Mail", **changes: Any) -> None:
        self.services.exports.apply(
            {
                "name": name,
                "kind": "segment",
                "connection": connection,
                "segments": list(segments),
                "target": {"audience_id": "a1b2c3d4e5"},
                "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
                "sync": "update",
                "consent": {"agreed": True},
                **changes,
            }
        )

    def data_out(self, name: str = "Lake", connection: str = "Lake", **changes: Any) -> None:
        self.services.exports.apply(
            {
                "name": name,
                "kind": "data-out",
                "connection": connection,
                "tables": [{"name": "Customer"}],
                "format": {"type": "csv", "rows_per_file": 1000},
                "layout": {"folder": "{export}/{table}", "model_json": True, "keep_earlier_runs": False},
                "consent": {"agreed": True},
                **changes,
            }
        )

    def start(self, *names: str) -> list[Run]:
        return self.services.runs.start(names, Trigger.PERSON)

    def run(self, *names: str) -> list[Run]:
        return self.services.runs.wait([r.id for r in self.start(*names)], JobContext())

    def undo(self, run: Run) -> Run:
        """Take back what a run did."""
        started = self.services.undo.start(run.id, Trigger.PERSON)
        (ended,) = self.services.runs.wait([started.id], JobContext())
        return ended

    def log(self, run: Run) -> str:
        return "\n".join(line.text for line in self.services.runs.log(run.id))


@contextmanager
def workshop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A workshop that leaves no trace outside the folder."""
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(folder / "config"))
    monkeypatch.delenv("SENDOFF_ROLE", raising=False)
    shop = Workshop(folder)
    try:
        yield shop
    finally:
        shop.services.close()
