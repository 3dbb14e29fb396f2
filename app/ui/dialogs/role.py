"""Asked before an admin gives the role away, because only an admin could give it back."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.dialogs import ConfirmDialog


def tr(text: str) -> str:
    """Translate a sentence of this dialog."""
    return QCoreApplication.translate("RoleDialog", text)


def role_dialog(theme: Theme, opener: QWidget, role: str) -> ConfirmDialog:
    """Accepted when the person really wants the weaker role; `role` is its name as people read it."""
    return ConfirmDialog(
        theme,
        opener,
        title=tr("Work as {role} in this workspace?").format(role=role),
        sentence=tr(
            "Only an admin can change the role, so nobody can change it back here. To work with a weaker role for a while, "
            "start Sendoff with SENDOFF_ROLE instead."
        ),
        confirm=tr("Change the role"),
        danger=True,
    )
