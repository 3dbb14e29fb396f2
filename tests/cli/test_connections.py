"""`connections`, with a real keyring."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.cli.secret_sources import read_secrets
from app.core.errors import FixSettings
from tests.cli.desk import PARTNER, Desk
from tests.servers import openssh
from tests.servers.secret_service import SecretServiceServer
from tests.tools.planted_secret import search
from tests.vendors.mailchimp import KEY, MailchimpEmulator

PLANTED = "planted0123456789abcdef0123456789"


def test_secrets_come_from_variables_files_and_the_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_FOR_TEST", "from the environment")
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("from stdin\n"))
    read = read_secrets(["a=env:KEY_FOR_TEST", f"b=file:{tmp_path / 'key'}", "c=stdin"])
    assert read == {"a": "from the environment", "b": "from a file", "c": "from stdin"}


@pytest.mark.parametrize(
    "entries",
    [
        [f"key={PLANTED}"],
        [f"key=plain:{PLANTED}"],
        [PLANTED],
        [f"={PLANTED}"],
        ["key=env:NO_SUCH_VARIABLE"],
        ["key=env:"],
        ["key=file:/nowhere/at/all"],
        ["a=stdin", "b=stdin"],
        ["key=prompt"],
    ],
)
def test_a_secret_that_can_not_be_had_is_never_repeated(entries: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(FixSettings) as caught:
        read_secrets(entries)
    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize("option", ["--secret", "--set"])
def test_a_secret_in_the_argument_list_is_refused_and_kept_nowhere(shop: Desk, option: str) -> None:
    said = shop.do(
        "connections", "add", "--name", "Mail", "--destination", "mailchimp", option, f"api_key={PLANTED}", "--agree"
    )
    assert said.status == 2
    assert PLANTED not in said.out + said.err
    assert [c["name"] for c in shop.told("connections", "list")["connections"]] == ["Drive"]
    assert search([shop.folder], PLANTED) == []


def test_a_connection_is_tested_saved_shown_and_removed(
    shop: Desk, mailchimp: MailchimpEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = shop.connect_mail(mailchimp.url, monkeypatch, KEY)
    assert said.status == 0, said
    assert "Northwind US" in said.out
    shown = shop.told("connections", "show", "mail")["connection"]
    assert shown["secrets"] == ["api_key"]
    assert (shown["destination"], shown["health"]["state"]) == ("mailchimp", "healthy")
    assert "in the keyring" in shop.done("connections", "show", "Mail").out
    tested = shop.told("connections", "test", "Mail")
    assert set(tested) == {"connection", "ok", "reached", "milliseconds", "rights", "error"}
    assert tested["ok"] is True
    assert {c["name"] for c in shop.told("connections", "list")["connections"]} == {"Drive", "Mail"}
    assert KEY not in "".join(
        shop.done(*command).out for command in (["connections", "list", "--json"], ["connections", "show", "Mail"])
    )
    assert shop.told("connections", "remove", "Mail") == {"removed": "Mail"}
    assert search([shop.folder], KEY) == []


def test_a_wrong_key_is_told_and_nothing_is_saved(
    shop: Desk, mailchimp: MailchimpEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = f"{PLANTED[:-1]}-us21".replace("planted", "abcdefa")[-37:]
    said = shop.connect_mail(mailchimp.url, monkeypatch, wrong)
    assert said.status in {1, 2}
    assert wrong not in said.out + said.err
    assert [c["name"] for c in shop.told("connections", "list")["connections"]] == ["Drive"]


def test_a_key_that_was_withdrawn_fails_the_test_and_can_be_replaced(
    shop: Desk, mailchimp: MailchimpEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.connect_mail(mailchimp.url, monkeypatch, KEY)
    monkeypatch.setenv("OTHER", "f" * 32 + "-us21")
    assert shop.done("connections", "edit", "Mail", "--secret", "api_key=env:OTHER", "--name", "Mail EU").status == 0
    said = shop.do("connections", "test", "Mail EU", "--json")
    assert said.status == 1
    assert said.document["ok"] is False
    assert set(said.document["error"]) == {"what", "why", "fix"}
    assert shop.told("connections", "show", "Mail EU")["connection"]["health"]["state"] == "sign_in_expired"
    shop.done("connections", "edit", "Mail EU", "--secret", "api_key=env:KEY_FOR_TEST")
    assert shop.told("connections", "test", "Mail EU")["ok"] is True


def test_without_a_keyring_nothing_is_saved(
    shop: Desk, mailchimp: MailchimpEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = shop.connect_mail(mailchimp.url, monkeypatch, KEY)
    assert said.status == 2
    assert "keep" in said.err
    assert [c["name"] for c in shop.told("connections", "list")["connections"]] == ["Drive"]
    assert search([shop.folder], KEY) == []


def test_nobody_agreed_so_nothing_is_saved(shop: Desk) -> None:
    said = shop.do(
        "connections", "add", "--name", "Other", "--destination", "local-folder", "--set", f"folder={shop.drive}"
    )
    assert said.status == 2
    assert "--agree" in said.err


def test_a_connection_in_use_is_removed_only_with_its_exports_detached(shop: Desk) -> None:
    shop.done("exports", "apply", shop.file("partner.yaml", PARTNER))
    said = shop.do("connections", "remove", "Drive")
    assert said.status == 2
    assert "Partner" in said.err
    shop.done("connections", "remove", "Drive", "--detach")
    assert shop.told("exports", "list")["exports"][0]["connection"] is None


@pytest.mark.skipif(not openssh.USABLE, reason="no OpenSSH server on this computer")
def test_an_unknown_server_is_trusted_only_when_told(
    shop: Desk, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = openssh.start(shop.folder / "sshd")
    try:
        (shop.folder / "key").write_text(server.key)
        values = [
            part for key, value in server.values(host_key="").items() if value for part in ("--set", f"{key}={value}")
        ]
        add = ["connections", "add", "--name", "Server", "--destination", "sftp", "--agree", *values]
        add += ["--secret", f"private_key=file:{shop.folder / 'key'}"]
        said = shop.do(*add)
        assert said.status == 2
        assert server.fingerprint in said.err
        assert "--trust-host-key" in said.err
        added = shop.told(*add, "--trust-host-key")
        assert added["test"]["ok"] is True
        settings = shop.told("connections", "show", "Server")["connection"]["settings"]
        assert settings["host_key"].split()[:2] == server.host_key.split()[:2]
    finally:
        server.stop()
