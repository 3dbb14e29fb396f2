"""Both wizards for destinations that pick up files, each with columns, format and layout of its own."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt

from app.core.connections import Access
from app.core.drafts import Step
from app.core.exports import TableChoice
from app.core.file_formats import Compression, FileType
from app.ui.wizards.data_out import DataOutWizard
from app.ui.wizards.rename_column import RenameColumnDialog
from app.ui.wizards.segment_export import SegmentExportWizard
from tests.ui.test_segment_wizard import bench, connect, emulator
from tests.ui.wizard_bench import Bench
from tests.ui.workspace import small_services

__all__ = ["bench", "emulator", "small_services"]


def test_liveramp_knows_its_columns_and_takes_others(bench: Bench) -> None:
    bench.context.services.connections.add(
        "Ramp",
        "liveramp",
        {"host": "files.example.com", "user": "shop", "folder": "/uploads/shop"},
        {"password": "secret"},
        Access.CONTRIBUTORS,
        agreed=True,
    )
    wizard = bench.open(SegmentExportWizard)
    connect(wizard, "Ramp")
    step, draft = wizard.steps[0], wizard.state.draft
    assert list(step._audience.cards) == ["email", "name-and-address", "phone"]
    assert (draft.layout.plain_names, draft.format.rows_per_file) == (True, None)
    wizard.shell.go_on()
    wizard.steps[1]._toggle("Germany")
    bench.qtbot.waitUntil(lambda: not wizard.state.counts.running())
    bench.settle()
    wizard.shell.go_on()
    bench.settle()
    matching = wizard.steps[2]
    assert [line.key for line in matching._lines()] == ["EMAIL1", "CCID", "EMAIL2"]
    assert wizard.state.draft.match == {"EMAIL1": "Customer.Email", "CCID": "Customer.CustomerId"}
    assert not matching.table.isColumnHidden(4)
    matching._on_field_added("Customer.Country")
    known, own = matching._lines()[0], matching._lines()[-1]
    assert (known.free, known.rule, own.key, own.free) == (False, "email", "Country", True)
    for key, dialogs in (("EMAIL1", 0), ("Country", 1)):  # what the destination calls a field stays so
        matching.table.select_keys([key])
        bench.qtbot.keyClick(matching.table, Qt.Key.Key_F2)
        found = wizard.window().findChildren(RenameColumnDialog)
        assert len(found) == dialogs
    found[0].reject()
    wizard.state.update(match={**wizard.state.draft.match, "no good": "Customer.Spend"})
    assert any("“no good”" in issue for issue in matching.issues())
    wizard.state.choose_audience("phone")
    bench.settle()
    assert "Choose a field for “PHONE1”." in matching.issues()


def test_another_destination_brings_its_usual_files_and_keeps_chosen_ones(bench: Bench) -> None:
    services = bench.context.services
    blob = {"account": "contosodata", "container": "exports"}
    for name, destination in (("Campaign", "adobe-campaign-standard"), ("Blobs", "azure-blob")):
        services.connections.add(name, destination, blob, {"account_key": "MDAwMA=="}, Access.CONTRIBUTORS, agreed=True)
    wizard = bench.open(SegmentExportWizard)
    connect(wizard, "Blobs")
    chosen = replace(wizard.state.draft.format, delimiter=";")
    wizard.state.update(format=chosen)
    connect(wizard, "Shared drive")
    assert wizard.state.draft.format == chosen
    connect(wizard, "Campaign")
    assert wizard.state.draft.layout.file == "{export}_{segment}_{timestamp}"
    assert wizard.state.draft.format.rows_per_file is None


def test_tables_for_synapse_begin_as_a_lake_database_wants_them(bench: Bench) -> None:
    bench.context.services.connections.add(
        "Lakehouse",
        "azure-synapse",
        {"account": "contosodata", "container": "exports"},
        {"account_key": "MDAwMA=="},
        Access.CONTRIBUTORS,
        agreed=True,
    )
    wizard = bench.open(DataOutWizard)
    connect(wizard, "Lakehouse")
    state = wizard.state
    assert (state.draft.format.type, state.draft.layout.lake_database, state.draft.layout.keep_earlier_runs) == (
        FileType.PARQUET,
        True,
        False,
    )
    state.update(tables=(TableChoice("Customer"),))
    assert state.issues(Step.SHAPE) == []
    state.update(format=replace(state.draft.format, type=FileType.JSON_LINES, compression=Compression.NONE))
    assert state.issues(Step.SHAPE) == ["Azure Synapse Analytics reads Parquet or CSV, not JSON lines."]
    bench.settle()
