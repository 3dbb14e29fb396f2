"""Whom a filter finds in a plan."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from app.core.plans import PlanFilter
from app.data.engines.duckdb import DuckDBEngine
from app.data.plan_pages import PlanPages
from app.jobs import JobContext


@pytest.mark.parametrize("person", ["C-7", " c-7 ", "P7@example.com"])
def test_a_person_is_found_by_the_whole_key_among_all_who_have_it_as_a_part(tmp_path: Path, person: str) -> None:
    plan = tmp_path / "plan.parquet"
    duckdb.execute(
        f"COPY (SELECT 'added' AS change, 'C-' || i AS member, 'email:p' || i || '@example.com' AS identifier, '' AS reason, "
        f"NULL::VARCHAR[] AS fields, 'p' || i || '@example.com' AS \"value email\" FROM range(70, 2000) t(i) "
        f"UNION ALL SELECT 'added', 'C-7', 'email:p7@example.com', '', NULL, 'p7@example.com') TO '{plan}'"
    )
    with closing(DuckDBEngine(tmp_path, threads=1)) as engine:
        pages = PlanPages(engine, {plan: "Everybody"})
        found = pages.page(PlanFilter(person=person), 0, 100, JobContext())
        assert [line.member.member for line in found] == ["C-7"]
        assert pages.number(PlanFilter(search="C-7"), JobContext().token) > 100
