from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed
from app.core.file_formats import FileType, Folders, Format, PartitionBy
from app.core.roles import Role
from tests.services.conftest import CSV
from tests.store import samples


def test_coverage_is_the_share_that_can_be_sent(looking):
    coverage = looking.exports.coverage("Newsletter", looking.ctx)
    assert coverage == {"email": pytest.approx(2 / 3), "first_name": 1.0}


def test_the_preview_is_what_the_destination_would_send(looking):
    preview = looking.exports.preview("Newsletter", 5, looking.ctx, masked=False)
    [request] = preview.requests
    assert (request.method, request.url) == ("POST", "https://tiny.example/l1")
    assert json.loads(request.body) == [
        {"email": "nora@example.com", "first_name": "Nora"},
        {"email": "omar@example.com", "first_name": 'O"mar'},
    ]
    first, _second = preview.samples
    assert first.segment == "Gold"
    assert first.key == "1"
    assert first.values["email"] == ("Nora@Example.com ", "nora@example.com")


def test_a_masked_preview_shows_no_personal_value_however_it_is_spelled(looking):
    preview = looking.exports.preview("Newsletter", 5, looking.ctx)
    shown = repr(preview)
    for value in ("nora@", "omar@", "Nora", 'O"mar', 'O\\"mar'):
        assert value not in shown
    [request] = preview.requests
    assert json.loads(request.body)[0] == {"email": "n•••@e•••.com", "first_name": "N•••"}
    assert preview.samples[0].values["email"][1] == "n•••@e•••.com"


def test_only_as_many_as_asked_for(looking):
    assert len(looking.exports.preview("Newsletter", 1, looking.ctx).samples) == 1


def test_an_unsaved_export_can_be_looked_at(looking):
    export = replace(looking.exports.get("Newsletter").export, match={"email": "Customer.Email"})
    preview = looking.exports.preview(export, 3, looking.ctx, masked=False)
    assert set(preview.samples[0].values) == {"email"}


def test_without_connection_or_segment_it_says_so(looking):
    export = looking.exports.get("Newsletter").export
    with pytest.raises(FixSettings) as raised:
        looking.exports.preview(replace(export, connection=None), 3, looking.ctx)
    assert raised.value.code == "no_connection"
    with pytest.raises(FixData):
        looking.exports.preview(replace(export, segments=("Silver",)), 3, looking.ctx)


def test_who_may_look(looking):
    looking.role(Role.CONTRIBUTOR)
    assert looking.exports.preview("Newsletter", 3, looking.ctx, masked=False).samples
    looking.role(Role.VIEWER)
    for masked in (True, False):
        with pytest.raises(NotAllowed):
            looking.exports.preview("Newsletter", 3, looking.ctx, masked=masked)


def test_the_tree_of_a_run(looking, tmp_path):
    looking.connections.add(
        "Folder", "local-folder", {"folder": str(tmp_path)}, {}, samples.connection().access, agreed=True
    )
    export = looking.exports.apply(
        {
            "name": "Customer 360",
            "kind": "data-out",
            "connection": "Folder",
            "tables": ["Customer"],
            "consent": {"agreed": True},
        }
    )
    export = replace(export, format=Format(rows_per_file=3))
    nodes = looking.exports.tree(export, looking.clock.now)
    assert [(node.path, node.files, node.rows) for node in nodes] == [
        ("Customer 360/Customer/2026/07/01/1200/Customer_1.csv", 2, 4),
        ("Customer 360/model.json", 1, None),
    ]
    rows = (
        CSV.split("\n", 1)[1].replace('""', '"').replace(" ,", ",")
    )  # without the header; quotes and blanks are small
    assert nodes[0].bytes == pytest.approx(len(rows.encode()), abs=6)
    with pytest.raises(FixSettings):
        looking.exports.tree(replace(export, layout=replace(export.layout, folder="{nope}")))


FOLDER_EXPORTS = {
    "Members": {
        "kind": "segment",
        "segments": ["Gold"],
        "match": {"mail": "Customer.Email", "name": "Customer.FirstName"},
    },
    "Customer 360": {"kind": "data-out", "tables": [{"name": "Customer", "fields": ["CustomerId", "Email"]}]},
}


@pytest.fixture
def to_files(looking, tmp_path):
    shared = samples.connection().access
    looking.connections.add("Folder", "local-folder", {"folder": str(tmp_path)}, {}, shared, agreed=True)
    for name, parts in FOLDER_EXPORTS.items():
        looking.exports.apply({"name": name, "connection": "Folder", "consent": {"agreed": True}, **parts})
    return looking


def test_a_preview_of_files_is_their_first_lines(to_files):
    [file] = to_files.exports.preview("Members", 2, to_files.ctx, masked=False).files
    assert file.path == "Members/Gold/2026/07/01/1200/Gold_1.csv"
    assert file.lines == ("mail,name", "Nora@Example.com,Nora", 'omar@example.com,"O""mar"')
    [file] = to_files.exports.preview("Customer 360", 2, to_files.ctx, masked=False).files
    assert file.lines[0] == "CustomerId,Email"
    assert len(file.lines) == 3


@pytest.mark.parametrize("name", FOLDER_EXPORTS)
@pytest.mark.parametrize("kind", FileType)
def test_a_masked_preview_of_files_shows_no_personal_value(to_files, name, kind):
    export = replace(to_files.exports.get(name).export, format=Format(kind))
    preview = to_files.exports.preview(export, 3, to_files.ctx)
    assert preview.files[0].lines
    for value in ("Nora", "omar", "mar@", 'O""mar', "not an address"):
        assert value.casefold() not in repr(preview).casefold().replace("customer", "")


def test_the_documents_about_tables_are_those_a_run_leaves(to_files, tmp_path):
    export = to_files.exports.get("Customer 360").export
    layout = replace(export.layout, manifest=True, json_schema=True, sums=True, latest=True)
    documents = to_files.exports.metadata(replace(export, layout=layout, format=Format(rows_per_file=3)))
    assert [file.path.removeprefix("Customer 360/") for file in documents] == [
        "model.json",
        "default.manifest.cdm.json",
        "Customer.cdm.json",
        "Customer.schema.json",
    ]
    [entity] = json.loads("\n".join(documents[0].lines))["entities"]
    assert [attribute["name"] for attribute in entity["attributes"]] == ["CustomerId", "Email"]
    where = tmp_path / "Customer 360/Customer/2026/07/01/1200"
    assert [part["location"] for part in entity["partitions"]] == [
        str(where / f"Customer_{number}.csv") for number in (1, 2)
    ]
    assert list(tmp_path.glob("Customer 360*")) == []


def test_documents_of_what_goes_nowhere_yet_name_files_from_the_place_it_will_have(to_files):
    export = replace(to_files.exports.get("Customer 360").export, connection=None)
    [model] = to_files.exports.metadata(export)
    [entity] = json.loads("\n".join(model.lines))["entities"]
    assert entity["partitions"][0]["location"] == "Customer 360/Customer/2026/07/01/1200/Customer_1.csv"
    assert to_files.exports.metadata("Members") == []


def test_who_may_look_at_documents(to_files):
    to_files.role(Role.CONTRIBUTOR)
    assert to_files.exports.metadata("Customer 360")
    to_files.role(Role.VIEWER)
    with pytest.raises(NotAllowed):
        to_files.exports.metadata("Customer 360")


def test_parts_are_counted_on_from_folder_to_folder_as_a_run_names_them(to_files):
    export = to_files.exports.get("Customer 360").export
    form = Format(rows_per_file=1, partition=PartitionBy("CustomerId", folders=Folders.HIVE))
    nodes = [node for node in to_files.exports.tree(replace(export, format=form)) if not node.about]
    assert [node.path.rpartition("_")[2] for node in nodes] == [f"{n}.csv" for n in range(1, len(nodes) + 1)]
    assert len({node.path.rpartition("/")[0] for node in nodes}) == len(nodes) > 1


def test_a_preview_of_a_table_that_is_parted_is_the_beginning_of_one_of_its_files(to_files, tmp_path):
    export = to_files.exports.get("Customer 360").export
    for by in (PartitionBy("CustomerId", folders=Folders.HIVE), PartitionBy("Email"), PartitionBy("Gone")):
        parted = replace(export, format=Format(partition=by))
        if by.field == "Gone":
            with pytest.raises(FixData):
                to_files.exports.preview(parted, 2, to_files.ctx)
            continue
        [file] = to_files.exports.preview(parted, 2, to_files.ctx, masked=False).files
        places = {node.path for node in to_files.exports.tree(parted) if not node.about}
        assert file.path in places
        value = file.path.split("/")[-2].removeprefix("CustomerId=")
        at = list(export.tables[0].fields).index(by.field)
        assert file.lines[0] == "CustomerId,Email"
        for line in file.lines[1:]:
            assert line.split(",")[at].replace(" ", "%20") == value
