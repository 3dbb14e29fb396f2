"""The builder driven as a person does, its counts checked by plain SQL over the same files."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.core.segments import (
    Condition,
    FieldRef,
    Group,
    Mode,
    Operator,
    Rule,
    Segment,
    SegmentOf,
    SetOperator,
)
from app.ui.pages.segments import SegmentsPage
from tests.ui.builder_bench import BuilderBench, ask, bench, desk  # noqa: F401 - fixtures
from tests.ui.checks import nameless

RULE_1 = """
    Country IN ('DE', 'AT') AND Spend <= 800 AND CustomerId IN (
        SELECT CustomerId FROM Orders WHERE PlacedOn >= DATE '2000-01-01' GROUP BY CustomerId
        HAVING sum(Total) >= 150 OR count(OrderId) >= 99)
"""
RULE_2 = "Country = 'DE'"
RULE_3 = "Spend < 300 OR Country NOT IN ('DE', 'AT', 'FR')"


def build(desk: BuilderBench) -> None:  # noqa: F811 - not the fixture itself
    """The segment of the design's picture, in the columns of the small workspace."""
    desk.new()
    first = desk.row(0, 0)
    desk.pick(first.field, "Country")
    desk.choose(first.question, "is one of")
    desk.values(first.part.picker, "DE", "AT")
    desk.view.slots[0].card._links.condition.click()
    second = desk.row(0, 1)
    desk.bench.wait(second.field.hasFocus)
    desk.pick(second.field, "Spend")
    desk.choose(second.question, "at most")
    desk.type(second.part.inputs[0], "800")
    desk.menu(desk.view.slots[0].card._links.group, "Orders: counts, sums and dates")
    box = desk.box(0, 2)
    box.change.click()
    desk.choose(box.window_line.when, "PlacedOn in the last")
    desk.type(box.window_line.number, "99")
    desk.choose(box.window_line.unit, "years")
    desk.pick(desk.row(0, 2, 0).field, "Sum of Total")
    desk.type(desk.row(0, 2, 0).part.inputs[0], "150")
    box.more.click()
    desk.type(desk.row(0, 2, 1).part.inputs[0], "99")
    box.mode._buttons["any"].click()
    desk.menu(desk.view.add_rule, "In another segment")
    desk.pick(desk.view.slots[1].card.reference.segment, "Germany")
    desk.menu(desk.view.add_rule, "Conditions")
    third = desk.row(2, 0)
    desk.pick(third.field, "Spend")
    desk.choose(third.question, "less than")
    desk.type(third.part.inputs[0], "300")
    desk.view.slots[2].card._links.condition.click()
    fourth = desk.row(2, 1)
    desk.pick(fourth.field, "Country")
    desk.choose(fourth.question, "is not one of")
    desk.values(fourth.part.picker, "DE", "AT", "FR")
    QTest.mouseClick(desk.view.slots[2].card.group._words[1], Qt.MouseButton.LeftButton)
    desk.view.slots[2].joined._buttons["except"].click()
    desk.settle()


def test_the_segment_of_the_picture_is_built_by_clicks_and_counted_right(desk, small_services):  # noqa: F811 - the fixture
    source = small_services.folder / "source"
    build(desk)

    def number(condition: str) -> str:
        return f"{ask(source, f'SELECT count(*) FROM Customer WHERE {condition}'):,}"

    assert desk.rule_counts() == [number(RULE_1), number(RULE_2), number(RULE_3)]
    assert desk.steps() == [
        ("Rule 1", number(RULE_1)),
        ("and in Rule 2", number(f"({RULE_1}) AND {RULE_2}")),
        ("not in Rule 3", number(f"({RULE_1}) AND {RULE_2} AND NOT ({RULE_3})")),
    ]
    assert desk.count() == number(f"({RULE_1}) AND {RULE_2} AND NOT ({RULE_3})")
    assert 0 < int(desk.count()) < int(desk.rule_counts()[0])
    assert desk.reach() == {"Valid e-mail": desk.count(), "Phone number": "–", "Marketing consent": desk.count()}
    assert desk.view.in_words.words() == (
        "Those where Customer Country is DE or AT and Customer Spend is at most 800 and (the sum of Orders Total is at "
        "least 150, counting only Orders PlacedOn in the last 99 years or the number of Orders OrderId is at least 99, "
        "counting only Orders PlacedOn in the last 99 years). Only members of “Germany”. Without those where Customer "
        "Spend is less than 300 or Customer Country is neither DE, AT nor FR."
    )
    assert nameless(desk.page) == []
    desk.page.builder.title.begin()
    desk.type(desk.page.builder.title.field, "Good Germans")
    desk.view.save.click()
    desk.settle()
    assert not desk.state.changed
    assert desk.page._list.key() == "Good Germans"
    assert small_services.segments.document("Good Germans")["rules"] == [
        {
            "all": [
                {"field": "Customer.Country", "is_one_of": ["DE", "AT"]},
                {"field": "Customer.Spend", "at_most": 800},
                {
                    "any": [
                        {
                            "field": "Orders.Total",
                            "sum": True,
                            "at_least": 150,
                            "within": {"field": "Orders.PlacedOn", "last": "99 years"},
                        },
                        {
                            "field": "Orders.OrderId",
                            "count": True,
                            "at_least": 99,
                            "within": {"field": "Orders.PlacedOn", "last": "99 years"},
                        },
                    ]
                },
            ]
        },
        {"intersect": {"segment": "Germany"}},
        {
            "except": {
                "any": [
                    {"field": "Customer.Spend", "less_than": 300},
                    {"field": "Customer.Country", "is_not_one_of": ["DE", "AT", "FR"]},
                ]
            }
        },
    ]


def test_every_step_is_undone_and_done_again(desk):  # noqa: F811 - the fixture
    build(desk)
    seen = [desk.state.draft]
    while desk.state.history.past:
        desk.view.title.undo.click()
        seen.append(desk.state.draft)
    assert len(seen) > 20
    for expected in reversed(seen):
        assert desk.state.draft == expected
        desk.view.title.redo.click()
    desk.settle()
    assert len(desk.view.slots) == 3
    assert desk.count() == desk.steps()[-1][1]


def test_keys_undo_and_redo_before_the_window_does(desk):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    desk.menu(desk.view.slots[0].card.menu_button, "Duplicate")
    assert len(desk.view.slots) == 2
    desk.view.add_rule.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(desk.view.add_rule, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(desk.view.slots) == 1
    QTest.keyClick(
        desk.view.add_rule, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert len(desk.view.slots) == 2
    QTest.keyClick(desk.view.add_rule, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    desk.settle()
    assert not desk.state.changed
    assert desk.bench.navigator.toasts[-1].text == "Saved “Germany”. Used by Two countries."


def test_news_of_the_workspace_leaves_who_types_alone(desk, small_services):  # noqa: F811 - the fixture
    desk.page._list.select("Big spenders")
    desk.settle()
    row = desk.row(0, 0)
    field = row.part.inputs[0]
    field.setFocus(Qt.FocusReason.TabFocusReason)
    field.setCursorPosition(1)
    QTest.keyClicks(field, "7")
    small_services.segments.save({"name": "Another", "rules": [{"segment": "Germany"}]})
    for what in ("everything", "segments", "tables"):
        desk.bench.navigator.changed(what)
        desk.settle()
    assert desk.row(0, 0) is row
    assert row.part.inputs[0] is field
    assert field.hasFocus()
    assert (field.text(), field.cursorPosition()) == ("9700", 2)
    assert "Another" in {item.text for item in desk.view.panel.other._items}


def test_a_long_rule_is_made_in_many_turns(desk, small_services):  # noqa: F811 - the fixture
    conditions = tuple(Condition(FieldRef("Customer", "Spend"), Operator.AT_LEAST, n) for n in range(40))
    rules = tuple(Rule(SetOperator.UNION, Group(Mode.ALL, conditions)) for _ in range(3))
    desk.state.open(Segment("long", "Long", SegmentOf.CUSTOMERS, rules=rules), saved=False)
    turns = 0
    while not desk.state.turns.idle():
        turns += 1
        QApplication.processEvents()
    assert turns > 10
    assert [len(slot.card.group.rows()) for slot in desk.view.slots] == [40, 40, 40]
    assert [slot.card.number for slot in desk.view.slots] == [0, 1, 2]
    desk.settle()
    found = ask(small_services.folder / "source", "SELECT count(*) FROM Customer WHERE Spend >= 39")
    assert desk.rule_counts() == [f"{found}"] * 3
    desk.view.discard.click()
    desk.settle()


def test_unfinished_parts_are_outlined_left_out_and_not_saved(desk):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    desk.view.slots[0].card._links.condition.click()
    desk.settle()
    assert desk.count() == "50"
    assert desk.row(0, 1).field._error
    assert not desk.view.save.isEnabled()
    assert desk.view.foot.words() == "1 condition not finished: left out of the count, and nothing is saved."
    desk.pick(desk.row(0, 1).field, "Spend")
    assert not desk.row(0, 1).field._error
    desk.type(desk.row(0, 1).part.inputs[0], "much")
    assert desk.row(0, 1).problem.words() == "“much” is not a number."
    desk.type(desk.row(0, 1).part.inputs[0], "7.5")
    assert desk.row(0, 1).problem.words() == ""
    desk.settle()
    assert desk.view.save.isEnabled()
    assert desk.count() != "50"


def test_a_segment_that_needs_this_one_is_not_offered(desk, small_services):  # noqa: F811 - the fixture
    small_services.segments.save({"name": "Rich", "rules": [{"segment": "Germany"}]})
    desk.bench.navigator.changed("segments")
    desk.page._list.select("Germany")
    desk.settle()
    desk.menu(desk.view.add_rule, "In another segment")
    reference = desk.view.slots[1].card.reference
    offered = {item.text: item.enabled for item in reference.segment._items}
    assert offered == {"Big spenders": True, "Everyone": True, "Nobody": True, "Rich": False}


def test_a_field_that_is_gone_is_said_where_it_stands(desk, small_services):  # noqa: F811 - the fixture
    document = {"name": "Lost", "rules": [{"all": [{"field": "Customer.Shoe", "is": "42"}]}]}
    small_services.segments.save(document)
    desk.bench.navigator.changed("segments")
    desk.settle()
    desk.page._list.select("Lost")
    desk.settle()
    assert desk.row(0, 0).problem.words() == "The table Customer has no field “Shoe”."
    assert desk.row(0, 0).field.words() == "Shoe"
    assert desk.count() == "–"
    desk.pick(desk.row(0, 0).field, "Country")
    desk.values(desk.row(0, 0).part.picker, "FR")
    desk.settle()
    assert desk.row(0, 0).problem.words() == ""
    assert desk.count() == "50"


QUESTIONS = [
    ("Email", "contains", "ANN1", "lower(Email) LIKE '%ann1%'"),
    ("Email", "starts with", "ann2", "Email LIKE 'ann2%'"),
    ("Email", "ends with", "9@example.com", "Email LIKE '%9@example.com'"),
    ("Spend", "is", "7.5", "Spend = 7.5"),
    ("Spend", "is not", "7.5", "Spend <> 7.5"),
    ("Spend", "at least", "900", "Spend >= 900"),
    ("Spend", "more than", "1,000", "Spend > 1000"),
    ("Spend", "between", ("100", "200"), "Spend BETWEEN 100 AND 200"),
    ("Email", "is empty", None, "Email IS NULL"),
    ("Email", "is not empty", None, "Email IS NOT NULL"),
    ("Latest Orders.PlacedOn", "is before", "1 Dec 2025", "{latest} < DATE '2025-12-01'"),
    ("Latest Orders.PlacedOn", "is after", "2025-12-01", "{latest} > DATE '2025-12-01'"),
    ("Orders.PlacedOn", "in the last", ("90", "years"), "CustomerId IN (SELECT CustomerId FROM Orders)"),
    ("Orders.PlacedOn", "not in the last", ("90", "years"), "CustomerId NOT IN (SELECT CustomerId FROM Orders)"),
    ("Average of Orders.Total", "less than", "40", "{average} < 40"),
]


def test_questions(desk, small_services):  # noqa: F811 - the fixture
    for field, question, value, condition in QUESTIONS:
        desk.new()
        if desk.state.changed and desk.page._asking:
            desk.bench.dialog().discard_button.click()
        row = desk.row(0, 0)
        desk.pick(row.field, field)
        desk.choose(row.question, question)
        if question == "between":
            for part, text in zip(row.part.inputs, value, strict=True):
                desk.type(part, text)
        elif isinstance(value, tuple):
            desk.type(row.part.number, value[0])
            desk.choose(row.part.unit, value[1])
        elif value is not None:
            desk.type(row.part.inputs[0], value)
        desk.settle()
        words = condition.format(
            latest="(SELECT max(PlacedOn) FROM Orders o WHERE o.CustomerId = Customer.CustomerId)",
            average="(SELECT avg(Total) FROM Orders o WHERE o.CustomerId = Customer.CustomerId)",
        )
        expected = ask(small_services.folder / "source", f"SELECT count(*) FROM Customer WHERE {words}")
        assert desk.count() == f"{expected:,}", (field, question)


def test_old_numbers_stay_dimmed_while_new_ones_are_counted(desk):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    desk.choose(desk.row(0, 0).question, "is not one of")
    assert desk.count() == "50"
    assert desk.view.panel.number.property("ink") == "text3"
    assert desk.view.panel.pill._words == "Counting"
    desk.settle()
    assert desk.count() == "150"
    assert desk.view.panel.number.property("ink") == "text"


def test_every_number_shown_as_sure_is_that_of_what_was_typed_then(desk, small_services):  # noqa: F811 - the fixture
    desk.page._list.select("Big spenders")
    desk.settle()
    field = desk.row(0, 0).part.inputs[0]
    shown = set()

    def look() -> None:
        if not desk.state.counting:
            shown.add((field.text(), desk.count()))

    desk.state.answered.connect(look)
    field.setFocus(Qt.FocusReason.TabFocusReason)
    field.selectAll()
    QTest.keyClicks(field, "500", delay=15)
    desk.settle()
    source = small_services.folder / "source"
    for text, count in shown - {("", "–")}:
        assert count == str(ask(source, f"SELECT count(*) FROM Customer WHERE Spend >= {text}"))
    assert ("500", desk.count()) in shown
    assert len(desk.state.history.past) == 1


def test_the_overlap_with_another_segment(desk, small_services):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    desk.pick(desk.view.panel.other, "Big spenders")
    desk.settle()
    both = ask(small_services.folder / "source", "SELECT count(*) FROM Customer WHERE Country = 'DE' AND Spend >= 900")
    assert desk.view.panel.overlap.words().startswith(f"{both} in both: ")


@pytest.mark.parametrize("size", [(1152, 860), (968, 700)])
def test_it_fits(bench, size):  # noqa: F811 - the fixture
    made = BuilderBench(bench, bench.show(SegmentsPage(bench.context), size=size))
    made.settle()
    build(made)
    assert made.view.members._table.horizontalScrollBar().maximum() == 0
    docked = size[0] > 1000
    assert made.view._side.isVisible() is docked
    assert made.view.panel.isVisible()
    for row in made.view.slots[0].card.group.rows():
        assert row.field.width() >= 110
        assert row.part.width() >= 90
    assert made.view.foot.words().startswith("Counted" if docked else f"{made.count()} members.")
