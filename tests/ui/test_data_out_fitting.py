"""Nothing of the data-out wizard is cut in a window of the usual size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtWidgets import QScrollArea

from app.bootstrap import Services
from app.core.file_formats import FileType
from app.ui.formats import Formats
from app.ui.runner import JobRunner
from app.ui.theme import Theme
from app.ui.widgets.cards import DestinationTile
from app.ui.widgets.facts import FactList
from app.ui.wizards.data_out import DataOutWizard
from app.ui.wizards.destination_panel import DestinationPanel
from app.ui.wizards.folder_lines import FolderLine
from app.ui.wizards.folder_panel import FolderTree
from tests.ui.test_data_out_wizard import to_format
from tests.ui.wizard_bench import Bench, make_bench


@pytest.fixture
def bench(qtbot: Any, small_services: Services, runner: JobRunner, theme: Theme) -> Iterator[Bench]:
    made = make_bench(qtbot, small_services, runner, theme)
    yield made
    made.close()


def test_the_first_step_shows_names_whole_and_every_format(bench: Bench) -> None:
    wizard = bench.open(DataOutWizard)
    wizard.window().resize(1360, 860)
    step, theme = wizard.steps[0], bench.context.theme

    def cut() -> list[str]:
        return [t._name for t in step._tiles.values() if t.width() < DestinationTile.width_of(theme, t._name)]

    bench.qtbot.waitUntil(lambda: not cut())
    assert "Azure Synapse Analytics" in [tile._name for tile in step._tiles.values()]
    next(iter(step._cards.values())).click()
    bench.settle()
    facts = {fact.label: fact.value for list_ in step.findChildren(FactList) for fact in list_.facts()}
    facts |= {fact.label: fact.value for fact in wizard.shell.findChild(DestinationPanel)._takes.facts()}
    assert facts["File formats"] == "CSV, Parquet, JSON lines, Excel"


def test_deep_folders_leave_names_whole(bench: Bench, theme: Theme) -> None:
    tree = FolderTree(theme, Formats(), "Files")
    bench.qtbot.addWidget(tree)
    tree.resize(338, 400)
    shallow = [FolderLine("a", "a", 0, "place", 1, None), FolderLine("a/b.csv", "b.csv", 1, "file", 1, 1_000)]
    tree.set_lines(shallow)
    assert tree.step() == 20
    name = "Customer_1_removed.parquet"
    tree.set_lines([*shallow, FolderLine(f"a/{name}", name, 9, "file", 1, None)])
    room = 338 - 24 - 8 - 9 * tree.step()
    assert theme.metrics("mono").horizontalAdvance(name) < room


def test_the_estimate_of_parquet_leaves_the_form_inside_its_window(bench: Bench) -> None:
    wizard = to_format(bench, "Customer", "Orders")
    wizard.window().resize(1360, 860)
    form = wizard.steps[2].form
    form.types[FileType.PARQUET].click()
    bench.settle()
    view = next(each for each in wizard.steps[2].findChildren(QScrollArea) if each.isAncestorOf(form)).viewport()
    formats = bench.context.formats
    sizes = formats.about_bytes(101_149_000), formats.about_bytes(35_449_000)
    form.packing.show_estimate("{} becomes about {}".format(*sizes), "3 files of data in this run")
    bench.qtbot.wait(50)
    assert form.mapTo(view, form.rect().topRight()).x() < view.width()
    assert [formats.about_bytes(each) for each in (900, 1_640_000, 35_400_000, 101_149_000)] == [
        formats.bytes(900),
        "1.6 MB",
        "35 MB",
        "101 MB",
    ]
