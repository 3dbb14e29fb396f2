"""The commands of the page of exports: bar, context menu and keys say and do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject

from app.core.roles import Action, Role, may
from app.core.runs import Status
from app.ui.pages.exports.lines import ExportLine
from app.ui.widgets.command_bar import Command, CommandBar
from app.ui.widgets.menus import Menu


@dataclass(frozen=True)
class State:
    """Whether a command is possible now, and why not."""

    enabled: bool
    reason: str = ""


class ExportCommands(QObject):
    """Names, keys and states of the commands.

    Args:
        do: called with a command's key: edit, plan, run, run_all, duplicate, schedule, detach, remove, rename.
    """

    def __init__(self, do: Callable[[str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._do = do

    def commands(self) -> tuple[Command, ...]:
        """Return the commands of the bar, from left to right."""
        return (
            Command("edit", self.tr("Edit"), "pencil-simple", lambda: self._do("edit"), "Return"),
            Command("run", self.tr("Run"), "play", lambda: self._do("run"), "Ctrl+R"),
            Command("run_all", self.tr("Run all"), "fast-forward", lambda: self._do("run_all"), "Ctrl+Shift+R"),
            Command("duplicate", self.tr("Duplicate"), "copy", lambda: self._do("duplicate"), "Ctrl+D"),
            Command("schedule", self.tr("Schedule"), "calendar-blank", lambda: self._do("schedule"), "Ctrl+E"),
            Command("detach", self.tr("Detach connection"), "link-break", lambda: self._do("detach"), "Ctrl+Shift+D"),
            Command("remove", self.tr("Remove"), "trash", lambda: self._do("remove"), "Del", danger=True),
        )

    def states(self, selected: Sequence[ExportLine], lines: Sequence[ExportLine]) -> dict[str, State]:
        """Return what is possible now."""
        one = len(selected) == 1
        return {
            "edit": self._first(selected, needed=one, otherwise=self.tr("Select one export to edit it.")),
            "run": self._run(selected),
            "plan": self._plan(selected),
            "run_all": State(True)
            if any(line.row.connection is not None and line.editable and not line.active for line in lines)
            else State(False, self.tr("No export can run now.")),
            "duplicate": self._first(selected, needed=one, otherwise=self.tr("Select one export to duplicate it.")),
            "schedule": self._first(selected, needed=True),
            "detach": self._detach(selected),
            "remove": self._idle(selected),
            "rename": self._first(selected, needed=one, otherwise=self.tr("Select one export to rename it.")),
        }

    def cancels(self, selected: Sequence[ExportLine]) -> bool:
        """Whether Run is Cancel run: everything selected runs or waits."""
        return bool(selected) and all(line.active for line in selected)

    def show(self, bar: CommandBar, selected: Sequence[ExportLine], lines: Sequence[ExportLine], role: Role) -> None:
        """Let the bar say what is possible."""
        for key, state in self.states(selected, lines).items():
            if key not in {"rename", "plan"}:
                bar.set_state(key, enabled=state.enabled, reason=state.reason)
        cancels = self.cancels(selected)
        bar.set_words(
            "run",
            self.tr("Cancel run") if cancels else self.tr("Run"),
            "x-circle" if cancels else "play",
        )
        for command in self.commands():
            bar.set_shown(command.key, shown=self.allowed(command.key, role))
        bar.set_primary_shown(shown=may(role, Action.CHANGE_EXPORTS))

    def fill_menu(self, menu: Menu, selected: Sequence[ExportLine], lines: Sequence[ExportLine], role: Role) -> None:
        """Fill the context menu of the selected rows."""
        states, cancels = self.states(selected, lines), self.cancels(selected)
        for command in self.commands():
            if command.key == "run_all" or not self.allowed(command.key, role):
                continue
            if command.key == "run":
                plan = states["plan"]
                menu.add(
                    self.tr("See the plan"),
                    lambda: self._do("plan"),
                    icon="eye",
                    shortcut="Ctrl+P",
                    enabled=plan.enabled,
                    reason=plan.reason,
                )
            if command.key == "remove":
                menu.addSeparator()
            words, icon = command.words, command.icon
            if command.key == "run" and cancels:
                words, icon = self.tr("Cancel run"), "x-circle"
            state = states[command.key]
            menu.add(
                words,
                command.callback,
                icon=icon,
                shortcut="Ctrl+." if command.key == "run" and cancels else command.shortcut,
                enabled=state.enabled,
                reason=state.reason,
                danger=command.danger,
            )
            if command.key == "edit":
                rename = states["rename"]
                menu.add(
                    self.tr("Rename"),
                    lambda: self._do("rename"),
                    icon="text-t",
                    shortcut="F2",
                    enabled=rename.enabled,
                    reason=rename.reason,
                )

    def allowed(self, key: str, role: Role) -> bool:
        """Whether the role may do it at all."""
        return may(role, Action.RUN_EXPORTS if key in {"plan", "run", "run_all"} else Action.CHANGE_EXPORTS)

    # Inside

    def _first(self, selected: Sequence[ExportLine], *, needed: bool, otherwise: str = "") -> State:
        if not selected:
            return State(False, self.tr("Select an export first."))
        if not needed:
            return State(False, otherwise)
        if not all(line.editable for line in selected):
            return State(False, self.tr("Its connection isn’t shared with you."))
        return State(True)

    def _run(self, selected: Sequence[ExportLine]) -> State:
        state = self._first(selected, needed=True)
        if not state.enabled or self.cancels(selected):
            return state
        if all(line.status is Status.NO_CONNECTION for line in selected):
            return State(False, self.tr("Attach a connection first."))
        return State(True)

    def _plan(self, selected: Sequence[ExportLine]) -> State:
        state = self._first(
            selected, needed=len(selected) == 1, otherwise=self.tr("Select one export to see its plan.")
        )
        if not state.enabled:
            return state
        (line,) = selected
        if line.row.description.any_field:
            return State(False, self.tr("Files are written whole, there is nothing to compare."))
        if line.row.connection is None:
            return State(False, self.tr("Attach a connection first."))
        return State(False, self.tr("It is running.")) if line.active else State(True)

    def _idle(self, selected: Sequence[ExportLine]) -> State:
        state = self._first(selected, needed=True)
        if state.enabled and any(line.active for line in selected):
            return State(False, self.tr("Cancel the run first, or wait for its end."))
        return state

    def _detach(self, selected: Sequence[ExportLine]) -> State:
        state = self._idle(selected)
        if state.enabled and all(line.row.connection is None for line in selected):
            return State(False, self.tr("It has no connection."))
        return state
