from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import layouts
from app.core.errors import FixSettings
from app.core.exports import Export, ExportKind, Layout, OnlyChanges
from app.core.file_formats import Compression, FileType, Format, extension
from app.core.layout_presets import PRESETS, preset_of
from app.core.row_deltas import Rows

NOON = datetime(2026, 3, 9, 6, 5, tzinfo=UTC)
PLACE = layouts.Place("Customer 360", "Northwind", NOON)
EXPORT = Export("e", "Customer 360", ExportKind.DATA_OUT, "local-folder", "c", NOON, "nora")


def _with(**layout: object) -> Export:
    return replace(EXPORT, layout=replace(Layout(), **layout))


def test_the_usual_layout():
    assert layouts.check(Layout(), Format()) == []
    assert layouts.path_of(EXPORT, PLACE, "Orders", 12) == "Customer 360/Orders/2026/03/09/0605/Orders_12.csv"
    assert layouts.model_path(EXPORT, PLACE) == "Customer 360/model.json"
    assert layouts.replace_below(EXPORT, PLACE) is None


@pytest.mark.parametrize(
    ("form", "ending"),
    [
        (Format(), ".csv"),
        (Format(compression=Compression.GZIP), ".csv.gz"),
        (Format(FileType.JSON_LINES, Compression.GZIP), ".jsonl.gz"),
        (Format(FileType.PARQUET, Compression.ZSTD), ".parquet"),
    ],
)
def test_endings(form, ending):
    assert extension(form) == ending


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (Layout(folder="{export}/{day}"), "{day} is not a token"),
        (Layout(folder="{export}/{yyyy"), "brace"),
        (Layout(folder="a}"), "brace"),
        (Layout(folder="a:b/{yyyy}"), "“:”"),
        (Layout(folder="a\\b"), "“\\”"),
        (Layout(folder="a\nb"), "control character"),
        (Layout(folder="/abs/{yyyy}"), "begins with “/”"),
        (Layout(folder="../{yyyy}"), "“..”"),
        (Layout(folder="a/./b"), "“..”"),
        (Layout(folder="a//b"), "without a name"),
        (Layout(folder="a /b"), "ends with a space or dot"),
        (Layout(folder="a./b"), "ends with a space or dot"),
        (Layout(folder="con/{yyyy}"), "Windows"),
        (Layout(folder="LPT1.old/{yyyy}"), "Windows"),
        (Layout(file="a/{table}_{part}"), "“/”"),
        (Layout(file=""), "empty"),
        (Layout(folder="{part}/{yyyy}"), "{part} belongs"),
        (Layout(folder="{export}/{yyyy}", file="data_{part}"), "add {table}"),
        (Layout(file="{table}"), "add {part}"),
        (Layout(folder="{export}"), "add {yyyy}"),
        (Layout(folder="{table}/{yyyy}", keep_earlier_runs=False), "begin the folder with {export}"),
        (Layout(folder="{yyyy}/{export}", keep_earlier_runs=False), "begin the folder with {export}"),
        (Layout(folder="{container}/{export}/{date}"), "the connection's own place"),
        (Layout(keep_earlier_runs=False, only_changes=OnlyChanges.CHANGED), "keep earlier runs"),
        (Layout(folder="{export}/{table}/{date}", only_changes=OnlyChanges.THREE_FILES), "add {hhmm}"),
        (Layout(folder="{yyyy}/{export}", latest=True), "latest.json would be shared"),
        (Layout(folder="{table}/{export}/{yyyy}", sums=True), "SHA256SUMS would be shared"),
    ],
)
def test_what_is_wrong_is_said(layout, words):
    found = layouts.check(layout, Format())
    assert any(words in sentence for sentence in found), found
    with pytest.raises(FixSettings):
        layouts.demand(layout, Format())


@pytest.mark.parametrize(
    ("layout", "form", "items"),
    [
        (Layout(folder="", file="{table}_{yyyy}{mm}{dd}_{part}"), Format(), 3),
        (Layout(folder="{export}/{yyyy}-{mm}-{dd}_{hhmm}"), Format(rows_per_file=None), 2),
        (Layout(folder="{export}/{yyyy}", file="all"), Format(rows_per_file=None), 1),
        (Layout(folder="in/{workspace}/{export}/{table}", keep_earlier_runs=False), Format(), 3),
    ],
)
def test_what_is_right(layout, form, items):
    assert layouts.check(layout, form, items) == []


def test_the_layout_of_customer_insights():
    made = replace(EXPORT, layout=PRESETS["customer-insights"].of(Layout(latest=True, sums=True)))
    place = replace(PLACE, workspace_id="abcd1234")
    folder = "CustomerInsights_abcd1234/Customer 360"
    assert layouts.path_of(made, place, "Orders", 2) == f"{folder}/Orders/2026/03/09/0605/Orders_2.csv"
    assert layouts.about_paths(made, place, ["Orders"]) == (
        f"{folder}/model.json",
        f"{folder}/SHA256SUMS",
        f"{folder}/latest.json",
    )


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_used_as_they_are_and_know_themselves(name):
    layout = PRESETS[name].of(Layout(keep_runs=3, latest=True, sums=True))
    assert layouts.check(layout, Format()) == []
    assert preset_of(layout) == name
    assert preset_of(replace(layout, file="x_{part}")) is None


@pytest.mark.parametrize(
    ("file", "rows", "name"),
    [
        ("{table}_{part}", Rows.ALL, "Orders_1.csv"),
        ("{table}_{part}", Rows.CHANGES, "Orders_1.csv"),
        ("{table}_{part}", Rows.REMOVED, "Orders_1_removed.csv"),
        ("{table}_{change}_{part}", Rows.ADDED, "Orders_added_1.csv"),
        ("{table}_{change}_{part}", Rows.ALL, "Orders_all_1.csv"),
    ],
)
def test_file_sets_have_names_of_their_own(file, rows, name):
    assert layouts.path_of(_with(file=file), PLACE, "Orders", 1, rows).rpartition("/")[2] == name
    apart = _with(folder="{export}/{change}/{table}/{date}", file=file, latest=True)
    assert layouts.path_of(apart, PLACE, "Orders", 1, rows).startswith(f"Customer 360/{rows}/Orders/")
    assert layouts.about_paths(apart, PLACE, []) == ("Customer 360/model.json", "Customer 360/latest.json")


def test_removed_keys_are_a_table_of_their_own():
    made = _with(only_changes=OnlyChanges.THREE_FILES, json_schema=True, model_json=False)
    names = [path.rpartition("/")[2] for path in layouts.about_paths(made, PLACE, ["Orders"])]
    assert names == ["Orders.schema.json", "Orders_removed.schema.json"]


def test_what_tells_of_a_run_lies_with_the_run_and_the_pointer_above_it():
    made = _with(folder="{export}/{date}_{hhmm}/{table}", latest=True, sums=True)
    assert layouts.about_paths(made, PLACE, ["Orders"]) == (
        "Customer 360/2026-03-09_0605/model.json",
        "Customer 360/2026-03-09_0605/SHA256SUMS",
        "Customer 360/latest.json",
    )


def test_replacing_stays_below_the_export():
    kept = _with(folder="in/{export}/x/{table}/{yyyy}", keep_earlier_runs=False)
    assert layouts.replace_below(kept, PLACE) == "in/Customer 360/x"
    assert layouts.model_path(kept, PLACE) == "in/Customer 360/x/model.json"
    with pytest.raises(FixSettings):
        layouts.replace_below(_with(folder="{yyyy}/{export}", keep_earlier_runs=False), PLACE)


def test_names_that_file_systems_do_not_take():
    path = layouts.path_of(EXPORT, replace(PLACE, export="../A/B: ?"), layouts.safe_names(["CON"])[0], 1)
    assert path.startswith(".._A_B_ _/CON_/")
    assert layouts.safe_names(["A/B", "a:b", "A?B", "..", "", "ok"]) == ("A_B", "a_b_2", "A_B_3", "_", "__2", "ok")


def test_a_path_that_is_too_long_is_refused():
    with pytest.raises(FixSettings) as raised:
        layouts.path_of(EXPORT, replace(PLACE, export="x" * 230), "Orders", 1)
    assert "240" in raised.value.why


_pieces = st.sampled_from(
    [*(f"{{{t}}}" for t in layouts.TOKENS), "/", "..", ".", "a", "-", " ", "{", "}", "\\", ":", "x.y"]
)


@given(
    folder=st.lists(_pieces, max_size=8).map("".join),
    file=st.lists(_pieces, max_size=5).map("".join),
    export=st.text(max_size=20),
    item=st.text(max_size=20),
    keep=st.booleans(),
)
def test_whatever_passes_the_check_never_leaves_its_folder(folder, file, export, item, keep):
    layout = Layout(folder, file, keep_earlier_runs=keep)
    if layouts.check(layout, Format()):
        return
    made = replace(EXPORT, layout=layout)
    place = replace(PLACE, export=export)
    paths = [
        layouts.path_of(made, place, name, part, rows)
        for name in layouts.safe_names([item, item])
        for part in (1, 2)
        for rows in (Rows.ADDED, Rows.CHANGED, Rows.REMOVED)
    ]
    assert len({path.casefold() for path in paths}) == 12
    for path in [*paths, layouts.model_path(made, place), layouts.replace_below(made, place) or "a"]:
        assert not set(path) & set('<>:"\\|?*\n\r\t\0{}')
        for step in path.split("/"):
            assert step not in {"", ".", ".."}
            assert step == step.strip()
            assert not step.endswith(".")
    below = layouts.replace_below(made, place)
    assert below is None or all(path.startswith(f"{below}/") for path in paths)


@given(st.lists(st.text(alphabet=string.ascii_letters + "/:. _", max_size=6), max_size=12))
def test_safe_names_differ_regardless_of_case(items):
    names = layouts.safe_names(items)
    assert len({name.casefold() for name in names}) == len(items)


def test_the_timestamp_is_that_of_the_run():
    made = _with(folder="", file="{export}_{segment}_{timestamp}")
    stamp = int(PLACE.moment.timestamp())
    assert layouts.path_of(made, PLACE, "Plus", 1) == f"Customer 360_Plus_{stamp}.csv"
    assert layouts.check(made.layout, Format(rows_per_file=None)) == []


@given(
    items=st.lists(st.text(max_size=8), max_size=6), export=st.text(max_size=8), file=st.sampled_from(["{export}_", ""])
)
def test_plain_names_hold_plain_signs_and_stay_apart(items, export, file):
    made = _with(folder="", file=f"{file}{{segment}}_{{part}}", plain_names=True)
    place = replace(PLACE, export=export)
    paths = [layouts.path_of(made, place, name, 1) for name in layouts.safe_names(items, plain=True)]
    assert len({path.casefold() for path in paths}) == len(items)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.csv", path) for path in paths)


def test_plain_names_lose_accents_and_gaps():
    made = _with(folder="", file="{export}_{segment}_{yyyy}-{mm}", plain_names=True)
    (name,) = layouts.safe_names(["Été à Lisbonne!"], plain=True)
    assert name == "Ete_a_Lisbonne"
    assert layouts.path_of(made, PLACE, name, 1) == f"Customer_360_Ete_a_Lisbonne_{PLACE.moment:%Y-%m}.csv"


def test_a_lake_database_needs_whole_tables():
    layout = replace(Layout(), lake_database=True, only_changes=OnlyChanges.CHANGED)
    assert any("lake database" in sentence for sentence in layouts.check(layout, Format()))
    assert layouts.check(replace(layout, lake_database=False), Format()) == []
