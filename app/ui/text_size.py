"""The text size people set for their whole system: the window grows with it, so that nothing it holds is cut off.

The type table and everything around it is laid out for 13 px. Qt multiplies all of it by one factor, as it does for the scale
of the display, which it knows by itself; the text size it does not know. Nothing here needs an application.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings

FACTOR: Final = "QT_SCALE_FACTOR"
"""Read by Qt when the application is made; whoever sets it means the same."""
LARGEST: Final = 2.25
"""What Windows offers at most."""
_ACCESSIBILITY: Final = "HKEY_CURRENT_USER\\Software\\Microsoft\\Accessibility"
_PLASMA_POINTS: Final = 10.0
_ASK_GNOME: Final = ("get", "org.gnome.desktop.interface", "text-scaling-factor")
_ASK_SECONDS: Final = 1.0


def system_scale(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> float:
    """Return the system's text size, 1.0 = 100 %, from there up to 2.25, in steps of 5 %.

    Windows keeps it in the registry (`UISettings.TextScaleFactor`, 100 to 225); GNOME and its kin in their settings, which on
    X11 are in the resolution that Qt reads; Plasma has the size of its font, 10 points as it comes. macOS has none for programs
    of Qt. What can't be read is 100 %.
    """
    if platform == "win32":
        found = windows_scale(QSettings(_ACCESSIBILITY, QSettings.Format.NativeFormat))
    elif platform.startswith("linux"):
        found = _desktop_scale(environ)
    else:
        found = 1.0
    return min(max(round(found * 20) / 20, 1.0), LARGEST)


def windows_scale(accessibility: QSettings) -> float:
    """Return the text size that key of the registry has."""
    return _number(accessibility.value("TextScaleFactor"), 100.0) / 100


def plasma_scale(kdeglobals: Path) -> float:
    """Return how much larger Plasma's font is than as it comes; such as `font=Noto Sans,12,-1,5,...`."""
    parts = QSettings(str(kdeglobals), QSettings.Format.IniFormat).value("font")
    return _number(parts[1] if isinstance(parts, list) and len(parts) > 1 else None, _PLASMA_POINTS) / _PLASMA_POINTS


def _desktop_scale(environ: Mapping[str, str]) -> float:
    desktop = environ.get("XDG_CURRENT_DESKTOP", "").casefold()
    if "kde" in desktop:
        folder = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        return plasma_scale(Path(folder) / "kdeglobals")
    program = shutil.which("gsettings", path=environ.get("PATH"))
    if program is None or not environ.get("WAYLAND_DISPLAY") or not ("gnome" in desktop or "unity" in desktop):
        return 1.0
    try:
        told = subprocess.run(  # noqa: S603 - the desktop's own program, no word of it is anybody's
            [program, *_ASK_GNOME], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 1.0
    return _number(told.stdout.strip(), 1.0)


def _number(kept: object, otherwise: float) -> float:
    try:
        number = float(str(kept))
    except ValueError:
        return otherwise
    return number if 0 < number < float("inf") else otherwise
