"""The suppression list."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app.jobs import JobContext
from app.ui.dialogs.suppression import ImportDialog
from tests.screens.registry import scene
from tests.screens.scenes_connections import dialog
from tests.screens.stage import NOW, Stage


def fill_suppression_list(stage: Stage) -> None:
    """Three sources of the sample's own addresses and numbers, and a value that was taken off."""
    service, clock, ctx = stage.services.suppression, stage.clock, JobContext()
    page = stage.services.segments.members("Newsletter weekly", 9000, ctx)
    email, phone = page.columns.index("EmailPrimary"), page.columns.index("Mobile")
    emails = [row[email] for row in page.rows if row[email]]
    phones = [row[phone] for row in page.rows if row[phone]]
    for days, name, values in (
        (47, "do-not-call.xlsx", phones[:2548]),
        (25, "unsubscribed-crm.csv", emails[:5012]),
        (1, "optouts-march.csv", [*emails[4990:5330], "nobody", "none", "-", "?"]),
    ):
        clock.moment = NOW - timedelta(days=days)
        service.import_text("\n".join(str(value) for value in values), ctx, name=name)
    clock.moment = NOW - timedelta(hours=4)
    service.take_off(str(phones[7]), "asked for it by phone")
    clock.moment = NOW
    stage.session.changed("suppression")


@scene("27-suppression-list", fresh=True)
def suppression_list(stage: Stage) -> None:
    fill_suppression_list(stage)
    stage.show("suppression")
    page = stage.page("suppression")
    known = stage.services.segments.members("Newsletter weekly", 1, JobContext())
    page.check.field.setText(str(known.rows[0][known.columns.index("EmailPrimary")]))
    page.check.field.textEdited.emit("x")
    page.check.button.click()
    stage.settle()


@scene("27b-suppression-import", fresh=True)
def suppression_import(stage: Stage) -> None:
    path = Path(stage.services.folder).parent / "optouts-march.csv"
    path.write_text("Customer;E-mail\n1;mara.lind@example.net\n2;jon@example.org\n3;nobody\n", "utf-8")
    stage.show("suppression")
    stage.page("suppression").imports.look_at(path)
    dialog(stage, ImportDialog)
