"""A secret goes into the keyring and from there to its target, and stands nowhere else, whatever goes wrong on the way."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.desk import NEWSLETTER, Desk
from tests.servers import openssh
from tests.servers.secret_service import SecretServiceServer
from tests.tools.planted_secret import search, search_processes
from tests.vendors import mailchimp as vendor
from tests.vendors.emulator import Reply
from tests.vendors.mailchimp import MailchimpEmulator

PLANTED = "5e77a1c0de5e77a1c0de0123456789ff-us21"


class Witness:
    """Runs commands as programs and keeps all they say, as files that can be searched."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.said = desk.folder / "said"
        self.said.mkdir()

    def start(self, *arguments: str | Path, stdin: str | None = None) -> subprocess.Popen[str]:
        count = len(list(self.said.iterdir()))
        with (self.said / f"{count:03}.out").open("w") as out, (self.said / f"{count:03}.err").open("w") as err:
            process = self.desk.program(*arguments, stdin=subprocess.PIPE, stdout=out, stderr=err)
        assert process.stdin is not None
        process.stdin.write(stdin or "")
        process.stdin.close()
        return process

    def run(self, *arguments: str | Path, stdin: str | None = None) -> int:
        return self.start(*arguments, stdin=stdin).wait(120)


def wait_until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def witness(desk: Desk, isolated_home: Path, secret_service_here: SecretServiceServer) -> Witness:
    """Programs with a keyring of their own."""
    desk.make_shop(20_000)
    return Witness(desk)


def test_a_key_for_mailchimp(
    witness: Witness,
    mailchimp: MailchimpEmulator,
    secret_service_here: SecretServiceServer,
    isolated_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vendor, "KEY", PLANTED)
    add = ("connections", "add", "--name", "Mail", "--destination", "mailchimp", "--agree")
    add = (*add, "--set", f"api_url={mailchimp.url}", "--secret", "api_key=stdin")
    assert witness.run(*add, "--debug", stdin=PLANTED) == 0
    witness.desk.done("exports", "apply", witness.desk.file("newsletter.yaml", NEWSLETTER))
    witness.run("exports", "preview", "Newsletter", "--json", "--debug")

    running = witness.start("exports", "run", "Newsletter", "--json", "--debug")
    wait_until(lambda: bool(mailchimp.audience.contacts))
    assert search_processes([running.pid], PLANTED) == []
    assert running.wait(120) == 0
    assert len(mailchimp.audience.contacts) == 5000  # the keyring has the key: the target took it

    # Who is there already is not sent again: with another match everybody is, until the target has taken them.
    other = NEWSLETTER.replace("first_name:", "last_name:")
    witness.desk.done("exports", "apply", witness.desk.file("newsletter.yaml", other))
    mailchimp.fail("reply", method="POST", reply=Reply(500, {"detail": f"the key {PLANTED} broke", "api_key": PLANTED}))
    assert witness.run("exports", "run", "Newsletter", "--debug") == 1
    mailchimp.faults.clear()
    mailchimp.fail("reset", method="POST", after=4)
    assert witness.run("exports", "run", "Newsletter", "--debug", "--json") == 1
    mailchimp.faults.clear()
    monkeypatch.setattr(vendor, "KEY", "another" + PLANTED[7:])
    assert witness.run("exports", "run", "Newsletter", "--debug") == 1
    assert witness.run("connections", "test", "Mail", "--debug", "--json") == 1
    assert witness.run("doctor", "--debug") == 1
    monkeypatch.setattr(vendor, "KEY", PLANTED)

    mailchimp.fail("latency", method="POST", seconds=0.3)
    before = len(mailchimp.requests)
    killed = witness.start("exports", "run", "Newsletter", "--debug")
    wait_until(lambda: len(mailchimp.requests) > before + 3)
    killed.kill()
    killed.wait(30)
    mailchimp.faults.clear()
    for command in (["runs", "list", "--json"], ["connections", "show", "Mail", "--json"], ["destinations", "list"]):
        assert witness.run(*command, "--debug") == 0

    assert_nowhere(witness, isolated_home, secret_service_here, PLANTED)
    assert witness.run("connections", "remove", "Mail", "--detach") == 0
    assert_nowhere(witness, isolated_home, secret_service_here, PLANTED)


@pytest.mark.skipif(not openssh.USABLE, reason="no OpenSSH server on this computer")
def test_a_private_key_for_a_server(
    witness: Witness, secret_service_here: SecretServiceServer, isolated_home: Path
) -> None:
    server = openssh.start(witness.desk.folder.parent / f"{witness.desk.folder.name}-sshd")
    try:
        settings = [part for key, value in server.values().items() for part in ("--set", f"{key}={value}")]
        add = ["connections", "add", "--name", "Server", "--destination", "sftp", "--agree", *settings]
        assert witness.run(*add, "--secret", "private_key=stdin", "--debug", stdin=server.key) == 0
        export = """
name: Table
kind: data-out
connection: Server
tables: [{name: Customer}]
format: {type: csv, rows_per_file: 5000}
consent: {agreed: true}
"""
        witness.desk.done("exports", "apply", witness.desk.file("table.yaml", export))
        assert witness.run("exports", "run", "Table", "--debug") == 0
        server.stop()
        assert witness.run("exports", "run", "Table", "--debug") == 1
    finally:
        server.stop()
    lines = [line for line in server.key.splitlines() if len(line) > 40 and not line.startswith("-----")]
    for line in lines[1:3]:  # the first line of every such key begins alike
        assert_nowhere(witness, isolated_home, secret_service_here, line)


def assert_nowhere(witness: Witness, home: Path, keyring: SecretServiceServer, secret: str) -> None:
    """In the workspace, the logs, the configuration, the home, the keyring's own files, and whatever was said."""
    places = [witness.desk.folder, home, keyring.files]
    assert search(places, secret) == []
    control = witness.desk.folder / "control"
    control.write_text(secret)
    assert search([witness.desk.folder], secret), "the search finds what stands there"
    control.unlink()
