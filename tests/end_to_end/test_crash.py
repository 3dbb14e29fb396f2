"""Runs that are killed again and again; `dev.py bench crash` does the same at length."""

from __future__ import annotations

import pytest

from tests.benchmarks import crash


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3])
def test_whoever_kills_a_run_loses_nobody_and_doubles_nobody(seed: int) -> None:
    """Runs of all sync modes killed, 12 times at least: resumed or run again, the destination holds the segment."""
    told = crash.run(rows=4_000, kills=12, seed=seed)
    assert (told["lost"], told["doubled"]) == (0, 0)
    assert told["kills"] >= 12
    assert told["modes"] == len(crash.MODES)
    assert told["resumed"] > 0
