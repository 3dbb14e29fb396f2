"""Who is at work, in which role."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping

from app.core.connections import Access
from app.core.errors import NotAllowed
from app.core.roles import Action, Role, demand
from app.store import Store

_SETTING = "role"
_LOWERED_BY = "SENDOFF_ROLE"


class RoleService:
    """The role in this workspace; thread safe. The environment variable SENDOFF_ROLE can lower it, never raise it."""

    def __init__(self, store: Store, environment: Mapping[str, str] = os.environ) -> None:
        self._store = store
        self._environment = environment
        self._listeners: list[Callable[[Role, Role], None]] = []

    def role(self) -> Role:
        """The role that counts now: the workspace's, or the lower one the environment asks for."""
        given = self._of_workspace()
        wanted = self._lowered()
        return given if wanted is None or wanted.rank > given.rank else wanted

    def set_role(self, role: Role) -> None:
        """Set the workspace's role, which only an admin may; raises NotAllowed, also while the environment lowers it."""
        if self._lowered() is not None:
            raise NotAllowed(
                "The role can't be changed here.",
                f"The environment variable {_LOWERED_BY} has lowered it for this program.",
                f"Start Sendoff without {_LOWERED_BY}.",
                code="role",
            )
        self.demand(Action.CHANGE_ROLE)
        before = self._of_workspace()
        self._store.workspace.set_setting(_SETTING, role.value)
        for listener in self._listeners:
            listener(before, role)

    def subscribe(self, listener: Callable[[Role, Role], None]) -> None:
        """Call the listener with the role before and after each change made here, on the thread that made it."""
        self._listeners.append(listener)

    def person(self) -> str:
        """The name of the operating system's account."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # an account without a name, as in some containers
            return "unknown"

    def demand(self, action: Action, access: Access | None = None) -> None:
        """Raise NotAllowed when the role may not; `access` is that of the connection concerned."""
        demand(self.role(), action, access)

    def _of_workspace(self) -> Role:
        stored = self._store.workspace.setting(_SETTING)
        return Role.ADMIN if stored is None else Role(stored)  # who makes a workspace is its admin

    def _lowered(self) -> Role | None:
        wanted = self._environment.get(_LOWERED_BY, "").strip().lower()
        if not wanted:
            return None
        # A role that does not exist must not leave somebody with more than was meant.
        return next((role for role in Role if role == wanted), Role.VIEWER)
