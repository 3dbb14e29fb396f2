"""A person rehearses on the practice destination: an outage, then refusals, then a run with nothing new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import Services
from app.core.connections import Access
from app.core.runs import Run, Status, Trigger
from app.destinations import http
from app.destinations.calls import Retry
from app.jobs import JobContext
from app.ui.pages.runs import RunsPage
from tests.ui.page_bench import PageBench, page_bench
from tests.ui.workspace import CUSTOMERS


@pytest.fixture
def bench(
    small_services: Services,
    theme: Any,
    runner: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[PageBench]:
    monkeypatch.setattr(http, "RETRY", Retry(attempts=2, first=0.01, longest=0.02))
    account = {"folder": str(tmp_path / "account"), "mood": "own", "batch_size": "50", "requests_per_second": "500"}
    outage = {"outage": "down", "outage_after": "1", "outage_seconds": "3600", "rejected_percent": "10"}
    small_services.connections.add("Trial", "practice", {**account, **outage}, {}, Access.ADMINS, agreed=True)
    small_services.exports.apply(
        {
            "name": "Rehearsal",
            "kind": "segment",
            "connection": "Trial",
            "segments": ["Everyone"],
            "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
            "sync": "mirror",
            "consent": {"agreed": True},
        }
    )
    with page_bench(small_services, theme, runner) as made:
        yield made


def again(bench: PageBench, page: RunsPage) -> Run:
    """Click Run again and give back the run that came of it."""
    runs = bench.context.services.runs
    before = len(runs.list())
    page._details._again.click()
    bench.wait(lambda: len(runs.list()) == before + 1)
    runs.wait([each.id for each in runs.active()], JobContext())
    bench.settle()
    bench.wait(lambda: all(row.run.status.ended for row in page._rows))
    return runs.list()[0]


def figures(page: RunsPage, run: Run) -> dict[str, str]:
    return {words: number for number, words, _ink in page._details._figures(run)}


def test_an_outage_refusals_and_nothing_new(bench: PageBench) -> None:
    services = bench.context.services
    services.runs.wait([each.id for each in services.runs.start(["Rehearsal"], Trigger.PERSON)], JobContext())
    page = bench.show(RunsPage(bench.context))
    assert page._details._pill.accessibleName() == "Failed"
    (failed,) = services.runs.list()
    assert failed.error is not None
    assert failed.error.what == f"Stopped after 50 of {CUSTOMERS} members."

    trial = services.connections.get("Trial").connection
    services.connections.edit("Trial", settings={**trial.settings, "outage": "none"})
    second = again(bench, page)
    assert second.status is Status.COMPLETED_WITH_REJECTS
    rejected = second.totals.rejected
    held = failed.totals.added + second.totals.added
    assert (held + rejected, second.totals.unchanged) == (CUSTOMERS, failed.totals.added)
    shown = [row.reject for row in page._details._rejects._table.rows_model.rows]
    assert shown
    assert all(each.reason and each.fix and each.by_target for each in shown)

    third = again(bench, page)
    assert (third.totals.added, third.totals.unchanged, third.totals.rejected) == (0, held, rejected)
    assert figures(page, third) | {"Delivered": "0", "Unchanged": str(held)} == figures(page, third)
