"""The data engine in the window: the server is set, tested, and its tables are added."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import Services
from app.core.servers import ServerKind, Tls
from app.core.tables import ServerTable, TableRole
from app.jobs import JobContext
from app.ui.dialogs.server import ServerDialog
from app.ui.pages.segments.page import SegmentsPage
from app.ui.pages.settings import SettingsPage
from app.ui.pages.tables.page import TablesPage
from app.ui.pages.tables.server_dialog import ServerTablesDialog
from app.ui.preferences import Preferences
from tests.servers.postgres import PostgresServer, postgres, running_postgres
from tests.ui.page_bench import PageBench, page_bench

__all__ = ["postgres"]


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    with page_bench(small_services, theme, runner) as made:
        yield made


def test_a_server_is_set_after_a_test_and_left_again(
    bench: PageBench, postgres: PostgresServer, tmp_path: Path
) -> None:
    page = SettingsPage(bench.context, Preferences(tmp_path / "window.ini"))
    bench.show(page)
    bench.settle()
    assert page.engine.duckdb.isChecked()
    page.engine.postgres.click()
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, ServerDialog)
    assert not dialog.test_button.isEnabled()
    assert not dialog.save_button.isEnabled()
    for field, value in (
        (dialog.host, "127.0.0.1"),
        (dialog.port, str(postgres.port)),
        (dialog.database, "shop"),
        (dialog.user, "reader"),
    ):
        field.input.setText(value)
        field.edited.emit(value)
    dialog.tls.set_current(Tls.OFF)
    dialog.password._input.setText("not it")
    dialog.test_button.click()
    bench.settle()
    assert "did not accept the password" in words_of(dialog.note)
    assert not dialog.save_button.isEnabled()
    dialog.password._input.setText(postgres.password)
    dialog.test_button.click()
    bench.settle()
    assert "answered in" in words_of(dialog.note)
    dialog.save_button.click()
    bench.settle()
    assert bench.services.servers.address() == postgres.address()
    assert page.engine.postgres.isChecked()
    page.engine.test.click()
    bench.settle()
    assert "answered in" in words_of(page.engine.note)
    page.engine.duckdb.click()
    bench.settle()
    assert bench.services.servers.address() is None
    assert page.engine.duckdb.isChecked()


def test_a_cluster_is_asked_for_what_it_needs(bench: PageBench, tmp_path: Path) -> None:
    page = SettingsPage(bench.context, Preferences(tmp_path / "window.ini"))
    bench.show(page)
    bench.settle()
    page.engine.spark.click()
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, ServerDialog)
    assert (dialog.port.value(), dialog.database.value()) == ("15002", "spark_catalog")
    for field, value in ((dialog.host, "127.0.0.1"), (dialog.port, "1")):
        field.input.setText(value)
        field.edited.emit(value)
    dialog.tls.set_current(Tls.OFF)
    assert dialog.test_button.isEnabled()  # without a user or a token, which not every cluster wants
    assert dialog.address().kind is ServerKind.SPARK
    dialog.test_button.click()
    bench.settle()
    assert "does not answer on port 1" in words_of(dialog.note)
    assert not dialog.save_button.isEnabled()
    dialog.reject()
    bench.settle()
    address = dialog.address()
    bench.services.servers.set(address)
    page.engine.show_server(address, may_change=True)
    assert page.engine.spark.isChecked()
    page.engine.change.click()
    bench.settle()
    again = bench.dialog()
    assert isinstance(again, ServerDialog)
    assert again.address() == address


def words_of(note) -> str:
    return f"{note._sentence.text()} {note._bold.text()} {note._detail.text()}"


def test_its_tables_are_added(bench: PageBench, postgres: PostgresServer) -> None:
    with postgres.schema() as schema:
        postgres.run(f"CREATE TABLE {schema}.visits (id int PRIMARY KEY)", f"CREATE TABLE {schema}.other (id int)")
        bench.services.servers.set(postgres.address(), postgres.password)
        bench.services.tables.server.add([ServerTable(schema, "other")], None, JobContext())
        page = TablesPage(bench.context)
        bench.show(page)
        bench.settle()
        page._on_add_from_server()
        bench.settle()
        dialog = bench.dialog()
        assert isinstance(dialog, ServerTablesDialog)
        assert [box.isEnabled() for box in dialog.boxes] == [False, True]
        assert not dialog.confirm.isEnabled()
        dialog.search.setText("vis")
        (box,) = dialog.boxes
        box.click()
        assert dialog.confirm.isEnabled()
        dialog.confirm.click()
        bench.settle()
        assert bench.services.tables.get("visits").server == ServerTable(schema, "visits")
        for name in ("visits", "other"):
            bench.services.tables.remove(name)


def test_counts_of_earlier_stay_while_the_server_is_gone(bench: PageBench) -> None:
    services, ctx = bench.services, JobContext()
    for table in services.tables.all():
        services.tables.set_role(table.name, TableRole.OTHER, table.key)
    with running_postgres() as server, server.schema() as schema:
        server.run(
            f"CREATE TABLE {schema}.people (id int PRIMARY KEY)",
            f"INSERT INTO {schema}.people SELECT generate_series(1, 7)",
        )
        services.servers.set(server.address(), server.password)
        services.tables.server.add([ServerTable(schema, "people")], None, ctx)
        services.tables.set_role("people", TableRole.CUSTOMER, "id")
        rules = [{"all": [{"field": "people.id", "at_most": 5}]}]
        services.segments.save({"name": "Few people", "rules": rules})
        counted = services.counts.count("Few people", None, ctx)
        assert counted.members == 5
        server.stop()
        page = bench.show(SegmentsPage(bench.context))
        page._list.select("Few people")
        bench.settle()
        panel = page.builder.panel
        assert "5" in panel.number.text()
        assert f"Last count: {bench.context.formats.day_and_clock(counted.counted_at)}" in panel.share.text()
        assert "does not answer" in words_of(page.builder.note)
        page._count(services.segments.get("Few people"))
        bench.settle()
        assert "Few people" in page._unreached
        server.start()
        page._count(services.segments.get("Few people"))
        bench.settle()
        assert "Few people" not in page._unreached
