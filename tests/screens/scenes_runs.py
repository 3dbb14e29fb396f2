"""Runs that did not come to their end."""

from __future__ import annotations

from datetime import timedelta

from app.core.batches import BatchKind
from app.core.runs import LogLine, Phase, PhaseName, PhaseState, Reject, Run, SpeedPoint, Status, Totals, Trigger
from app.delivery.files import RunFolder
from app.delivery.journal import Journal
from app.destinations.batches import OutcomeKind
from tests.screens.registry import scene
from tests.screens.stage import MADE, NOW, Clock, Stage

MEMBERS, SIZE = 3_240, 500


def interrupted(stage: Stage) -> Run:
    """A run that died while its fifth batch was on its way, as its process left it."""
    export = stage.services.exports.get("Loyalty mailing")
    assert export.connection is not None
    start = MADE + timedelta(seconds=12)
    clock = Clock(start + timedelta(seconds=9))
    run = Run(
        id="interrupted",
        export_id=export.export.id,
        export_name=export.export.name,
        destination=export.export.destination,
        connection_id=export.connection.id,
        connection_name=export.connection.name,
        trigger=Trigger.SCHEDULE,
        status=Status.INTERRUPTED,
        queued_at=NOW - timedelta(minutes=3),
        started_at=start,
        phases=(Phase(PhaseName.SEND, PhaseState.RUNNING, start),),
        totals=Totals(added=4 * SIZE),
        done=4 * SIZE,
        total=MEMBERS,
    )
    with Journal(RunFolder(stage.services.folder, run.id), str, clock) as journal:
        journal.planned("Loyalty Gold and Platinum", BatchKind.SEND, MEMBERS, SIZE)
        for number in range(4):
            with journal.batch(
                "Loyalty Gold and Platinum", BatchKind.SEND, range(number * SIZE, (number + 1) * SIZE)
            ) as entry:
                clock.moment += timedelta(seconds=11)
                entry.settled({OutcomeKind.ADDED: SIZE})
        clock.moment += timedelta(seconds=4)
        context = journal.batch("Loyalty Gold and Platinum", BatchKind.SEND, range(4 * SIZE, 5 * SIZE))
        context.__enter__()
    stage.services._store.runs.add(Run(**{**_fields(run), "ended_at": clock.moment}))
    return run


def _fields(run: Run) -> dict[str, object]:
    return {name: getattr(run, name) for name in Run.__slots__}


def with_rejects(stage: Stage) -> Run:
    """A run that the destination slowed down and in which it refused some members."""
    export = stage.services.exports.get("Loyalty mailing")
    assert export.connection is not None
    start = NOW - timedelta(minutes=15)
    ends = (4, 26, 64, 64, 215, 221)
    phases = []
    for name, begun, ended in zip(PhaseName, (0, *ends), ends, strict=False):
        state = PhaseState.SLOWED if name is PhaseName.SEND else PhaseState.DONE
        slowed = start + timedelta(seconds=126) if name is PhaseName.SEND else None
        phases.append(Phase(name, state, start + timedelta(seconds=begun), start + timedelta(seconds=ended), slowed))
    speeds = (20, 66, 110, 142, 151, 158, 160, 44, 12, 92, 150, 160, 163, 160, 158, 150, 112, 40, 0)
    run = Run(
        id="rejects",
        export_id=export.export.id,
        export_name=export.export.name,
        destination=export.export.destination,
        connection_id=export.connection.id,
        connection_name=export.connection.name,
        trigger=Trigger.SCHEDULE,
        status=Status.COMPLETED_WITH_REJECTS,
        queued_at=start,
        started_at=start,
        ended_at=start + timedelta(seconds=ends[-1]),
        phases=tuple(phases),
        totals=Totals(added=611, updated=23_657, removed=120, rejected=38, invalid=14, left_out=2_312),
        done=24_426,
        total=24_426,
        speed=tuple(SpeedPoint(start + timedelta(seconds=64 + 8 * at), value) for at, value in enumerate(speeds)),
    )
    folder = RunFolder(stage.services.folder, run.id)
    lines = (
        (64, "info", "Batch 1 of “Loyalty Gold and Platinum” delivered, 500 members."),
        (126, "warning", "Mailchimp asked to slow down. Waiting 12 s, then continuing."),
        (215, "warning", "Batch 49 of “Loyalty Gold and Platinum” delivered, 426 members. 38 rejected."),
        (221, "info", "Mailchimp counts 24,268 contacts with the tag “Loyalty Gold and Platinum”."),
    )
    with folder.rejects_writer() as rejects, folder.log_writer() as log:
        for number in range(38):
            rejects.write([reject(number)])
        for at, level, text in lines:
            phase = PhaseName.CONFIRM if at == 221 else PhaseName.SEND
            log.write([LogLine(start + timedelta(seconds=at), phase, level, text)])
    stage.services._store.runs.add(run)
    return run


def reject(number: int) -> Reject:
    """One of a few kinds of refused members."""
    field, value, reason, fix, by_target = (
        ("E-mail address", "nora@gmial.example", "The address looks fake.", "Correct at source", True),
        ("Phone number", "+49 151 23", "Too short for a German number.", "Correct at source", False),
        ("E-mail address", "omar@shop.example", "Unsubscribed at Mailchimp.", "None needed", True),
        ("Birthday", "31.02.", "There is no such day.", "Correct at source", False),
    )[number % 4]
    return Reject(f"C-{118204 - number * 1811}", "Loyalty Gold and Platinum", field, value, reason, fix, by_target)


@scene("10-runs", fresh=True)
def runs(stage: Stage) -> None:
    run = with_rejects(stage)
    stage.session.changed("runs")
    stage.show("runs", run.id)


@scene("24-interrupted-run", fresh=True)
def interrupted_run(stage: Stage) -> None:
    run = interrupted(stage)
    stage.session.changed("runs")
    stage.show("runs", run.id)
