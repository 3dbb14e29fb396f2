"""Exports, schedules, start, settings, and the parts every page shares."""

from __future__ import annotations

from datetime import timedelta

from app.core.runs import Phase, PhaseName, PhaseState, Run, SpeedPoint, Status, Totals, Trigger
from app.core.servers import SPARK_CATALOG, ServerAddress, ServerKind
from app.ui.dialogs.schedule import ScheduleDialog
from tests.screens.registry import scene
from tests.screens.stage import NOW, Stage

WIDE, NARROW = ((1360, 860),), ((1024, 700),)


def select(stage: Stage, *names: str) -> None:
    page = stage.page("exports")
    page.table.select_keys([key for name in names for key, line in page.list.lines.items() if line.name == name])
    stage.settle()


def running(stage: Stage, name: str) -> Run:
    """A run in the middle of its way, told as the runs of this process are."""
    line = next(line for line in stage.page("exports").list.lines.values() if line.name == name)
    start = NOW - timedelta(seconds=393)
    times = ((PhaseName.PREPARE, 0, 4), (PhaseName.COUNT, 4, 35), (PhaseName.MATCH, 35, 97))
    phases = [
        Phase(which, PhaseState.DONE, start + timedelta(seconds=a), start + timedelta(seconds=b))
        for which, a, b in times
    ]
    phases += [Phase(PhaseName.SEND, PhaseState.RUNNING, start + timedelta(seconds=97)), Phase(PhaseName.CONFIRM)]
    speeds = (20, 90, 150, 182, 186, 184, 188, 187, 189, 186, 187, 188)
    return Run(
        id="scene",
        export_id=line.export.id,
        export_name=name,
        destination=line.export.destination,
        connection_id=line.export.connection,
        connection_name="Mailchimp EU",
        trigger=Trigger.PERSON,
        status=Status.RUNNING,
        queued_at=start,
        started_at=start,
        phases=tuple(phases),
        totals=Totals(added=842),
        done=5554,
        total=8960,
        speed=tuple(SpeedPoint(start + timedelta(seconds=97 + 20 * n), value) for n, value in enumerate(speeds)),
    )


@scene("01-exports")
def exports(stage: Stage) -> None:
    select(stage, "Loyalty mailing")


@scene("14-exports-minimum", sizes=NARROW)
def exports_minimum(stage: Stage) -> None:
    select(stage, "Loyalty mailing")


@scene("01b-exports-running-details")
def exports_running(stage: Stage) -> None:
    run = running(stage, "Loyalty mailing")
    stage.session.feed.listener(run)
    stage.settle()
    select(stage, "Loyalty mailing")
    page = stage.page("exports")
    if not page.drawer.is_open():
        page.drawer.open()
    stage.settle()


@scene("02-exports-empty", fresh=True)
def exports_empty(stage: Stage) -> None:
    for row in stage.services.exports.all():
        stage.services.exports.remove(row.export.name)
    for connection in stage.services.connections.all():
        stage.services.connections.remove(connection.connection.name)
    stage.session.changed("exports")
    stage.wait(lambda: stage.page("exports").empty.isVisible())
    stage.settle()


@scene("20a-schedule-dialog-one")
def schedule_one(stage: Stage) -> None:
    select(stage, "Loyalty mailing")
    stage.page("exports")._do("schedule")
    stage.settle()


@scene("20b-schedule-dialog-several")
def schedule_several(stage: Stage) -> None:
    select(stage, "Loyalty mailing", "Newsletter weekly", "Customer 360")
    stage.page("exports")._do("schedule")
    stage.settle()
    stage.window.findChild(ScheduleDialog)._define.setChecked(True)
    stage.settle()


@scene("25-first-run", workspace=False)
def first_run(stage: Stage) -> None:
    stage.settle()


@scene("12-settings")
def settings(stage: Stage) -> None:
    stage.show("settings")


@scene("12-settings-server", fresh=True)
def server(stage: Stage) -> None:
    stage.services.servers.set(ServerAddress("db.northwind.example", "crm", "sendoff_reader"), "secret")
    stage.show("settings").engine.change.click()
    stage.settle()


@scene("12-settings-cluster", fresh=True)
def cluster(stage: Stage) -> None:
    address = ServerAddress("spark.northwind.example", SPARK_CATALOG, "", 15_002, kind=ServerKind.SPARK)
    stage.services.servers.set(address, "secret")
    stage.show("settings").engine.change.click()
    stage.settle()


@scene("13-palette")
def palette(stage: Stage) -> None:
    stage.window.palette_popup.open()
    stage.window.palette_popup.input.setText("run l")
    stage.settle()


@scene("13-menu")
def menu(stage: Stage) -> None:
    stage.session.toast("Export removed", lambda: None)
    stage.settle()
