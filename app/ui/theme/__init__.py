"""How the window looks: colours by role, fonts by role, icons by name, and one `Theme` object that hands them out."""

from __future__ import annotations

from app.ui.theme.theme import Theme

__all__ = ["Theme"]
