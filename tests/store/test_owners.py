from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from app.store import owners


def test_this_process_is_alive():
    owner = owners.this_process()
    assert owner == owners.this_process()
    assert owners.is_alive(owner)


def test_the_same_number_with_another_start_is_somebody_else():
    host, pid, started = owners.this_process().rsplit(":", 2)
    assert started
    assert not owners.is_alive(f"{host}:{pid}:{started}0")


def test_a_process_that_ended_is_dead():
    script = "from app.store import owners; print(owners.this_process())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    owner = ended.stdout.strip()
    assert owner.startswith(f"{platform.node()}:")
    assert not owners.is_alive(owner)


def test_another_computer_counts_as_alive_and_nobody_as_dead():
    assert owners.is_alive("elsewhere:1:1")
    assert owners.is_alive("else:where:1:1")
    assert not owners.is_alive("")
    assert not owners.is_alive("elsewhere")


def test_a_program_whose_name_holds_brackets_is_read_rightly(tmp_path):
    odd = tmp_path / "a) 1 (b"
    odd.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(odd), "30"])
    try:
        assert owners._started(process.pid) is not None
        assert owners._started(process.pid).isdigit() == owners._started(1).isdigit()
    finally:
        process.kill()
        process.wait()


NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ELSEWHERE = "elsewhere:7:1"


class Beats:
    """What another computer told last, and our own time, which only moves when it is told to."""

    def __init__(self, sign: datetime | None) -> None:
        self.sign = sign
        self.seconds = 0.0
        self.now = NOON
        self.signs = owners.SignsOfLife(self._signs, lambda: self.now, lambda: self.seconds)

    def _signs(self) -> dict[str, datetime]:
        return {} if self.sign is None else {ELSEWHERE: self.sign}


def test_another_computer_lives_as_long_as_its_sign_changes():
    beats = Beats(NOON)
    for _ in range(50):
        assert beats.signs.is_alive(ELSEWHERE)
        beats.seconds += 100
        beats.sign += timedelta(seconds=10)
    assert beats.signs.is_alive(ELSEWHERE)
    beats.seconds += owners.SILENT_SECONDS - 1
    assert beats.signs.is_alive(ELSEWHERE)
    beats.seconds += 1
    assert not beats.signs.is_alive(ELSEWHERE)
    beats.sign += timedelta(seconds=10)  # it was only slow
    assert beats.signs.is_alive(ELSEWHERE)


def test_a_wrong_clock_elsewhere_kills_nobody_and_a_long_silence_is_not_waited_for():
    ahead = Beats(NOON + timedelta(hours=3))
    behind = Beats(NOON - timedelta(hours=3))
    assert ahead.signs.is_alive(ELSEWHERE)
    assert behind.signs.is_alive(ELSEWHERE)
    assert not Beats(NOON - timedelta(days=1)).signs.is_alive(ELSEWHERE)


def test_a_computer_that_never_gave_a_sign_is_given_up_after_the_same_time():
    never = Beats(None)
    assert never.signs.is_alive(ELSEWHERE)
    never.seconds = owners.SILENT_SECONDS
    assert not never.signs.is_alive(ELSEWHERE)


def test_processes_of_this_computer_are_looked_at():
    beats = Beats(None)
    assert beats.signs.is_alive(owners.this_process())
    assert not beats.signs.is_alive("")
