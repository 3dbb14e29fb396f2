"""The text size of the system: where each keeps it, and that the window grows with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from app.ui.text_size import FACTOR, plasma_scale, system_scale, windows_scale

SHOW = (
    "import os, tempfile\n"
    "from pathlib import Path\n"
    "from app.ui import application as a\n"
    "q = a.make_application([])\n"
    "p = a.WindowProgram(q, Path(tempfile.mkdtemp()))\n"
    "p.show()\n"
    "print(q.devicePixelRatio(), p.window.width(), os.environ.get('QT_SCALE_FACTOR'))\n"
)


@pytest.mark.parametrize(("kept", "scale"), [(150, 1.5), ("225", 2.25), (None, 1.0), ("much", 1.0), (0, 1.0)])
def test_windows_has_it_in_percent(tmp_path: Path, kept: object, scale: float) -> None:
    registry = QSettings(str(tmp_path / "registry.ini"), QSettings.Format.IniFormat)
    if kept is not None:
        registry.setValue("TextScaleFactor", kept)
    assert windows_scale(registry) == scale


@pytest.mark.parametrize(
    ("line", "scale"), [("font=Noto Sans,13,-1,5,50,0,0,0,0,0", 1.3), ("font=", 1.0), ("other=1", 1.0), ("", 1.0)]
)
def test_plasma_has_it_in_its_font(tmp_path: Path, line: str, scale: float) -> None:
    (tmp_path / "kdeglobals").write_text(f"[General]\n{line}\n", encoding="utf-8")
    assert plasma_scale(tmp_path / "kdeglobals") == scale
    assert system_scale("linux", {"XDG_CURRENT_DESKTOP": "KDE", "XDG_CONFIG_HOME": str(tmp_path)}) == scale


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
@pytest.mark.parametrize(("answer", "scale"), [("1.25", 1.25), ("0.9", 1.0), ("9", 2.25), ("No such schema", 1.0)])
def test_gnome_is_asked_where_qt_does_not_know_it(tmp_path: Path, answer: str, scale: float) -> None:
    program = tmp_path / "gsettings"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    program.chmod(0o755)
    on = {"XDG_CURRENT_DESKTOP": "ubuntu:GNOME", "PATH": str(tmp_path)}
    assert system_scale("linux", {**on, "WAYLAND_DISPLAY": "wayland-0"}) == scale
    assert system_scale("linux", on) == 1.0, "on X11 it is in the resolution that Qt reads"


def test_a_system_without_one_has_hundred_percent() -> None:
    assert system_scale("darwin", {}) == system_scale("linux", {}) == 1.0


@pytest.mark.skipif(sys.platform == "win32", reason="there it is the registry of whoever runs the tests")
def test_the_window_grows_with_it_and_what_it_starts_does_not(tmp_path: Path) -> None:
    (tmp_path / "kdeglobals").write_text("[General]\nfont=Noto Sans,15,-1\n", encoding="utf-8")
    environ = {key: value for key, value in os.environ.items() if key != FACTOR}
    environ |= {"XDG_CURRENT_DESKTOP": "KDE", "XDG_CONFIG_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    told = subprocess.run(
        [sys.executable, "-c", SHOW], env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    ratio, _width, left = told.stdout.split()
    assert (float(ratio), left) == ((1.5, "None") if sys.platform == "linux" else (1.0, "None"))
    own = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**environ, FACTOR: "2"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert own.stdout.split()[0] == "2.0", "whoever set it decides"
    assert own.stdout.split()[2] == "2"
