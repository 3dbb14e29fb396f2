from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.command_bar import Command, CommandBar
from app.ui.widgets.labels import Label
from app.ui.widgets.menus import Menu

NAMES = ["Edit", "Run", "Run all", "Duplicate", "Schedule", "Detach connection", "Remove"]


@pytest.fixture
def bar(theme: Theme, qtbot: QtBot) -> CommandBar:
    bar = CommandBar(theme, "Commands")
    bar.done = []
    qtbot.addWidget(bar)
    bar.add_primary(Button(theme, "Add export", "primary", icon="plus-bold"))
    for name in NAMES:
        bar.add_command(Command(name, name, "play", lambda n=name: bar.done.append(n)))
    bar.add_right(Label(theme, "1 selected", "caption"))
    bar.resize(1152, 50)
    bar.show()
    return bar


def test_everything_shows_when_there_is_room(bar: CommandBar) -> None:
    assert bar.folded() == []
    assert not bar._more.isVisible()


def test_folds_from_the_right_and_unfolds(bar: CommandBar) -> None:
    bar.resize(700, 50)
    folded = bar.folded()
    assert folded
    assert NAMES[-len(folded) :] == folded
    right = bar._more.geometry().right()
    assert right < bar.width()
    bar.resize(1152, 50)
    assert bar.folded() == []


def test_what_is_folded_runs_from_the_menu(bar: CommandBar, theme: Theme, qtbot: QtBot) -> None:
    bar.resize(500, 50)
    menu = Menu(theme)
    qtbot.addWidget(menu)
    bar.fill_menu(menu, bar.folded())
    menu.actions()[-1].trigger()
    assert bar.done == ["Remove"]


def test_a_command_that_is_off_says_why_and_does_nothing(bar: CommandBar, qtbot: QtBot) -> None:
    bar.set_command("Edit", enabled=False, reason="Choose one export first.")
    button = bar._entries["Edit"].button
    assert button.toolTip() == "Choose one export first."
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert bar.done == []
    bar.set_command("Edit")
    button.click()
    assert bar.done == ["Edit"]


def test_a_command_the_role_may_not_do_is_nowhere(bar: CommandBar, theme: Theme, qtbot: QtBot) -> None:
    bar.set_command("Remove", shown=False)
    menu = Menu(theme)
    qtbot.addWidget(menu)
    bar.fill_menu(menu)
    assert "Remove" not in [a.text() for a in menu.actions()]
    assert bar._entries["Remove"].button.isHidden()
    assert bar.folded() == []


def test_a_command_can_be_renamed(bar: CommandBar) -> None:
    bar.set_command("Run", text="Cancel run")
    assert bar._entries["Run"].button.text() == "Cancel run"
    bar.set_command("Run")
    assert bar._entries["Run"].button.text() == "Run"
