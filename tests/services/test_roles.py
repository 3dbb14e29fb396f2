from __future__ import annotations

import pytest

from app.core.errors import NotAllowed
from app.core.roles import Action, Role
from app.services.roles import RoleService
from app.services.workspaces import WorkspaceService
from tests.services.auditing import audit_of


def test_who_makes_a_workspace_is_admin_and_the_role_is_kept(house):
    assert house.roles.role() is Role.ADMIN
    house.roles.set_role(Role.VIEWER)
    assert RoleService(house.store, environment={}).role() is Role.VIEWER
    with pytest.raises(NotAllowed):
        house.roles.demand(Action.CHANGE_EXPORTS)


@pytest.mark.parametrize(
    ("given", "wanted", "counts"),
    [
        (Role.ADMIN, "viewer", Role.VIEWER),
        (Role.ADMIN, " Contributor ", Role.CONTRIBUTOR),
        (Role.ADMIN, "", Role.ADMIN),
        (Role.VIEWER, "admin", Role.VIEWER),
        (Role.CONTRIBUTOR, "admin", Role.CONTRIBUTOR),
        (Role.ADMIN, "administrator", Role.VIEWER),  # a typing mistake never leaves more than was meant
    ],
)
def test_the_environment_lowers_and_never_raises(house, given, wanted, counts):
    house.role(given)
    assert RoleService(house.store, environment={"SENDOFF_ROLE": wanted}).role() is counts


def test_a_lowered_role_can_not_be_set(house):
    lowered = RoleService(house.store, environment={"SENDOFF_ROLE": "viewer"})
    with pytest.raises(NotAllowed):
        lowered.set_role(Role.ADMIN)
    assert house.roles.role() is Role.ADMIN


@pytest.mark.parametrize("given", [Role.VIEWER, Role.CONTRIBUTOR])
@pytest.mark.parametrize("wanted", list(Role))
def test_only_an_admin_changes_the_role(house, given, wanted):
    house.roles.set_role(given)
    with pytest.raises(NotAllowed) as raised:
        house.roles.set_role(wanted)
    assert raised.value.code == "role"
    assert "Admin" in raised.value.why
    assert RoleService(house.store, environment={"SENDOFF_ROLE": "admin"}).role() is given


@pytest.mark.parametrize("given", [Role.VIEWER, Role.CONTRIBUTOR])
def test_the_role_is_no_setting_others_could_write(house, given):
    workspace = WorkspaceService(house.store, house.roles, house.folder, audit_of(house.store))
    house.role(given)
    with pytest.raises(NotAllowed):
        workspace.set_setting("role", Role.ADMIN)
    assert house.roles.role() is given


def test_the_account_has_a_name(house):
    assert house.roles.person()
