"""Scenes of plans and of runs a guard held: the loyalty mailing, whose segment and match moved since it was sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import duckdb

from app.core.runs import Status, Trigger
from app.jobs import JobContext
from app.services.table_sources import remember_source, source_of
from app.ui.dialogs.held import HeldDialog
from tests.screens.registry import scene
from tests.screens.stage import Stage

EXPORT = "Loyalty mailing"


def _move(stage: Stage, tiers: list[str], **changes: object) -> None:
    """Let the segment be another one, and its export a mirror."""
    services = stage.services
    document = services.segments.document("Loyalty Gold and Platinum")
    rules = [{"all": [{"field": "Customer.LoyaltyTier", "is_one_of": tiers}]}]
    services.segments.save({**document, "rules": rules})
    services.exports.apply({**services.exports.document(EXPORT), "sync": "mirror", **changes})


def _show_held(stage: Stage, export: str, typed: str) -> None:
    """Run it, and open what it is held for."""
    (run,) = stage.services.runs.start([export], Trigger.SCHEDULE)
    (ended,) = stage.services.runs.wait([run.id], JobContext())
    assert ended.status is Status.HELD
    stage.session.changed("runs")
    page = stage.show("exports", export)
    stage.wait(lambda: [each.status for each in page.selected()] == [Status.HELD])
    (line,) = page.selected()
    page._actions.held(line)
    stage.settle()
    stage.window.findChild(HeldDialog).number.setText(typed)
    stage.settle()


_NUMBER = "substr(CustomerId, 3)::INTEGER"
_MOVED = {
    "LoyaltyTier": f"CASE WHEN {_NUMBER} % 97 = 16 AND LoyaltyTier = 'Silver' THEN 'Gold' "
    f"WHEN {_NUMBER} % 41 = 3 AND LoyaltyTier = 'Gold' THEN 'Silver' ELSE LoyaltyTier END",
    "EmailOptIn": f"CASE WHEN {_NUMBER} % 53 = 7 THEN EmailOptIn IS NOT true ELSE EmailOptIn END",
    "FirstName": f"CASE WHEN {_NUMBER} % 61 = 5 THEN 'Nora' ELSE FirstName END",
    "EmailPrimary": f"CASE WHEN {_NUMBER} % 29 = 11 THEN 'new.' || {_NUMBER} || '@example.com' ELSE EmailPrimary END",
}
"""What another export of the shop's system has otherwise of some of its customers."""


def _refresh(stage: Stage, query: str = "") -> None:
    """Give the customers other values, as they come with a refresh, or the rows of a query of `{source}`."""
    store = stage.services._store
    table = store.tables.catalog().table("Customer")
    source = source_of(store, table)
    later = stage.services.folder / "Customer.parquet"
    values = ", ".join(f"{value} AS {column}" for column, value in _MOVED.items())
    with duckdb.connect() as connection:
        rows = query or f"SELECT * REPLACE ({values}) FROM {{source}}"
        rows = rows.format(source=f"read_parquet('{source.paths[0]}')")
        connection.execute(f"COPY ({rows}) TO '{later}' (FORMAT parquet)")
    remember_source(store, table.id, replace(source, paths=(str(later),)))
    stage.services.tables.refresh("Customer", JobContext())
    stage.session.changed("tables")


@scene("16-plan", fresh=True)
def plan(stage: Stage) -> None:
    stage.services.exports.apply({**stage.services.exports.document(EXPORT), "sync": "mirror"})
    _refresh(stage)
    page = stage.show("plan", EXPORT)
    stage.wait(lambda: page.send.isEnabled() and page.settled())
    stage.settle()


@scene("17-guard-held-run", fresh=True)
def held(stage: Stage) -> None:
    _move(stage, ["Gold"])
    _show_held(stage, EXPORT, "12")


@scene("17-guard-held-tables", fresh=True)
def held_tables(stage: Stage) -> None:
    (run,) = stage.services.runs.start(["Customer 360"], Trigger.PERSON)
    stage.services.runs.wait([run.id], JobContext())
    stage.clock.moment += timedelta(minutes=1)  # of two runs of one moment nobody knows which is the newer
    _refresh(stage, f"SELECT * FROM {{source}} WHERE {_NUMBER} % 3 > 0")
    _show_held(stage, "Customer 360", "5")
