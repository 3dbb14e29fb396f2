from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.connections import Access, Connection
from app.core.roles import Role
from app.core.segments import Condition, FieldRef, Group, Mode, Operator, Rule, SetOperator
from app.core.tables import Column, ColumnType, Meaning, TableRole
from app.core.workspaces import Audience
from app.data.engines.duckdb import DuckDBEngine
from app.destinations import registry
from app.jobs import JobContext
from app.services.connections import ConnectionService
from app.services.destinations import DestinationService
from app.services.exports import ExportService
from app.services.roles import RoleService
from app.services.tables import TableService
from app.store import Store
from tests.fakes import tiny
from tests.fakes.secret_store import MemoryStore
from tests.services.auditing import trail_of
from tests.services.table_desk import CUSTOMERS, ORDERS, Acting
from tests.store import samples

KEY = 'abcd-Secr3t-é"\\-value'


class Clock:
    """Moves only when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class House:
    """A workspace with the services under test and one table and segment."""

    folder: Path
    store: Store
    roles: RoleService
    connections: ConnectionService
    exports: ExportService
    secrets: MemoryStore
    clock: Clock
    ctx: JobContext = field(default_factory=JobContext)
    masked: list[str] = field(default_factory=list)

    def role(self, role: Role) -> None:
        """Work in this role from now on, as another admin's decision."""
        self.store.workspace.set_setting("role", role.value)

    def connect(self, name: str = "Tiny one", access: Access = Access.CONTRIBUTORS) -> Connection:
        return self.connections.add(name, "tiny", {"host": "tiny.example"}, {"key": KEY}, access, agreed=True)

    def document(self, **changes: object) -> dict[str, object]:
        return {
            "name": "Newsletter",
            "kind": "segment",
            "connection": "Tiny one",
            "segments": ["Gold"],
            "target": {"list": "l1"},
            "match": {"email": "Customer.Email"},
            "consent": {"agreed": True},
        } | changes


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store = Store.create(tmp_path / "ws", "Northwind", Audience.CONSUMERS)
    columns = (
        Column("CustomerId", ColumnType.INTEGER),
        Column("Email", ColumnType.TEXT, Meaning.EMAIL, confirmed=True),
        Column("Vorname", ColumnType.TEXT),
    )
    store.tables.save(samples.table("Customer", columns=columns, rows=1234))
    store.segments.save(samples.segment("Gold"))
    clock, secrets, masked = Clock(), MemoryStore(), []
    roles = RoleService(store, environment={})
    destinations = DestinationService(lambda: (tiny.description(), registry.description("local-folder")))
    tiny.script = tiny.Script()
    connections = ConnectionService(
        store, roles, destinations, secrets, trail_of(store, clock), remember_secret=masked.append, clock=clock
    )
    exports = ExportService(store, roles, destinations, trail_of(store, clock), clock=clock)
    yield House(tmp_path / "ws", store, roles, connections, exports, secrets, clock, masked=masked)
    store.close()


CSV = """CustomerId,Email,FirstName,Country
1,Nora@Example.com ,Nora,DE
2,omar@example.com,"O""mar",DE
3,not an address,Pia,DE
4,quinn@example.com,,AT
"""


@pytest.fixture
def looking(house: House) -> Iterator[House]:
    """The house with real rows, and an export service that can look at them."""
    from app.data.engines.duckdb import DuckDBEngine
    from app.services.export_views import ExportViews
    from app.services.tables import TableService

    house.store.tables.remove(house.store.tables.get("Customer").id)
    engine = DuckDBEngine(house.folder, threads=1)
    tables = TableService(house.store, engine, house.roles, trail_of(house.store))
    source = house.folder / "Customer.csv"
    source.write_text(CSV, "utf-8")
    tables.add([source], "Customer", house.ctx)
    tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
    tables.set_meaning("Customer", "Email", Meaning.EMAIL)
    tables.set_meaning("Customer", "FirstName", Meaning.FIRST_NAME)
    german = Group(Mode.ALL, (Condition(FieldRef("Customer", "Country"), Operator.IS, "DE"),))
    gold = house.store.segments.get("Gold")
    house.store.segments.save(replace(gold, rules=(Rule(SetOperator.UNION, german),)))
    house.connect()
    views = ExportViews(house.store, house.exports._destinations, engine, house.connections.open, house.clock)
    house.exports = ExportService(
        house.store,
        house.roles,
        house.exports._destinations,
        trail_of(house.store, house.clock),
        views=lambda: views,
        clock=house.clock,
    )
    match = {"email": "Customer.Email", "first_name": "Customer.FirstName"}
    house.exports.apply(house.document(match=match))
    yield house
    engine.close()


# Tables


@pytest.fixture
def roles() -> Acting:
    return Acting()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.create(tmp_path / "Northwind", "Northwind Retail", Audience.CONSUMERS)
    yield store
    store.close()


@pytest.fixture
def engine(tmp_path: Path, store: Store) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(tmp_path / "Northwind", memory_limit="500MB", threads=1)
    yield engine
    engine.close()


@pytest.fixture
def tables(store: Store, engine: DuckDBEngine, roles: Acting) -> TableService:
    return TableService(store, engine, roles, trail_of(store))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    customers, orders = tmp_path / "Customer.csv", tmp_path / "Orders.csv"
    customers.write_text(CUSTOMERS, encoding="utf-8")
    orders.write_text(ORDERS, encoding="utf-8")
    return customers, orders
