"""The command as a program of its own: signals, pipes, terminals, two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.desk import LAKE, NEWSLETTER, PARTNER, Desk
from tests.servers.secret_service import SecretServiceServer
from tests.tools.planted_secret import search_processes
from tests.vendors.mailchimp import KEY, MailchimpEmulator

posix = pytest.mark.skipif(os.name == "nt", reason="signals and terminals as Unix knows them")


def wait_until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str], seconds: float = 240.0) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert "Traceback" not in err
    return process.returncode, out, err


@pytest.fixture
def slow_newsletter(
    desk: Desk, mailchimp: MailchimpEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """15,000 Germans on their way to a Mailchimp that takes the first of them, and then its time."""
    desk.make_shop(60_000)
    desk.connect_mail(mailchimp.url, monkeypatch, KEY)
    monkeypatch.delenv("KEY_FOR_TEST")
    desk.done("exports", "apply", desk.file("newsletter.yaml", NEWSLETTER))
    mailchimp.fail("latency", method="POST", path="/segments/", after=1, seconds=60)
    return desk


@posix
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_after_the_batch_in_flight(
    slow_newsletter: Desk, mailchimp: MailchimpEmulator, ending: signal.Signals
) -> None:
    said = slow_newsletter.folder / "said"
    with said.open("w") as stderr:
        process = slow_newsletter.program("exports", "run", "Newsletter", "--json", stderr=stderr)
    wait_until(lambda: len(mailchimp.audience.contacts) >= 500)
    assert search_processes([process.pid], KEY) == []
    process.send_signal(ending)
    wait_until(lambda: "batch in flight" in said.read_text("utf-8"))
    (held,) = mailchimp.faults
    held.times = 0
    mailchimp.fail("latency", method="POST", path="/segments/", seconds=5)  # whoever leaves before it has cancelled
    held.over.set()
    out, _ = process.communicate(timeout=120)
    err = said.read_text("utf-8")
    assert "Traceback" not in err
    assert process.returncode == 5, err
    (run,) = json.loads(out)["runs"]
    assert run["status"] == "cancelled"
    assert 500 <= run["added"] < 15_000
    assert run["added"] == len(mailchimp.audience.contacts)
    assert slow_newsletter.told("runs", "list")["runs"][0]["status"] == "cancelled"


@posix
def test_an_interrupted_import_leaves_no_table(desk: Desk) -> None:
    desk.done("workspace", "create", desk.workspace, "--audience", "consumers")
    rows = "".join(f"{i},user{i}@example.com,{i * 7919 % 1000}\n" for i in range(1000))
    (desk.folder / "Big.csv").write_text("Id,Email,Number\n" + rows * 2000, "utf-8")
    process = desk.program("tables", "add", desk.folder / "Big.csv")
    assert process.stderr is not None
    assert "Reading" in process.stderr.readline()
    wait_until(lambda: any((desk.workspace / "data").glob(".staging-*")))
    process.send_signal(signal.SIGINT)
    status, _, err = ended(process)
    assert (status, err.splitlines()[-1]) == (5, "Cancelled.")
    assert desk.told("tables", "list") == {"tables": []}
    assert [p for part in ("tmp", "data") for p in (desk.workspace / part).rglob("*") if p.is_file()] == []


@posix
def test_a_killed_run_is_named_interrupted_and_run_again(slow_newsletter: Desk, mailchimp: MailchimpEmulator) -> None:
    process = slow_newsletter.program("exports", "run", "Newsletter")
    wait_until(lambda: len(mailchimp.audience.contacts) >= 500)
    process.kill()
    process.communicate(timeout=60)
    (run,) = slow_newsletter.told("runs", "list")["runs"]
    assert run["status"] == "interrupted"
    assert "Resume it, or run the export again" in run["error"]["fix"]
    mailchimp.faults.pop().over.set()
    slow_newsletter.done("exports", "run", "Newsletter")
    assert len(mailchimp.audience.contacts) == 15_000


def test_two_programs_on_one_workspace_take_turns(shop: Desk) -> None:
    shop.done("exports", "apply", shop.file("exports.yaml", f"{PARTNER}---{LAKE}"))
    both = [
        shop.program("exports", "run", "Lake", "--json"),
        shop.program("exports", "run", "Partner", "Lake", "--json"),
    ]
    answers = [ended(process) for process in both]
    assert [status for status, _, _ in answers] == [0, 0], answers
    runs = [run for _, out, _ in answers for run in json.loads(out)["runs"]]
    assert {run["status"] for run in runs} == {"successful"}
    assert len(shop.told("runs", "list")["runs"]) == 3
    lines = [line for part in (shop.drive / "Lake").rglob("*.csv") for line in part.read_text("utf-8").splitlines()]
    assert len(lines) == 62


def test_scheduled_runs_are_started_once(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.done("exports", "apply", shop.file("exports.yaml", PARTNER))
    # Half an hour from now and before: no test lasts until it is due once more.
    minute = (datetime.now(UTC) + timedelta(minutes=30)).minute
    shop.done("exports", "schedule", "Partner", "--every", "hour", "--at", f"00:{minute:02}", "--time-zone", "UTC")
    assert "Nothing is due" in shop.done("scheduler", "run", "--once").out
    look_back_two_hours(shop.workspace)
    both = [shop.program("scheduler", "run", "--once", "--json") for _ in range(2)]
    runs = [run for process in both for run in json.loads(ended(process)[1])["runs"]]
    assert [run["status"] for run in runs] == ["successful"]
    assert shop.told("runs", "list")["runs"][0]["trigger"] == "schedule"
    assert shop.told("scheduler", "run", "--once") == {"runs": []}


@posix
def test_the_scheduler_ends_when_asked(shop: Desk) -> None:
    shop.done("exports", "apply", shop.file("exports.yaml", PARTNER))
    shop.done("exports", "schedule", "Partner", "--every", "hour", "--at", "00:00", "--time-zone", "UTC")
    look_back_two_hours(shop.workspace)
    process = shop.program("scheduler", "run")
    wait_until(lambda: (shop.drive / "Partner" / "Germany_1.csv").exists())
    wait_until(lambda: shop.told("runs", "list")["runs"][0]["status"] == "successful")
    process.send_signal(signal.SIGTERM)
    status, _, err = ended(process)
    assert status == 0, err
    assert "Partner: successful" in err


def look_back_two_hours(workspace: Path) -> None:
    """As if the scheduler had looked last two hours ago."""
    from app.bootstrap import open_workspace

    services = open_workspace(workspace)
    try:
        for row in services.exports.all():
            services._store.schedule_marks.reset(row.export.id, datetime.now(UTC) - timedelta(hours=2))
    finally:
        services.close()


@posix
def test_a_bar_is_drawn_only_on_a_terminal(shop: Desk) -> None:
    import pty

    shop.done("exports", "apply", shop.file("exports.yaml", LAKE))
    master, terminal = pty.openpty()
    process = shop.program("exports", "run", "Lake", "--json", stderr=terminal)
    os.close(terminal)
    drawn = b""
    while True:
        try:
            drawn += os.read(master, 4096)
        except OSError:  # the other side is closed
            break
    os.close(master)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"\x1b[" in drawn
    assert json.loads(out)["runs"][0]["status"] == "successful"
    quiet = shop.program("exports", "run", "Lake", "--quiet")
    assert ended(quiet)[2] == ""


@posix
def test_a_reader_that_goes_away_is_met_in_silence(shop: Desk) -> None:
    with shop.program("destinations", "show", "mailchimp", "--json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_help_loads_neither_window_nor_engine_nor_database(desk: Desk) -> None:
    code = (
        "import sys; from app.cli.main import run; run(['exports', '--help'], lambda _: 0, str);"
        "print([n for n in ('PySide6', 'duckdb', 'sqlalchemy', 'keyring', 'pandas', 'pyarrow') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_list_of_exports_loads_neither_window_nor_engine(shop: Desk) -> None:
    shop.done("exports", "apply", shop.file("exports.yaml", f"{PARTNER}---{LAKE}"))
    code = (
        f"import sys; from app.cli.main import run; run(['exports', 'list', '--workspace', {str(shop.workspace)!r}], "
        "lambda _: 0, str); print([n for n in ('PySide6', 'duckdb', 'keyring', 'pandas', 'pyarrow') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.splitlines()[-1] == "[]"
