"""The measurements themselves work: small ones, of which only the shape is looked at."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("part", "keys"),
    [
        ("counts", {"predicate_ms", "ten_segments_ms", "stale_gone_ms_p99"}),
        ("files", {"csv_gz_ratio", "peak_mb"}),
        ("send", {"cpu_s_per_million", "cpu_ratio", "peak_ratio", "distant_ratio", "pace_used"}),
        ("diff", {"cpu_s", "peak_mb"}),
    ],
)
def test_a_part_prints_one_flat_object(part: str, keys: set[str]) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", part, "--rows", "3000", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=280)
    numbers = json.loads(done.stdout)
    assert numbers["rows"] == 3000
    assert keys <= numbers.keys()
    assert all(isinstance(value, int | float) for value in numbers.values())
