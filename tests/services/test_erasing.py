from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.connections import Access
from app.core.erasing import Trace, person_of
from app.core.errors import FixData, NotAllowed, TryAgain
from app.core.roles import Role
from app.core.suppression import ContactKind
from app.jobs import JobContext
from tests.services.history import History, history_in

CTX = JobContext()
EVE = "p1@example.com"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        made.customers(dict.fromkeys(range(4), ("DE", "Ann")))
        yield made


def found(erasure) -> dict[tuple[str, str], int]:
    return {(each.trace, each.name): each.number for each in erasure.found}


def files_with(history: History, *needles: str) -> list[str]:
    """Files beside the tables in which one of the texts stands as it is; Parquet is not compressed beyond recognition here."""
    folder = history.services.folder
    paths = [*folder.glob("runs/**/*"), *folder.glob("sent/**/*")]
    hits = []
    for path in paths:
        if path.suffix == ".parquet":
            with history.services.engine().cursor(CTX.token) as cursor:
                text = json.dumps(cursor.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall(), default=str)
        else:
            text = path.read_text("utf-8") if path.is_file() else ""
        if any(needle in text for needle in needles):
            hits.append(str(path.relative_to(folder)))
    return hits


def test_looking_changes_nothing_and_finds_every_trace(history: History) -> None:
    history.emulator.audience.compliance.add("p2@example.com")
    history.run()
    history.services.segments.save(
        {"name": "Chosen", "of": "customers", "list": str(list_of(history, "C-1", "C-2"))}, None
    )
    before = files_with(history, EVE, "C-1")
    looked = history.services.erasing.look(EVE, CTX)
    assert found(looked) == {
        (Trace.CHANGES, "Letter"): 1,
        (Trace.SENT, "Letter"): 1,
        (Trace.FIXED_LIST, "Chosen"): 1,
        (Trace.REMOVED, "Customer"): 1,
    }
    assert looked.tables == ("Customer",)
    assert [(each.export, each.connection, each.removed_by_run) for each in looked.remains] == [
        ("Letter", "Mail", True)
    ]
    assert files_with(history, EVE, "C-1") == before
    rejected = history.services.erasing.look("p2@example.com", CTX)
    assert (Trace.REJECTS, "Letter") in found(rejected)


def list_of(history: History, *keys: str) -> Path:
    path = history.folder / "list.csv"
    path.write_text("\n".join(["CustomerId", *keys]), "utf-8")
    return path


def test_a_mirrored_export_takes_the_person_out_and_then_nothing_is_left(history: History) -> None:
    history.run()
    done = history.services.erasing.erase(EVE, CTX, suppress=True)
    assert done.suppressed
    assert history.services.suppression.check(EVE) is not None
    left = files_with(history, EVE)
    assert left
    assert all(name.startswith("sent/") for name in left)
    run = history.run()
    assert run.totals.removed == 1
    assert EVE not in history.tagged()
    again = history.services.erasing.erase(EVE, CTX, suppress=True)
    assert found(again) == {(Trace.CHANGES, "Letter"): 1}
    assert files_with(history, EVE, '"C-1"') == []


def test_at_once_drops_the_note_too_and_says_what_is_left_there(history: History) -> None:
    history.run()
    done = history.services.erasing.erase(EVE, CTX, suppress=False, at_once=True)
    assert not done.suppressed
    assert [each.removed_by_run for each in done.remains] == [False]
    assert files_with(history, EVE, '"C-1"') == []
    assert EVE in history.tagged()


@pytest.mark.parametrize(("only", "until_the_next_run"), [("three-files", True), (True, False)])
def test_keys_that_exports_of_changed_rows_remember(
    history: History, only: str | bool, until_the_next_run: bool
) -> None:
    services = history.services
    folder = {"folder": str(history.folder / "lake")}
    services.connections.add("Lake", "local-folder", folder, {}, Access.CONTRIBUTORS, agreed=True)
    services.exports.apply(
        {
            "name": "Tables",
            "kind": "data-out",
            "connection": "Lake",
            "tables": ["Customer"],
            "layout": {"only_changes": only},
            "consent": {"agreed": True},
        }
    )
    assert history.run("Tables").totals.rows == 4
    looked = services.erasing.look(EVE, CTX)
    assert found(looked)[Trace.SENT, "Tables"] == 1
    assert [each.removed_by_run for each in looked.remains if each.export == "Tables"] == [until_the_next_run]
    services.erasing.erase(EVE, CTX, suppress=False)
    assert ((Trace.SENT, "Tables") in found(services.erasing.look(EVE, CTX))) == until_the_next_run
    history.customers(dict.fromkeys((0, 2, 3), ("DE", "Ann")))
    run = history.run("Tables")
    assert (run.totals.removed, run.totals.unchanged) == (int(until_the_next_run), 3)
    assert (Trace.SENT, "Tables") not in found(services.erasing.look("C-1", CTX))


def test_numbers_stay_true(history: History) -> None:
    history.emulator.audience.compliance.add(EVE)
    first = history.run()
    history.customers({0: ("DE", "Ann"), 1: ("DE", "Ann")})
    second = history.run()
    before = history.services.comparing.compare(first.id, second.id, CTX)
    assert history.services.runs.rejects(first.id).total == 1
    for value in (EVE, "p3@example.com"):
        history.services.erasing.erase(value, CTX, suppress=False, at_once=True)
    after = history.services.comparing.compare(first.id, second.id, CTX)
    assert (after.left, after.joined) == (before.left, before.joined)
    page = history.services.runs.rejects(first.id, masked=False)
    assert page.total == 1
    assert [(each.member, each.value) for each in page.rejects] == [("erased", "")]
    assert files_with(history, EVE, "p3@example.com", '"C-3"') == []


def test_a_person_is_found_by_key_too(history: History) -> None:
    history.run()
    looked = history.services.erasing.look("C-1", CTX)
    assert found(looked)[Trace.SENT, "Letter"] == 1
    assert history.services.erasing.look("C-77", CTX).found == ()
    history.services.erasing.erase("C-1", CTX, suppress=True, at_once=True)
    assert files_with(history, EVE, '"C-1"') == []
    assert history.services.suppression.numbers().entries == 0  # a key is nothing that could be listed


def test_a_fixed_list_loses_the_person_and_counts_anew(history: History) -> None:
    history.services.segments.save(
        {"name": "Chosen", "of": "customers", "list": str(list_of(history, "C-1", "C-2"))}, None
    )
    assert history.services.counts.count("Chosen", "mailchimp", CTX).members == 2
    history.services.erasing.erase(EVE, CTX, suppress=False)
    assert history.services.counts.count("Chosen", "mailchimp", CTX).members == 1


def names_anybody(history: History, *needles: str) -> list[str]:
    """Files in which one of the texts stands, whatever they are: their bytes, and the cells of those that are Parquet."""
    hits = []
    for path in sorted(history.services.folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes().lower()
        if content[:4] == b"par1":
            with history.services.engine().cursor(CTX.token) as cursor:
                rows = cursor.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            content += json.dumps(rows, default=str).lower().encode()
        if any(needle.lower().encode() in content for needle in needles):
            hits.append(path.relative_to(history.services.folder).as_posix())
    return hits


def every_form(*texts: str) -> list[str]:
    plain = [form for text in texts for form in (text, text.lower())]
    digests = [kind(text.encode()).hexdigest() for text in plain for kind in (hashlib.sha256, hashlib.md5)]
    return [*plain, *digests, *(str(uuid.UUID(digest)) for digest in digests if len(digest) == 32)]


def test_no_byte_names_the_person_once_source_and_destinations_forgot_them(history: History) -> None:
    eve, services = every_form("p1@example.com", "C-1KEY"), history.services
    people = {"0": "Ann", "1KEY": "Ann", "2": "Ann", "3": "Ann"}

    def customers(named: Iterable[str], name: str) -> None:
        history.customers(dict.fromkeys(named, ("DE", name)))
        path = history.folder / "Customer.csv"
        path.write_text(path.read_text("utf-8").replace("p1KEY@", "p1@"), "utf-8")
        services.tables.refresh("Customer", CTX)

    customers(people, "Ann")
    orders = history.folder / "Orders.csv"
    orders.write_text("OrderId,CustomerId\n1,C-1KEY\n2,C-2\n", "utf-8")
    services.tables.add([orders], None, CTX)
    services.segments.save({"name": "Chosen", "of": "customers", "list": str(list_of(history, "C-1KEY", "C-2"))}, None)
    rules = [{"all": [{"field": "Customer.Email", "is": EVE}]}]
    services.segments.save({"name": "Only Eve", "of": "customers", "rules": rules}, None)
    services.segments.save(
        {"name": "Eve in words", "of": "customers", "sql": f"SELECT CustomerId FROM Customer WHERE Email = '{EVE}'"},
        None,
    )
    history.add("Listed", segments=["Chosen"])
    history.add("Ruled", segments=["Only Eve", "Eve in words"])
    for name in ("Letter", "Listed", "Ruled"):
        assert history.run(name).done
    history.emulator.audience.compliance.add(EVE)
    customers(people, "Bob")
    assert history.run().totals.rejected == 1
    history.emulator.audience.compliance.clear()

    done = services.erasing.erase(EVE, CTX, suppress=True)
    assert set(done.rules) == {"Only Eve", "Eve in words"}
    assert set(done.tables) == {"Customer", "Orders"}
    assert {each.export for each in done.remains} == {"Letter", "Listed", "Ruled"}
    assert found(done)[Trace.NOTED_RULES, "Ruled"] == 3
    assert found(done)[Trace.REMOVED, "Customer"] == 1  # the rows before the refresh

    for name in ("Letter", "Listed", "Ruled"):
        history.run(name)
    customers([each for each in people if each != "1KEY"], "Bob")
    orders.write_text("OrderId,CustomerId\n2,C-2\n", "utf-8")
    services.tables.refresh("Orders", CTX)
    services.exports.remove("Ruled")
    services.segments.remove("Only Eve")
    services.segments.remove("Eve in words")
    looked = services.erasing.look(EVE, CTX)
    assert (looked.rules, looked.tables, looked.remains) == ((), (), ())
    assert found(looked)[Trace.REMOVED, "Only Eve"] == found(looked)[Trace.REMOVED, "Eve in words"] == 1
    assert names_anybody(history, *eve)
    services.erasing.erase(EVE, CTX, suppress=False)
    assert names_anybody(history, *eve) == []
    assert services.erasing.look(EVE, CTX).found == ()


def test_what_dead_processes_left_half_written_goes(history: History) -> None:
    run = history.run()
    (held,) = history.services.folder.glob("sent/*/*/*")
    runs = history.services.folder / "runs" / run.id
    left = [
        held / "plan.tmp",
        held / "plan.differing.tmp",
        held / "plan.there.tmp",
        held / "000002.tmp",
        held / "changes.tmp",
        runs / "changes" / f"{held.name}.part",
        runs / "rejects.jsonl.part",
        runs / "staging" / "Customer_1.csv",
        history.services.folder / "written" / "e1" / "p1" / "tables" / "t1.next",
    ]
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(EVE, "utf-8")
    history.services.erasing.look(EVE, CTX)
    assert all(file.exists() for file in left)
    history.services.erasing.erase(EVE, CTX, suppress=False, at_once=True)
    assert not any(file.exists() for file in left)


def test_a_removed_table_with_the_person_can_not_be_put_back(history: History) -> None:
    removed = history.services.tables.remove("Customer")
    assert found(history.services.erasing.look(EVE, CTX)) == {(Trace.REMOVED, "Customer"): 1}
    history.services.erasing.erase(EVE, CTX, suppress=False)
    with pytest.raises(FixData):
        history.services.tables.put_back(removed)


def test_a_plan_that_waits_to_be_resumed_is_told_and_stays(history: History) -> None:
    history.run()
    (newest,) = history.services.folder.glob("sent/*/*/*/[0-9]*.parquet")
    newest.with_name("plan.parquet").write_bytes(newest.read_bytes())
    done = history.services.erasing.erase(EVE, CTX, suppress=False, at_once=True)
    assert done.interrupted == ("Letter",)
    assert newest.with_name("plan.parquet").exists()


@given(st.from_regex(r"[a-z0-9]{1,9}@[a-z]{2,5}\.de", fullmatch=True), st.text("ab1.@- '\"", max_size=9))
def test_a_text_loses_the_value_and_nothing_else(address: str, around: str) -> None:
    person = person_of(address, "DE").also(keys=["7"])
    assert person.named_in(f'{{"is": "{address.upper()}"}}')
    assert person.blanked(f"x = '{address}' {around}").startswith("x = 'erased' ")
    assert not person.named_in(f"a{address}")
    assert not person.named_in(f"{address}x")
    assert person.blanked('{"n": 7, "key": "7"}') == '{"n": 7, "key": "erased"}'


def test_rules_that_name_the_value_are_told(history: History) -> None:
    rules = [{"all": [{"field": "Customer.Email", "is": EVE}]}]
    history.services.segments.save({"name": "Only Eve", "of": "customers", "rules": rules}, None)
    assert history.services.erasing.look(EVE, CTX).rules == ("Only Eve",)


def test_who_may_not_and_what_can_not_be_is_refused(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    done = history.run()
    with pytest.raises(FixData):
        history.services.erasing.look("  ", CTX)
    monkeypatch.setattr(history.store.runs, "running", lambda: [done])
    with pytest.raises(TryAgain):
        history.services.erasing.erase(EVE, CTX, suppress=True)
    history.services.roles.set_role(Role.CONTRIBUTOR)
    with pytest.raises(NotAllowed):
        history.services.erasing.look(EVE, CTX)


def test_the_audit_trail_knows_that_and_not_whom(history: History) -> None:
    history.run()
    history.services.erasing.erase(EVE, CTX, suppress=True)
    entry = next(each for each in history.services.audit.page().entries if each.deed == "person_erased")
    assert "3 entries in 3 places" in entry.note
    assert EVE not in repr(entry)


@given(st.emails())
def test_an_address_is_found_however_it_is_written_and_hashed(address: str) -> None:
    person = person_of(f" {address.upper()} ", "DE")
    if person.kind is ContactKind.EMAIL:
        assert person.is_value(address)
        assert person.is_value(hashlib.sha256(address.lower().encode()).hexdigest())


def test_a_phone_number_is_found_as_targets_take_it() -> None:
    person = person_of("0171 1234567", "DE")
    assert person.kind is ContactKind.PHONE
    assert person.is_value("+491711234567")
    assert person.is_value(hashlib.sha256(b"+491711234567").hexdigest())
