from __future__ import annotations

import logging

import pytest
from PySide6.QtGui import QFont, QFontInfo, QPalette
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.theme.fonts import ROLES, load_fonts
from app.ui.theme.icons import ICONS, IconSet
from app.ui.theme.tokens import DARK
from app.ui.widgets.bars import Spinner


@pytest.mark.parametrize("name", ICONS)
def test_every_icon_exists(theme: Theme, name: str) -> None:
    icon = theme.icon(name)
    assert not icon.isNull()
    assert not icon.pixmap(16, 16).toImage().allGray() or icon.pixmap(16, 16).hasAlpha()


def test_unknown_icon_is_empty_and_logged(qapp: object, caplog: pytest.LogCaptureFixture) -> None:
    icons = IconSet()
    with caplog.at_level(logging.WARNING):
        assert icons.get("plugs-no-such-thing", "#000000").isNull()
    assert "plugs-no-such-thing" in caplog.text


def test_bundled_families_are_loaded(qapp: object) -> None:
    assert {"Inter", "Inter Display", "JetBrains Mono"} <= set(load_fonts())


@pytest.mark.parametrize("role", ROLES)
def test_fonts_follow_the_table(theme: Theme, role: str) -> None:
    font = theme.font(role)
    assert font.pixelSize() == ROLES[role].size
    assert font.weight() == ROLES[role].weight
    assert font.hintingPreference() == QFont.HintingPreference.PreferNoHinting
    assert QFontInfo(font).family().startswith(ROLES[role].family.split()[0])


def test_figures_have_one_width(theme: Theme) -> None:
    metrics = theme.metrics("body")
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("8888")


def test_changing_the_mode_renews_palette_and_tells(theme: Theme, qtbot: QtBot) -> None:
    with qtbot.waitSignal(theme.changed):
        theme.set_choice("dark")
    assert theme.mode == "dark"
    app_palette = theme._app.palette()
    assert app_palette.color(QPalette.ColorRole.Window).name().upper() == DARK["surface"]
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_choice("dark")


def test_the_one_timer_runs_only_while_something_turns(theme: Theme, qtbot: QtBot) -> None:
    spinner = Spinner(theme, "Counting")
    qtbot.addWidget(spinner)
    assert not theme.motion.running()
    spinner.show()
    qtbot.waitUntil(theme.motion.running)
    spinner.hide()
    qtbot.waitUntil(lambda: not theme.motion.running())


def test_reduced_motion_never_turns(theme: Theme, qtbot: QtBot) -> None:
    theme.motion.reduced = True
    spinner = Spinner(theme, "Counting")
    qtbot.addWidget(spinner)
    spinner.show()
    assert not theme.motion.running()
    assert theme.motion.duration(180) == 0
