"""Each kind of change is taken back by its entry, by the real services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import Services, create_workspace
from app.core.audit import AuditFilter, Deed
from app.core.connections import Access
from app.core.errors import FixData, NotAllowed
from app.core.roles import Role
from app.core.segments import FieldRef
from app.core.tables import Meaning, TableRole
from app.jobs import JobContext
from app.services.putting_back import can_put_back
from tests.fakes.secret_store import MemoryStore
from tests.services.table_desk import CUSTOMERS, ORDERS


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    services = create_workspace(tmp_path / "w", "Shop", "consumers", country_code="DE", secrets=MemoryStore())
    for name, text in (("Customer", CUSTOMERS), ("Orders", ORDERS)):
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        services.tables.add([tmp_path / f"{name}.csv"], None, JobContext())
    settings = {"folder": str(tmp_path / "drive")}
    services.connections.add("Drive", "local-folder", settings, {}, Access.CONTRIBUTORS, agreed=True)
    services.exports.apply(
        {
            "name": "Orders daily",
            "kind": "data-out",
            "connection": "Drive",
            "tables": [{"name": "Orders"}],
            "consent": {"agreed": True},
        }
    )
    yield services
    services.close()


def newest(services: Services, deed: Deed) -> int:
    entries = services.audit.page(AuditFilter()).entries
    return next(entry.id for entry in entries if entry.deed is deed)


def test_an_export_goes_back_under_its_old_name_too(shop: Services) -> None:
    shop.exports.rename("Orders daily", "Orders weekly")
    shop.putting_back.put_back(newest(shop, Deed.EXPORT_CHANGED))
    assert [row.export.name for row in shop.exports.all()] == ["Orders daily"]
    assert shop.audit.page().entries[0].deed is Deed.EXPORT_CHANGED
    shop.exports.remove("Orders daily")
    shop.putting_back.put_back(newest(shop, Deed.EXPORT_REMOVED))
    assert shop.exports.get("Orders daily").export.connection is not None


def test_a_connection_goes_back(shop: Services, tmp_path: Path) -> None:
    shop.connections.edit("Drive", new_name="Share", settings={"folder": str(tmp_path / "other")})
    shop.putting_back.put_back(newest(shop, Deed.CONNECTION_CHANGED))
    assert shop.connections.get("Drive").connection.settings == {"folder": str(tmp_path / "drive")}
    shop.exports.remove("Orders daily")
    shop.connections.remove("Drive")
    shop.putting_back.put_back(newest(shop, Deed.CONNECTION_REMOVED))
    assert shop.connections.exists("Drive")


def test_a_segment_goes_back_unless_it_named_somebody(shop: Services) -> None:
    shop.tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
    shop.tables.set_meaning("Customer", "Email", Meaning.EMAIL)
    for value in ("DE", "AT"):
        shop.segments.save(
            {"name": "Near", "of": "customers", "rules": [{"all": [{"field": "Customer.Country", "is": value}]}]}
        )
    shop.putting_back.put_back(newest(shop, Deed.SEGMENT_CHANGED))
    assert shop.segments.words("Near") == ("Those where Customer Country is DE.",)
    for value in ("ann@example.com", "ben@example.com"):
        shop.segments.save({"name": "One", "rules": [{"all": [{"field": "Customer.Email", "is": value}]}]})
    changed = newest(shop, Deed.SEGMENT_CHANGED)
    assert not can_put_back(shop.audit.get(changed), Role.ADMIN)
    with pytest.raises(FixData):
        shop.putting_back.put_back(changed)


def test_what_is_said_of_a_table_goes_back(shop: Services) -> None:
    country = FieldRef("Customer", "Country")
    before = shop.tables.get("Customer")
    shop.tables.set_meaning("Customer", country.column, Meaning.LANGUAGE)
    shop.putting_back.put_back(newest(shop, Deed.TABLE_CHANGED))
    column = shop.tables.get("Customer").column(country.column)
    assert column is not None
    assert column.meaning is before.column(country.column).meaning
    link = shop.tables.links.all()[0]
    one, many = FieldRef(link.one_table, link.one_column), FieldRef(link.many_table, link.many_column)
    shop.tables.links.remove(one, many)
    shop.putting_back.put_back(newest(shop, Deed.TABLE_CHANGED))
    assert shop.tables.links.all() == [link]
    shop.putting_back.put_back(newest(shop, Deed.TABLE_CHANGED))
    assert shop.tables.links.all() == []
    shop.tables.remove("Orders")
    shop.putting_back.put_back(newest(shop, Deed.TABLE_REMOVED))
    assert {table.name for table in shop.tables.all()} == {"Customer", "Orders"}


def test_an_import_and_a_setting_go_back(shop: Services) -> None:
    shop.suppression.import_text("ann@example.com, ben@example.com", JobContext(), name="optouts")
    shop.putting_back.put_back(newest(shop, Deed.SUPPRESSION_LIST))
    assert shop.suppression.numbers().entries == 0
    shop.putting_back.put_back(newest(shop, Deed.SUPPRESSION_LIST))
    assert shop.suppression.numbers().entries == 2
    shop.workspace.rename("Store")
    shop.putting_back.put_back(newest(shop, Deed.SETTING_CHANGED))
    assert shop.workspace.info().name == "Shop"


def test_what_cannot_go_back_says_so(shop: Services) -> None:
    with pytest.raises(FixData) as raised:
        shop.putting_back.put_back(newest(shop, Deed.CONNECTION_ADDED))
    assert raised.value.code == "no_way_back"
    shop.exports.rename("Orders daily", "Orders weekly")
    renamed = newest(shop, Deed.EXPORT_CHANGED)
    assert can_put_back(shop.audit.get(renamed), Role.CONTRIBUTOR)
    assert not can_put_back(shop.audit.get(renamed), Role.VIEWER)
    shop.exports.remove("Orders weekly")
    with pytest.raises(FixData) as raised:
        shop.putting_back.put_back(renamed)
    assert raised.value.code == "no_way_back"
    shop.workspace.rename("Store")
    setting = newest(shop, Deed.SETTING_CHANGED)
    shop.roles.set_role(Role.CONTRIBUTOR)
    with pytest.raises(NotAllowed):
        shop.putting_back.put_back(setting)
