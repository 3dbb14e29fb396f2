"""How long the workspace keeps what runs leave behind; tidying obeys it, see app/services/tidying.py."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

from app.core.audit import Deed, Subject
from app.core.retention import Retention
from app.core.roles import Action
from app.services.audit import AuditService
from app.services.roles import RoleService
from app.store import Store

_KEY = "keep."


class RetentionService:
    """Thread safe; looking is for everybody, changing for admins."""

    def __init__(self, store: Store, roles: RoleService, audit: AuditService) -> None:
        self._store = store
        self._roles = roles
        self._audit = audit

    def get(self) -> Retention:
        """What is set, the usual where nothing is."""
        kept = {each.name: self._store.workspace.setting(_KEY + each.name) for each in fields(Retention)}
        return Retention(**{name: int(days) for name, days in kept.items() if days})

    def set(
        self,
        *,
        runs: int | None = None,
        rejects: int | None = None,
        changes: int | None = None,
        receipts: int | None = None,
    ) -> Retention:
        """Change what is given, in days; raises FixSettings, NotAllowed. What is too old goes with the next tidying."""
        self._roles.demand(Action.CHANGE_SETTINGS)
        given = {"runs": runs, "rejects": rejects, "changes": changes, "receipts": receipts}
        before = self.get()
        wanted = replace(before, **{name: days for name, days in given.items() if days is not None})
        for name, days in asdict(wanted).items():
            self._store.workspace.set_setting(_KEY + name, str(days))
        told = [
            {
                _KEY + name: str(days)
                for name, days in asdict(each).items()
                if getattr(before, name) != getattr(wanted, name)
            }
            for each in (before, wanted)
        ]
        name = self._store.workspace.info().name
        self._audit.record(Deed.SETTING_CHANGED, Subject.WORKSPACE, name, before=told[0], after=told[1])
        return wanted
