"""The open workspace, and which workspaces were opened lately."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from app.core.audit import Deed, Subject
from app.core.errors import FixSettings
from app.core.names import checked_name
from app.core.roles import Action
from app.core.workspaces import WorkspaceInfo
from app.jobs.drive import write_whole
from app.services.audit import AuditService
from app.services.roles import RoleService
from app.store import Store

WINDOW_KEYS = "ui."
"""Settings whose key begins so belong to the window and are everyone's to change."""

LONGEST_LIST = 12


class WorkspaceService:
    """The open workspace; thread safe."""

    def __init__(self, store: Store, roles: RoleService, folder: Path, audit: AuditService) -> None:
        self._store = store
        self._roles = roles
        self._audit = audit
        self.folder = folder

    def info(self) -> WorkspaceInfo:
        """What the workspace is."""
        return self._store.workspace.info()

    def rename(self, name: str) -> WorkspaceInfo:
        """Give it another name; for admins."""
        self._roles.demand(Action.CHANGE_SETTINGS)
        before = self.info()
        renamed = self._store.workspace.rename(checked_name(name, "workspace"))
        self._record(before, "name", before.name, renamed.name)
        return renamed

    def set_country(self, code: str) -> WorkspaceInfo:
        """Change the country that phone numbers without one belong to (ISO 3166, two letters); for admins."""
        self._roles.demand(Action.CHANGE_SETTINGS)
        if not (len(code) == 2 and code.isascii() and code.isupper()):
            raise FixSettings(
                f"“{code}” is no country.",
                "A country is two letters, such as DE.",
                "Choose one of the list.",
                code="country",
            )
        before = self.info()
        changed = self._store.workspace.set_country(code)
        self._record(before, "country", before.country_code, code)
        return changed

    def setting(self, key: str) -> str | None:
        """A setting of the workspace, or None when it was never set."""
        return self._store.workspace.setting(key)

    def set_setting(self, key: str, value: str | None) -> None:
        """Change a setting, or forget it with None; for admins, except for the window's own keys (`ui.`)."""
        if not key.startswith(WINDOW_KEYS):
            self._roles.demand(Action.CHANGE_SETTINGS)
            before = self.setting(key) or ""
            self._store.workspace.set_setting(key, value)
            self._record(self.info(), key, before, value or "")
        else:
            self._store.workspace.set_setting(key, value)

    def _record(self, workspace: WorkspaceInfo, setting: str, before: str, after: str) -> None:
        told = {setting: before}, {setting: after}
        self._audit.record(Deed.SETTING_CHANGED, Subject.WORKSPACE, workspace.name, before=told[0], after=told[1])

    def changes(self) -> int:
        """A number that differs after any change by this or another process."""
        return self._store.changes()


class RecentWorkspaces:
    """The folders opened lately, in a small file of this person's configuration; a lost file loses only the list."""

    def __init__(self, config_folder: Path) -> None:
        self._file = config_folder / "workspaces.json"

    def all(self) -> list[Path]:
        """The folders that still hold a workspace, the last one opened first."""
        try:
            listed = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        folders = [Path(entry) for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []
        return [folder for folder in folders if _holds_workspace(folder)]

    def opened(self, folder: Path) -> None:
        """Put the folder first; a list that can't be written is no reason to stop."""
        folder = folder.resolve()
        listed = [folder, *(other for other in self.all() if other != folder)][:LONGEST_LIST]
        self._write([str(each) for each in listed])

    def forget(self, folder: Path) -> None:
        """Take a folder off the list; the workspace itself stays."""
        kept = [str(other) for other in self.all() if other != folder.resolve()]
        self._write(kept)

    def _write(self, folders: list[str]) -> None:
        with suppress(OSError):
            write_whole(self._file, [json.dumps(folders, ensure_ascii=False).encode()])


def _holds_workspace(folder: Path) -> bool:
    try:
        return (folder / "workspace.db").is_file()
    except OSError:
        return False
