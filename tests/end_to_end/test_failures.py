"""What can go wrong around a run ends in sentences with a fix, in the right exit status, and loses nothing."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncssh
import pytest

from tests.cli.desk import LAKE, NEWSLETTER, PARTNER, Desk, Said
from tests.rights import IS_ROOT
from tests.servers import openssh
from tests.servers.secret_service import SecretServiceServer
from tests.vendors.mailchimp import KEY, MailchimpEmulator

needs_sshd = pytest.mark.skipif(not openssh.USABLE, reason="no OpenSSH server on this computer")


def failed(said: Said) -> dict[str, str]:
    """The three sentences of the one run that failed."""
    assert said.status == 1, said
    (run,) = said.document["runs"]
    assert run["status"] == "failed"
    error = run["error"]
    assert all(error[part].strip() for part in ("what", "why", "fix")), error
    return error


def contents(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[openssh.OpenSshServer]:
    started = openssh.start(tmp_path / "sshd")
    yield started
    started.stop()


@pytest.fixture
def over_sftp(desk: Desk, server: openssh.OpenSshServer, secret_service_here: SecretServiceServer) -> Desk:
    """A table that was delivered once over SFTP."""
    desk.make_shop()
    (desk.folder / "key").write_text(server.key)
    settings = [part for key, value in server.values().items() for part in ("--set", f"{key}={value}")]
    secret = f"private_key=file:{desk.folder / 'key'}"
    desk.done(
        "connections", "add", "--name", "Server", "--destination", "sftp", *settings, "--secret", secret, "--agree"
    )
    desk.done("exports", "apply", desk.file("lake.yaml", LAKE.replace("Drive", "Server")))
    desk.done("exports", "run", "Lake")
    return desk


@pytest.fixture
def to_mailchimp(
    desk: Desk, mailchimp: MailchimpEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    desk.make_shop()
    assert desk.connect_mail(mailchimp.url, monkeypatch, KEY).status == 0
    desk.done("exports", "apply", desk.file("newsletter.yaml", NEWSLETTER))
    return desk


@needs_sshd
def test_a_wrong_key_at_the_server(over_sftp: Desk, server: openssh.OpenSshServer) -> None:
    before = contents(server.folder)
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    (over_sftp.folder / "other").write_text(other)
    over_sftp.done("connections", "edit", "Server", "--secret", f"private_key=file:{over_sftp.folder / 'other'}")
    failed(over_sftp.do("exports", "run", "Lake", "--json"))
    said = over_sftp.do("connections", "test", "Server", "--json")
    assert (said.status, said.document["ok"]) == (1, False)
    assert contents(server.folder) == before
    over_sftp.done("connections", "edit", "Server", "--secret", f"private_key=file:{over_sftp.folder / 'key'}")
    over_sftp.done("exports", "run", "Lake")


@needs_sshd
@pytest.mark.skipif(not IS_ROOT, reason="a user with a password needs root")
def test_a_wrong_password_at_the_server(
    desk: Desk,
    server: openssh.OpenSshServer,
    secret_service_here: SecretServiceServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk.make_shop()
    with openssh.password_user() as (user, password):
        settings = server.values(user=user, sign_in="password", folder=f"/home/{user}")
        given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        add = ("connections", "add", "--name", "Server", "--destination", "sftp", *given, "--agree")
        monkeypatch.setenv("WORD", "wrong" + password)
        said = desk.do(*add, "--secret", "password=env:WORD")
        assert said.status == 1
        assert "password" in said.err
        assert password not in said.err
        monkeypatch.setenv("WORD", password)
        desk.done(*add, "--secret", "password=env:WORD")
        desk.done("exports", "apply", desk.file("lake.yaml", LAKE.replace("Drive", "Server")))
        desk.done("exports", "run", "Lake")


@needs_sshd
def test_a_server_that_shows_another_key(over_sftp: Desk, server: openssh.OpenSshServer) -> None:
    before = contents(server.folder)
    server.stop()
    another = openssh.start(over_sftp.folder / "another", port=server.port)
    try:
        error = failed(over_sftp.do("exports", "run", "Lake", "--json"))
        assert another.fingerprint in error["why"]
        said = over_sftp.do("connections", "test", "Server")
        assert said.status == 1
        assert "another key" in said.out
        assert list(another.folder.iterdir()) == []
        (over_sftp.folder / "key").write_text(another.key)
        renewed = ("--set", "host_key=", "--set", f"folder={another.folder}")
        over_sftp.done(
            "connections", "edit", "Server", *renewed, "--secret", f"private_key=file:{over_sftp.folder / 'key'}"
        )
        said = over_sftp.do("connections", "test", "Server")
        assert said.status == 1
        assert "--trust-host-key" in said.out
        over_sftp.done("connections", "test", "Server", "--trust-host-key")
        over_sftp.done("exports", "run", "Lake")
    finally:
        another.stop()
    assert contents(server.folder) == before


@needs_sshd
def test_a_server_that_is_gone(over_sftp: Desk, server: openssh.OpenSshServer) -> None:
    before = contents(server.folder)
    server.stop()
    failed(over_sftp.do("exports", "run", "Lake", "--json"))
    assert contents(server.folder) == before


def test_an_audience_nobody_knows(to_mailchimp: Desk, mailchimp: MailchimpEmulator) -> None:
    unknown = NEWSLETTER.replace("a1b2c3d4e5", "ffffffffff")
    to_mailchimp.done("exports", "apply", to_mailchimp.file("unknown.yaml", unknown))
    error = failed(to_mailchimp.do("exports", "run", "Newsletter", "--json"))
    assert "audience" in " ".join(error.values())
    assert mailchimp.audience.contacts == {}


def test_no_keyring(
    to_mailchimp: Desk,
    mailchimp: MailchimpEmulator,
    secret_service_here: SecretServiceServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={to_mailchimp.folder / 'no-bus'}")
    process = to_mailchimp.program("exports", "run", "Newsletter", "--json")
    out, err = process.communicate(timeout=240)
    failed(Said(process.returncode, out, err))
    assert "Traceback" not in err
    assert mailchimp.audience.contacts == {}
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", secret_service_here.environment["DBUS_SESSION_BUS_ADDRESS"])
    to_mailchimp.done("exports", "run", "Newsletter")
    assert len(mailchimp.audience.contacts) == 15


@pytest.mark.parametrize("damage", ["no database", "cut off", "zeros inside", "empty"])
def test_a_damaged_workspace(desk: Desk, damage: str) -> None:
    desk.make_shop()
    desk.done("exports", "apply", desk.file("partner.yaml", PARTNER))
    file = desk.workspace / "workspace.db"
    for companion in desk.workspace.glob("workspace.db-*"):
        companion.unlink()
    whole = file.read_bytes()
    half = len(whole) // 2
    damaged = {
        "no database": b"Dear diary, this is no database. " * 400,
        "cut off": whole[:half],
        "zeros inside": whole[:4096] + bytes(len(whole) - 4096),
        "empty": b"",
    }[damage]
    file.write_bytes(damaged)
    said = desk.do("exports", "list", "--json")
    assert said.status == 2, said
    assert set(said.document["error"]) == {"what", "why", "fix"}
    assert all(said.document["error"].values())
    assert file.read_bytes() == damaged
    assert desk.do("exports", "run", "Partner").status == 2
    assert desk.do("doctor").status == 1
    assert file.read_bytes() == damaged
    file.write_bytes(whole)  # as somebody who had a copy
    desk.done("exports", "run", "Partner")


def test_a_workspace_of_a_later_version(desk: Desk) -> None:
    desk.make_shop()
    file = desk.workspace / "workspace.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffff_later'")
        database.commit()
    said = desk.do("exports", "list")
    assert said.status == 2
    assert "newer" in said.err


def test_two_programs_change_one_workspace_at_once(desk: Desk) -> None:
    desk.make_shop()
    files = [
        desk.file(
            f"{i}.yaml", "---".join(PARTNER.replace("name: Partner", f"name: Partner {i}-{n}") for n in range(10))
        )
        for i in range(4)
    ]
    programs = [desk.program("exports", "apply", file) for file in files]
    for program in programs:
        out, err = program.communicate(timeout=120)
        assert program.returncode == 0, (out, err)
    assert len(desk.told("exports", "list")["exports"]) == 40


def test_a_drive_that_is_full(desk: Desk, small_drive: Path) -> None:
    desk.workspace = small_drive / "workspace"
    desk.make_shop()
    desk.done("exports", "apply", desk.file("partner.yaml", PARTNER))
    before = desk.done("exports", "list", "--json").out
    fill = small_drive / "fill"
    room = os.statvfs(small_drive)
    fill.write_bytes(b"x" * (room.f_bavail * room.f_frsize))
    big = desk.folder / "big.csv"
    big.write_text("Id,Text\n" + "".join(f"{i},{hashlib.sha256(str(i).encode()).hexdigest()}\n" for i in range(20_000)))
    said = desk.do("tables", "add", big)
    assert said.status == 1, said
    assert "full" in said.err
    fill.unlink()
    assert desk.done("exports", "list", "--json").out == before
    assert [t["name"] for t in desk.told("tables", "list")["tables"]] == ["Customer"]
    desk.done("tables", "add", big)
    desk.done("exports", "run", "Partner")


def test_nothing_is_written_outside_the_workspace_and_the_configuration(
    desk: Desk, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = desk.folder / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    desk.make_shop()
    desk.done("exports", "apply", desk.file("exports.yaml", f"{PARTNER}---{LAKE}"))
    for arguments in (["exports", "run", "Partner", "Lake"], ["doctor"], ["segments", "count", "Germany"]):
        process = desk.program(*arguments, "--json")
        out, err = process.communicate(timeout=240)
        assert json.loads(out), err
    assert [p for p in isolated_home.rglob("*") if p.is_file()] == []
    assert list(temporary.iterdir()) == []
    assert sorted(p.name for p in (desk.folder / "config").iterdir()) == ["workspaces.json"]
    assert Path.home() == isolated_home
