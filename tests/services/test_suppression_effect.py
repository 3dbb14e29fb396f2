from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.counts import Count, Verdict
from app.core.suppression import Effect
from app.jobs import JobContext
from tests.services.history import History, history_in

CTX = JobContext()


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    with history_in(tmp_path) as made:
        yield made


def effect(history: History, name: str = "Letter") -> Effect:
    return history.services.suppression_effect.of(history.services.exports.get(name).export, CTX)


def test_whom_the_next_run_removes_is_told_before_and_removed_then(history: History) -> None:
    assert effect(history) == Effect(0, None)
    history.customers({**dict.fromkeys(range(4), ("DE", "Ann")), 4: ("FR", "Eve")})
    history.run()
    history.services.suppression.import_text("p1@example.com, P2@example.com, p4@example.com", CTX)
    history.customers({**dict.fromkeys((0, 1, 3), ("DE", "Ann")), 2: ("FR", "Ann"), 5: ("DE", "New")})
    history.services.suppression.import_text("p5@example.com", CTX)
    assert effect(history) == Effect(left_out=2, removed=1)  # 2 left the segment, 5 was never sent
    assert history.run().totals.removed == 2
    assert effect(history) == Effect(left_out=2, removed=0)


def test_an_export_that_removes_nobody_says_so(history: History) -> None:
    history.add("Adds", sync="add")
    history.run("Adds")
    history.services.suppression.import_text("p1@example.com", CTX)
    assert effect(history, "Adds") == Effect(left_out=1, removed=None)


def test_a_run_that_sends_no_segment_is_called_skipped(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.run()
    history.services.suppression.import_text("p1@example.com", CTX)
    counts = history.services.counts
    count = counts.count

    def too_large(*asked: Any, **more: Any) -> Count:
        return replace(count(*asked, **more), verdict=Verdict.TOO_LARGE)

    monkeypatch.setattr(counts, "count", too_large)
    assert effect(history) == Effect(left_out=1, removed=None, skipped=True)
