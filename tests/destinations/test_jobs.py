from __future__ import annotations

from itertools import pairwise

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError, TryAgain
from app.destinations.jobs import Patience, wait_for
from app.jobs import Cancelled, CancelToken, JobContext

QUICK = Patience(first=0.01, longest=0.02, altogether=5.0)


def test_a_job_is_asked_for_until_it_has_ended() -> None:
    answers = iter([None, None, "done"])
    assert wait_for("Northwind", lambda: next(answers), QUICK, JobContext()) == "done"


def test_one_that_does_not_end_is_given_up() -> None:
    waits: list[float] = []

    class Token(CancelToken):
        def sleep(self, seconds: float) -> None:
            waits.append(seconds)
            super().sleep(seconds)

    with pytest.raises(TryAgain) as raised:
        wait_for("Northwind", lambda: None, Patience(0.01, 0.05, 0.3), JobContext(Token()))
    assert raised.value.code == "job_not_done"
    assert waits[0] == 0.01
    assert max(waits) <= 0.05
    assert all(later >= before for before, later in pairwise(waits[:-1]))  # the last one is what was left
    assert len(waits) < 15


def test_a_cancel_ends_the_wait_at_once() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        wait_for("Northwind", lambda: pytest.fail("was asked"), Patience(), JobContext(token))


def test_what_the_question_raises_is_raised() -> None:
    def broken() -> None:
        raise TryAgain("Down.")

    with pytest.raises(TryAgain, match="Down"):
        wait_for("Northwind", broken, QUICK, JobContext())


@pytest.mark.parametrize("error", [FixData("No.", "It says 400.", ""), FixSettings("No.", "It says 404.", "")])
def test_a_job_the_vendor_does_not_know_any_more_is_told_as_such(error: SendoffError) -> None:
    """It would else be halved, or the export would be blamed, though the members were taken."""

    def gone() -> None:
        raise error

    with pytest.raises(TryAgain) as raised:
        wait_for("Northwind", gone, QUICK, JobContext())
    assert raised.value.code == "job_lost"
    assert error.why in raised.value.why


def test_a_right_that_is_missing_is_told_as_such() -> None:
    def forbidden() -> None:
        raise NotAllowed("No.", "", "")

    with pytest.raises(NotAllowed):
        wait_for("Northwind", forbidden, QUICK, JobContext())
