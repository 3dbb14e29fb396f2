"""What each role may do, as a table of ticks."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.core.roles import Action, Role, may
from app.ui.formats import NOTHING, Formats
from app.ui.theme import Theme
from app.ui.widgets.card_table import CardTable
from app.ui.widgets.columns import Column, TextCell


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("RoleTable", text)


@dataclass(frozen=True)
class _Line:
    role: Role

    @property
    def key(self) -> str:
        return self.role.value


def role_table(theme: Theme, formats: Formats) -> CardTable:
    """The table, filled: strongest role first. Looking is everybody's."""
    abilities: tuple[tuple[str, str, Action | None, int], ...] = (
        ("view", tr("View"), None, 60),
        ("run", tr("Run"), Action.RUN_EXPORTS, 60),
        ("build", tr("Build"), Action.CHANGE_EXPORTS, 60),
        ("connections", tr("Connections"), Action.CHANGE_CONNECTIONS, 92),
        ("settings", tr("Settings"), Action.CHANGE_SETTINGS, 80),
    )

    def column(key: str, title: str, action: Action | None, width: int) -> Column[_Line]:
        def can(line: _Line) -> bool:
            return action is None or may(line.role, action)

        return Column(
            key,
            title,
            lambda line: (
                TextCell("", icon="check", icon_role="success") if can(line) else TextCell(NOTHING, ink="text3")
            ),
            accessible=lambda line: f"{title}: {tr('yes') if can(line) else tr('no')}",
            width=width,
        )

    roles: Column[_Line] = Column(
        "role", tr("Role"), lambda line: TextCell(formats.role(line.role)), width=110, stretch=True
    )
    table = CardTable(theme, tr("What each role may do"), (roles, *(column(*ability) for ability in abilities)), "")
    table.set_rows([_Line(role) for role in reversed(Role)])
    return table
