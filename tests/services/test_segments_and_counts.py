from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from app.core.counts import Verdict
from app.core.errors import FixData, FixSettings, NotAllowed
from app.core.roles import Role
from app.core.tables import Column, ColumnType, Meaning, TableRole
from app.core.workspaces import Audience
from app.data.engines.duckdb import DuckDBEngine
from app.destinations import registry
from app.jobs import JobContext
from app.services.counts import CountService
from app.services.destinations import DestinationService
from app.services.known_counts import newest_count
from app.services.roles import RoleService
from app.services.segments import SegmentService
from app.store import Store
from tests.data.rows import add_table
from tests.fakes import tiny
from tests.services.auditing import trail_of
from tests.store import samples

ROWS = pa.table(
    {
        "Id": ["1", "2", "3", "4"],
        "Email": ["a@x.de", "A@x.de", "nope", "d@x.de"],
        "Country": ["DE", "DE", "DE", "FR"],
        "OptIn": [True, True, True, False],
    }
)
GERMANS = {"name": "Germans", "rules": [{"all": [{"field": "Customer.Country", "is": "DE"}]}]}
OTHERS = {
    "name": "Others",
    "rules": [{"all": [{"field": "Customer.Id", "is_not_empty": True}]}, {"except": {"segment": "germans"}}],
}


@dataclass
class Place:
    folder: Path
    store: Store
    roles: RoleService
    engine: DuckDBEngine
    segments: SegmentService
    counts: CountService
    ctx: JobContext


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store = Store.create(tmp_path / "w", "W", Audience.CONSUMERS, "DE")
    engine = DuckDBEngine(tmp_path / "w", threads=1)
    roles = RoleService(store, environment={})
    destinations = DestinationService(lambda: (tiny.description(), registry.description("local-folder")))
    meanings = {"Email": Meaning.EMAIL, "OptIn": Meaning.CONSENT}
    store.tables.save(add_table(engine, "Customer", ROWS, key="Id", role=TableRole.CUSTOMER, meanings=meanings))
    yield Place(
        tmp_path / "w",
        store,
        roles,
        engine,
        SegmentService(store, lambda: engine, roles, tmp_path / "w", trail_of(store)),
        CountService(store, lambda: engine, destinations),
        JobContext(),
    )
    engine.close()
    store.close()


def test_saved_listed_changed_and_shown(place: Place) -> None:
    saved = place.segments.save_all([GERMANS, OTHERS])
    assert [row.segment.name for row in place.segments.all()] == ["Germans", "Others"]
    changed = place.segments.save({**GERMANS, "name": "GERMANS"})
    assert changed.id == saved[0].id
    assert place.segments.document("germans")["name"] == "GERMANS"
    assert place.segments.words("germans") == ("Those where Customer Country is DE.",)
    assert place.segments.used_by("germans") == ["Others"]
    assert place.segments.issues("others") == []


def test_members_are_masked_for_viewers(place: Place) -> None:
    place.segments.save(GERMANS)
    page = place.segments.members("Germans", 2, place.ctx)
    assert page.columns[:2] == ("Id", "Email")
    assert page.rows[0][:2] == ("1", "a@x.de")
    assert len(page.rows) == 2
    place.roles.set_role(Role.VIEWER)
    page = place.segments.members("Germans", 2, place.ctx)
    assert page.masked
    assert "a@x.de" not in str(page.rows)
    with pytest.raises(NotAllowed):
        place.segments.save(OTHERS)


def test_in_use_then_removed_and_put_back(place: Place) -> None:
    place.segments.save_all([GERMANS, OTHERS])
    with pytest.raises(FixSettings, match="in use"):
        place.segments.remove("Germans")
    removed = place.segments.remove("Others")
    with pytest.raises(FixData):
        place.segments.get("Others")
    place.segments.put_back(removed)
    assert place.segments.get("others").id == removed.id


def test_renaming_follows_in_other_segments_and_exports(place: Place) -> None:
    place.segments.save_all([GERMANS, OTHERS])
    place.store.exports.save(samples.export("E", segments=("Germans",)))
    place.segments.rename("Germans", "At home")
    assert place.segments.issues("Others") == []
    assert place.store.exports.get("E").segments == ("At home",)


def test_circles_are_refused_and_nothing_is_saved(place: Place) -> None:
    place.segments.save_all([GERMANS, OTHERS])
    circle = {"name": "Germans", "rules": [{"segment": "Others"}]}
    with pytest.raises(FixData, match="circle"):
        place.segments.save_all([{**GERMANS, "name": "New"}, circle])
    assert [row.segment.name for row in place.segments.all()] == ["Germans", "Others"]


def test_a_list_is_taken_in_and_stays(place: Place, tmp_path: Path) -> None:
    (tmp_path / "keys.csv").write_text("Name;id\nAda; 1 \nBob;4\nCid;\nAda;1\nDan;99\n", "utf-8")
    place.segments.save({"name": "Fixed", "list": "keys.csv"}, tmp_path)
    (tmp_path / "keys.csv").unlink()
    assert place.counts.count("Fixed", None, place.ctx).members == 2
    again = place.segments.save(place.segments.document("Fixed"))
    assert place.segments.get("Fixed").list_file == again.list_file


@pytest.mark.parametrize(("text", "words"), [("a,b\n1,2\n", "no column Id"), ("", "empty"), ("id\n", "empty")])
def test_lists_that_can_not_be_taken_in(place: Place, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "keys.csv").write_text(text, "utf-8")
    with pytest.raises(FixData, match=words):
        place.segments.save({"name": "Fixed", "list": "keys.csv"}, tmp_path)
    with pytest.raises(FixData, match="not there"):
        place.segments.save({"name": "Fixed", "list": "none.csv"}, tmp_path)
    assert not list((place.folder / "data" / "lists").glob("*"))


def test_counted_and_remembered(place: Place) -> None:
    place.segments.save_all([GERMANS, OTHERS])
    assert place.counts.cached("Germans", "tiny") is None
    found = place.counts.count("Germans", "tiny", place.ctx)
    assert (found.members, found.eligible, found.duplicates, found.to_send) == (3, 2, 1, 1)
    assert place.counts.cached("germans", "tiny") == found
    assert place.counts.current("Germans", "tiny") == found
    assert place.counts.cached("Germans", None) is None
    assert place.counts.count("Germans", None, place.ctx).to_send == 3


def test_counts_of_other_keys_are_remembered_apart(place: Place) -> None:
    """The list of exports shows what a run would send: an export may know people by other columns than are usual."""
    place.segments.save_all([GERMANS, OTHERS])
    by_mail, by_id = {"email": "Customer.Email"}, {"email": "Customer.Id"}
    mailed = place.counts.count("Germans", "tiny", place.ctx, match=by_mail)
    other = place.counts.count("Germans", "tiny", place.ctx, match=by_id)
    assert mailed.to_send != other.to_send
    assert place.counts.cached("Germans", "tiny", match=by_mail) == mailed
    assert place.counts.cached("Germans", "tiny", match=by_id) == other
    assert newest_count(place.store, "Germans", "tiny", keys=by_mail) == mailed
    assert (
        newest_count(place.store, "Germans", "tiny", keys={"email": "Customer.Country"}) == other
    )  # the newest of any


def test_a_stale_count_is_known_as_such(place: Place) -> None:
    place.segments.save_all([GERMANS, OTHERS])
    found = place.counts.count("Others", "tiny", place.ctx)
    place.segments.save({"name": "Germans", "rules": [{"all": [{"field": "Customer.Country", "is": "FR"}]}]})
    assert place.counts.cached("Others", "tiny") == found
    assert place.counts.current("Others", "tiny") is None


def test_totals_count_each_member_once(place: Place) -> None:
    place.segments.save_all([GERMANS, {**GERMANS, "name": "Again"}, OTHERS])
    total = place.counts.total(["Germans", "Again", "Others"], "tiny", place.ctx)
    assert (total.segments, total.members, total.in_several, total.no_consent) == (3, 7, 1, 1)
    assert total.to_send == 1


def test_who_can_not_go_is_counted_as_members_only(place: Place) -> None:
    place.segments.save({**GERMANS, "name": "Firms", "of": "customers"})
    with_another_meaning = place.store.tables.get("Customer").with_column(
        Column("Email", ColumnType.TEXT, Meaning.COMPANY, confirmed=True)
    )
    place.store.tables.save(with_another_meaning)
    found = place.counts.count("Firms", "tiny", place.ctx)
    assert (found.members, found.eligible, found.verdict) == (3, 0, Verdict.NOT_ELIGIBLE)
    assert found.reason.startswith("No field of Customer fills")
    matched = place.counts.count("Firms", "tiny", place.ctx, match={"email": "Customer.Email"})
    assert matched.eligible == 2


def test_unknown_names(place: Place) -> None:
    with pytest.raises(FixData, match="no segment"):
        place.counts.count("Nobody", None, place.ctx)
    place.segments.save(GERMANS)
    with pytest.raises(FixSettings):
        place.counts.count("Germans", "nowhere", place.ctx)
    assert place.counts.estimate("Germans", place.ctx).members >= 0
