"""Columns in queries that people wrote: which of a table they name, and other ones in their place."""

from __future__ import annotations

import pytest

from app.core.segments import Segment, SegmentOf
from app.core.table_changes import Users, replaced
from app.data.query_columns import columns_of_query, query_with
from app.data.segment_issues import issues
from app.data.segment_query import finds_its_columns, query_problem
from tests.data.messy import catalog

CUSTOMER = next(table for table in catalog.tables if table.name == "Customer")
RENAMED = {"Points": "Score", "Country": 'Land or "so"'}


@pytest.mark.parametrize(
    ("sql", "columns", "after"),
    [
        (
            "SELECT Id  -- the key\nFROM Customer\nWHERE points > 3 AND Country = 'Points'",
            {"Id", "Points", "Country"},
            'SELECT Id  -- the key\nFROM Customer\nWHERE "Score" > 3 AND "Land or ""so""" = \'Points\'',
        ),
        (
            'SELECT c.Id FROM customer AS c JOIN Orders o ON o.CustomerId = c.Id WHERE c."Points" > o.Total',
            {"Id", "Points"},
            'SELECT c.Id FROM customer AS c JOIN Orders o ON o.CustomerId = c.Id WHERE c."Score" > o.Total',
        ),
        ("SELECT Country FROM Customer", {"Country"}, 'SELECT "Land or ""so""" FROM Customer'),
        (
            "WITH big AS (SELECT Id, Points FROM Customer) SELECT Id FROM big WHERE Points > 3",
            {"Id", "Points"},
            'WITH big AS (SELECT Id, "Score" AS "Points" FROM Customer) SELECT Id FROM big WHERE Points > 3',
        ),
        (
            "SELECT b.Id FROM (SELECT Id, Points AS p FROM Customer) AS b WHERE b.p > 3",
            {"Id", "Points"},
            'SELECT b.Id FROM (SELECT Id, "Score" AS p FROM Customer) AS b WHERE b.p > 3',
        ),
        (
            "SELECT CustomerId FROM Orders WHERE Total > (SELECT avg(Points) FROM Customer WHERE Id = CustomerId)",
            {"Id", "Points"},
            'SELECT CustomerId FROM Orders WHERE Total > (SELECT avg("Score") FROM Customer WHERE Id = CustomerId)',
        ),
        (
            "SELECT Id FROM Customer WHERE EXISTS (SELECT 1 FROM Orders WHERE CustomerId = Id AND Total > Points)",
            {"Id", "Points"},
            'SELECT Id FROM Customer WHERE EXISTS (SELECT 1 FROM Orders WHERE CustomerId = Id AND Total > "Score")',
        ),
        (
            "SELECT Id FROM Customer WHERE Points > 1 UNION SELECT Id FROM Customer WHERE Country = 'DE'",
            {"Id", "Points", "Country"},
            'SELECT Id FROM Customer WHERE "Score" > 1 UNION SELECT Id FROM Customer WHERE "Land or ""so""" = \'DE\'',
        ),
        ("SELECT Name FROM Account", set(), "SELECT Name FROM Account"),
        ("SELECT Id FROM (", set(), "SELECT Id FROM ("),
    ],
)
def test_columns_are_found_and_replaced_where_they_stand(sql: str, columns: set[str], after: str) -> None:
    assert columns_of_query(sql, catalog, CUSTOMER, "duckdb") == columns
    changed = query_with(sql, catalog, CUSTOMER, RENAMED, "duckdb")
    assert changed == after
    then = replaced(Users(catalog), CUSTOMER, RENAMED).catalog
    if "(" not in sql[-1:]:
        assert query_problem(changed, then, "duckdb") == ""
        assert finds_its_columns(changed, then, "duckdb")
        assert issues(Segment("q", "Q", SegmentOf.CUSTOMERS, sql=changed), then, {}, dialect="duckdb") == []


def test_a_column_that_is_gone_is_found_where_it_can_be_nobody_elses() -> None:
    gone = "SELECT Id FROM Customer WHERE Shoe > 3"
    assert columns_of_query(gone, catalog, CUSTOMER, "duckdb") == {"Id", "Shoe"}
    assert query_with(gone, catalog, CUSTOMER, {"shoe": "Points"}, "duckdb").endswith('"Points" > 3')
    either = "SELECT c.Id FROM Customer c, Orders WHERE Shoe > 3"
    assert columns_of_query(either, catalog, CUSTOMER, "duckdb") == {"Id"}
