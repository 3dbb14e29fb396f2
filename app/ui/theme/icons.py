"""Icons by the names of the design, drawn by qtawesome from the bundled Phosphor font.

An unknown name raises in qtawesome, and inside a paint event that ends the process. So every name is resolved once when
the window starts, and a name that cannot be resolved gives an empty icon and one line in the log.
"""

from __future__ import annotations

import logging
from typing import Final

import qtawesome
from PySide6.QtGui import QIcon

log = logging.getLogger(__name__)

_NAV = "paper-plane-tilt users-three table link clock-counter-clockwise gear-six"
_NAV_ACTIVE = "paper-plane-tilt-fill users-three-fill table-fill link-fill clock-counter-clockwise-fill gear-six-fill"
_ACTIONS = (
    "plus-bold pencil-simple play fast-forward copy calendar-blank link-break trash magnifying-glass funnel funnel-fill "
    "sliders-horizontal dots-three-bold x arrows-clockwise arrow-counter-clockwise arrow-clockwise download-simple "
    "upload-simple arrow-square-out magic-wand x-circle eye eye-slash info"
)
_STATES = (
    "check-circle-fill warning-fill x-circle-fill prohibit-bold clock link-break minus-circle key-fill "
    "warning-circle-fill info-fill check-bold question-bold"
)
_DATA = (
    "database folder folder-open file-text brackets-curly hash swap key lock-simple shield-check users globe-simple "
    "caret-down caret-right arrow-left arrow-right"
)
_LATER = (
    "plus-circle-fill minus-circle-fill pause-circle pause-circle-fill question-fill circle hard-drives link-simple "
    "envelope-simple phone text-t tag map-pin check-circle caret-left"
)
_MARKS = "minus-bold warning-circle question arrow-up arrow-down caret-up check plus hourglass"
_PHOSPHOR = f"{_NAV} {_NAV_ACTIVE} {_ACTIONS} {_STATES} {_DATA} {_LATER} {_MARKS}"
_OPERATORS = "mdi6.set-all mdi6.set-center mdi6.set-left"

ICONS: Final[tuple[str, ...]] = tuple(dict.fromkeys([f"ph.{name}" for name in _PHOSPHOR.split()] + _OPERATORS.split()))
"""Every icon the window uses, with its family; a test resolves them all."""

_SCALE = 1.12


def full_name(name: str) -> str:
    """Return the qtawesome name: `play` means `ph.play`, a name with a family stays."""
    return name if "." in name else f"ph.{name}"


class IconSet:
    """Icons of one mode, made once per name and colour. Main thread only."""

    def __init__(self, names: tuple[str, ...] = ICONS) -> None:
        self._made: dict[tuple[str, str], QIcon] = {}
        self._known: set[str] = set()
        for name in names:
            try:
                qtawesome.icon(name)
            except Exception:  # noqa: BLE001 - qtawesome raises plain Exception for a name it does not have
                log.warning("The icon %s is not in the bundled fonts.", name)
            else:
                self._known.add(name)

    def get(self, name: str, color: str) -> QIcon:
        """Return the icon `name` in `color` (#RRGGBB); an empty icon when the name is unknown. Never raises."""
        full = full_name(name)
        key = (full, color)
        icon = self._made.get(key)
        if icon is None:
            icon = self._draw(full, color)
            self._made[key] = icon
        return icon

    def _draw(self, full: str, color: str) -> QIcon:
        if full not in self._known:
            try:
                qtawesome.icon(full)
            except Exception:  # noqa: BLE001 - see above
                log.warning("The icon %s is not in the bundled fonts.", full)
                return QIcon()
            self._known.add(full)
        # One colour for every state: qtawesome would otherwise grey disabled icons by the palette, not by our roles.
        return qtawesome.icon(full, color=color, color_disabled=color, scale_factor=_SCALE)
