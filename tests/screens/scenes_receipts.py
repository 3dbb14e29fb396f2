"""What runs leave behind: their receipts, and what differs between two of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from PySide6.QtTest import QTest

from app.core.runs import Run, Status, Totals
from app.ui.dialogs.erase import EraseDialog
from tests.screens.registry import scene
from tests.screens.stage import Stage

JOINED = (
    ("Joined: First order", 498),
    ("Joined: Orders Total lies in the last 30 days", 377),
    ("Joined: Country is DE, AT or NL", 121),
    ("Joined: Marketing consent is yes", 71),
)
LEFT = (
    ("Left: No order in the last 90 days", 402),
    ("Left: Country is no longer DE, AT or NL", 149),
    ("Left: No marketing consent any more", 98),
    ("Left: On the suppression list", 31),
    ("Left: No longer in the tables", 13),
)


def newest(stage: Stage, export_name: str) -> Run:
    return stage.services.runs.list(export_name, 1)[0]


@scene("18-run-receipt")
def receipt(stage: Stage) -> None:
    stage.show("receipt", newest(stage, "Loyalty mailing").id)


def _changes(rows: list[tuple[str, str, str, list[str]]]) -> pa.Table:
    members, changes, reasons, fields = zip(*rows, strict=True)
    what = {"added": "added", "changed": "updated", "removed": "removed"}
    nothing = pa.nulls(len(rows), pa.string())
    return pa.table(
        {
            "segment": ["Summer visitors"] * len(rows),
            "identifier": members,
            "member": members,
            "change": changes,
            "what": [what[change] for change in changes],
            "reason": reasons,
            "fields": pa.array(fields, pa.list_(pa.string())),
            "payload": nothing,
            "before": nothing,
        }
    )


def _history(stage: Stage) -> list[Run]:
    """A month of runs, a day apart, the last two of which changed who is there."""
    export = stage.services._store.exports.get("Trade-in leads")
    last = replace(newest(stage, "Loyalty mailing"), export_id=export.id, export_name=export.name)
    runs = []
    for days in range(30, -1, -1):
        at = last.queued_at - timedelta(days=days)
        audience = round(20_700 + (30 - days) * 118 + (days * 37 % 11) * 20)
        totals = Totals(unchanged=audience)
        run = replace(last, id=f"scene{days:02}", queued_at=at, started_at=at, audience=audience, totals=totals)
        runs.append(replace(run, status=Status.COMPLETED_WITH_REJECTS) if days == 0 else run)
        stage.services._store.runs.add(runs[-1])
        lasting = "90 days" if days < 2 else "60 days"
        rules = [{"all": [{"field": "Orders.PlacedOn", "last": lasting}]}]
        segment = {"name": "Summer visitors", "of": "customers", "rules": rules}
        folder = stage.services.folder / "runs" / run.id
        folder.mkdir(parents=True)
        document = {"destination": "mailchimp", "export": {"sync": "mirror"}, "segments": [segment]}
        (folder / "configuration.json").write_text(json.dumps(document), "utf-8")
    number = iter(range(100_000, 200_000, 37))
    for share, run in ((0.4, runs[-2]), (1.0, runs[-1])):
        rows = [
            (f"C-{next(number)}", change, reason, [])
            for reasons, change in ((JOINED, "added"), (LEFT, "removed"))
            for reason, count in reasons
            for _ in range(round(count * (0.4 if share < 1 else 0.6)))
        ]
        rows += [(f"C-{next(number)}", "changed", "Changed: a value is another one", ["Phone"]) for _ in range(421)]
        folder = stage.services.folder / "runs" / run.id / "changes"
        folder.mkdir()
        pq.write_table(_changes(rows), folder / "scene.parquet")
    return runs


@scene("19-compare-runs", fresh=True)
def compare(stage: Stage) -> None:
    runs = _history(stage)
    stage.show("compare", f"{runs[-4].id} {runs[-1].id}")


@scene("19b-segment-change", fresh=True)
def segment_change(stage: Stage) -> None:
    runs = _history(stage)
    page = stage.show("compare", f"{runs[-4].id} {runs[-1].id}")
    link = page._configuration.itemAt(page._configuration.count() - 1).layout().itemAt(0).widget()
    link.click()
    stage.settle()


@scene("18b-undo-run", fresh=True)
def undo(stage: Stage) -> None:
    page = stage.show("receipt", newest(stage, "Loyalty mailing").id)
    page.undo_bar.undo_asked.emit()
    stage.settle()


@scene("27b-erase-person", fresh=True)
def erase(stage: Stage) -> None:
    page = stage.show("suppression")
    page.imports.erase_button.click()
    dialog = next(each for each in stage.window.findChildren(EraseDialog) if each.isVisible())
    dialog.value.input.setFocus()
    QTest.keyClicks(dialog.value.input, "C-000014")
    dialog.look.click()
    stage.settle()


@scene("16b-undo-plan", fresh=True)
def undo_plan(stage: Stage) -> None:
    plan = stage.show("undo-plan", newest(stage, "Loyalty mailing").id)
    stage.wait(lambda: plan.send.isEnabled() and plan.settled())
    stage.settle()
