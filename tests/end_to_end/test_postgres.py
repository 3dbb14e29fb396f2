"""Tables that stay on a real PostgreSQL server go the same road as those of this computer, to the same end."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TryAgain
from app.core.roles import Role
from app.core.runs import Status
from app.core.segments import FieldRef
from app.core.tables import Link, Meaning, ServerTable, TableRole
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop, workshop
from tests.servers.postgres import PostgresServer, postgres, running_postgres
from tests.vendors.mailchimp import MailchimpEmulator

__all__ = ["postgres"]


def put_on(server: PostgresServer, schema: str, source: Path) -> None:
    """The rows of the workshop's CSV file as a table."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    values = ", ".join(
        "(" + ", ".join("'" + v.replace("'", "''") + "'" if v else "NULL" for v in row) + ")" for row in rows
    )
    server.run(
        f'CREATE TABLE {schema}."Customer" ("CustomerId" text PRIMARY KEY, "Email" text, "FirstName" text, "Country" text)',
        f'INSERT INTO {schema}."Customer" VALUES {values}',
    )


@pytest.fixture
def there(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: Workshop
) -> Iterator[Workshop]:
    """A second workshop, whose customers are those of `shop`, on the server."""
    shop.customers(600, without_address=5, broken=3, twice=2)
    (tmp_path / "there").mkdir()
    with postgres.schema() as schema, workshop(tmp_path / "there", monkeypatch) as made:
        put_on(postgres, schema, shop.outside / "Customer.csv")
        made.services.servers.set(postgres.address(), postgres.password)
        made.services.tables.server.add([ServerTable(schema, "Customer")], None, JobContext())
        yield made


def test_members_arrive_as_from_tables_of_this_computer(
    shop: Workshop, there: Workshop, mailchimp: MailchimpEmulator
) -> None:
    totals = []
    with MailchimpEmulator() as other:
        for place, target in ((shop, mailchimp), (there, other)):
            place.segment("Germany", "DE")
            place.mailchimp(target.url)
            place.newsletter("Germany")
            (run,) = place.run("Newsletter")
            assert run.status is Status.SUCCESSFUL, place.log(run)
            totals.append(run.totals)
        assert totals[1] == totals[0]
        held = [{mail: c.merge_fields for mail, c in e.audience.contacts.items()} for e in (mailchimp, other)]
        assert held[1] == held[0]
        assert len(held[0]) > 100
        again = [place.run("Newsletter")[0].totals for place in (shop, there)]
        assert again[1] == again[0]
        assert again[1].added == 0


def test_files_are_those_of_tables_of_this_computer(shop: Workshop, there: Workshop) -> None:
    found = []
    for place in (shop, there):
        folder = place.outside / "lake"
        place.connect("Lake", "local-folder", {"folder": str(folder)})
        place.data_out()
        (run,) = place.run("Lake")
        assert run.status is Status.SUCCESSFUL, place.log(run)
        assert (run.totals.rows, run.totals.files) == (600, 2)
        found.append({p.name: sorted(p.read_text("utf-8").splitlines()) for p in folder.rglob("*.csv")})
    assert found[1] == found[0]


def test_a_server_that_is_gone_leaves_what_is_known(
    tmp_path: Path, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.customers(8)
    services, ctx = shop.services, JobContext()
    services.tables.remove("Customer")
    with running_postgres() as server, server.schema() as schema:
        put_on(server, schema, shop.outside / "Customer.csv")
        services.servers.set(server.address(), server.password)
        services.tables.server.add([ServerTable(schema, "Customer")], None, ctx)
        shop.segment("Germany", "DE")
        shop.connect("Lake", "local-folder", {"folder": str(tmp_path / "lake")})
        shop.data_out()
        counted = services.counts.count("Germany", None, ctx)
        assert counted.members == 2
        assert services.counts.current("Germany", None) == counted
        later = datetime.now(UTC) + timedelta(minutes=11)
        monkeypatch.setattr(services.counts, "_clock", lambda: later)  # nobody tells when rows on a server change
        assert services.counts.current("Germany", None) is None
        assert services.counts.stale() == ["Germany"]
        server.stop()
        with pytest.raises(TryAgain) as caught:
            services.counts.count("Germany", None, ctx)
        assert caught.value.code == "server_unreachable"
        assert services.counts.cached("Germany", None) == counted
        (run,) = shop.run("Lake")
        assert run.status is Status.FAILED
        assert run.error is not None
        assert "does not answer" in run.error.what
        server.start()
        assert services.counts.count("Germany", None, ctx).members == 2


def test_tables_are_added_described_and_refreshed(
    postgres: PostgresServer, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, ctx = shop.services, JobContext()
    tables = services.tables
    with postgres.schema() as schema:
        postgres.run(
            f"CREATE TABLE {schema}.people (person_id int PRIMARY KEY, email text, opt_in bool, spent numeric)",
            f"CREATE TABLE {schema}.visits (id int PRIMARY KEY, who int REFERENCES {schema}.people)",
            f"INSERT INTO {schema}.people VALUES (1, 'a@x.de', true, 1.25), (2, 'b@x.de', false, 2)",
            f"INSERT INTO {schema}.visits VALUES (1, 1), (2, 1)",
        )
        with pytest.raises(FixSettings) as caught:
            tables.server.offered(ctx)
        assert caught.value.code == "no_server"
        services.servers.set(postgres.address(), postgres.password)
        offered = tables.server.offered(ctx)
        assert [(o.place.name, o.added) for o in offered] == [("people", None), ("visits", None)]
        people, visits = tables.server.add([o.place for o in offered], None, ctx)
        assert (people.role, people.key, people.rows) == (TableRole.CUSTOMER, "person_id", 2)
        assert people.source == f"postgresql://127.0.0.1:{postgres.port}/shop/{schema}/people"
        assert people.column("spent").native_type == "DECIMAL(38,2)"
        assert tables.links.all() == [Link("people", "person_id", "visits", "who")]
        assert visits.role is TableRole.OTHER
        assert [o.added for o in tables.server.offered(ctx)] == ["people", "visits"]
        assert tables.sample("people", 1, ctx).rows[0][1] == "a•••@x•••.de"
        assert {p.name: p.distinct for p in tables.profile("visits", ctx)} == {"id": 2, "who": 1}
        with pytest.raises(FixData) as refused:
            tables.set_role("visits", TableRole.CONTACT, "who")
        assert refused.value.code == "key_not_unique"
        tables.set_meaning("people", "email", Meaning.NONE)
        postgres.run(
            f"ALTER TABLE {schema}.people DROP COLUMN opt_in, ADD COLUMN city text",
            f"INSERT INTO {schema}.people VALUES (3, NULL, 0.125, 'Oslo')",
        )
        refreshed = tables.refresh("people", ctx).table
        assert [c.name for c in refreshed.columns] == ["person_id", "email", "spent", "city"]
        assert (refreshed.rows, refreshed.generation) == (3, 2)
        assert refreshed.column("email").meaning is Meaning.NONE
        tables.set_role("people", TableRole.OTHER, "person_id")
        shop.customers(3)
        with pytest.raises(FixData) as apart:
            tables.links.add(FieldRef("Customer", "CustomerId"), FieldRef("people", "email"))
        assert apart.value.code == "two_places"
        postgres.run(f"ALTER TABLE {schema}.people DROP COLUMN person_id CASCADE")
        held = tables.refresh("people", ctx).held
        assert held is not None
        assert [column.name for column in held.gone] == ["person_id"]
        assert tables.get("people").key == "person_id"
        monkeypatch.setenv("SENDOFF_ROLE", Role.VIEWER.value)
        with pytest.raises(NotAllowed):
            tables.server.add([ServerTable(schema, "visits")], "Again", ctx)


def test_the_password_stays_in_the_keyring_and_with_its_server(postgres: PostgresServer, shop: Workshop) -> None:
    servers, ctx = shop.services.servers, JobContext()
    assert servers.test(ctx, postgres.address(), postgres.password).milliseconds >= 0
    assert servers.address() is None
    servers.set(postgres.address(), postgres.password)
    assert servers.address() == postgres.address()
    assert servers.test(ctx).tables >= 0
    assert postgres.password not in shop.folder.joinpath("workspace.db").read_bytes().decode("latin-1")
    servers.set(replace(postgres.address(), seconds=30))
    assert servers.test(ctx).tables >= 0
    with pytest.raises(SignInAgain):
        servers.test(ctx, postgres.address(user="admin"))
    servers.set(postgres.address(user="admin"))
    with pytest.raises(SignInAgain) as caught:
        servers.test(ctx)
    assert caught.value.code == "server_password"
    servers.remove()
    assert servers.address() is None
    assert not [entry for entry in shop.secrets.kept if entry[0] == "server"]


def test_a_server_in_use_is_not_forgotten(postgres: PostgresServer, shop: Workshop) -> None:
    services = shop.services
    with postgres.schema() as schema:
        postgres.run(f"CREATE TABLE {schema}.t (id int PRIMARY KEY)")
        services.servers.set(postgres.address(), postgres.password)
        services.tables.server.add([ServerTable(schema, "t")], None, JobContext())
        for change in (services.servers.remove, lambda: services.servers.set(postgres.address(database="postgres"))):
            with pytest.raises(FixSettings) as caught:
                change()
            assert caught.value.code == "server_in_use"
        services.tables.remove("t")
        services.servers.remove()
