from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from app.core.errors import TryAgain
from app.services.tidying import Tidying
from tests.services.run_bench import until


class Desk:
    """Counts what was tidied by the clock that stands here; each answer is given once, then all goes well."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.now = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
        self.answers = [*answers]
        self.asked = 0
        self.done = 0
        self.threads: set[int] = set()
        self.tidying = Tidying(self.tidy, lambda: self.now, 0.002)

    def tidy(self) -> bool:
        self.asked += 1
        self.threads.add(threading.get_ident())
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        self.done += answer
        return answer


def test_it_is_tidied_at_once_and_then_daily_on_a_thread_of_its_own() -> None:
    desk = Desk()
    desk.tidying.start()
    desk.tidying.start()
    until(lambda: desk.done == 1)
    desk.now += timedelta(hours=23)
    time.sleep(0.02)
    assert desk.done == 1
    for day in range(2, 5):
        desk.now += timedelta(hours=24)
        until(lambda: desk.done == day)  # noqa: B023 - looked at here
    desk.tidying.stop()
    assert threading.get_ident() not in desk.threads
    desk.now += timedelta(days=9)
    time.sleep(0.02)
    assert desk.done == 4


def test_while_an_export_runs_and_after_an_error_it_is_tried_again_at_the_next_look() -> None:
    desk = Desk(False, TryAgain("The database is busy."), RuntimeError("odd"), False)
    desk.tidying.start()
    until(lambda: desk.done == 1)
    desk.tidying.stop()
    assert desk.asked == 5


def test_what_is_being_tidied_is_waited_for_and_nothing_begins_after_the_end() -> None:
    desk = Desk()
    began, go_on = threading.Event(), threading.Event()

    def slow() -> bool:
        began.set()
        assert go_on.wait(60)
        desk.done += 1
        return True

    tidying = Tidying(slow, lambda: desk.now)
    tidying.start()
    assert began.wait(60)
    threading.Timer(0.05, go_on.set).start()
    tidying.stop()
    assert desk.done == 1
    tidying.start()
    assert desk.done == 1
    Tidying(desk.tidy, lambda: desk.now).stop()
