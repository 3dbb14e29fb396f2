"""Names, saving, leaving and discarding in the builder; fixed lists and queries; what the panel tells of earlier counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtTest import QTest

from app.core.counts import Count
from app.ui.pages.segments.leaving import LeaveDialog
from tests.ui.builder_bench import ask, bench, desk  # noqa: F401 - fixtures
from tests.ui.checks import nameless


def test_a_fixed_list_is_pasted_and_taken_from_a_file(desk, small_services, tmp_path):  # noqa: F811 - the fixture
    desk.new("Fixed list of customers")
    card = desk.view.whole
    assert not desk.view.save.isEnabled()
    card.keys.setPlainText("C0001\nC0002, C0003;C0003\n\nnobody")
    card.take.click()
    desk.settle()
    assert card._facts.words() == "4 keys, 3 of them known among the customers."
    assert desk.count() == "3"
    assert desk.view.in_words.words() == "Everyone on a fixed list."
    lost = tmp_path / "lost.csv"
    card.read_file(lost)
    desk.settle()
    assert card.problem.words().startswith("The list lost.csv is not there.")
    lost.write_text("CustomerId,Name\nC0009,Ann\n", "utf-8")
    card.read_file(lost)
    desk.settle()
    assert (desk.count(), card.problem.words()) == ("1", "")
    desk.view.title.undo.click()
    desk.settle()
    assert desk.count() == "3"
    desk.view.save.click()
    desk.settle()
    assert small_services.segments.get("New segment").static
    assert not desk.state.changed


def test_a_long_list_is_taken_in_without_being_shown(desk):  # noqa: F811 - the fixture
    desk.new("Fixed list of customers")
    data = QMimeData()
    data.setText("\n".join(f"C{number:05d}" for number in range(1, 40_001)))
    desk.view.whole.keys.insertFromMimeData(data)
    assert desk.view.whole.keys.toPlainText() == ""
    desk.settle()
    assert desk.view.whole._facts.words().startswith("40,000 keys, ")


def test_a_query_is_written_checked_and_saved(desk, small_services):  # noqa: F811 - the fixture
    desk.new("SQL query for customers")
    card = desk.view.whole
    card.field.setPlainText("DELETE FROM Customer")
    desk.settle()
    assert card.problem.words() == "The query must be a SELECT: segments only read."
    card.field.setPlainText("SELECT CustomerID FROM Customer WHERE Shoe = 42")
    desk.settle()
    assert "Shoe" in card.problem.words()
    card.field.setPlainText("SELECT CustomerId FROM Orders GROUP BY CustomerId HAVING sum(Total) > 150")
    desk.settle()
    found = ask(
        small_services.folder / "source",
        "SELECT count(*) FROM (SELECT CustomerId FROM Orders GROUP BY CustomerId HAVING sum(Total) > 150)",
    )
    assert (desk.count(), card.problem.words()) == (f"{found}", "")
    assert nameless(desk.page) == []
    desk.view.save.click()
    desk.settle()
    assert small_services.segments.get("New segment").described_kind == "sql"


def test_a_query_that_writes_is_not_saved(desk, small_services):  # noqa: F811 - the fixture
    desk.new("SQL query for customers")
    desk.view.whole.field.setPlainText("DROP TABLE Customer")
    desk.view.save.click()
    desk.settle()
    assert desk.bench.navigator.errors.pop().code == "not_read_only"
    assert desk.state.changed


def test_discarding_goes_back_or_drops_what_is_new(desk):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    desk.row(0, 0).remove.click()
    desk.view.discard.click()
    desk.settle()
    assert (desk.state.changed, desk.count()) == (False, "50")
    desk.new("SQL query for customers")
    desk.view.whole.field.setPlainText("SELECT CustomerId FROM Customer")
    desk.settle()
    assert desk.page._list.table.row(desk.state.draft.id).number == "200"
    desk.view.discard.click()
    desk.settle()
    assert desk.page._list.key() in {"Big spenders", "Germany"}
    assert desk.state.saved is not None
    desk.bench.navigator.toasts[-1].undo()
    desk.settle()
    assert desk.state.draft.sql == "SELECT CustomerId FROM Customer"


def test_members_over_time(desk):  # noqa: F811 - the fixture
    def counted(members: int, days: float) -> Count:
        when = datetime.now(UTC) - timedelta(days=days)
        return Count("Germany", members, members, 0, 0, 0, members, when)

    panel = desk.view.panel
    desk.view.show_saved([counted(40, 9), counted(44, 1), counted(50, 0.1), counted(50, 0)], ["Two countries"])
    assert panel.trend.isVisible()
    assert panel.trend.accessibleDescription() == "From 40 to 50 members"
    assert panel.since.words().startswith("+6 since Yesterday")
    desk.view.show_saved([counted(50, 0)], [])
    assert not panel.trend.isVisible()
    assert not panel.since.isVisible()


def test_saving_again_after_an_undo_past_the_save(desk, small_services):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    before = desk.state.draft
    desk.choose(desk.row(0, 0).question, "is not one of")
    desk.view.save.click()
    desk.settle()
    desk.view.title.undo.click()
    assert desk.state.draft == before
    desk.settle()
    desk.view.save.click()
    desk.settle()
    assert small_services.segments.get("Germany").rules == before.rules
    assert small_services.segments.get("Germany").revision == 3


def test_what_was_changed_elsewhere_is_not_overwritten(desk, small_services):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    desk.choose(desk.row(0, 0).question, "is not one of")
    small_services.segments.save({"name": "Germany", "rules": [{"all": [{"field": "Customer.Country", "is": "AT"}]}]})
    desk.bench.navigator.changed("segments")
    desk.settle()
    assert desk.state.changed
    desk.view.save.click()
    desk.settle()
    assert desk.bench.navigator.errors.pop().code == "changed_elsewhere"
    desk.view.discard.click()
    desk.settle()
    assert not desk.state.changed
    assert desk.row(0, 0).part.picker.values() == ("AT",)


def test_leaving_with_changes_asks(desk):  # noqa: F811 - the fixture
    desk.page._list.select("Germany")
    desk.settle()
    desk.row(0, 0).remove.click()
    desk.page._list.select("Everyone")
    dialog = desk.bench.dialog()
    assert isinstance(dialog, LeaveDialog)
    assert not dialog.save_button.isEnabled()
    assert desk.page._list.key() == "Germany"
    dialog.stay_button.click()
    assert desk.state.changed
    desk.view.title.undo.click()
    desk.choose(desk.row(0, 0).question, "is not one of")
    desk.page._list.select("Everyone")
    desk.bench.dialog().save_button.click()
    desk.settle()
    assert desk.page._list.key() == "Everyone"
    desk.page._list.select("Germany")
    desk.settle()
    assert desk.count() == "150"
    desk.view.slots[0].card._links.condition.click()
    desk.page._list.select("Nobody")
    desk.bench.dialog().discard_button.click()
    desk.settle()
    assert desk.page._list.key() == "Nobody"
    assert desk.count() == "0"


def test_the_name_is_edited_in_place(desk):  # noqa: F811 - the fixture
    desk.page._list.select("Nobody")
    desk.settle()
    desk.view.add_rule.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(desk.view.add_rule, Qt.Key.Key_F2)
    desk.bench.wait(desk.view.title.field.hasFocus)
    QTest.keyClicks(desk.view.title.field, "Not this")
    QTest.keyClick(desk.view.title.field, Qt.Key.Key_Escape)
    assert not desk.state.changed
    desk.view.title.rename.click()
    desk.type(desk.view.title.field, "Empty one")
    assert desk.view.title.name.words() == "Empty one"
    desk.view.save.click()
    desk.settle()
    assert desk.page._list.key() == "Empty one"
