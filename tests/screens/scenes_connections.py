"""Connections with their dialogs, runs and tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh

from app.core.connections import Access
from app.core.errors import SendoffError
from app.jobs import JobContext
from app.ui.dialogs.connection import ConnectionDialog
from app.ui.dialogs.remove_connection import RemoveConnectionDialog
from app.ui.widgets.dialogs import Dialog
from tests.screens.registry import scene
from tests.screens.stage import NOW, Stage
from tests.vendors.mailchimp import KEY

OTHER_KEY = KEY.replace("0", "f")


def add_connections(stage: Stage) -> None:
    """Connections in every health."""
    connections, clock = stage.services.connections, stage.clock
    folder = stage.services.folder.parent
    address = {"api_url": stage.emulator.url}
    for days, name, destination, settings, secrets, access in (
        (362, "Archive", "local-folder", {"folder": str(folder / "archive")}, {}, Access.ADMINS),
        (286, "Mailchimp US", "mailchimp", address, {"api_key": OTHER_KEY}, Access.CONTRIBUTORS),
        (
            263,
            "Partner SFTP",
            "sftp",
            {"host": "sftp.partner.example", "user": "nw"},
            {"password": "a long password"},
            Access.ADMINS,
        ),
        (263, "Store lists", "local-folder", {"folder": str(folder / "stores")}, {}, Access.CONTRIBUTORS),
        (31, "Team drive", "local-folder", {"folder": str(folder / "team")}, {}, Access.CONTRIBUTORS),
        (12, "Warehouse", "local-folder", {"folder": str(folder / "warehouse")}, {}, Access.ADMINS),
    ):
        clock.moment = NOW - timedelta(days=days)
        connections.add(name, destination, settings, secrets, access, agreed=True)
    for hours, name in ((3, "Archive"), (5, "Mailchimp US"), (27, "Store lists")):
        clock.moment = NOW - timedelta(hours=hours)
        try:
            connections.test(name, JobContext())
        except SendoffError:
            continue
    clock.moment = NOW
    lost = connections.get("Partner SFTP").connection.id
    secrets: Any = stage.services._secrets
    secrets.kept = {key: value for key, value in secrets.kept.items() if key[0] != lost}
    stage.session.changed("connections")


def dialog(stage: Stage, kind: type[Dialog]) -> Any:
    stage.wait(lambda: any(d.isVisible() for d in stage.window.findChildren(kind)))
    stage.settle()
    return next(d for d in stage.window.findChildren(kind) if d.isVisible())


@scene("08-connections", fresh=True)
def connections(stage: Stage) -> None:
    add_connections(stage)
    stage.show("connections")


@scene("08b-connections-contributor", fresh=True)
def connections_of_a_contributor(stage: Stage) -> None:
    from app.core.roles import Role

    add_connections(stage)
    stage.services.roles.set_role(Role.CONTRIBUTOR)
    stage.session.changed("roles")
    stage.show("connections")


@scene("09a-connection-dialog-api-key", fresh=True)
def connect_mailchimp(stage: Stage) -> None:
    add_connections(stage)
    stage.show("connections")
    stage.session.open_connection_dialog("mailchimp")
    shown = dialog(stage, ConnectionDialog)
    shown.name_field.set_value("Mailchimp UK")
    shown.form.set_setting("api_url", stage.emulator.url)
    shown.form.entry("api_key")._input.setText(KEY)
    shown.form.changed.emit()
    shown.consent.set_agreed(True)
    shown.test_button.click()
    stage.settle()


@scene("09c-connection-dialog-linkedin", businesses=True)
def connect_linkedin(stage: Stage) -> None:
    stage.show("connections")
    stage.session.open_connection_dialog("linkedin-ads")
    dialog(stage, ConnectionDialog)
    stage.settle()


@scene("09b-connection-dialog-sftp", fresh=True)
def connect_sftp(stage: Stage) -> None:
    add_connections(stage)
    stage.show("connections")
    stage.session.open_connection_dialog("sftp")
    shown = dialog(stage, ConnectionDialog)
    key = asyncssh.generate_private_key("ssh-ed25519")
    path = Path(stage.services.folder).parent / "id_ed25519"
    path.write_bytes(key.export_private_key("pkcs8-pem", passphrase="long enough"))
    shown.name_field.set_value("Partner feed")
    for field, value in (("host", "sftp.partner.example"), ("user", "northwind-feed"), ("sign_in", "key")):
        shown.form.set_setting(field, value)
    shown.form.set_setting("host_key", key.export_public_key().decode().strip())
    shown.form._on_changed("sign_in")
    shown.form.entry("private_key").picked.emit(path)
    stage.settle()
    shown.form.entry("passphrase")._input.setText("not this one")
    shown.form.changed.emit()
    shown.consent.set_agreed(True)
    shown.test_button.click()
    stage.settle()


@scene("09f-connection-dialog-azure", fresh=True)
def connect_azure(stage: Stage) -> None:
    stage.show("connections")
    stage.session.open_connection_dialog("azure-blob")
    shown = dialog(stage, ConnectionDialog)
    shown.name_field.set_value("Campaign files")
    values = {
        "account": "northwinddata",
        "container": "exports",
        "sign_in": "microsoft",
        "tenant_id": "northwind.onmicrosoft.com",
    }
    for field, value in values.items():
        shown.form.set_setting(field, value)
    shown.form._on_changed("sign_in")
    stage.settle()


@scene("21-connection-remove", fresh=True)
def remove_connection(stage: Stage) -> None:
    add_connections(stage)
    services = stage.services
    used = next(r for r in services.connections.all() if len(r.used_by) > 1)
    stage.show("connections", used.connection.name)
    stage.page("connections")._remove(used.connection.name)
    shown = dialog(stage, RemoveConnectionDialog)
    last = list(shown._choices.values())[-1]
    last.set_current("remove")
    last.chosen.emit("remove")
    stage.settle()


def refresh_from(stage: Stage, table: str, query: str, *, anyway: bool = False) -> None:
    """Refresh a table from a source that was written anew; what it was before is put back, as other scenes read it too."""
    import duckdb  # the window does without

    path = Path(stage.services.tables.get(table).source)
    kept = path.read_bytes()
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query.format(path=path)}) TO '{path}.new' (FORMAT parquet)")
    Path(f"{path}.new").replace(path)
    stage.services.tables.refresh(table, JobContext(), anyway=anyway)
    path.write_bytes(kept)
    stage.session.changed("tables")


COUNTRY_GONE = "SELECT * EXCLUDE (Country), Country AS CountryName FROM '{path}'"


@scene("23-tables", fresh=True)
def tables(stage: Stage) -> None:
    refresh_from(stage, "Customer", "SELECT *, 'web' AS Channel FROM '{path}' WHERE CustomerId NOT LIKE '%99'")
    stage.show("tables", "Customer")


@scene("23b-tables-refresh-waits", fresh=True)
def refresh_that_waits(stage: Stage) -> None:
    refresh_from(stage, "Customer", COUNTRY_GONE)
    page = stage.show("tables", "Customer")
    page._on_repair(waits=True)
    stage.settle()


@scene("23c-tables-refresh-waits-note", fresh=True)
def refresh_that_waits_note(stage: Stage) -> None:
    refresh_from(stage, "Customer", COUNTRY_GONE)
    stage.show("tables", "Customer")


@scene("23e-tables-columns-missing", fresh=True)
def columns_missing(stage: Stage) -> None:
    refresh_from(stage, "Customer", COUNTRY_GONE, anyway=True)
    page = stage.show("tables", "Customer")
    page._on_repair(waits=False)
    stage.settle()


@scene("23f-tables-queries-rewritten", fresh=True)
def queries_rewritten(stage: Stage) -> None:
    query = "-- Written for the autumn campaign\nSELECT CustomerId\nFROM Customer\nWHERE Country IN ('DE', 'AT')"
    stage.services.segments.save({"name": "Autumn, by hand", "sql": query})
    refresh_from(stage, "Customer", COUNTRY_GONE)
    page = stage.show("tables", "Customer")
    page.repair.agree("Customer", {"Country": "CountryName"}, lambda: None)
    stage.settle()


@scene("23d-tables-add-link", fresh=True)
def add_link(stage: Stage) -> None:
    page = stage.show("tables", "Customer")
    page._on_link()
    stage.settle()
