"""Values that a person mapped count in previews, consent and counts, at once and after a refresh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import Services, create_workspace
from app.core.audit import Deed
from app.core.connections import Access
from app.core.errors import FixData, NotAllowed
from app.core.roles import Role
from app.core.tables import Meaning, TableRole
from app.jobs import JobContext
from tests.fakes.secret_store import MemoryStore
from tests.vendors.linkedin import TOKEN

ROWS = "Id,Email,Land,OptIn\n" + "".join(
    f"{n},p{n}@example.com,{('Germany', 'Batavia', 'Oz')[n % 3]},{('ja', 'jawohl', 'nein')[n % 3]}\n" for n in range(9)
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    services = create_workspace(tmp_path / "w", "Shop", "consumers", country_code="DE", secrets=MemoryStore())
    (tmp_path / "Customer.csv").write_text(ROWS, "utf-8")
    services.tables.add([tmp_path / "Customer.csv"], None, JobContext())
    services.tables.set_role("Customer", TableRole.CUSTOMER, "Id")
    for column, meaning in (("Email", Meaning.EMAIL), ("Land", Meaning.COUNTRY), ("OptIn", Meaning.CONSENT)):
        services.tables.set_meaning("Customer", column, meaning)
    services.segments.save({"name": "All", "rules": [{"all": [{"field": "Customer.Id", "is_not_empty": True}]}]})
    settings, secret = {"api_url": "http://127.0.0.1:1"}, {"access_token": TOKEN}
    services.connections.add("LinkedIn", "linkedin-ads", settings, secret, Access.CONTRIBUTORS, agreed=True)
    yield services
    services.close()


def test_unknown_values_are_told_first(shop: Services) -> None:
    ctx = JobContext()
    values = shop.tables.values.values("Customer", "land", ctx)
    assert [(each.value, each.rows, each.means) for each in values] == [
        ("Batavia", 3, None),
        ("Oz", 3, None),
        ("Germany", 3, "DE"),
    ]
    unknown = shop.tables.values.unknown("Customer", ctx)
    assert [(each.column, each.values, each.of, each.rows) for each in unknown] == [
        ("Land", 2, 3, 6),
        ("OptIn", 1, 3, 3),
    ]
    with pytest.raises(FixData):
        shop.tables.values.values("Customer", "Email", ctx)


def test_what_is_said_of_consent_counts_at_once(shop: Services) -> None:
    ctx = JobContext()
    before = shop.counts.count("All", "LinkedIn", ctx)
    assert (before.members, before.no_consent) == (9, 6)
    shop.tables.values.map("Customer", "OptIn", {"Jawohl": "yes"})
    after = shop.counts.count("All", "LinkedIn", ctx)
    assert after.no_consent == 3
    newest = shop.audit.page().entries[0]
    assert newest.deed is Deed.TABLE_CHANGED
    assert newest.after == {"values of OptIn": "jawohl = yes"}


def test_it_stays_over_a_refresh_and_goes_with_another_meaning(shop: Services, tmp_path: Path) -> None:
    shop.tables.values.map("Customer", "Land", {"Batavia": "nl", "Oz": "AU"})
    shop.tables.refresh("Customer", JobContext())
    column = shop.tables.get("Customer").column("Land")
    assert column is not None
    assert column.means == (("batavia", "NL"), ("oz", "AU"))
    assert [each.column for each in shop.tables.values.unknown("Customer", JobContext())] == ["OptIn"]
    assert shop.tables.set_meaning("Customer", "Land", Meaning.CITY).column("Land").means == ()


def test_only_who_may_change_tables_maps(shop: Services) -> None:
    shop.roles.set_role(Role.CONTRIBUTOR)
    with pytest.raises(NotAllowed):
        shop.tables.values.map("Customer", "Land", {"Oz": "AU"})
