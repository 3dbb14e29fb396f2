from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QSizeF
from PySide6.QtWidgets import QApplication, QFileDialog

from app.bootstrap import Services
from app.cli.receipts import receipt_lines
from app.core.batches import BatchKind, BatchState
from app.core.plans import Change
from app.core.receipts import ReceiptFile, sealed
from app.core.runs import Run, Totals
from app.jobs import JobContext
from app.services.receipts import KeptReceipt
from app.ui.formats import Formats
from app.ui.pages.plan import UndoPlanPage
from app.ui.pages.receipt import ReceiptPage
from app.ui.pages.receipt.paper import _document, paginated, receipt_blocks, receipt_pdf
from app.ui.pages.runs import RunsPage
from app.ui.widgets.facts import Fact
from app.ui.widgets.labels import Label
from app.ui.widgets.notes import Note
from tests.services.history import History, history_in
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench
from tests.ui.test_runs_page import run, with_rejects  # noqa: F401 - a fixture


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    with page_bench(small_services, theme, runner) as made:
        yield made


def receipt_page(bench: PageBench, done: Run) -> ReceiptPage:
    page = bench.show(ReceiptPage(bench.context))
    page.activate(done.id)
    bench.settle()
    return page


def facts(card) -> dict[str, str]:
    return {fact.label: fact.value for fact in card.facts.facts()}


def printed(kept: KeptReceipt, formats: Formats) -> str:
    return "".join(block.html for block in receipt_blocks(kept, formats))


def save(bench: PageBench, button, path) -> None:
    button.click()
    QApplication.processEvents()
    dialog = next(d for d in bench.window.findChildren(QFileDialog) if d.isVisible())
    dialog.fileSelected.emit(str(path))
    dialog.close()
    bench.settle()


def test_a_receipt_shows_hosts_read_back_configuration_and_rejects(bench, with_rejects):  # noqa: F811 - the fixture
    page = receipt_page(bench, with_rejects)
    assert page._head._title.words() == "Receipt for Letter"
    assert page._pill.accessibleName() == "Completed with rejects"
    [note] = page._asked.findChildren(Note)
    assert note.accessibleName().startswith("Mailchimp reports 198 members, as expected")
    rows = page._hosts.table.rows_model.rows
    assert [line.cells[1] for line in rows] == ["Set-up", "Members", "Read back"]
    assert {line.cells[0] for line in rows} == {"127.0.0.1"}
    told = facts(page._configuration)
    assert (told["Destination"], told["Connection"], told["Segment"]) == ("Mailchimp", "News", "Everyone")
    assert sum(int(number) for words, number in facts(page._rejects).items() if words != "SHA-256") == 2
    assert not page._files.isVisible()
    assert not page._changed.isVisible()
    assert nameless(page) == []


@pytest.mark.parametrize("width", [1152, 960])
def test_long_reasons_take_lines_and_not_the_numbers_beyond_the_edge(bench, with_rejects, width):  # noqa: F811 - the fixture
    page = bench.show(ReceiptPage(bench.context), size=(width, 860))
    page.activate(with_rejects.id)
    bench.settle()
    page._rejects.show_facts(
        [Fact("There is no mailbox of this address; mail to it comes back to whoever sent it.", "4,010")]
    )
    bench.settle()
    panel = page._body.panel
    for value in page._rejects.facts.findChildren(Label):
        assert value.mapTo(panel, value.rect().topRight()).x() < panel.width()
    assert page._rejects.facts.height() > 2 * page.fontMetrics().height()


def test_files_stand_in_place_of_hosts_when_nothing_left_the_computer(bench, small_services):
    [done] = run(small_services, "Whole tables")
    page = receipt_page(bench, done)
    assert not page._hosts.isVisible()
    rows = page._files.table.rows_model.rows
    assert len(rows) == done.totals.files
    assert all(len(line.sum) == 64 for line in rows)


def test_it_is_saved_as_it_was_written_and_as_pdf(bench, with_rejects, tmp_path):  # noqa: F811 - the fixture
    page = receipt_page(bench, with_rejects)
    save(bench, page.as_json, tmp_path / "receipt.json")
    assert json.loads((tmp_path / "receipt.json").read_text("utf-8"))["run"] == with_rejects.id
    save(bench, page.as_pdf, tmp_path / "receipt.pdf")
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF-")
    assert [toast.text for toast in bench.navigator.toasts] == ["Saved receipt.json", "Saved receipt.pdf"]
    text = printed(page._kept, bench.context.formats)
    assert "fake.example" not in text
    assert page._kept.receipt.configuration.sha256 in text


def test_a_place_that_can_not_be_written_is_told(bench, with_rejects, tmp_path):  # noqa: F811 - the fixture
    page = receipt_page(bench, with_rejects)
    save(bench, page.as_pdf, tmp_path / "nowhere" / "receipt.pdf")
    save(bench, page.as_json, tmp_path / "nowhere" / "receipt.json")
    assert [error.code for error in bench.navigator.errors] == ["not_writable", "not_writable"]
    bench.navigator.errors.clear()


def test_a_changed_receipt_says_so(bench, small_services):
    [done] = run(small_services, "Whole tables")
    file = small_services.folder / "runs" / done.id / "receipt.json"
    file.write_bytes(file.read_bytes().replace(b"Whole tables", b"Some tables"))
    page = receipt_page(bench, done)
    assert page._changed.isVisible()
    assert "was changed after" in printed(page._kept, bench.context.formats)


def test_a_run_that_was_resumed_says_so_and_whom_it_found_there(bench, with_rejects):  # noqa: F811 - the fixture
    page = receipt_page(bench, with_rejects)
    receipt, formats = page._kept.receipt, bench.context.formats
    asked = replace(receipt.batches[0], number=9, kind=BatchKind.ASK)
    resumed = replace(receipt, batches=(*receipt.batches, asked), interruptions=(receipt.ended_at,))
    file = bench.context.services.folder / "runs" / with_rejects.id / "receipt.json"
    file.write_bytes(msgspec.json.encode(sealed(msgspec.to_builtins(resumed))))
    page.refresh()
    bench.settle()
    assert page._batches.table.rows_model.rows[-1].cells[1] == "Found there"
    assert "Interrupted" in facts(page._times)
    assert "Nothing else" not in page._hosts._remark.words()
    assert "Interrupted" in printed(replace(page._kept, receipt=resumed), formats)
    assert receipt_lines(replace(page._kept, receipt=resumed))


def test_paper_holds_what_somebody_reads_and_says_where_the_rest_is(bench, with_rejects):  # noqa: F811 - the fixture
    page = receipt_page(bench, with_rejects)
    batch = page._kept.receipt.batches[0]
    doubtful = replace(batch, state=BatchState.IN_DOUBT, totals=Totals())
    batches = [replace(doubtful if number == 999 else batch, number=number) for number in range(1, 1001)]
    kept = replace(page._kept, receipt=replace(page._kept.receipt, batches=tuple(batches)))
    text = printed(kept, bench.context.formats)
    assert "The first 200 of 1,000 and those that need a look are printed" in text
    assert (">200<" in text, ">201<" in text, ">999<" in text) == (True, False, True)


def test_no_line_is_cut_between_two_pages_and_tables_have_their_heads_on_each(bench, with_rejects):  # noqa: F811 - the fixture
    page = receipt_page(bench, with_rejects)
    receipt = page._kept.receipt
    batches = tuple(replace(receipt.batches[0], number=number) for number in range(1, 101))
    files = tuple(ReceiptFile(f"s3://lake/{'orders' * 30}-{number}.csv", 9, 9, "a" * 64) for number in range(30))
    many = replace(receipt.configuration, fields=tuple(f"Field number {number}" for number in range(900)))
    kept = replace(page._kept, receipt=replace(receipt, batches=batches, files=files, configuration=many))
    blocks = receipt_blocks(kept, bench.context.formats)
    room = QSizeF(672, 980)
    pages = list(paginated(blocks, room))
    heads, alone = {block.head for block in blocks} - {""}, [block.html for block in blocks if not block.with_next]
    placed = [each for sheet in pages for each in sheet]
    assert [each.html for each in placed if each.html in alone and not each.skipped] == alone
    assert any(each.skipped for each in placed)  # of the fields there are more than a page holds
    kept_by = {block.html for block in blocks if block.with_next}
    lines = {block.html: block.head for block in blocks if block.head}
    for sheet in pages:
        assert sheet[-1].html not in kept_by
        below = [*(each.top for each in sheet[1:]), room.height()]
        for each, end in zip(sheet, below, strict=True):
            height = _document(each.html, room).size().height()
            assert height <= room.height() or not each.top
            assert each.top + min(height - each.skipped, room.height()) <= end
        first = next((each.html for each in sheet if each.html in lines), None)
        if first is not None:
            assert any(each.html == lines[first] for each in sheet[: [e.html for e in sheet].index(first)])
    assert len(heads) == 3
    assert receipt_pdf(kept, bench.context.formats).startswith(b"%PDF-")


def test_a_run_leads_to_its_receipt_and_back(bench, small_services):
    [done] = run(small_services, "Whole tables")
    runs = bench.show(RunsPage(bench.context))
    runs._details.receipt.click()
    assert bench.navigator.pages[-1] == ("receipt", done.id)


def test_a_run_without_one_says_why(bench, small_services):
    [done] = run(small_services, "Whole tables")
    bench.wait(lambda: small_services.runs._live.get(done.id) is None)  # its end is told a moment before
    (small_services.folder / "runs" / done.id / "receipt.json").unlink()
    page = receipt_page(bench, done)
    assert page._error.accessibleName().startswith("This run has no receipt.")
    page._error.primary_clicked.emit()
    assert bench.navigator.pages[-1] == ("runs", done.id)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        yield made


@pytest.fixture
def two_runs(history: History) -> list[Run]:
    done = [history.run()]
    history.customers({0: ("DE", "Eve"), 1: ("AT", "Ann"), 2: ("DE", "Ann"), 3: ("DE", "Ann")})
    return [*done, history.run()]


@pytest.fixture
def history_bench(history: History, theme, runner) -> Iterator[PageBench]:
    with page_bench(history.services, theme, runner) as made:
        yield made


def test_the_last_run_is_undone_after_its_plan_was_seen(history_bench, history, two_runs):
    bench = history_bench
    page = receipt_page(bench, two_runs[1])
    assert page.undo_bar.words.words().startswith(
        "Undo takes out 1 member this run added and puts back 1 member it removed. "
        "1 member keeps the new values: the earlier ones are not kept. Possible until "
    )
    page.undo_bar.button.click()
    bench.settle()
    dialog = bench.dialog()
    assert [number.words() for number, _words in dialog.numbers] == ["−1", "+1", "1"]
    assert nameless(dialog) == []
    assert dialog._pages.sizeHint() == dialog._made.sizeHint(), "it is no higher than what it says"
    history.now += timedelta(hours=1)
    dialog.undo.click()
    bench.settle()
    name, started = bench.navigator.pages[-1]
    assert name == "runs"
    history.services.runs.wait([started], JobContext())
    assert history.kept(started).undoes == two_runs[1].id
    assert history.tagged() == {"p0@example.com", "p1@example.com", "p2@example.com"}
    page.activate(two_runs[1].id)
    bench.settle()
    assert not page.undo_bar.button.isEnabled()
    assert page.undo_bar.words.words() == "This run can’t be undone. It was undone already."
    page.activate(started)
    bench.settle()
    shown = [label.text() for label in page.findChildren(Label)]
    assert shown[shown.index("Takes back run") + 1] == two_runs[1].id
    assert shown[shown.index("Keep new values") + 1] == "1 member"


def test_the_dialog_leads_to_the_plan(history_bench, two_runs):
    page = receipt_page(history_bench, two_runs[1])
    page.undo_bar.button.click()
    history_bench.settle()
    history_bench.dialog().review.click()
    history_bench.settle()
    assert history_bench.navigator.pages[-1] == ("undo-plan", two_runs[1].id)


def test_the_plan_of_undoing_is_looked_at_member_by_member_and_becomes_the_run(history_bench, history, two_runs):
    bench = history_bench
    plan = bench.show(UndoPlanPage(bench.context))
    plan.activate(two_runs[1].id)
    bench.settle()
    said = " ".join(label.text() for label in plan.findChildren(Label))
    assert "1 member keeps the new values: the earlier ones are not kept. Nothing has been sent yet." in said
    told = {(line.member.member, line.member.change, str(line.member.reason)) for line in plan._lines}
    assert told == {
        ("C-1", Change.ADDED, "Joined: put back, because the run that removed it is undone"),
        ("C-3", Change.REMOVED, "Left: taken out again, because the run that added it is undone"),
    }
    plan.table.select_keys([line.id for line in plan._lines if line.member.change is Change.REMOVED])
    bench.settle()
    request = json.loads(plan.panel.code.toPlainText().partition("\n\n")[2])
    assert list(request) == ["members_to_remove"]
    assert nameless(plan) == []
    history.now += timedelta(hours=1)
    plan.send.click()
    bench.settle()
    name, started = bench.navigator.pages[-1]
    assert name == "runs"
    history.services.runs.wait([started], JobContext())
    assert history.kept(started).undoes == two_runs[1].id
    assert history.tagged() == {"p0@example.com", "p1@example.com", "p2@example.com"}
    plan._head.back_asked.emit()
    assert bench.navigator.pages[-1] == ("receipt", two_runs[1].id)


def test_an_earlier_run_says_why_it_can_not_be_undone(history_bench, two_runs):
    page = receipt_page(history_bench, two_runs[0])
    assert page.undo_bar.isVisible()
    assert not page.undo_bar.button.isEnabled()


def test_a_plan_that_fails_stands_in_the_dialog(history_bench, history, two_runs):
    page = receipt_page(history_bench, two_runs[1])
    history.add("Letter", target={"audience_id": history.emulator.audience.id, "tag": "Elsewhere"})
    page.undo_bar.button.click()
    history_bench.settle()
    dialog = history_bench.dialog()
    assert dialog.problem.isVisible()
    assert not dialog.undo.isEnabled()
    dialog.reject()
