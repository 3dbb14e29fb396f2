"""What tests of tables share: two files to read, and who acts."""

from __future__ import annotations

from app.core.roles import Role
from app.data.engines.duckdb import DuckDBEngine

CUSTOMERS = "CustomerId,Email,Mobile,Vorname,Country,Opt-in\n" + "".join(
    f"C-{n:03d},person{n}@example.com,07700 900{n:03d},Jörg,DE,{'yes' if n % 2 else 'no'}\n" for n in range(1, 21)
)
ORDERS = "OrderId,CustomerId,Total\n" + "".join(f"O-{n},C-{n % 20 + 1:03d},{n}.50\n" for n in range(1, 41))


class Acting:
    def __init__(self) -> None:
        self.current = Role.ADMIN

    def role(self) -> Role:
        return self.current


def leftovers(engine: DuckDBEngine) -> list[str]:
    data = engine.folder / "data"
    return sorted(path.name for path in data.iterdir()) if data.is_dir() else []
