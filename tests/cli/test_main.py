from __future__ import annotations

import io
import json
import signal
import sys

import pytest

from app.cli import exports
from app.cli.interrupts import SIGNALS, Interrupts
from app.cli.options import Options, split_options
from app.cli.output import Output
from app.core.errors import FixSettings
from app.version import VERSION
from tests.cli.desk import PARTNER, Desk


@pytest.mark.parametrize(
    ("arguments", "workspace", "json", "rest"),
    [
        (["--json", "exports", "list"], None, True, ["exports", "list"]),
        (["exports", "--workspace", "w", "list", "--json"], "w", True, ["exports", "list"]),
        (["exports", "list", "--workspace=w v"], "w v", False, ["exports", "list"]),
        (["tables", "show", "--", "--json"], None, False, ["tables", "show", "--", "--json"]),
        (["tables", "list", "--workspace"], None, False, ["tables", "list", "--workspace"]),
    ],
)
def test_options_stand_anywhere(
    arguments: list[str], workspace: str | None, json: bool, rest: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENDOFF_WORKSPACE", raising=False)
    options, left = split_options(arguments)
    assert (options.workspace, options.json, left) == (workspace, json, rest)


def test_the_workspace_of_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDOFF_WORKSPACE", "given")
    assert split_options(["exports", "list"])[0].workspace == "given"
    assert split_options(["exports", "list", "--workspace", "other"])[0].workspace == "other"


def test_without_a_command_the_window_opens(desk: Desk) -> None:
    assert desk.do().status == 0
    assert desk.do("--workspace", "here").status == 0
    assert desk.windows == [None, "here"]


def test_version_and_help(desk: Desk) -> None:
    assert desk.done("--version").out == f"Sendoff {VERSION}\n"
    shown = desk.done("--help").out
    for word in (
        "workspace",
        "tables",
        "segments",
        "destinations",
        "connections",
        "exports",
        "runs",
        "scheduler",
        "demo",
    ):
        assert word in shown
    assert "schedule" in desk.done("exports", "--help").out
    assert desk.do("exports").status == 2


@pytest.mark.parametrize(
    ("arguments", "sentence", "help_of"),
    [
        (["exportz"], "exportz", "sendoff --help"),
        (["exports", "lst"], "lst", "sendoff exports --help"),
        (["exports", "list", "--jsn"], "--jsn", "sendoff exports list --help"),
        (["connections", "add"], "--name", "sendoff connections add --help"),
        (["workspace", "create", "x", "--audience", "everybody"], "everybody", "sendoff workspace create --help"),
        (["tables", "list", "--workspace"], "--workspace", "sendoff tables list --help"),
        (["exports", "preview", "x", "--rows", "many"], "--rows", "sendoff exports preview --help"),
    ],
)
def test_wrong_use_is_said_in_sentences(desk: Desk, arguments: list[str], sentence: str, help_of: str) -> None:
    said = desk.do(*arguments)
    assert said.status == 2
    assert said.out == ""
    assert sentence in said.err
    assert help_of in said.err
    assert len(said.err.splitlines()) == 1
    with_document = desk.do(*arguments, "--json") if arguments[-1] != "--workspace" else desk.do("--json", *arguments)
    assert sentence in with_document.document["error"]["what"]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["exports", "run", "Partnr"], "Partner"),
        (["exports", "plan", "part"], "Partner"),
        (["segments", "count", "Germny"], "Germany"),
        (["tables", "show", "Custmer"], "Customer"),
        (["tables", "meaning", "Customer", "Emial", "email"], "Email"),
        (["connections", "show", "Driv"], "Drive"),
        (["connections", "test", "Dirve"], "Drive"),
        (["destinations", "show", "mailchmp"], "mailchimp"),
    ],
)
def test_a_name_that_nothing_has_is_answered_with_the_one_that_was_meant(
    shop: Desk, arguments: list[str], meant: str
) -> None:
    shop.done("exports", "apply", shop.file("partner.yaml", PARTNER))
    said = shop.do(*arguments)
    assert said.status == 2
    assert f"Did you mean “{meant}”?" in said.err
    unlike = shop.do(*arguments[:2], "Zyxw", *arguments[3:])
    assert unlike.status == 2
    assert "Did you mean" not in unlike.err


def test_whoever_may_not_see_a_connection_is_not_told_its_name(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDOFF_ROLE", "viewer")
    assert "Drive" not in shop.do("connections", "show", "Driv").err


def test_an_argument_too_many_is_not_repeated(desk: Desk) -> None:
    said = desk.do("connections", "list", "hunter2-planted")
    assert said.status == 2
    assert "hunter2" not in said.err + said.out


def test_without_a_workspace_the_way_on_is_named(desk: Desk) -> None:
    said = desk.do("exports", "list")
    assert said.status == 2
    assert "sendoff workspace create" in said.err
    assert set(desk.do("exports", "list", "--json").document["error"]) == {"what", "why", "fix"}


def test_a_folder_without_a_workspace_is_no_workspace(desk: Desk) -> None:
    said = desk.do("exports", "list", "--workspace", desk.folder)
    assert said.status == 2
    assert "There is no workspace in" in said.err
    assert list(desk.folder.iterdir()) == []


def test_the_workspace_opened_last_is_used(desk: Desk) -> None:
    desk.done("workspace", "create", desk.folder / "a", "--audience", "consumers")
    desk.done("workspace", "create", desk.folder / "b", "--audience", "businesses", "--name", "Bees")
    shown = desk.told("workspace", "show")
    assert (shown["workspace"]["name"], shown["workspace"]["audience"], shown["role"]) == (
        "Bees",
        "businesses",
        "admin",
    )
    assert (shown["tables"], shown["segments"], shown["connections"], shown["exports"]) == (0, 0, 0, 0)
    assert desk.told("workspace", "show", "--workspace", desk.folder / "a")["workspace"]["name"] == "a"


def test_a_workspace_gets_another_name_and_country(shop: Desk) -> None:
    told = shop.told("workspace", "set", "--name", "Big shop", "--country", "at")["workspace"]
    assert (told["name"], told["country_code"]) == ("Big shop", "AT")
    assert shop.done("workspace", "set", "--country", "DE").out == "Big shop reads phone numbers as those of DE.\n"
    for wrong in ([], ["--country", "Austria"], ["--name", " "]):
        assert shop.do("workspace", "set", *wrong).status == 2


def test_a_second_workspace_in_a_folder_is_refused(desk: Desk) -> None:
    desk.done("workspace", "create", desk.workspace, "--audience", "consumers")
    said = desk.do("workspace", "create", desk.workspace, "--audience", "consumers")
    assert said.status == 2
    assert "already a workspace" in said.err


def break_reading(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(_file: object) -> None:
        raise error

    monkeypatch.setattr(exports, "read_documents", broken)


def test_a_fault_of_ours_is_three_sentences_and_no_traceback(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.done("workspace", "create", desk.workspace, "--audience", "consumers")
    break_reading(monkeypatch, RuntimeError("password=hunter2"))
    said = desk.do("exports", "apply", "x.yaml")
    assert said.status == 1
    assert said.err.startswith("Something unexpected went wrong. The fault is a RuntimeError")
    assert "hunter2" not in said.err
    debugged = desk.do("exports", "apply", "x.yaml", "--debug")
    assert debugged.status == 1
    assert "Traceback" in debugged.err
    assert "hunter2" not in debugged.err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EOFError()])
def test_ctrl_c_ends_as_cancelled(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    desk.done("workspace", "create", desk.workspace, "--audience", "consumers")
    break_reading(monkeypatch, error)
    said = desk.do("exports", "apply", "x.yaml")
    assert said.status == 5
    assert said.err.strip() == "Cancelled."
    assert desk.do("exports", "apply", "x.yaml", "--quiet").err.strip() == ""
    assert desk.do("exports", "apply", "x.yaml", "--json").document["error"]["what"] == "Cancelled."


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_document_loses_no_sign_where_the_pipe_is_not_utf_8(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes on Windows take the code page of the country, and who reads them may take UTF-8."""
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    told = {"member": "Łukasz “Ł” Żółć 😀", "café": "\u2028\n"}
    Output(Options()).document(told)
    assert json.loads(raw.getvalue().decode("utf-8")) == told


@pytest.mark.parametrize("ending", SIGNALS)
def test_each_signal_to_end_is_an_interrupt(ending: signal.Signals) -> None:
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(ending)
    assert interrupts.came


def test_windows_ends_programs_by_a_signal_of_its_own() -> None:
    assert (sys.platform == "win32") is (len(SIGNALS) == 3)


def test_quiet_still_tells_errors(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.done("workspace", "create", desk.workspace, "--audience", "consumers")
    break_reading(monkeypatch, FixSettings("It is wrong.", "So.", "Do.", code="x"))
    assert desk.do("exports", "apply", "x.yaml", "--quiet").err == "It is wrong. So. Do.\n"


def test_doctor_works_without_a_workspace(desk: Desk) -> None:
    said = desk.do("doctor", "--json")
    checks = {check["name"]: check for check in said.document["checks"]}
    assert list(checks) == ["window", "keyring", "engine", "disk"]
    assert all(set(check) == {"name", "ok", "sentence"} for check in checks.values())
    assert checks["window"]["ok"]
    assert checks["engine"]["sentence"].startswith("DuckDB v")
    assert checks["disk"]["ok"]
    assert not checks["keyring"]["ok"]  # the tests' keyring refuses
    assert said.status == 1


def test_doctor_tries_each_connection(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def checks() -> dict[str, bool]:
        return {each["name"]: each["ok"] for each in shop.do("doctor", "--json").document["checks"]}

    assert checks()["workspace"]
    assert checks()["connection Drive"]
    shop.drive.rmdir()
    shop.drive.write_text("a file where the folder was")
    assert not checks()["connection Drive"]
    monkeypatch.setenv("SENDOFF_ROLE", "contributor")
    assert list(checks()) == ["window", "keyring", "engine", "disk", "workspace"]


def test_help_pages_are_read_without_a_workspace(desk: Desk) -> None:
    assert desk.done("help", "mailchimp").out.startswith("# Mailchimp\n")
    listed = desk.told("help")["pages"]
    assert {"exports", "mailchimp", "faults"} <= {page["topic"] for page in listed}
    wrong = desk.do("help", "nothing")
    assert wrong.status == 2
    assert "no help about “nothing”" in wrong.err
