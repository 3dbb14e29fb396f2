from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.exports import TableChoice
from app.core.file_formats import Folders, Grain, PartitionBy
from app.core.partitions import NO_VALUE, folder_names, member_problems, table_problems
from app.core.tables import Catalog, Column, ColumnType, Table, TableRole

NOW = datetime(2026, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("grain", "folders", "value", "names"),
    [
        (Grain.VALUE, Folders.PLAIN, "DE", ("DE",)),
        (Grain.VALUE, Folders.HIVE, "DE", ("Country=DE",)),
        (Grain.VALUE, Folders.HIVE, "a/b=c", ("Country=a%2Fb%3Dc",)),
        (Grain.VALUE, Folders.PLAIN, "..", (".%2E",)),
        (Grain.VALUE, Folders.PLAIN, "nul", ("%6Eul",)),
        (Grain.VALUE, Folders.PLAIN, " x ", ("%20x%20",)),
        (Grain.VALUE, Folders.PLAIN, None, (NO_VALUE,)),
        (Grain.VALUE, Folders.HIVE, "", (f"Country={NO_VALUE}",)),
        (Grain.YEAR, Folders.PLAIN, "2026", ("2026",)),
        (Grain.MONTH, Folders.PLAIN, "2026-03", ("2026", "03")),
        (Grain.DAY, Folders.HIVE, "2026-03-12", ("year=2026", "month=03", "day=12")),
        (Grain.MONTH, Folders.PLAIN, "-43-03", ("-43", "03")),
        (Grain.MONTH, Folders.HIVE, None, (f"year={NO_VALUE}", f"month={NO_VALUE}")),
    ],
)
def test_folders(grain: Grain, folders: Folders, value: str | None, names: tuple[str, ...]) -> None:
    assert folder_names(PartitionBy("Country", grain, folders), value) == names


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=5, unique=True))
def test_each_value_has_its_own_folder_and_comes_back(values: list[str]) -> None:
    names = [folder_names(PartitionBy("F"), value)[0] for value in values]
    assert [unquote(name) for name in names] == values
    assert len(set(names)) == len(values)
    assert not any(
        "/" in name or "\\" in name or name.endswith((".", " ")) or name in {"", "..", "."} for name in names
    )


def test_what_can_not_be_parted() -> None:
    columns = (Column("Id", ColumnType.INTEGER), Column("At", ColumnType.TIMESTAMP), Column("C", ColumnType.TEXT))
    catalog = Catalog((Table("t", "T", TableRole.OTHER, columns, "Id", 1, 1, "test", NOW),))
    whole, some = [TableChoice("T")], [TableChoice("T", ("Id", "C"))]
    assert table_problems(PartitionBy("At", Grain.MONTH), whole, catalog) == []
    assert table_problems(PartitionBy("C"), some, catalog) == []
    assert "not among its chosen fields" in table_problems(PartitionBy("At"), some, catalog)[0]
    assert "no date" in table_problems(PartitionBy("C", Grain.YEAR), whole, catalog)[0]
    assert "None of the tables" in table_problems(PartitionBy("Gone"), whole, catalog)[0]
    assert member_problems(PartitionBy("mail"), {"mail": "T.C"}) == []
    assert "not among" in member_problems(PartitionBy("x"), {"mail": "T.C"})[0]
    assert "only by the values" in member_problems(PartitionBy("mail", Grain.DAY), {"mail": "T.C"})[0]
