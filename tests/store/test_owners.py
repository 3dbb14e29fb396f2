from __future__ import annotations

import platform
import subprocess
import sys

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
