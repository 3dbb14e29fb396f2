from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.command_bar import Command, CommandBar
from app.ui.widgets.menus import Menu

NAMES = ["Edit", "Run", "Run all", "Duplicate", "Schedule", "Detach connection", "Remove"]


@pytest.fixture
def bar(theme: Theme, qtbot: QtBot) -> CommandBar:
    bar = CommandBar(theme, "Commands")
    bar.done = []
    qtbot.addWidget(bar)
    bar.set_primary(Button(theme, "Add export", "primary", icon="plus-bold"))
    for name in NAMES:
        bar.add(Command(name, name, "play", lambda n=name: bar.done.append(n)))
    bar.set_selected("1 selected")
    bar.resize(1152, 50)
    bar.show()
    return bar


def folded(bar: CommandBar) -> list[str]:
    return [name for name in NAMES if bar.button(name).isHidden()]


def test_everything_shows_when_there_is_room(bar: CommandBar) -> None:
    assert folded(bar) == []
    assert not bar.more.isVisible()


@pytest.mark.parametrize("width", [900, 700, 500])
def test_folds_from_the_right_and_unfolds(bar: CommandBar, width: int) -> None:
    bar.resize(width, 50)
    hidden = folded(bar)
    assert hidden
    assert NAMES[-len(hidden) :] == hidden
    assert bar.more.geometry().right() < bar.width()
    bar.resize(1152, 50)
    assert folded(bar) == []


def test_what_is_folded_runs_from_the_menu(bar: CommandBar, qtbot: QtBot) -> None:
    bar.resize(500, 50)
    bar.more.click()
    menu = bar.findChild(Menu)
    assert [action.text() for action in menu.actions()] == folded(bar)
    menu.actions()[-1].trigger()
    menu.close()
    assert bar.done == ["Remove"]


def test_a_command_that_is_off_says_why_and_does_nothing(bar: CommandBar, qtbot: QtBot) -> None:
    bar.set_state("Edit", enabled=False, reason="Choose one export first.")
    button = bar.button("Edit")
    assert button.toolTip() == "Choose one export first."
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert bar.done == []
    bar.set_state("Edit", enabled=True)
    assert button.toolTip() == "Edit"
    button.click()
    assert bar.done == ["Edit"]


def test_a_command_the_role_may_not_do_is_nowhere(bar: CommandBar) -> None:
    bar.set_shown("Remove", shown=False)
    assert bar.button("Remove").isHidden()
    assert not bar.more.isVisible()


def test_a_command_can_be_renamed(bar: CommandBar) -> None:
    bar.set_words("Run", "Cancel run", "x-circle")
    assert bar.button("Run").text() == "Cancel run"
    assert bar.button("Run").accessibleName() == "Cancel run"
