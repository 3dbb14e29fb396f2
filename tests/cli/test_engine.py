from __future__ import annotations

import pytest

from app.cli.output import Exit
from tests.cli.desk import Desk
from tests.servers.postgres import PostgresServer, postgres

__all__ = ["postgres"]

pytestmark = pytest.mark.usefixtures("secret_service_here")


def test_from_an_address_to_members(shop: Desk, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDOFF_WORKSPACE", str(shop.workspace))
    monkeypatch.setenv("SHOP_PASSWORD", postgres.password)
    where = f"127.0.0.1:{postgres.port}/shop"
    assert shop.told("engine", "show") == {"engine": "duckdb", "server": None, "tables": []}
    assert shop.told("engine", "test")["engine"] == "duckdb"
    with postgres.schema() as schema:
        postgres.run(
            f'CREATE TABLE {schema}."Person" ("PersonId" int PRIMARY KEY, "Mail" text)',
            f"INSERT INTO {schema}.\"Person\" SELECT i, 'p' || i || '@x.de' FROM generate_series(1, 30) i",
        )
        wrong = shop.do("engine", "set", f"postgresql://reader:s3cret@{where}")
        assert wrong.status == Exit.WRONG_USE
        assert "s3cret" not in wrong.out + wrong.err
        secret = ("--secret", "password=env:SHOP_PASSWORD")
        unencrypted = shop.do("engine", "set", f"postgresql://reader@{where}?sslmode=verify-full", *secret)
        assert unencrypted.status != Exit.DONE
        assert "prove" in unencrypted.err
        url = f"postgresql://reader@{where}/{schema}/Person?sslmode=require"
        (added,) = shop.told("tables", "add", url, *secret)["tables"]
        assert (added["name"], added["rows"], added["key"]) == ("Person", 30, "PersonId")
        assert shop.told("engine", "show")["tables"] == ["Person"]
        tested = shop.told("engine", "test")
        assert tested["encrypted"] is True
        assert [t["added"] for t in shop.told("engine", "tables")["tables"]] == ["Person"]
        other = shop.do("tables", "add", "postgresql://elsewhere/shop")
        assert other.status == Exit.WRONG_USE
        assert "elsewhere" not in shop.told("engine", "show")["server"]["host"]
        shop.done("tables", "set", "Customer", "--role", "other")
        shop.done("tables", "set", "Person", "--role", "customer", "--key", "PersonId")
        rules = "name: Some\nrules: [{all: [{field: Person.PersonId, at_most: 12}]}]\n"
        shop.done("segments", "save", shop.file("some.yaml", rules))
        assert shop.told("segments", "count", "Some")["members"] == 12
        assert len(shop.told("segments", "members", "Some", "--limit", "3")["members"]) == 3
        assert any(c["name"] == "server" and c["ok"] for c in shop.do("doctor", "--json").document["checks"])
        assert shop.do("engine", "set", "duckdb").status == Exit.WRONG_USE
        shop.done("tables", "remove", "Person")
        assert shop.told("engine", "set", "duckdb")["engine"] == "duckdb"


def test_limits_are_shown_and_changed(shop: Desk) -> None:
    told = shop.told("engine", "limits")
    assert 1 <= told["threads"] <= told["computer"]["cores"]
    assert shop.told("engine", "limits", "--threads", "1", "--memory", "1")["memory_gb"] == 1
    assert shop.told("engine", "limits")["threads"] == 1
    assert shop.do("engine", "limits", "--threads", "5000").status == 2
    assert [entry["deed"] for entry in shop.told("audit", "list", "--limit", "1")["entries"]] == ["engine_changed"]
