"""The role is the workspace's; SENDOFF_ROLE lowers it, never raises it."""

from __future__ import annotations

import pytest

from app.bootstrap import open_workspace
from app.core.roles import Role
from tests.cli.desk import PARTNER, Desk

FORBIDDEN = {
    Role.VIEWER: [
        ["exports", "run", "Partner"],
        ["exports", "copy", "Partner", "--name", "x"],
        ["exports", "remove", "Partner"],
        ["exports", "detach", "Partner"],
        ["exports", "schedule", "Partner", "--off"],
        ["exports", "apply", "{partner}"],
        ["segments", "save", "{germany}"],
        ["segments", "remove", "Germany"],
        ["tables", "remove", "Customer"],
        ["tables", "refresh", "Customer"],
        ["connections", "test", "Drive"],
    ],
    Role.CONTRIBUTOR: [
        ["connections", "add", "--name", "x", "--destination", "local-folder", "--set", "folder=/tmp", "--agree"],
        ["connections", "edit", "Drive", "--name", "x"],
        ["connections", "remove", "Drive"],
        ["tables", "add", "{customers}"],
        ["tables", "set", "Customer", "--key", "Email"],
    ],
}


@pytest.fixture
def exports(shop: Desk) -> Desk:
    shop.done("exports", "apply", shop.file("partner.yaml", PARTNER))
    return shop


@pytest.mark.parametrize(
    ("role", "arguments"),
    [(role, arguments) for role, commands in FORBIDDEN.items() for arguments in commands],
    ids=lambda given: str(given) if isinstance(given, Role) else " ".join(given[:2]),
)
def test_what_a_role_may_not_do_ends_with_six(
    exports: Desk, role: Role, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "{partner}": str(exports.folder / "partner.yaml"),
        "{germany}": str(exports.folder / "germany.yaml"),
        "{customers}": str(exports.folder / "Customer.csv"),
    }
    monkeypatch.setenv("SENDOFF_ROLE", role.value)
    said = exports.do(*(files.get(each, each) for each in arguments))
    assert said.status == 6, said
    assert role.value.capitalize() in said.err or "role" in said.err


def test_a_contributor_runs_but_sees_no_settings(exports: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDOFF_ROLE", "contributor")
    exports.done("exports", "run", "Partner")
    (drive,) = exports.told("connections", "list")["connections"]
    assert drive["settings"] == {}


def test_a_viewer_looks_and_sees_masked_values(exports: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDOFF_ROLE", "viewer")
    assert exports.told("exports", "list")["exports"][0]["permission"] == "view"
    assert exports.told("connections", "list") == {"connections": []}
    members = exports.done("segments", "members", "Germany", "--json").out
    assert "C-00000" in members
    assert "p0@example.com" not in members


def test_the_variable_lowers_and_never_raises(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.told("roles", "show")["role"] == "admin"
    monkeypatch.setenv("SENDOFF_ROLE", "Contributor")
    assert shop.told("roles", "show")["role"] == "contributor"
    monkeypatch.setenv("SENDOFF_ROLE", "emperor")
    assert shop.told("roles", "show")["role"] == "viewer"
    monkeypatch.delenv("SENDOFF_ROLE")
    services = open_workspace(shop.workspace)
    services.roles.set_role(Role.VIEWER)
    services.close()
    assert shop.told("roles", "show")["role"] == "viewer"
    monkeypatch.setenv("SENDOFF_ROLE", "admin")
    assert shop.told("roles", "show")["role"] == "viewer"
    assert shop.do("segments", "remove", "Germany").status == 6
    assert set(shop.told("roles", "show")) == {"role", "person"}
