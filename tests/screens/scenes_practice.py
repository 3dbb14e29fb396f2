"""The practice destination where people meet it: its dialog, a rehearsal with refusals, replacing an audience."""

from __future__ import annotations

from pathlib import Path

from app.core.connections import Access
from app.core.exports import SyncMode
from app.core.runs import Trigger
from app.destinations.batches import Member
from app.destinations.contract import Settings
from app.destinations.practice.destination import create
from app.jobs import JobContext
from app.ui.dialogs.connection import ConnectionDialog
from tests.screens.registry import scene
from tests.screens.scenes_connections import dialog
from tests.screens.scenes_wizards import segments
from tests.screens.stage import Stage

SEGMENT = "Repeat buyers 12 months"


def account(stage: Stage) -> Path:
    return Path(stage.services.folder).parent / "practice"


def rehearse(stage: Stage, **settings: str) -> None:
    """A practice connection of its own, beside the sample's."""
    stage.services.connections.add(
        "Rehearsal", "practice", {"folder": str(account(stage)), **settings}, {}, Access.CONTRIBUTORS, agreed=True
    )
    stage.session.changed("connections")


@scene("09d-connection-dialog-practice", fresh=True)
def connect_practice(stage: Stage) -> None:
    stage.show("connections")
    stage.session.open_connection_dialog("practice")
    shown = dialog(stage, ConnectionDialog)
    shown.name_field.set_value("Rehearsal")
    shown.form.set_setting("folder", str(account(stage)))
    shown.form.set_setting("mood", "strict")
    shown.form.changed.emit()
    shown.consent.set_agreed(True)
    shown.test_button.click()
    stage.settle()


@scene("09e-connection-dialog-practice-own", fresh=True)
def practice_by_hand(stage: Stage) -> None:
    stage.show("connections")
    stage.session.open_connection_dialog("practice")
    shown = dialog(stage, ConnectionDialog)
    for field, value in (("mood", "own"), ("rejected_percent", "3"), ("outage", "lost"), ("results", "job")):
        shown.form.set_setting(field, value)
    shown.form._on_changed("mood")
    stage.settle()


@scene("05c-segment-wizard-replace", fresh=True)
def replace_an_audience(stage: Stage) -> None:
    settings = Settings({"folder": str(account(stage))}, {})
    with create(settings).session({}, SEGMENT, SyncMode.UPDATE) as somebody_else:
        for start in range(0, 1_200, 400):
            others = [Member("", {"email": f"person{n}@elsewhere.example"}) for n in range(start, start + 400)]
            somebody_else.send(others, JobContext())
    rehearse(stage)
    made = segments(stage, SEGMENT, connection="Rehearsal")
    made.shell.go_on()
    stage.settle()
    made.shell.go_on()
    made.state.update(agreed=True, sync=SyncMode.REPLACE)
    stage.settle()


@scene("10d-runs-rehearsal", fresh=True)
def a_rehearsed_run(stage: Stage) -> None:
    rehearse(stage, mood="strict")
    stage.services.exports.apply(
        {
            "name": "Rehearsal",
            "kind": "segment",
            "connection": "Rehearsal",
            "segments": [SEGMENT],
            "match": {"email": "Customer.EmailPrimary", "first_name": "Customer.FirstName"},
            "sync": "mirror",
            "consent": {"agreed": True},
        }
    )
    runs = stage.services.runs
    (run,) = runs.wait([each.id for each in runs.start(["Rehearsal"], Trigger.PERSON)], JobContext())
    stage.session.changed("runs")
    stage.show("runs", run.id)
    stage.settle()
