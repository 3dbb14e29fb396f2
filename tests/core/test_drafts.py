from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from app.core.drafts import DataOutDraft, Needs, SegmentDraft, Step
from app.core.errors import FixData
from app.core.exports import Export, ExportKind, Layout, SyncMode, TableChoice
from app.core.file_formats import Format
from app.core.schedules import Every, Schedule
from tests.store import samples

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
NEEDS = Needs(
    taken=frozenset({"taken"}),
    blocked={"Huge": "Too large."},
    required={"email": "E-mail address"},
    keys={"email": "E-mail address", "phone": "Phone"},
    target={"list": "List"},
    sync_modes=(SyncMode.ADD, SyncMode.UPDATE),
)
SEGMENT = SegmentDraft(
    name="Newsletter",
    destination="tiny",
    connection="c1",
    segments=("Gold", "Huge"),
    target={"list": "l1"},
    match={"email": "Customer.Email"},
    sync=SyncMode.ADD,
    schedule=Schedule(Every.WEEK, time(5, 30), "UTC", ("mon",)),
    agreed=True,
)
DATA_OUT = DataOutDraft(
    name="Customer 360",
    destination="local-folder",
    connection="c2",
    tables=(TableChoice("Customer"), TableChoice("Orders", ("OrderId",))),
    format=Format(rows_per_file=None),
    layout=Layout(model_json=False),
    agreed=True,
    leave_out_suppressed=True,
    step=Step.SHAPE,
)


@pytest.mark.parametrize("draft", [SEGMENT, DATA_OUT])
def test_a_finished_draft_has_no_issue_and_becomes_its_export(draft):
    assert [draft.issues(step, NEEDS) for step in Step] == [[], [], [], []]
    export = draft.to_export(NOW, "nora", NEEDS)
    assert (export.name, export.destination, export.connection) == (draft.name, draft.destination, draft.connection)
    assert (export.format, export.layout, export.schedule) == (draft.format, draft.layout, draft.schedule)
    assert (export.created_at, export.created_by, export.consent.by) == (NOW, "nora", "nora")
    if isinstance(draft, SegmentDraft):
        assert (export.segments, export.sync, export.match) == (draft.segments, SyncMode.ADD, draft.match)
    else:
        assert export.tables == draft.tables
        assert export.leave_out_suppressed
        assert DataOutDraft.from_export(export).leave_out_suppressed


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        ({"name": " "}, Step.DESTINATION, "no name"),
        ({"name": "TAKEN"}, Step.DESTINATION, "already an export"),
        ({"destination": ""}, Step.DESTINATION, "where it goes"),
        ({"connection": None}, Step.DESTINATION, "Choose a connection"),
        ({"target": {}}, Step.SHAPE, "“List”"),
        ({"segments": ()}, Step.CONTENT, "at least one segment"),
        ({"segments": ("Huge",)}, Step.CONTENT, "Too large."),
        ({"match": {}}, Step.SHAPE, "Choose a field for “E-mail address”."),
        ({"match": {}}, Step.SHAPE, "“E-mail address” or “Phone”"),
        ({"sync": SyncMode.MIRROR}, Step.REVIEW, "can't mirror"),
        ({"agreed": False}, Step.REVIEW, "Agree"),
    ],
)
def test_each_step_of_a_segment_draft_says_what_is_missing(change, step, words):
    draft = replace(SEGMENT, **change)
    assert any(words in sentence for sentence in draft.issues(step, NEEDS)), draft.issues(step, NEEDS)
    assert all(draft.issues(other, NEEDS) == [] for other in Step if other is not step)
    with pytest.raises(FixData) as raised:
        draft.to_export(NOW, "nora", NEEDS)
    assert str(step) in raised.value.fix


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        ({"tables": ()}, Step.CONTENT, "at least one table"),
        ({"tables": (TableChoice("Orders", ()),)}, Step.CONTENT, "at least one field of “Orders”"),
        ({"layout": Layout(folder="{nope}")}, Step.SHAPE, "{nope}"),
        ({"agreed": False}, Step.REVIEW, "Agree"),
    ],
)
def test_each_step_of_a_data_out_draft_says_what_is_missing(change, step, words):
    draft = replace(DATA_OUT, **change)
    assert any(words in sentence for sentence in draft.issues(step))
    with pytest.raises(FixData):
        draft.to_export(NOW, "nora")


def test_segments_to_files_need_a_field_and_a_place():
    needs = Needs(any_field=True)
    draft = replace(SEGMENT, match={}, layout=Layout(folder="/abs/{yyyy}"))
    found = draft.issues(Step.SHAPE, needs)
    assert any("at least one field" in sentence for sentence in found)
    assert any("begins with “/”" in sentence for sentence in found)


@pytest.mark.parametrize("draft", [SEGMENT, DATA_OUT, SegmentDraft(), DataOutDraft()])
def test_a_draft_survives_being_stored(draft):
    assert type(draft).from_json(draft.to_json()) == draft


def test_a_draft_of_an_edit_keeps_who_and_when_and_the_revision():
    export = samples.export(revision=4)
    draft = SegmentDraft.from_json(SegmentDraft.from_export(export).to_json())
    again = replace(draft, name="New name").to_export(datetime(2030, 1, 1, tzinfo=UTC), "omar")
    assert (again.id, again.revision, again.created_at, again.created_by) == (export.id, 4, export.created_at, "nora")
    assert again.segments == export.segments


def test_a_data_out_edit():
    export = Export("e", "A", ExportKind.DATA_OUT, "local-folder", "c", NOW, "nora", tables=DATA_OUT.tables, revision=2)
    draft = DataOutDraft.from_export(export)
    assert (draft.tables, draft.export_id, draft.revision, draft.agreed) == (export.tables, "e", 2, False)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 1}', SEGMENT.to_json().replace("mon", "moonday")])
def test_a_text_that_is_no_draft_is_refused_in_sentences(text):
    with pytest.raises(FixData) as raised:
        SegmentDraft.from_json(text)
    assert raised.value.what


def test_a_draft_of_the_first_version_sends_tables_whole():
    document = json.loads(DATA_OUT.to_json())
    del document["leave_out_suppressed"]
    assert DataOutDraft.from_json(json.dumps(document)) == replace(DATA_OUT, leave_out_suppressed=False)


def test_a_draft_is_plain_json():
    assert json.loads(SEGMENT.to_json())["schedule"]["at"] == "05:30"
