"""What holds a run, chosen in the last step of the wizard of tables; that of segments is in `test_segment_wizard`."""

from __future__ import annotations

from dataclasses import replace

from app.core.exports import Guard, OnlyChanges
from tests.ui.test_data_out_wizard import bench, to_format  # noqa: F401 - a fixture
from tests.ui.wizard_bench import Bench


def test_what_holds_a_run_of_tables_is_chosen_in_the_last_step(bench: Bench) -> None:  # noqa: F811 - the fixture
    wizard = to_format(bench, "Customer", "Orders")
    wizard.shell.go_on()
    bench.settle()
    step = wizard.steps[3]
    guard = step.guard
    assert guard.isVisible()
    assert (guard.removed.currentText(), guard.empty.isChecked()) == ("20%", True)
    assert not guard.altered.isVisible(), "nothing is compared while all rows are written"
    assert "table" in guard.empty.text()
    guard.removed.chosen.emit("50")
    guard.empty.click()
    wizard.state.update(layout=replace(wizard.state.draft.layout, only_changes=OnlyChanges.CHANGED))
    assert guard.altered.isVisible()
    guard.altered.chosen.emit("30")
    assert wizard.state.draft.guard == Guard(50.0, 30.0, empty_source=False)
    wizard.state.update(layout=replace(wizard.state.draft.layout, only_changes=OnlyChanges.OFF))
    step.consent.click()
    assert wizard.members_reviewed() == 800
    wizard.save_and_plan()
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    assert not bench.navigator.errors
    saved = bench.context.services.exports.get("Tables to Shared drive").export
    assert saved.guard == Guard(50.0, None, empty_source=False), "what the form does not show is not kept"
