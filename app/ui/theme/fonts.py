"""The bundled fonts and the type roles of the design; sizes are px at 100 % text size."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtGui import QFont, QFontDatabase

log = logging.getLogger(__name__)

TEXT: Final = "Inter"
DISPLAY: Final = "Inter Display"
MONO: Final = "JetBrains Mono"
FALLBACK: Final = ("Segoe UI Variable", "Segoe UI", "Noto Sans", "sans-serif")

_MOST_FONTS: Final = 32
"""Application fonts have small numbers, given in order; more than these are never loaded."""


@dataclass(frozen=True)
class TypeRole:
    """One row of the type table: family, size and line height in px, weight 100 to 900."""

    family: str
    size: int
    line: int
    weight: int


ROLES: Final[dict[str, TypeRole]] = {
    "page": TypeRole(DISPLAY, 22, 28, 600),
    "display": TypeRole(DISPLAY, 30, 36, 600),
    "number": TypeRole(DISPLAY, 20, 28, 600),
    "title": TypeRole(TEXT, 16, 24, 600),
    "subtitle": TypeRole(TEXT, 14, 20, 600),
    "body": TypeRole(TEXT, 13, 20, 400),
    "body-medium": TypeRole(TEXT, 13, 20, 500),
    "body-strong": TypeRole(TEXT, 13, 20, 600),
    "caption": TypeRole(TEXT, 12, 16, 400),
    "caption-medium": TypeRole(TEXT, 12, 16, 500),
    "micro": TypeRole(TEXT, 11, 16, 600),
    "mono": TypeRole(MONO, 12, 18, 400),
    "mono-strong": TypeRole(MONO, 12, 18, 600),
}


def font_folder() -> Path:
    """Return the folder of the bundled fonts; it lies beside the package, also in a frozen build."""
    return Path(__file__).resolve().parents[3] / "resources" / "fonts"


def load_fonts(folder: Path | None = None) -> tuple[str, ...]:
    """Load every bundled font and return the families found; a file Qt refuses is logged and left out.

    What this process has loaded already stays: a second copy of a family changes which of its glyphs Qt takes.
    """
    loaded = [name for number in range(_MOST_FONTS) for name in QFontDatabase.applicationFontFamilies(number)]
    if folder is None and {TEXT, DISPLAY, MONO}.issubset(loaded):
        return tuple(dict.fromkeys(loaded))
    folder = folder or font_folder()
    families: list[str] = []
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() not in {".ttf", ".otf"}:
            continue
        number = QFontDatabase.addApplicationFont(str(path))
        if number < 0:
            log.warning("The font %s could not be loaded.", path.name)
            continue
        families.extend(QFontDatabase.applicationFontFamilies(number))
    return tuple(dict.fromkeys(families))


def build_font(role: str, *, families: Iterable[str] = FALLBACK) -> QFont:
    """Return the font of a type role.

    Args:
        role: a key of `ROLES`; KeyError otherwise.
        families: fallbacks after the bundled family.
    """
    spec = ROLES[role]
    chain = [spec.family]
    if spec.family == DISPLAY:
        chain.append(TEXT)
    font = QFont([*chain, *families])
    font.setPixelSize(spec.size)
    font.setWeight(QFont.Weight(spec.weight))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setStyleHint(QFont.StyleHint.Monospace if spec.family == MONO else QFont.StyleHint.SansSerif)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font
