from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtCore import QCoreApplication, QObject, QThread, Signal
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from app.core.errors import TryAgain
from app.jobs import JobContext, Pools, Progress
from app.ui.runner import Finished, JobRunner, LiveQuery, Outcome, QueryState


class Emitter(QObject):
    sent = Signal(object)


def test_five_thousand_emits_leave_the_interpreter_alive(qapp: object) -> None:
    emitter, got = Emitter(), []
    emitter.sent.connect(got.append)
    for i in range(5_000):
        emitter.sent.emit(bool(i % 2))
    assert got.count(True) == 2_500


def test_result_and_progress_arrive_in_the_main_thread(runner: JobRunner, qtbot: QtBot) -> None:
    main = QThread.currentThread()
    seen: list[tuple[str, object, bool]] = []

    def work(ctx: JobContext) -> int:
        ctx.report(Progress("count", 2**40, 2**41), final=True)
        return 2**40

    runner.submit(
        "queries",
        "Count",
        work,
        on_progress=lambda p: seen.append(("progress", p.done, QThread.currentThread() is main)),
        on_finished=lambda f: seen.append(("finished", f.value, QThread.currentThread() is main)),
    )
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [("progress", 2**40, True), ("finished", 2**40, True)]


def test_five_hundred_jobs_each_report_and_end(runner: JobRunner, qtbot: QtBot) -> None:
    progress: dict[int, int] = {}
    ended: list[int] = []

    def work_of(number: int):
        def work(ctx: JobContext) -> int:
            for i in range(20):
                ctx.report(Progress("send", i + 1, 20), final=True)
            return number

        return work

    for number in range(500):
        runner.submit(
            "queries",
            f"Job {number}",
            work_of(number),
            on_progress=lambda _p, n=number: progress.__setitem__(n, progress.get(n, 0) + 1),
            on_finished=lambda f: ended.append(f.value),
        )
    qtbot.waitUntil(lambda: len(ended) == 500)
    assert sorted(ended) == list(range(500))
    assert set(progress.values()) == {20}
    assert runner.jobs() == ()


def test_cancel_ends_the_job_as_cancelled(runner: JobRunner, qtbot: QtBot) -> None:
    begun, ends = threading.Event(), []

    def work(ctx: JobContext) -> None:
        begun.set()
        ctx.token.sleep(120)

    job = runner.submit("exports", "Send", work, on_finished=ends.append)
    assert begun.wait(60)
    job.cancel()
    qtbot.waitUntil(lambda: bool(ends))
    assert ends[0].outcome is Outcome.CANCELLED
    assert not job.running


def test_an_error_is_told_and_logged(runner: JobRunner, qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    ends: list[Finished] = []

    def work(_ctx: JobContext) -> None:
        raise ValueError("no such table")

    with caplog.at_level(logging.ERROR):
        runner.submit("queries", "Count", work, on_finished=ends.append)
        qtbot.waitUntil(lambda: bool(ends))
    assert ends[0].outcome is Outcome.FAILED
    assert isinstance(ends[0].error, ValueError)
    assert "Count failed" in caplog.text
    assert caplog.records[-1].exc_info is not None


def test_what_a_person_can_meet_is_logged_in_one_line(
    runner: JobRunner, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    ends: list[Finished] = []

    def work(_ctx: JobContext) -> None:
        raise TryAgain("Mailchimp does not answer.", "It refused the connection.", "Try again later.")

    with caplog.at_level(logging.WARNING):
        runner.submit("queries", "Test Mailchimp", work, on_finished=ends.append)
        qtbot.waitUntil(lambda: bool(ends))
    [line] = caplog.records
    assert line.getMessage().startswith("Test Mailchimp failed. Mailchimp does not answer.")
    assert line.exc_info is None


def test_who_is_gone_before_the_job_ends_is_not_called(runner: JobRunner, qtbot: QtBot) -> None:
    called: list[Finished] = []

    class Wizard(QObject):
        def on_read(self, finished: Finished) -> None:
            called.append(finished)

        def written_inside(self) -> Callable[[Finished], None]:
            def then(finished: Finished) -> None:
                self.on_read(finished)

            return then

    wizard, go = Wizard(), threading.Event()
    callbacks = wizard.on_read, partial(wizard.on_read), wizard.written_inside(), lambda end: called.append(end)
    jobs = [runner.submit("queries", "Read", lambda _ctx: go.wait(60), on_finished=then) for then in callbacks]
    delete(wizard)
    go.set()
    qtbot.waitUntil(lambda: not any(job.running for job in jobs))
    assert len(called) == 1, "the last one, whose owner is nobody"


def test_jobs_of_one_key_run_one_after_another(runner: JobRunner, qtbot: QtBot) -> None:
    lock, most, now, ends = threading.Lock(), [0], [0], []

    def work(_ctx: JobContext) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    for _ in range(6):
        runner.submit("exports", "Send", work, on_finished=ends.append, key="mailchimp-eu")
    qtbot.waitUntil(lambda: len(ends) == 6)
    assert most[0] == 1


def test_cancelling_a_waiting_job_of_a_key_lets_the_next_run(runner: JobRunner, qtbot: QtBot) -> None:
    gate, ends = threading.Event(), []
    runner.submit(
        "exports", "One", lambda _c: gate.wait(60), on_finished=lambda f: ends.append(("one", f.outcome)), key="k"
    )
    two = runner.submit("exports", "Two", lambda _c: 2, on_finished=lambda f: ends.append(("two", f.outcome)), key="k")
    runner.submit("exports", "Three", lambda _c: 3, on_finished=lambda f: ends.append(("three", f.outcome)), key="k")
    two.cancel()
    gate.set()
    qtbot.waitUntil(lambda: len(ends) == 3)
    assert dict(ends) == {"one": Outcome.DONE, "two": Outcome.CANCELLED, "three": Outcome.DONE}


def test_an_abandoned_job_is_never_heard_again(runner: JobRunner, qtbot: QtBot) -> None:
    heard: list[object] = []
    job = runner.submit("queries", "Count", lambda _ctx: 1, on_finished=heard.append)
    runner.abandon(job)
    assert runner.wait_idle(60)
    QCoreApplication.processEvents()
    assert heard == []


def test_shutdown_cancels_mutes_and_refuses(qtbot: QtBot) -> None:
    runner, heard, begun = JobRunner(Pools()), [], threading.Event()

    def work(ctx: JobContext) -> None:
        begun.set()
        ctx.token.sleep(120)

    runner.submit("exports", "Send", work, on_finished=heard.append, key="a")
    runner.submit("exports", "Waits", work, on_finished=heard.append, key="a")
    assert begun.wait(60)
    runner.begin_shutdown()
    assert runner.wait_idle(60)
    late = runner.submit("queries", "Late", lambda _ctx: 1, on_finished=heard.append)
    assert not late.running
    assert heard == []
    runner.close()


def test_a_job_that_never_began_does_not_hold_the_end(qtbot: QtBot) -> None:
    runner = JobRunner(Pools({"store": 1}))
    begun, go_on = threading.Event(), threading.Event()

    def hold(_ctx: JobContext) -> None:
        begun.set()
        go_on.wait(60)

    runner.submit("store", "Hold the only thread", hold)
    assert begun.wait(60)
    behind = runner.submit("store", "Wait behind it", lambda _ctx: None)
    runner.close(wait_for_threads=False)
    go_on.set()
    assert runner.wait_idle(60)
    assert behind.finished == Finished(Outcome.CANCELLED)


def test_an_unknown_pool_is_refused(runner: JobRunner) -> None:
    with pytest.raises(KeyError):
        runner.submit("nowhere", "Count", lambda _ctx: 1)
    assert runner.jobs() == ()


def test_only_the_newest_question_is_answered(runner: JobRunner, qtbot: QtBot) -> None:
    answers: list[object] = []
    query = LiveQuery(runner, "Count", delay_ms=1)
    query.ready.connect(answers.append)
    begun = threading.Event()

    def slow(ctx: JobContext) -> str:
        begun.set()
        ctx.token.sleep(120)
        return "old"

    query.ask(slow, at_once=True)
    assert begun.wait(60)
    query.ask(lambda _ctx: "new")
    qtbot.waitUntil(lambda: bool(answers))
    assert runner.wait_idle(60)
    QCoreApplication.processEvents()
    assert answers == ["new"]
    assert query.value == "new"
    assert query.state is QueryState.READY


def test_typing_fast_asks_once(runner: JobRunner, qtbot: QtBot) -> None:
    asked: list[int] = []
    query = LiveQuery(runner, "Count", delay_ms=40)
    for number in range(10):
        query.ask(lambda _ctx, n=number: asked.append(n))
    qtbot.waitUntil(lambda: query.state is QueryState.READY)
    assert asked == [9]


def test_the_last_answer_stays_while_the_next_fails(runner: JobRunner, qtbot: QtBot) -> None:
    query = LiveQuery(runner, "Count", delay_ms=1)
    query.ask(lambda _ctx: 7)
    qtbot.waitUntil(lambda: query.state is QueryState.READY)

    def broken(_ctx: JobContext) -> None:
        raise OSError("engine away")

    with qtbot.waitSignal(query.failed):
        query.ask(broken)
    assert query.value == 7
    assert query.state is QueryState.FAILED
