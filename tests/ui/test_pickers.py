"""The pick list, the picker, code, facts and the cells that came with the wizards."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.code import CodeView
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.pick_list import PickItem, PickList
from app.ui.widgets.picker import Picker
from app.ui.widgets.time_fields import TimeField

ITEMS = [
    PickItem("a", "Customer.Email", "Text", "a•••"),
    PickItem("b", "Customer.Spend", "Decimal"),
    PickItem("c", "Old", enabled=False),
]


def test_typing_searches_and_enter_picks(qtbot: Any, theme: Theme) -> None:
    popup = PickList(theme, "Your field", ITEMS)
    popup.open_under(QRect(10, 10, 200, 32))
    with qtbot.waitSignal(popup.picked) as caught:
        qtbot.keyClicks(popup.search, "decimal")
        qtbot.keyClick(popup.search, Qt.Key.Key_Return)
    assert caught.args == ["b"]


def test_what_is_off_cannot_be_picked(qtbot: Any, theme: Theme) -> None:
    popup = PickList(theme, "Your field", ITEMS)
    picked: list[str] = []
    popup.picked.connect(picked.append)
    popup.open_under(QRect(10, 10, 200, 32))
    qtbot.keyClicks(popup.search, "old")
    qtbot.keyClick(popup.search, Qt.Key.Key_Return)
    assert picked == []
    qtbot.keyClicks(popup.search, "er")
    assert popup._empty.isVisible()
    popup.close()


def test_a_picker_shows_what_is_chosen_and_opens_by_key(qtbot: Any, theme: Theme) -> None:
    picker = Picker(theme, "Audience", placeholder="Choose one")
    qtbot.addWidget(picker)
    picker.show()
    assert picker.accessibleName() == "Audience: Choose one"
    picker.set_items(ITEMS)
    picker.set_current_key("b")
    assert picker.words() == "Customer.Spend"
    qtbot.keyClick(picker, Qt.Key.Key_Down)
    assert picker.popup is not None
    with qtbot.waitSignal(picker.chosen) as caught:
        picker.popup.pick("a")
    assert caught.args == ["a"]
    assert picker.accessibleName() == "Audience: Customer.Email"
    assert picker.popup is None


def test_an_unknown_key_is_shown_as_it_is(qtbot: Any, theme: Theme) -> None:
    picker = Picker(theme, "Audience")
    qtbot.addWidget(picker)
    picker.set_current_key("a1b2")
    assert picker.words() == "a1b2"


def test_code_is_as_high_as_its_lines(qtbot: Any, theme: Theme) -> None:
    code = CodeView(theme, "Body")
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(code)
    window.resize(400, 400)
    window.show()
    code.set_code("one")
    low = code.height()
    code.set_code("one\ntwo\nthree " + "long " * 60)
    assert code.height() > 3 * low // 2
    assert code.accessibleName() == "Body"


def test_facts_change_their_values_in_place(qtbot: Any, theme: Theme) -> None:
    facts = FactList(theme, "Sums")
    qtbot.addWidget(facts)
    facts.set_facts([Fact("Rows", "1"), Fact("Sum", "1", strong=True)])
    before = list(facts._values)
    facts.set_facts([Fact("Rows", "2"), Fact("Sum", "2", strong=True)])
    assert facts._values == before
    assert [label.words() for label in facts._values] == ["2", "2"]
    facts.set_facts([Fact("Other", "3")])
    assert [label.words() for label in facts._values] == ["3"]


def test_a_time_of_day_is_readable_in_both_themes(qtbot: Any, theme: Theme) -> None:
    field = TimeField(theme, "At")
    qtbot.addWidget(field)
    field.setFixedWidth(112)
    field.show()
    for mode in ("dark", "light"):
        theme.set_choice(mode)
        room = field.lineEdit().width() - field.lineEdit().textMargins().left()
        assert room >= field.fontMetrics().horizontalAdvance("05:35")
