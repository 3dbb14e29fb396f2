"""Who may do what."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from app.core.connections import Access
from app.core.errors import NotAllowed


class Role(StrEnum):
    """The role of a person in a workspace, weakest first."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 for the weakest."""
        return list(Role).index(self)


class Action(StrEnum):
    """What the services ask before they change something."""

    CHANGE_CONNECTIONS = "change connections"
    CHANGE_EXPORTS = "change exports"
    RUN_EXPORTS = "run exports"
    CHANGE_SEGMENTS = "change segments"
    CHANGE_TABLES = "change tables"
    CHANGE_SETTINGS = "change settings"
    CHANGE_ROLE = "change roles"
    SHOW_PERSONAL_VALUES = "show personal values"
    DETACH_CONNECTION = "detach connections"
    CHANGE_SUPPRESSION = "change the suppression list"
    SEE_SUPPRESSION = "look into the suppression list"
    SEE_PLANS = "look at plans"
    SEE_AUDIT = "see the audit trail"


_NEEDED: dict[Action, Role] = {
    Action.CHANGE_CONNECTIONS: Role.ADMIN,
    Action.CHANGE_SETTINGS: Role.ADMIN,
    Action.CHANGE_ROLE: Role.ADMIN,
    Action.CHANGE_TABLES: Role.ADMIN,
    Action.CHANGE_SUPPRESSION: Role.ADMIN,
    Action.CHANGE_EXPORTS: Role.CONTRIBUTOR,
    Action.RUN_EXPORTS: Role.CONTRIBUTOR,
    Action.CHANGE_SEGMENTS: Role.CONTRIBUTOR,
    Action.SHOW_PERSONAL_VALUES: Role.CONTRIBUTOR,
    Action.DETACH_CONNECTION: Role.CONTRIBUTOR,
    Action.SEE_SUPPRESSION: Role.CONTRIBUTOR,
    Action.SEE_PLANS: Role.VIEWER,
    Action.SEE_AUDIT: Role.CONTRIBUTOR,
}


def may(role: Role, action: Action, access: Access | None = None) -> bool:
    """Whether the role may; `access` is that of the connection concerned: contributors need it shared with them."""
    if role.rank < _NEEDED[action].rank:
        return False
    return not (role is Role.CONTRIBUTOR and access is Access.ADMINS)


def demand(role: Role, action: Action, access: Access | None = None) -> None:
    """Raise `NotAllowed` with the three sentences when the role may not."""
    if may(role, action, access):
        return
    if role.rank >= _NEEDED[action].rank:
        raise NotAllowed(
            "You can't use this connection.",
            "It is shared with admins only.",
            "Ask an admin to share it with contributors.",
            code="connection_not_shared",
        )
    raise NotAllowed(
        f"Your role is {role.capitalize()}, which can't {action.value}.",
        f"This needs the role {_NEEDED[action].capitalize()}.",
        "Ask an admin of this workspace.",
        code="role",
    )


class CurrentRole(Protocol):
    """Who acts; fulfilled by the service of roles."""

    def role(self) -> Role:
        """The role of this person now."""
