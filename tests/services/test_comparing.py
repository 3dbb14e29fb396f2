from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.audit import Deed
from app.core.configurations import SegmentChange
from app.core.errors import FixData, FixSettings, NotAllowed
from app.core.roles import Role
from app.core.run_differences import Side
from app.jobs import JobContext
from tests.services.history import GERMANY, History, history_in

CTX = JobContext()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        yield made


def test_who_joined_left_and_changed_over_several_runs(history: History) -> None:
    first = history.run()
    history.customers({0: ("DE", "Ann"), 1: ("AT", "Ann"), 2: ("DE", "Ann"), 3: ("DE", "Ann")})
    second = history.run()
    history.customers({0: ("DE", "Eve"), 1: ("AT", "Ann"), 2: ("DE", "Ann"), 3: ("DE", "Ann"), 4: ("DE", "Ann")})
    third = history.run()
    assert [run.audience for run in (first, second, third)] == [3, 3, 4]
    comparing = history.services.comparing
    found = comparing.compare(third.id, first.id, CTX)
    assert (found.joined, found.left, found.changed, found.before, found.after) == (2, 1, 1, 3, 4)
    assert found.both == 2
    assert (found.missing, found.configuration) == (0, ())
    assert {str(reason): n for reason, n in found.reasons[Side.LEFT].items()} == {"Left: Country is no longer DE": 1}
    assert sum(found.reasons[Side.JOINED].values()) == 2
    page = comparing.members(first.id, third.id, CTX)
    assert {(each.member, each.side, each.run) for each in page.members} == {
        ("C-4", Side.JOINED, third.id),
        ("C-0", Side.CHANGED, third.id),
        ("C-3", Side.JOINED, second.id),
        ("C-1", Side.LEFT, second.id),
    }
    assert page.total == found.differing == 4
    assert [m.member for m in comparing.members(first.id, third.id, CTX, side=Side.LEFT).members] == ["C-1"]
    assert [m.member for m in comparing.members(first.id, third.id, CTX, search="no longer de").members] == ["C-1"]
    assert [m.member for m in comparing.members(first.id, third.id, CTX, offset=1, limit=1).members] == ["C-4"]
    assert [run.id for run in comparing.runs("Letter")] == [third.id, second.id, first.id]


def test_what_went_to_and_fro_does_not_differ(history: History) -> None:
    first = history.run()
    history.customers({0: ("DE", "Eve"), 1: ("AT", "Ann"), 2: ("DE", "Ann"), 3: ("DE", "Ann")})
    history.run()
    history.customers(dict.fromkeys(range(3), ("DE", "Ann")))
    third = history.run()
    found = history.services.comparing.compare(first.id, third.id, CTX)
    assert (found.joined, found.left, found.changed) == (0, 0, 0)
    assert found.both == 3


def test_what_is_set_differently_stands_in_sentences(history: History) -> None:
    first = history.run()
    rules = [{"all": [{"field": "Customer.Country", "is_one_of": ["DE", "AT"]}]}]
    history.services.segments.save({"name": "Germany", "of": "customers", "rules": rules}, "Germany")
    history.add("Letter", match={"email": "Customer.Email"}, sync="update")
    second = history.run()
    found = history.services.comparing.compare(first.id, second.id, CTX)
    assert found.configuration is not None
    text = "\n".join(found.configuration)
    assert "Matched fields: first_name: Customer.FirstName became nothing." in text
    assert "Sync mode: mirror became update." in text
    assert "Segment “Germany” was: " in text
    assert "is DE or AT" in text


def test_changes_that_are_not_kept_are_told(history: History) -> None:
    first = history.run()
    history.customers({0: ("DE", "Ann")})
    second = history.run()
    shutil.rmtree(history.services.folder / "runs" / second.id / "changes")
    found = history.services.comparing.compare(first.id, second.id, CTX)
    assert (found.missing, found.left, found.both) == (1, 0, None)


def test_runs_that_can_not_be_compared_are_refused(history: History) -> None:
    first = history.run()
    history.add("Other", target={"audience_id": history.emulator.audience.id, "tag": "Other"})
    other = history.run("Other")
    for one, two in ((first.id, first.id), (first.id, other.id), (first.id, "nobody")):
        with pytest.raises(FixData):
            history.services.comparing.compare(one, two, CTX)


def test_who_differs_is_saved_by_those_who_may(history: History, tmp_path: Path) -> None:
    first = history.run()
    history.customers({0: ("DE", "Ann")})
    second = history.run()
    path = tmp_path / "difference.csv"
    assert history.services.comparing.save(first.id, second.id, path, CTX) == 2
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert sorted(row[0] for row in rows[1:]) == ["C-1", "C-2"]
    with pytest.raises(FixSettings):
        history.services.comparing.save(first.id, second.id, tmp_path / "nowhere" / "d.csv", CTX)
    history.services.roles.set_role(Role.VIEWER)
    with pytest.raises(NotAllowed):
        history.services.comparing.save(first.id, second.id, path, CTX)


people = st.dictionaries(st.integers(0, 5), st.tuples(st.sampled_from(["DE", "AT"]), st.sampled_from(["Ann", "Eve"])))


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=st.lists(people, min_size=2, max_size=4))
def test_the_difference_is_that_of_the_two_audiences(tmp_path_factory: pytest.TempPathFactory, tables: list) -> None:
    with history_in(tmp_path_factory.mktemp("history")) as history:
        runs, audiences = [], []
        for each in tables:
            # Somebody stays, so that no run is skipped for having nobody to send.
            history.customers({**each, 9: ("DE", "Ann")})
            runs.append(history.run())
            audiences.append({i: name for i, (country, name) in {**each, 9: ("DE", "Ann")}.items() if country == "DE"})
        found = history.services.comparing.compare(runs[0].id, runs[-1].id, CTX)
        before, after = audiences[0], audiences[-1]
        assert found.joined == len(after.keys() - before.keys())
        assert found.left == len(before.keys() - after.keys())
        assert found.changed == sum(before[i] != after[i] for i in before.keys() & after.keys())
        assert (found.before, found.after) == (len(before), len(after))


def test_what_changed_in_a_segment_between_two_runs_and_who_did_it(history: History) -> None:
    first = history.run()
    rules = [{"all": [{"field": "Customer.Country", "is_one_of": ["DE", "AT"]}]}]
    history.services.segments.save({**GERMANY, "rules": rules})
    second = history.run()
    third = history.run()
    comparing = history.services.comparing
    change = SegmentChange(
        "Germany", ("Those where Customer Country is DE.",), ("Those where Customer Country is DE or AT.",)
    )
    assert comparing.compare(third.id, first.id, CTX).segments == (change,)
    assert comparing.compare(third.id, second.id, CTX).segments == ()
    [saved] = comparing.who_changed(first.id, third.id, "Germany")
    assert (saved.deed, saved.name) == (Deed.SEGMENT_CHANGED, "Germany")
    assert comparing.who_changed(second.id, third.id, "Germany") == ()
    history.services.roles.set_role(Role.VIEWER)
    assert comparing.who_changed(first.id, third.id, "Germany") == ()
