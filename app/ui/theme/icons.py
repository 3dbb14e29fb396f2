"""Icons by the names of the design, drawn from the icon fonts that the package qtawesome brings.

Its fonts are used and its code is not: importing it takes longer than everything else before the first paint, because it loads
every Qt module and all twelve of its fonts. A font is read here when the first icon of its family is asked for. A name that is
in no font gives an empty icon and one line in the log.
"""

from __future__ import annotations

import json
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

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

_FILES: Final = {"ph": "phosphor", "mdi6": "materialdesignicons6-webfont"}
"""How the files of a family begin."""

_SCALE: Final = 0.98
"""Font size as a part of the icon's height."""


def full_name(name: str) -> str:
    """Return the name with its family: `play` means `ph.play`, a name with a family stays."""
    return name if "." in name else f"ph.{name}"


class _Glyphs(NamedTuple):
    """An icon font: its family for Qt, and the characters of the names."""

    family: str
    characters: dict[str, str]


class _Engine(QIconEngine):
    """Paints one character, in one colour for every state: a disabled icon has a role of its own."""

    def __init__(self, family: str, character: str, color: str) -> None:
        super().__init__()
        self._font = QFont(family)
        self._character = character
        self._color = QColor(color)

    def paint(self, painter: QPainter, rect: QRect, _mode: QIcon.Mode, _state: QIcon.State) -> None:
        """Paint into that place."""
        painter.save()
        self._font.setPixelSize(max(1, round(_SCALE * rect.height())))
        painter.setFont(self._font)
        painter.setPen(self._color)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._character)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Paint on nothing; Qt's own would paint on uncleared memory."""
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap


class IconSet:
    """Icons, made once per name and colour. Main thread only."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], QIcon] = {}
        self._fonts: dict[str, _Glyphs] = {}

    def get(self, name: str, color: str) -> QIcon:
        """Return the icon `name` in `color` (#RRGGBB); an empty icon when the name is unknown. Never raises."""
        key = (full_name(name), color)
        icon = self._made.get(key)
        if icon is None:
            icon = self._made[key] = self._make(*key)
        return icon

    def _make(self, full: str, color: str) -> QIcon:
        family, _, short = full.partition(".")
        if family not in self._fonts:
            self._fonts[family] = _load(family)
        glyphs = self._fonts[family]
        character = glyphs.characters.get(short)
        if character is None:
            log.warning("The icon %s is not in the bundled fonts.", full)
            return QIcon()
        return QIcon(_Engine(glyphs.family, character, color))


def _load(family: str) -> _Glyphs:
    """Load the font of a family; one without names when it is not there."""
    start = _FILES.get(family)
    package = find_spec("qtawesome")
    folders = package.submodule_search_locations if package is not None else None
    if start is None or not folders:
        return _Glyphs("", {})
    fonts = Path(folders[0]) / "fonts"
    try:
        (font,) = fonts.glob(f"{start}-*.ttf")
        (names,) = fonts.glob(f"{start}-charmap-*.json")
        numbers: dict[str, str] = json.loads(names.read_bytes())
    except (OSError, ValueError):
        log.warning("The icon font %s can't be read from %s.", start, fonts)
        return _Glyphs("", {})
    families = QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(font)))
    if not families:
        log.warning("The icon font %s could not be loaded.", font.name)
        return _Glyphs("", {})
    return _Glyphs(families[0], {name: chr(int(number, 16)) for name, number in numbers.items()})
