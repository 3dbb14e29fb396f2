from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.core.connections import Access
from app.core.errors import FixData, NotAllowed
from app.core.roles import Role
from app.core.suppression import ChangeKind, ContactKind
from app.data.suppression import list_file
from app.services.counts import CountService
from app.services.scopes import list_at_hand
from app.services.suppression import SuppressionService
from tests.services.auditing import audit_of
from tests.services.conftest import House


@pytest.fixture
def service(looking: House) -> SuppressionService:
    views = looking.exports._views()
    return SuppressionService(
        looking.store,
        lambda: views._engine,
        looking.roles,
        looking.folder,
        audit_of(looking.store),
        clock=looking.clock,
    )


def sha(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def csv_file(folder: Path) -> Path:
    path = folder / "optouts.csv"
    lines = [
        "Id;Name;E-Mail",
        "1;Nora;NORA@example.com ",
        "2;Omar;omar@example.com",
        "3;Pia;no address",
        "4;Nora;nora@example.com",
    ]
    path.write_text("\n".join(lines), "latin-1")
    return path


def bare_file(folder: Path) -> Path:
    path = folder / "bare.txt"
    path.write_text("nora@example.com\nomar@example.com\n", "utf-8")
    return path


def one_line(folder: Path) -> Path:
    path = folder / "one.txt"
    path.write_text("nora@example.com", "utf-8")
    return path


def hashed_file(folder: Path) -> Path:
    path = folder / "hashed.csv"
    path.write_text(f"{sha('nora@example.com')}\n{sha('omar@example.com').upper()}\n", "utf-8")
    return path


def named_hashes(folder: Path) -> Path:
    path = folder / "named.csv"
    path.write_text(f"who,email_sha256\na,{sha('nora@example.com')}\nb,{sha('omar@example.com')}\n", "utf-8")
    return path


def book(folder: Path) -> Path:
    made = openpyxl.Workbook()
    made.active.append(["About this book"])
    sheet = made.create_sheet("Calls")
    for row in (["Name", "Tel"], ["Nora", "+49 30 123456"], ["Omar", "0049 30 765432"]):
        sheet.append(row)
    made.save(folder / "calls.xlsx")
    return folder / "calls.xlsx"


def parquet(folder: Path) -> Path:
    pq.write_table(pa.table({"n": [1, 2], "mail": ["nora@example.com", None]}), folder / "x.parquet")
    return folder / "x.parquet"


@pytest.mark.parametrize(
    ("make", "column", "kind", "hashed", "new", "unreadable"),
    [
        (csv_file, "E-Mail", ContactKind.EMAIL, False, 2, 1),
        (bare_file, "Column_1", ContactKind.EMAIL, False, 2, 0),
        (one_line, "Column_1", ContactKind.EMAIL, False, 1, 0),
        (hashed_file, "Column_1", ContactKind.EMAIL, True, 2, 0),
        (named_hashes, "email_sha256", ContactKind.EMAIL, True, 2, 0),
        (book, "Tel", ContactKind.PHONE, False, 2, 0),
        (parquet, "mail", ContactKind.EMAIL, False, 1, 0),
    ],
)
def test_files_of_any_kind_are_guessed_and_imported(
    looking: House,
    service: SuppressionService,
    make: Callable[[Path], Path],
    column: str,
    kind: ContactKind,
    hashed: bool,
    new: int,
    unreadable: int,
) -> None:
    file = make(looking.folder)
    preview = service.preview(file, looking.ctx)
    assert (preview.column, preview.kind, preview.hashed) == (column, kind, hashed)
    assert preview.values
    assert not any(value in {"nora@example.com", "+49 30 123456", sha("nora@example.com")} for value in preview.values)
    done = service.import_file(file, looking.ctx)
    assert (done.name, done.kind, done.new, done.known, done.unreadable) == (file.name, kind, new, 0, unreadable)
    again = service.import_file(file, looking.ctx)
    assert (again.new, again.known) == (0, new)
    assert service.numbers().entries == new
    value = "+4930123456" if kind is ContactKind.PHONE else " Nora@Example.com"
    listing = service.check(value)
    assert listing is not None
    assert (listing.source, listing.kind) == (file.name, kind)
    assert not list((looking.folder / "data").glob(".staging-*"))


def test_pasted_values_and_what_they_do_to_a_count(looking: House, service: SuppressionService) -> None:
    views = looking.exports._views()
    counts = CountService(looking.store, lambda: views._engine, looking.exports._destinations, clock=looking.clock)
    before = counts.count("Gold", "tiny", looking.ctx)
    assert (before.members, before.to_send, before.suppressed) == (3, 2, 0)
    assert counts.current("Gold", "tiny") == before
    done = service.import_text("NORA@example.com; someone@else.org\n\tnobody", looking.ctx, name="From the phone")
    assert (done.new, done.unreadable) == (2, 1)
    assert counts.current("Gold", "tiny") is None  # a count made before is stale
    after = counts.count("Gold", "tiny", looking.ctx)
    assert (after.members, after.eligible, after.to_send, after.suppressed) == (3, 2, 1, 1)
    everybody = counts.count("Gold", None, looking.ctx)
    assert (everybody.members, everybody.suppressed) == (3, 1)
    assert counts.total(["Gold"], "tiny", looking.ctx).suppressed == 1
    assert counts.suppressed(looking.exports.get("Newsletter").export, looking.ctx) == 1
    service.undo_import(done.source_id)
    assert counts.count("Gold", "tiny", looking.ctx).to_send == 2
    assert service.changes(1)[0].what is ChangeKind.IMPORT_UNDONE


def test_a_preview_of_an_export_shows_nobody_on_the_list(looking: House, service: SuppressionService) -> None:
    service.import_text("nora@example.com", looking.ctx)
    shown = looking.exports.preview("Newsletter", 3, looking.ctx)
    assert [sample.key for sample in shown.samples] == ["2"]


def test_a_preview_of_a_table_masks_the_rows_that_are_left(
    looking: House, service: SuppressionService, tmp_path: Path
) -> None:
    service.import_text("nora@example.com\nomar@example.com", looking.ctx)
    looking.connections.add("Folder", "local-folder", {"folder": str(tmp_path)}, {}, Access.CONTRIBUTORS, agreed=True)
    document = {"name": "Out", "kind": "data-out", "connection": "Folder", "tables": ["Customer"]}
    looking.exports.apply({**document, "consent": {"agreed": True}, "leave_out_suppressed": True})
    [file] = looking.exports.preview("Out", 2, looking.ctx).files
    assert [line.split(",")[0] for line in file.lines] == ["CustomerId", "3", "4"]
    assert "quinn" not in repr(file)
    [file] = looking.exports.preview("Out", 2, looking.ctx, masked=False).files
    assert "quinn@example.com" in repr(file)


def test_one_value_is_taken_off_with_a_reason_and_put_back(looking: House, service: SuppressionService) -> None:
    service.import_text("nora@example.com\nomar@example.com", looking.ctx)
    looking.clock.forward(hours=1)
    with pytest.raises(FixData, match="no reason"):
        service.take_off("nora@example.com", "  ")
    taken = service.take_off(" NORA@example.com", "asked for it")
    assert service.check("nora@example.com") is None
    assert service.numbers().entries == 1
    with pytest.raises(FixData, match="not on it"):
        service.take_off("nora@example.com", "again")
    service.put_back(taken)
    assert service.check("nora@example.com") is not None
    with pytest.raises(FixData, match="gone from it"):
        service.put_back(taken)
    assert [(c.what, c.entries, c.reason) for c in service.changes(2)] == [
        (ChangeKind.PUT_BACK, 1, ""),
        (ChangeKind.TAKEN_OFF, -1, "asked for it"),
    ]


def test_a_source_is_removed_and_put_back(looking: House, service: SuppressionService) -> None:
    first = service.import_text("nora@example.com\nomar@example.com", looking.ctx, name="a")
    service.import_text("omar@example.com", looking.ctx, name="b")
    service.remove_source(first.source_id)
    assert (service.numbers().entries, [s.name for s in service.sources()]) == (1, ["b"])
    with pytest.raises(FixData, match="gone from it"):
        service.remove_source(first.source_id)
    service.put_back_source(first.source_id)
    assert service.numbers().entries == 2
    assert [(c.what, c.source, c.entries) for c in service.changes(2)] == [
        (ChangeKind.SOURCE_PUT_BACK, "a", 1),
        (ChangeKind.SOURCE_REMOVED, "a", -1),
    ]


@pytest.mark.parametrize(
    ("text", "column", "kind", "words"),
    [
        ("a,b\n1,2\n3,4\n", None, None, "No column with"),
        ("a,mail\n1,a@x.de\n3,b@x.de\n", "Mail2", None, "no column Mail2"),
        ("a,mail\n1,a@x.de\n3,b@x.de\n", "a", ContactKind.PHONE, "was not imported"),
        ("", None, None, "empty"),
    ],
)
def test_what_can_not_be_imported_is_said(
    looking: House, service: SuppressionService, text: str, column: str | None, kind: ContactKind | None, words: str
) -> None:
    path = looking.folder / "list.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(FixData, match=words):
        service.import_file(path, looking.ctx, column=column, kind=kind)
    assert service.numbers().entries == 0
    with pytest.raises(FixData, match="can't be compared"):
        service.check("nobody")


def test_roles(looking: House, service: SuppressionService) -> None:
    done = service.import_text("nora@example.com", looking.ctx)
    looking.role(Role.CONTRIBUTOR)
    assert service.check("nora@example.com") is not None
    assert len(service.sources()) == len(service.changes()) == 1
    for change in (
        lambda: service.import_text("a@x.de", looking.ctx),
        lambda: service.preview_text("a@x.de", looking.ctx),
        lambda: service.import_file(Path("x.csv"), looking.ctx),
        lambda: service.remove_source(done.source_id),
        lambda: service.undo_import(done.source_id),
        lambda: service.take_off("nora@example.com", "because"),
    ):
        with pytest.raises(NotAllowed):
            change()
    looking.role(Role.VIEWER)
    assert service.numbers().entries == 1
    for look in (service.sources, service.changes, lambda: service.check("nora@example.com")):
        with pytest.raises(NotAllowed):
            look()


def test_the_workspace_holds_no_value(looking: House, service: SuppressionService) -> None:
    value = "someone-nobody-else-has@example.org"
    service.import_text(value, looking.ctx)
    list_at_hand(looking.store, looking.folder)
    plain, hashed = value.encode(), sha(value)
    for path in looking.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert plain not in content, path
            assert hashed.encode() not in content, path
            assert bytes.fromhex(hashed) not in content, path


def test_a_list_whose_file_is_lost_is_written_again(looking: House, service: SuppressionService) -> None:
    service.import_text("nora@example.com", looking.ctx)
    facts = looking.store.suppression.facts()
    assert facts is not None
    path = list_file(looking.folder, facts.generation)
    whole = path.read_bytes()
    path.unlink()
    assert list_at_hand(looking.store, looking.folder) == facts
    assert path.read_bytes() == whole


def test_old_removals_and_files_are_cleared_away(looking: House, service: SuppressionService) -> None:
    done = service.import_text("nora@example.com", looking.ctx)
    service.remove_source(done.source_id)
    looking.clock.forward(days=2)
    service.tidy(looking.clock() - timedelta(days=1))
    with pytest.raises(FixData, match="gone from it"):
        service.put_back_source(done.source_id)
