from __future__ import annotations

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from app.core.file_formats import FileType, Format
from app.core.lake_database import LakeTable, in_spark, lake_database, spark_names
from app.core.tables import Column, ColumnType, Meaning, Table, TableRole
from tests.data.rows import WHEN

FOLDER = "https://contosolake.dfs.core.windows.net/exports/Team/Customer 360/Customer"


def table(*columns: Column, name: str = "Customer") -> LakeTable:
    made = Table(name.lower(), name, TableRole.CUSTOMER, columns, None, 1, 1, "test", WHEN)
    return LakeTable(made, [column.name for column in columns], FOLDER)


def statements(script: str) -> list[exp.Expression]:
    return [each for each in sqlglot.parse(script, read="spark") if each is not None]


def test_the_address_of_a_lake_as_spark_reads_it():
    assert in_spark(FOLDER) == "abfss://exports@contosolake.dfs.core.windows.net/Team/Customer 360/Customer"
    for other in ("http://127.0.0.1:10000/contosolake/exports/a", "/srv/lake/a"):
        assert in_spark(other) == other


@given(st.lists(st.text(max_size=6), max_size=8))
def test_names_are_apart_and_plain(names):
    found = spark_names(names)
    assert len(set(found)) == len(names)
    assert all(name and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in found)


def test_csv_names_its_columns_and_how_it_is_written():
    given_table = table(
        Column("Customer`Id", ColumnType.TEXT),
        Column("Mail", ColumnType.TEXT, Meaning.EMAIL),
        Column("Price", ColumnType.DECIMAL, native_type="DECIMAL(8,2)"),
        Column("Clock", ColumnType.TIME),
        Column("Photo", ColumnType.BINARY),
    )
    script = lake_database("It's \\ new\nDROP TABLE x", [given_table], Format(delimiter="\t"))
    made, dropped, created = statements(script)
    assert isinstance(made, exp.Create)
    assert made.this.name == "it_s_new_drop_table_x"
    assert isinstance(dropped, exp.Drop)
    kinds = {each.name: each.kind.sql("spark") for each in created.find_all(exp.ColumnDef)}
    assert kinds == {
        "Customer`Id": "STRING",
        "Mail": "STRING",
        "Price": "DECIMAL(8, 2)",
        "Clock": "STRING",
        "Photo": "STRING",
    }
    assert "`Mail` STRING COMMENT 'email'" in script
    assert "sep '\\t'" in script
    assert f"LOCATION '{in_spark(FOLDER)}';" in script


def test_parquet_tells_its_types_itself_unless_spark_could_not_read_it():
    plain = lake_database("Lake", [table(Column("Id", ColumnType.INTEGER))], Format(FileType.PARQUET))
    assert not list(statements(plain)[-1].find_all(exp.ColumnDef))
    columns = (Column("Id", ColumnType.INTEGER), Column("Clock", ColumnType.TIME), Column("Tags", ColumnType.NESTED))
    script = lake_database("Lake", [table(*columns)], Format(FileType.PARQUET))
    assert [each.name for each in statements(script)[-1].find_all(exp.ColumnDef)] == ["Id"]
    assert "-- Left out, because Spark can't read it: “Clock”" in script
    assert "“Tags”" in script


@pytest.mark.parametrize("form", [Format(), Format(FileType.PARQUET)])
@given(
    name=st.text(max_size=20),
    column=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
def test_no_name_gets_out_of_its_place(form, name, column):
    columns = (Column(column, ColumnType.TEXT), Column("Clock", ColumnType.TIME))
    found = statements(lake_database(name, [table(*columns, name=name)], form))
    assert [type(each) for each in found] == [exp.Create, exp.Drop, exp.Create]
