"""The files about a run: which, in what order, and what they know of each other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from app.core import layouts
from app.core.exports import ExportKind, Layout
from app.core.run_pointers import SentFile
from app.delivery.about import AboutFiles, ToldTable
from tests.delivery.fakes import CATALOG, CUSTOMER, NOW, export

PLACE = layouts.Place("Newsletter", "Northwind", NOW, "id1")
DATA = SentFile("Customer", "Newsletter/Customer/2026/05/01/0600/Customer_1.csv", 7, 3, "a" * 64)
EVERYTHING = Layout(manifest=True, json_schema=True, sums=True, latest=True)


def written(tmp_path: Path, layout: Layout, kind: ExportKind = ExportKind.DATA_OUT) -> dict[str, str]:
    """Path and text of each file in order; each is sent before the next is asked for."""
    made = export(kind=kind, layout=layout)
    about = AboutFiles(made, PLACE, CATALOG, [ToldTable("Customer", CUSTOMER, ["Id", "Email"], [DATA])])
    sent, texts = [DATA], {}
    for part in about.files("r1", sent, tmp_path, "/lake/{}".format):
        data = part.source.read_bytes()
        part.source.unlink()
        texts[part.target] = data.decode()
        sent.append(SentFile("", part.target, 0, len(data), hashlib.sha256(data).hexdigest()))
    assert tuple(texts) == layouts.about_paths(made, PLACE, ["Customer"])
    return texts


def test_everything_is_written_in_its_order_and_summed(tmp_path: Path) -> None:
    texts = written(tmp_path, EVERYTHING)
    assert [path.removeprefix("Newsletter/") for path in texts] == [
        "model.json",
        "default.manifest.cdm.json",
        "Customer.cdm.json",
        "Customer.schema.json",
        "SHA256SUMS",
        "latest.json",
    ]
    sums = dict(line.split(" *")[::-1] for line in texts["Newsletter/SHA256SUMS"].splitlines())
    assert sums.pop("Customer/2026/05/01/0600/Customer_1.csv") == DATA.sha256
    assert set(sums) == {"model.json", "default.manifest.cdm.json", "Customer.cdm.json", "Customer.schema.json"}
    for name, digest in sums.items():
        assert hashlib.sha256(texts[f"Newsletter/{name}"].encode()).hexdigest() == digest
    model = json.loads(texts["Newsletter/model.json"])
    assert model["entities"][0]["partitions"][0]["location"] == f"/lake/{DATA.path}"
    manifest = json.loads(texts["Newsletter/default.manifest.cdm.json"])
    [part] = manifest["entities"][0]["dataPartitions"]
    assert part["location"] == "Customer/2026/05/01/0600/Customer_1.csv"
    assert json.loads(texts["Newsletter/latest.json"])["tables"] == {"Customer": "Customer/2026/05/01/0600"}


@pytest.mark.parametrize("layout", [Layout(), Layout(model_json=False), Layout(model_json=False, manifest=True)])
def test_only_what_is_asked_for_is_written(tmp_path: Path, layout: Layout) -> None:
    written(tmp_path, layout)


def test_segments_have_sums_and_a_pointer_only(tmp_path: Path) -> None:
    texts = written(tmp_path, EVERYTHING, ExportKind.SEGMENT)
    assert list(texts) == ["Newsletter/SHA256SUMS", "Newsletter/latest.json"]
