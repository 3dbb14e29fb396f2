"""A workspace of its own with a mirrored export to Mailchimp's emulator, whose customers change between runs."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.bootstrap import Services, create_workspace
from app.core.connections import Access
from app.core.runs import Run, Trigger
from app.core.tables import Meaning, TableRole
from app.jobs import JobContext
from app.store import Store
from tests.fakes.secret_store import MemoryStore
from tests.vendors.mailchimp import KEY, MailchimpEmulator

GERMANY = {"name": "Germany", "of": "customers", "rules": [{"all": [{"field": "Customer.Country", "is": "DE"}]}]}


class History:
    """`customers` gives country and first name by number; who is in Germany is sent. The clock moves a day with each run.

    No guard holds a run: of so few customers each is a large share.
    """

    def __init__(self, folder: Path, emulator: MailchimpEmulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.now = datetime.now(UTC) - timedelta(days=20)
        secrets = MemoryStore()
        create_workspace(folder / "shop", "Shop", "consumers", country_code="DE", secrets=secrets).close()
        self.store = Store.open(folder / "shop")
        self.services = Services(folder / "shop", self.store, secrets=secrets, clock=lambda: self.now)
        self.customers(dict.fromkeys(range(3), ("DE", "Ann")))
        self.services.segments.save(dict(GERMANY), None)
        self.services.connections.add(
            "Mail", "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True
        )
        self.add("Letter")

    def add(self, name: str, **changes: object) -> None:
        """Add an export of the segment Germany."""
        self.services.exports.apply(
            {
                "name": name,
                "kind": "segment",
                "connection": "Mail",
                "segments": ["Germany"],
                "target": {"audience_id": self.emulator.audience.id},
                "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
                "sync": "mirror",
                "guard": {"removed_percent": None, "changed_percent": None, "empty_source": "allow"},
                "consent": {"agreed": True},
                **changes,
            }
        )

    def customers(self, people: Mapping[int, tuple[str, str]]) -> None:
        """Have these and no others in the table."""
        path = self.folder / "Customer.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("CustomerId", "Email", "FirstName", "Country"))
            writer.writerows((f"C-{i}", f"p{i}@example.com", name, country) for i, (country, name) in people.items())
        tables = self.services.tables
        if any(table.name == "Customer" for table in tables.all()):
            tables.refresh("Customer", JobContext())
            return
        tables.add([path], None, JobContext())
        tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
        tables.set_meaning("Customer", "Email", Meaning.EMAIL)

    def run(self, name: str = "Letter") -> Run:
        """Run the export to its end."""
        self.now += timedelta(days=1)
        (run,) = self.services.runs.start([name], Trigger.PERSON)
        self.services.runs.wait([run.id], JobContext())
        return self.kept(run.id)

    def kept(self, run_id: str) -> Run:
        """The run as the store has it once it ended: it is told a moment before."""
        deadline = time.monotonic() + 60
        while not (run := self.store.runs.by_id(run_id)).status.ended:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return run

    def tagged(self) -> set[str]:
        """The addresses with the segment's tag at Mailchimp."""
        tag = self.emulator.audience.tag("Germany")
        return set() if tag is None else set(tag.members)


@contextmanager
def history_in(folder: Path) -> Iterator[History]:
    """Make one and close it."""
    with MailchimpEmulator() as emulator:
        history = History(folder, emulator)
        try:
            yield history
        finally:
            history.services.close()
