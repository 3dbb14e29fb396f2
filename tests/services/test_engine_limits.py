from __future__ import annotations

import pytest

from app.core.audit import Area, AuditFilter
from app.core.engine_limits import GIGABYTE, Computer, EngineLimits, usual
from app.core.errors import FixSettings, NotAllowed
from app.core.roles import Role
from app.data.engines.duckdb import DuckDBEngine
from app.jobs import CancelToken
from app.services.engine_limits import EngineLimitService, this_computer
from tests.services.auditing import audit_of

BIG = Computer(16 * GIGABYTE, 8)


@pytest.fixture
def applied() -> list[EngineLimits]:
    return []


@pytest.fixture
def service(house, applied) -> EngineLimitService:
    folder = house.folder / "config"
    return EngineLimitService(folder, house.roles, audit_of(house.store), applied.append, computer=lambda: BIG)


@pytest.mark.parametrize(
    ("computer", "limits"),
    [
        (BIG, EngineLimits(2, 7)),
        (Computer(3 * GIGABYTE, 1), EngineLimits(1, 1)),
        (Computer(GIGABYTE // 2, 2), EngineLimits(1, 1)),
        (Computer(0, 4), EngineLimits(2, 3)),
    ],
)
def test_the_usual_limits_leave_room_for_others(computer, limits):
    assert usual(computer) == limits


def test_what_is_set_is_kept_applied_and_written_down(house, service, applied):
    assert service.limits() == usual(BIG)
    service.set(memory_gb=8)
    assert service.set(threads=6) == EngineLimits(8, 6)
    assert service.limits() == EngineLimits(8, 6)
    assert applied == [EngineLimits(8, 7), EngineLimits(8, 6)]
    newest = house.store.audit.page(AuditFilter(area=Area.SETTINGS), 1).entries[0]
    assert (newest.before, newest.after) == ({"threads": "7"}, {"threads": "6"})


@pytest.mark.parametrize(("wanted", "code"), [({"memory_gb": 17}, "memory"), ({"memory_gb": 0}, "memory")])
def test_more_than_there_is_is_refused(service, applied, wanted, code):
    with pytest.raises(FixSettings) as raised:
        service.set(**wanted)
    assert raised.value.code == code
    with pytest.raises(FixSettings) as raised:
        service.set(threads=9)
    assert raised.value.code == "threads"
    assert applied == []


@pytest.mark.parametrize("text", ["", "[]", '{"memory_gb": 64, "threads": 2}', '{"memory_gb": "x"}', "{broken"])
def test_a_file_that_says_nothing_usable_leaves_the_usual_limits(house, service, text):
    (house.folder / "config").mkdir()
    (house.folder / "config" / "engine.json").write_text(text, "utf-8")
    assert service.limits() == usual(BIG)


def test_only_who_may_change_settings_may(house, service):
    house.role(Role.CONTRIBUTOR)
    with pytest.raises(NotAllowed):
        service.set(threads=1)
    assert service.limits() == usual(BIG)


def test_this_computer_is_known():
    computer = this_computer()
    assert computer.memory > 100_000_000
    assert computer.cores >= 1


def test_the_engine_takes_them_while_it_works(tmp_path):
    engine = DuckDBEngine(tmp_path, memory_limit="1GB", threads=1)
    with engine.cursor(CancelToken()) as cursor:
        engine.set_limits("3GB", 2)
        query = "SELECT current_setting('threads'), current_setting('memory_limit')"
        threads, memory = cursor.execute(query).fetchone()
    engine.close()
    assert threads == 2
    assert memory.startswith("2.7")  # GiB
