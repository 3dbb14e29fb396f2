from __future__ import annotations

import pytest

from app.core.errors import FixSettings, TryAgain
from app.core.forecasts import Calls, Forecast, Quota, too_few_left
from app.core.plans import Changes


def test_every_part_of_a_run_is_counted() -> None:
    calls = Calls(beginning=2, opening=3, sending=(0, 0), removing=(100, 300), closing=1)
    assert calls.number([], 1_000) == 2
    assert calls.number([Changes()], 1_000) == 6
    assert calls.number([Changes(added=600, changed=401)], 1_000) == 6 + 4  # a whole batch and a rest
    assert calls.number([Changes(removed=1_000)], 1_000) == 6 + 10 + 4
    assert calls.number([Changes(added=1), Changes(removed=1, unchanged=99)], 1_000) == 2 + 2 * 4 + 2 + 2


def test_a_smaller_batch_takes_as_many_requests_of_its_own() -> None:
    calls = Calls(sending=(0,), removing=(100,))
    assert calls.number([Changes(added=1_000)], 10) == 100
    assert calls.number([Changes(removed=1_000)], 10) == 100


@pytest.mark.parametrize(
    ("seconds", "about"), [(0.0, 1), (0.2, 1), (8.1, 9), (60.0, 60), (60.1, 120), (600.6, 660), (7_200.0, 7_200)]
)
def test_time_is_told_in_whole_seconds_or_minutes(seconds: float, about: int) -> None:
    assert Forecast(1, seconds).about == about


def test_enough_is_left_to_the_last_request() -> None:
    assert too_few_left("Practice", 10, Quota(10, 50)) is None


def test_too_few_left_is_a_matter_of_time_or_of_the_limit() -> None:
    later = too_few_left("Practice", 11, Quota(10, 50))
    assert isinstance(later, TryAgain)
    assert later.why == "It needs about 11; 10 of 50 are left today."
    never = too_few_left("Practice", 51, Quota(50, 50))
    assert isinstance(never, FixSettings)
    assert (later.code, never.code) == ("daily_limit", "daily_limit")
