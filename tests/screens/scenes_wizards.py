"""Both wizards, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QScrollArea

from app.core.connections import Access
from app.core.exports import OnlyChanges
from app.core.file_formats import Compression, FileType, Folders, Grain, PartitionBy
from app.ui.wizards.folder_panel import FolderPanel
from app.ui.wizards.model_dialog import ModelDialog
from app.ui.wizards.wizard import ExportWizard
from tests.screens.registry import scene
from tests.screens.scenes_connections import add_connections
from tests.screens.stage import AUDIENCE, Stage


def wizard(stage: Stage) -> Any:
    """The wizard in front, once its first step is there."""
    stage.wait(lambda: any(made.shell for made in stage.window.findChildren(ExportWizard)))
    stage.settle()
    return next(made for made in stage.window.findChildren(ExportWizard) if made.shell)


def connect(made: Any, name: str) -> None:
    made.steps[0].choose(next(row for row in made.state.facts.connections if row.connection.name == name))


def segments(stage: Stage, *chosen: str, connection: str = "Mailchimp EU") -> Any:
    """The segment wizard on its second step with these segments chosen."""
    stage.session.open_segment_wizard()
    made = wizard(stage)
    made.state.update(name="Loyalty lookalike")
    connect(made, connection)
    made.shell.go_on()
    made.steps[1]._choose(chosen or ("Newsletter weekly", "Loyalty Gold and Platinum", "Repeat buyers 12 months"))
    stage.settle()
    return made


def matching(stage: Stage) -> Any:
    """The segment wizard on its third step."""
    made = segments(stage)
    made.shell.go_on()
    stage.settle()
    made.state.update(target={**made.state.draft.target, "audience_id": AUDIENCE})
    made.state.ask_fields()
    stage.settle()
    return made


def tables(stage: Stage) -> Any:
    """The data-out wizard on its second step with a choice made."""
    stage.session.open_data_out_wizard()
    made = wizard(stage)
    made.state.update(name="Customer 360 daily")
    connect(made, "Shared drive")
    made.shell.go_on()
    stage.settle()
    tree = made.steps[1].tree
    for row in range(tree.tables.rowCount()):
        tree._toggle(tree.tables.node(tree.tables.index(row, 0)))
    parent = tree.tables.index(0, 0)
    for row in (2, 4):
        node = tree.tables.node(tree.tables.index(row, 0, parent))
        if node is not None and node.column is not None:
            tree._toggle(node)
    stage.settle()
    return made


@scene("15-segment-wizard-destination", fresh=True)
def destination(stage: Stage) -> None:
    add_connections(stage)
    stage.session.open_segment_wizard()
    made = wizard(stage)
    made.state.update(name="Loyalty lookalike")
    connect(made, "Mailchimp EU")
    stage.settle()


@scene("03-segment-wizard-segments", fresh=True)
def choose_segments(stage: Stage) -> None:
    """Mailchimp with a limit that one of the sample's segments is over."""
    real = stage.services.destinations._descriptions
    stage.services.destinations._descriptions = lambda: tuple(
        replace(each, limits=replace(each.limits, maximum=100_000)) if each.id == "mailchimp" else each
        for each in real()
    )
    segments(stage, "All contactable", "Newsletter weekly", "High spend DE and AT")


@scene("04-segment-wizard-data-matching", fresh=True)
def match_data(stage: Stage) -> None:
    made = matching(stage)
    made.steps[2].choose("email", "")
    stage.settle()


@scene("04b-segment-wizard-columns-of-a-file", fresh=True)
def match_columns(stage: Stage) -> None:
    made = segments(stage, connection="Shared drive")
    made.shell.go_on()
    stage.settle()


@scene("04c-segment-wizard-columns-known", fresh=True)
def match_known_columns(stage: Stage) -> None:
    settings = {"host": "files.liveramp.com", "user": "northwind", "folder": "/uploads/northwind"}
    stage.services.connections.add(
        "LiveRamp", "liveramp", settings, {"password": "long enough"}, Access.CONTRIBUTORS, agreed=True
    )
    made = segments(stage, connection="LiveRamp")
    made.shell.go_on()
    stage.settle()
    made.steps[2]._on_field_added("Customer.LoyaltyTier")
    stage.settle()


@scene("05-segment-wizard-review", fresh=True)
def review(stage: Stage) -> None:
    made = matching(stage)
    made.shell.go_on()
    made.state.update(agreed=True)
    stage.settle()


@scene("05b-segment-wizard-edit", fresh=True)
def edit(stage: Stage) -> None:
    stage.session.open_segment_wizard("Loyalty mailing")
    made = wizard(stage)
    made.shell.go_to(3)
    stage.settle()


@scene("06-dataout-tables-fields", fresh=True)
def tables_and_fields(stage: Stage) -> None:
    tables(stage)


@scene("07-dataout-format-layout", fresh=True)
def format_and_layout(stage: Stage) -> None:
    made = tables(stage)
    made.shell.go_on()
    made.steps[2].form._choose_type(FileType.CSV)
    made.steps[2].form._set_format(compression=Compression.GZIP, partition=PartitionBy("CreatedOn", Grain.MONTH))
    made.steps[2].form.layout_form._set(folder="{export}/{date}/{table}")
    stage.settle()


@scene("07d-dataout-partition", fresh=True)
def parted_by_month(stage: Stage) -> None:
    made = tables(stage)
    made.shell.go_on()
    form = made.steps[2].form
    form._set_format(
        encoding="windows-1252",
        compression=Compression.ZSTD,
        partition=PartitionBy("CreatedOn", Grain.YEAR, Folders.HIVE),
        bytes_per_file=25_000_000,
    )
    form.encryption.take("hello")
    stage.settle()


@scene("07e-dataout-model", fresh=True)
def whole_model(stage: Stage) -> None:
    format_and_layout(stage)
    [panel] = stage.window.findChildren(FolderPanel)
    panel.open_model.click()
    stage.wait(lambda: stage.window.findChildren(ModelDialog))
    stage.settle()


@scene("07c-dataout-runs", fresh=True)
def runs_of_files(stage: Stage) -> None:
    made = tables(stage)
    made.shell.go_on()
    form = made.steps[2].form.layout_form
    form._set(only_changes=OnlyChanges.THREE_FILES, latest=True, sums=True, manifest=True, keep_runs=30)
    stage.settle()
    bar = made.steps[2].findChild(QScrollArea).verticalScrollBar()
    bar.setValue(bar.maximum())
    stage.settle()


@scene("07b-dataout-review", fresh=True)
def review_tables(stage: Stage) -> None:
    made = tables(stage)
    made.shell.go_to(3)
    made.state.update(agreed=True)
    stage.settle()


def companies(stage: Stage) -> Any:
    """The segment wizard for LinkedIn's company targeting on its second step, with segments chosen."""
    stage.session.open_segment_wizard()
    made = wizard(stage)
    made.state.update(name="Target accounts DACH")
    connect(made, "LinkedIn NW")
    made.state.choose_audience("company")
    made.shell.go_on()
    made.steps[1]._choose(("Target accounts DACH", "Open opportunities", "Renewal in 90 days"))
    stage.settle()
    return made


@scene("26-business-segments", fresh=True, businesses=True)
def business_segments(stage: Stage) -> None:
    companies(stage)


@scene("26b-business-contacts", fresh=True, businesses=True)
def business_contacts(stage: Stage) -> None:
    made = companies(stage)
    made.shell.go_to(0)
    made.state.choose_audience("contact")
    made.shell.go_on()
    made.steps[1]._choose(("Decision makers DACH", "Webinar guests"))
    stage.settle()


@scene("26c-business-destination", fresh=True, businesses=True)
def business_destination(stage: Stage) -> None:
    made = companies(stage)
    made.shell.go_to(0)
    stage.settle()


@scene("26d-business-matching", fresh=True, businesses=True)
def business_matching(stage: Stage) -> None:
    made = companies(stage)
    made.state.update(target={**made.state.draft.target, "account_id": "516848833"})
    made.shell.go_on()
    stage.settle()


@scene("26e-business-segment-builder", businesses=True)
def business_builder(stage: Stage) -> None:
    stage.show("segments", "Target accounts DACH")


@scene("26f-business-review", fresh=True, businesses=True)
def business_review(stage: Stage) -> None:
    made = companies(stage)
    made.state.update(target={**made.state.draft.target, "account_id": "516848833"})
    made.shell.go_on()
    stage.settle()
    made.shell.go_on()
    stage.settle()
