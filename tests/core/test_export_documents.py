from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.connections import Consent
from app.core.errors import FixData
from app.core.export_documents import Where, from_document, to_document
from app.core.exports import Export, ExportKind, Layout, OnlyChanges, SyncMode, TableChoice
from app.core.file_formats import (
    COMPRESSIONS,
    ENCODINGS,
    LEAST_BYTES,
    MOST_IN_GROUP,
    Compression,
    Dates,
    FileType,
    Folders,
    Format,
    Grain,
    LineEnds,
    PartitionBy,
    Quotes,
    Unencodable,
)
from app.core.layout_presets import PRESETS
from app.core.names import fold
from app.core.schedules import WEEKDAYS, Every, Schedule

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 8, 1, 12, tzinfo=UTC)
BASE = Export("e1", "", ExportKind.SEGMENT, "", None, NOW, "nora")
SEGMENT = {
    "name": "Newsletter weekly",
    "kind": "segment",
    "connection": "Mailchimp EU",
    "segments": ["Lapsed 90 days", "Loyalty Gold"],
    "target": {"audience_id": "a1b2c3", "number": 7},
    "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
    "sync": "mirror",
    "guard": {"removed_percent": None, "changed_percent": 12.5, "empty_source": "allow"},
    "consent": {"agreed": True},
    "schedule": {"every": "week", "on": ["thu", "mon"], "at": "05:30", "time_zone": "Europe/Berlin"},
}
DATA_OUT = {
    "name": "Customer 360",
    "kind": "data-out",
    "connection": "Lake",
    "tables": [{"name": "Customer"}, {"name": "Orders", "fields": ["OrderId", "Total"]}, "Products"],
    "format": {"type": "csv", "delimiter": "tab", "compression": "gzip", "rows_per_file": 500_000},
    "layout": {"folder": "{export}/{table}", "model_json": True, "only_changes": False},
}


def _where(connection: str | None, destination: str | None) -> Where:
    if connection is None:
        return Where(destination or "?", None)
    return Where("mailchimp", f"id of {connection}")


def _read(document: dict[str, Any], base: Export = BASE) -> Export:
    return from_document(document, base, _where, NOW, "omar")


def test_a_segment_export():
    export = _read(SEGMENT)
    assert (export.id, export.created_by, export.name) == ("e1", "nora", "Newsletter weekly")
    assert (export.destination, export.connection) == ("mailchimp", "id of Mailchimp EU")
    assert export.segments == ("Lapsed 90 days", "Loyalty Gold")
    assert export.target == {"audience_id": "a1b2c3", "number": "7"}
    assert export.sync is SyncMode.MIRROR
    assert export.schedule == Schedule(Every.WEEK, time(5, 30), "Europe/Berlin", ("mon", "thu"))
    assert export.consent == Consent("omar", NOW)


def test_a_data_out_export():
    export = _read(DATA_OUT)
    assert export.tables == (
        TableChoice("Customer"),
        TableChoice("Orders", ("OrderId", "Total")),
        TableChoice("Products"),
    )
    assert (export.format.delimiter, export.format.compression.value) == ("\t", "gzip")
    assert export.consent is None
    assert export.schedule is None


def test_a_consent_stays_while_the_connection_does():
    given_before = replace(_read(SEGMENT), consent=Consent("nora", NOW))
    again = from_document(SEGMENT, given_before, _where, LATER, "omar")
    assert again.consent == Consent("nora", NOW)
    other = from_document(SEGMENT | {"connection": "Other"}, given_before, _where, LATER, "omar")
    assert other.consent == Consent("omar", LATER)
    assert from_document(SEGMENT | {"consent": {"agreed": False}}, given_before, _where, LATER, "omar").consent is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "no name"),
        ({"name": " "}, "no name"),
        ({"name": 7}, "name can't be “7”"),
        ({"kind": "segments"}, "kind can't be “segments”"),
        ({"kind": None}, "no kind"),
        ({"segmants": []}, "“segmants”"),
        ({"tables": []}, "“tables”"),
        ({"segments": "Gold"}, "segments can't be “Gold”"),
        ({"segments": ["Gold", 7]}, "segments can't be “7”"),
        ({"segments": ["Gold", "GOLD"]}, "“GOLD” twice"),
        ({"target": ["a"]}, "target can't be a list"),
        ({"target": {"a": True}}, "target, a can't be “True”"),
        ({"match": {"email": "Email"}}, "match, email can't be “Email”"),
        ({"sync": "overwrite"}, "sync can't be “overwrite”"),
        ({"guard": {"removed_percent": 101}}, "removed_percent can't be “101”"),
        ({"guard": {"changed_percent": True}}, "changed_percent can't be “True”"),
        ({"guard": {"empty_source": "go"}}, "empty_source can't be “go”"),
        ({"guard": {"removed": 20}}, "“removed”, which is not known"),
        ({"consent": {"agreed": "yes"}}, "agreed can't be “yes”"),
        ({"consent": True}, "consent can't be “True”"),
        ({"schedule": {"every": "year"}}, "every can't be “year”"),
        ({"schedule": {"every": "day", "at": "5:3", "time_zone": "UTC"}}, "at can't be “5:3”"),
        ({"schedule": {"every": "day", "at": 330, "time_zone": "UTC"}}, "at can't be “330”"),
        ({"schedule": {"every": "day", "at": "24:00", "time_zone": "UTC"}}, "24:00"),
        ({"schedule": {"every": "day", "at": "05:30"}}, "no time_zone"),
        ({"schedule": {"every": "day", "at": "05:30", "time_zone": "Mars/Base"}}, "Mars/Base"),
        ({"schedule": {"every": "day", "at": "05:30", "time_zone": "../etc/passwd"}}, "time_zone"),
        ({"schedule": {"every": "day", "at": "05:30", "time_zone": "UTC", "on": ["mon"]}}, "on can't be"),
        ({"schedule": {"every": "week", "at": "05:30", "time_zone": "UTC", "on": ["monday"]}}, "monday"),
        ({"schedule": {"every": "month", "at": "05:30", "time_zone": "UTC", "on": [32]}}, "32"),
        ({"schedule": {"every": "month", "at": "05:30", "time_zone": "UTC", "on": ["²"]}}, "²"),
        ({"format": {"type": "xlsx"}}, "type can't be “xlsx”"),
        ({"format": {"type": "excel", "compression": "gzip"}}, "compression can't be “gzip”"),
        ({"format": {"unencodable": "drop"}}, "unencodable can't be “drop”"),
        ({"format": {"line_ends": "cr"}}, "line_ends can't be “cr”"),
        ({"format": {"dates": "dd.MM.yyyy"}}, "dates can't be “dd.MM.yyyy”"),
        ({"format": {"row_group": 2_000_000}}, "row_group can't be “2000000”"),
        ({"format": {"bytes_per_file": 10}}, "bytes_per_file can't be “10”"),
        ({"format": {"partition": "Country"}}, "partition can't be “Country”"),
        ({"format": {"partition": {"by": "month"}}}, "no field"),
        ({"format": {"partition": {"field": "At", "by": "week"}}}, "by can't be “week”"),
        ({"format": {"partition": {"field": "At", "style": "hive"}}}, "“style”, which is not known"),
        ({"format": {"type": "csv", "compression": "snappy"}}, "compression can't be “snappy”"),
        ({"format": {"delimiter": "||"}}, "delimiter"),
        ({"format": {"delimiter": '"'}}, "delimiter"),
        ({"format": {"encoding": "latin-1"}}, "latin-1"),
        ({"format": {"rows_per_file": 0}}, "rows_per_file can't be “0”"),
        ({"format": {"rows_per_file": True}}, "rows_per_file"),
        ({"format": {"header": "yes"}}, "header"),
        ({"layout": {"only_changes": "some"}}, "only_changes can't be “some”"),
        ({"layout": {"only_changes": 1}}, "only_changes can't be “1”"),
        ({"layout": {"foldr": "a"}}, "“foldr”"),
        ({"layout": {"preset": "no"}}, "preset can't be “no”"),
        ({"layout": {"keep_runs": 0}}, "keep_runs can't be “0”"),
        ({"layout": {"manifest": "yes"}}, "manifest can't be “yes”"),
        ({"layout": {"json_schema": "yes"}}, "json_schema can't be “yes”"),
        ({"layout": {"latest": "yes"}}, "latest can't be “yes”"),
        ({"layout": {"sums": 1}}, "sums can't be “1”"),
    ],
)
def test_what_is_wrong_is_named(change, words):
    with pytest.raises(FixData) as raised:
        _read(SEGMENT | change)
    assert words in f"{raised.value.what} {raised.value.why}"
    assert raised.value.fix
    assert raised.value.why


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ([7], "tables can't be “7”"),
        ([{"fields": ["a"]}], "no name"),
        ([{"name": "A", "fields": []}], "fields can't be a list"),
        ([{"name": "A", "columns": ["a"]}], "“columns”"),
        ([{"name": "A", "fields": ["a", "A"]}], "twice"),
        (["A", {"name": "a"}], "twice"),
    ],
)
def test_wrong_tables_are_named(tables, words):
    with pytest.raises(FixData) as raised:
        _read(DATA_OUT | {"tables": tables})
    assert words in raised.value.what


def test_a_typing_mistake_gets_a_suggestion():
    with pytest.raises(FixData) as raised:
        _read(SEGMENT | {"shedule": {}})
    assert raised.value.fix == "Did you mean “schedule”?"


_names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
_distinct = st.lists(_names, max_size=4, unique_by=fold).map(tuple)
_schedules = st.one_of(
    st.none(),
    st.builds(
        Schedule,
        every=st.sampled_from([Every.HOUR, Every.DAY]),
        at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
        time_zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    ),
    st.builds(
        Schedule,
        every=st.just(Every.WEEK),
        at=st.just(time(5, 30)),
        time_zone=st.just("UTC"),
        on=st.sets(st.sampled_from(WEEKDAYS)).map(lambda days: tuple(day for day in WEEKDAYS if day in days)),
    ),
    st.builds(
        Schedule,
        every=st.just(Every.MONTH),
        at=st.just(time(0, 0)),
        time_zone=st.just("UTC"),
        on=st.sets(st.integers(1, 31)).map(lambda days: tuple(str(day) for day in sorted(days))),
    ),
)


@st.composite
def _formats(draw: st.DrawFn) -> Format:
    kind = draw(st.sampled_from(FileType))
    return Format(
        kind,
        draw(st.sampled_from(COMPRESSIONS[kind])),
        draw(st.sampled_from(",;|\t~")),
        draw(st.booleans()),
        draw(st.sampled_from(list(ENCODINGS))),
        draw(st.sampled_from(Quotes)),
        draw(st.none() | st.integers(1, 10**9)),
        draw(st.sampled_from(LineEnds)),
        draw(st.sampled_from(Dates)),
        draw(st.sampled_from(Unencodable)),
        draw(st.integers(1, MOST_IN_GROUP)),
        draw(st.none() | st.integers(LEAST_BYTES, 10**12)),
        draw(st.none() | st.builds(PartitionBy, _names, st.sampled_from(Grain), st.sampled_from(Folders))),
    )


_layouts = st.builds(
    Layout,
    folder=st.text(max_size=9),
    file=st.text(max_size=9),
    model_json=st.booleans(),
    manifest=st.booleans(),
    json_schema=st.booleans(),
    keep_earlier_runs=st.booleans(),
    keep_runs=st.none() | st.integers(1, 1000),
    latest=st.booleans(),
    sums=st.booleans(),
    only_changes=st.sampled_from(OnlyChanges),
)


@st.composite
def _exports(draw: st.DrawFn) -> Export:
    kind = draw(st.sampled_from(ExportKind))
    segment = kind is ExportKind.SEGMENT
    connection = draw(st.sampled_from([None, "id of Lake"]))
    fields = st.none() | _distinct.filter(bool)
    tables = draw(st.lists(st.builds(TableChoice, _names, fields), max_size=3, unique_by=lambda t: fold(t.name)))
    return Export(
        id="e1",
        name=draw(_names.filter(lambda name: name == fold(name))),
        kind=kind,
        destination="mailchimp",
        connection=connection,
        created_at=NOW,
        created_by="nora",
        segments=draw(_distinct) if segment else (),
        target=draw(st.dictionaries(_names, _names, max_size=2)) if segment else {},
        match=draw(st.dictionaries(_names, _names.map("Customer.{}".format), max_size=3)) if segment else {},
        sync=draw(st.sampled_from(SyncMode)) if segment else SyncMode.UPDATE,
        tables=() if segment else tuple(tables),
        leave_out_suppressed=not segment and draw(st.booleans()),
        format=draw(_formats()),
        layout=draw(_layouts),
        schedule=draw(_schedules),
        consent=draw(st.sampled_from([None, Consent("nora", NOW)])),
    )


@pytest.mark.parametrize(
    ("written", "only"),
    [
        (False, OnlyChanges.OFF),
        (None, OnlyChanges.OFF),
        (True, OnlyChanges.CHANGED),
        ("three-files", OnlyChanges.THREE_FILES),
    ],
)
def test_only_what_changed(written, only):
    export = _read(DATA_OUT | {"layout": {"only_changes": written}})
    assert export.layout.only_changes is only
    assert to_document(export, "Lake")["layout"]["only_changes"] == (written or False)


def test_a_preset_gives_the_patterns_that_are_not_named():
    layout = _read(DATA_OUT | {"layout": {"preset": "customer-insights", "file": "x_{part}", "sums": True}}).layout
    assert layout.folder == PRESETS["customer-insights"].folder
    assert (layout.file, layout.sums, layout.latest) == ("x_{part}", True, False)


@given(_exports())
def test_a_document_gives_the_same_export_again(export):
    connection = None if export.connection is None else "Lake"
    document = to_document(export, connection)
    assert from_document(document, export, _where, LATER, "omar") == export


@given(
    st.dictionaries(
        st.sampled_from([*SEGMENT, "tables", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
            max_leaves=4,
        ),
    )
)
def test_whatever_stands_in_a_document_it_is_read_or_refused_in_sentences(changes):
    with suppress(FixData):
        assert isinstance(_read(SEGMENT | changes), Export)


def test_what_a_document_leaves_out_is_as_usual_at_the_destination():
    usual = Where(
        "liveramp",
        "c1",
        format=Format(rows_per_file=None, delimiter="|"),
        layout=Layout("", "{segment}", plain_names=True),
    )
    document = {**SEGMENT, "format": {"delimiter": ","}, "layout": {"file": "{export}_{segment}"}}
    export = from_document(document, BASE, lambda _connection, _destination: usual, NOW, "omar")
    assert export.format == Format(rows_per_file=None)
    assert export.layout == Layout("", "{export}_{segment}", plain_names=True)
    zstd = from_document(
        {**SEGMENT, "format": {"type": "parquet"}}, BASE, lambda _connection, _destination: usual, NOW, "omar"
    )
    assert zstd.format.compression is Compression.SNAPPY


@pytest.mark.parametrize(
    ("written", "encoding"),
    [("UTF-8", "utf-8"), ("utf-8-bom", "utf-8-sig"), ("UTF-16LE", "utf-16-le"), ("cp1252", "windows-1252")],
)
def test_other_names_of_the_same_encoding(written, encoding):
    assert _read(DATA_OUT | {"format": {"encoding": written}}).format.encoding == encoding
