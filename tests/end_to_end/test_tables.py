"""Tables as files into a folder and over SFTP: whole or not at all."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.runs import Status
from app.delivery.file_delivery import FileDelivery
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop, workshop
from tests.servers import openssh

needs_sshd = pytest.mark.skipif(not openssh.USABLE, reason="no OpenSSH server on this computer")


def files_below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def rows_of(*paths: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    return rows


PARTS = ["Lake/Customer/Customer_1.csv", "Lake/Customer/Customer_2.csv", "Lake/Customer/Customer_3.csv"]


@pytest.fixture
def lake(shop: Workshop) -> Path:
    folder = shop.outside / "lake"
    shop.customers(2500)
    shop.connect("Lake", "local-folder", {"folder": str(folder)})
    shop.data_out()
    return folder


def test_a_table_arrives_as_parts_that_hold_every_row_once(shop: Workshop, lake: Path) -> None:
    (run,) = shop.run("Lake")
    assert run.status is Status.SUCCESSFUL, shop.log(run)
    found = files_below(lake)
    assert [f for f in found if f.endswith(".csv")] == PARTS
    rows = rows_of(*(lake / part for part in PARTS))
    assert [r["CustomerId"] for r in rows] == [f"C-{i:07}" for i in range(2500)]
    assert rows[7]["FirstName"] == "Zoë 7"
    assert (run.totals.rows, run.totals.files) == (2500, 4)
    assert run.totals.bytes == sum((lake / f).stat().st_size for f in found)
    (model,) = (lake / f for f in found if f.endswith("model.json"))
    entity = json.loads(model.read_text("utf-8"))["entities"][0]
    assert entity["name"] == "Customer"
    assert [a["name"] for a in entity["attributes"]] == ["CustomerId", "Email", "FirstName", "Country"]
    assert len(entity["partitions"]) == 3
    assert not (shop.folder / "runs" / run.id / "staging").exists()


def test_the_next_run_replaces_what_is_there(shop: Workshop, lake: Path) -> None:
    shop.run("Lake")
    stray = lake / "Lake" / "Customer" / "Customer_9.csv"
    stray.write_text("of an earlier run")
    (run,) = shop.run("Lake")
    assert run.status is Status.SUCCESSFUL
    assert [f for f in files_below(lake) if f.endswith(".csv")] == PARTS


def test_a_run_that_fails_leaves_the_last_good_data(
    shop: Workshop, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run("Lake")
    before = {f: (lake / f).read_bytes() for f in files_below(lake)}
    advance = FileDelivery._advance

    def break_at_the_second(self: FileDelivery, part):
        if part.target.endswith("_2.csv"):
            raise OSError(28, "No space left on device")
        return advance(self, part)

    monkeypatch.setattr(FileDelivery, "_advance", break_at_the_second)
    (run,) = shop.run("Lake")
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.what == "Stopped after 1,000 of 2,500 rows."
    assert {f: (lake / f).read_bytes() for f in files_below(lake)} == before
    assert not (shop.folder / "runs" / run.id / "staging").exists()


@pytest.mark.parametrize("change", ["fewer rows", "another column", "removed"])
def test_a_table_changed_while_it_runs_arrives_as_it_was(
    shop: Workshop, lake: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    source = shop.outside / "Customer.csv"
    lines = source.read_text("utf-8").splitlines()
    if change == "another column":
        lines[0] = "CustomerId,Email,FirstName,Land"
    advance = FileDelivery._advance

    def change_at_the_second(self: FileDelivery, part):
        if part.target.endswith("_2.csv"):
            source.write_text("\n".join(lines[:101]) + "\n", "utf-8")
            if change == "removed":
                shop.services.tables.remove("Customer")
            else:
                shop.services.tables.refresh("Customer", JobContext())
        return advance(self, part)

    with monkeypatch.context() as patch:
        patch.setattr(FileDelivery, "_advance", change_at_the_second)
        (run,) = shop.run("Lake")
    assert run.status is Status.SUCCESSFUL, f"{run.error} {shop.log(run)}"
    rows = rows_of(*(lake / part for part in PARTS))
    assert [row["CustomerId"] for row in rows] == [f"C-{i:07}" for i in range(2500)]
    assert list(rows[0]) == ["CustomerId", "Email", "FirstName", "Country"]
    (model,) = (lake / f for f in files_below(lake) if f.endswith("model.json"))
    entity = json.loads(model.read_text("utf-8"))["entities"][0]
    assert [a["name"] for a in entity["attributes"]] == ["CustomerId", "Email", "FirstName", "Country"]
    before = {f: (lake / f).read_bytes() for f in files_below(lake)}
    (again,) = shop.run("Lake")
    if change == "removed":
        assert again.status is Status.FAILED
        assert again.error is not None
        assert again.error.what == "The table “Customer” is gone."
        assert {f: (lake / f).read_bytes() for f in files_below(lake)} == before
        return
    assert again.status is Status.HELD, "it lost 2,400 of its 2,500 rows"
    assert again.held is not None
    approved = shop.services.held_runs.send_anyway(again.id, "2400")
    (again,) = shop.services.runs.wait([approved.id], JobContext())
    assert again.status is Status.SUCCESSFUL
    rows = rows_of(lake / PARTS[0])
    assert len(rows) == again.totals.rows == 100
    assert list(rows[0])[-1] == ("Land" if change == "another column" else "Country")


def test_a_segment_goes_into_a_file_with_the_matched_columns(shop: Workshop, lake: Path) -> None:
    shop.segment("Germany", "DE")
    shop.newsletter(
        "Germany",
        name="Partner",
        connection="Lake",
        target={},
        match={"mail": "Customer.Email", "name": "Customer.FirstName"},
        sync="replace",
        layout={"folder": "{export}", "file": "{segment}_{part}", "keep_earlier_runs": False},
    )
    (run,) = shop.run("Partner")
    assert run.status is Status.SUCCESSFUL, f"{run.error} {shop.log(run)}"
    rows = rows_of(lake / "Partner" / "Germany_1.csv")
    assert len(rows) == run.totals.rows == 625
    assert rows[0] == {"mail": "p0@example.com", "name": "Zoë 0"}


def test_a_table_that_is_gone_is_named(shop: Workshop, lake: Path) -> None:
    shop.services.tables.remove("Customer")
    (run,) = shop.run("Lake")
    assert run.status is Status.FAILED
    assert run.error is not None
    assert "Customer" in run.error.what


@pytest.fixture
def server(tmp_path: Path) -> Iterator[openssh.OpenSshServer]:
    started = openssh.start(tmp_path / "sshd")
    yield started
    started.stop()


@needs_sshd
def test_a_network_cut_over_sftp_leaves_the_last_good_data(
    shop: Workshop, server: openssh.OpenSshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.customers(2500)
    shop.connect("Lake", "sftp", server.values(), {"private_key": server.key})
    shop.data_out()
    (run,) = shop.run("Lake")
    assert run.status is Status.SUCCESSFUL, f"{run.error} {shop.log(run)}"
    before = {f: (server.folder / f).read_bytes() for f in files_below(server.folder)}
    assert [f for f in before if f.endswith(".csv")] == PARTS

    advance = FileDelivery._advance

    def cut_at_the_second(self: FileDelivery, part):
        if part.target.endswith("_2.csv"):
            server.stop()  # the line is cut and stays so: a new connection does not help
        return advance(self, part)

    with monkeypatch.context() as patch:
        patch.setattr(FileDelivery, "_advance", cut_at_the_second)
        (broken,) = shop.run("Lake")
    assert broken.status is Status.FAILED, shop.log(broken)
    assert broken.error is not None
    assert broken.error.what.startswith("Stopped after")
    assert broken.totals.files == 0
    published = [f for f in files_below(server.folder) if not Path(f).name.startswith(".")]
    assert {f: (server.folder / f).read_bytes() for f in published} == before
    server.start_again()
    (again,) = shop.run("Lake")
    assert again.status is Status.SUCCESSFUL


def test_a_full_drive_stops_the_run_and_replaces_nothing(
    small_drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workshop(small_drive, monkeypatch) as shop:
        shop.outside = tmp_path
        shop.customers(60_000)
        lake = tmp_path / "lake"
        shop.connect("Lake", "local-folder", {"folder": str(lake)})
        shop.data_out(format={"type": "csv", "rows_per_file": 500_000})
        filler = small_drive / "filler"
        room = os.statvfs(small_drive)
        filler.write_bytes(b"x" * max(0, room.f_bavail * room.f_frsize - 1_500_000))
        (run,) = shop.run("Lake")
        assert run.status is Status.FAILED
        assert run.error is not None
        assert run.error.action == "try_again"
        assert "full" in f"{run.error.what} {run.error.why}"
        assert files_below(lake) == []
        assert not (shop.folder / "runs" / run.id / "staging").exists()
        filler.unlink()
        (again,) = shop.run("Lake")
        assert again.status is Status.SUCCESSFUL, f"{again.error} {shop.log(again)}"
        assert again.totals.rows == 60_000
