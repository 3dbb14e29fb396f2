from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.core import table_choices as choosing
from app.core.exports import TableChoice
from app.core.tables import Catalog, Column, ColumnType, Link, Meaning, Table, TableRole

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def table(name: str, *columns: Column, key: str | None = None) -> Table:
    return Table(name.lower(), name, TableRole.OTHER, columns, key, 100, 1, "file", NOW)


def text(name: str, meaning: Meaning = Meaning.NONE) -> Column:
    return Column(name, ColumnType.TEXT, meaning)


CUSTOMER = table("Customer", text("Id"), text("Email", Meaning.EMAIL), text("City"), key="Id")
ORDERS = table("Orders", text("OrderId"), text("CustomerId"), text("Total"), key="OrderId")
STORES = table("Stores", text("StoreId"))
CATALOG = Catalog((CUSTOMER, ORDERS, STORES), (Link("Customer", "Id", "Orders", "CustomerId"),))


def test_a_whole_table_takes_fields_that_appear_later():
    assert choosing.with_table((), CUSTOMER, CATALOG) == (TableChoice("Customer"),)
    assert choosing.chosen_fields((TableChoice("Customer"),), CUSTOMER) == {"Id", "Email", "City"}


def test_chosen_fields_keep_the_table_s_order_and_lose_what_is_gone():
    chosen = choosing.with_fields((), CUSTOMER, ["City", "Email"], CATALOG)
    assert chosen == (TableChoice("Customer", ("Email", "City")),)
    assert choosing.chosen_fields((TableChoice("customer", ("Email", "Gone")),), CUSTOMER) == {"Email"}


def test_no_field_takes_the_table_out():
    both = choosing.with_table(choosing.with_table((), CUSTOMER, CATALOG), STORES, CATALOG)
    assert choosing.with_fields(both, STORES, [], CATALOG) == (TableChoice("Customer"),)


def test_keys_of_a_link_are_locked_only_while_both_tables_go():
    both = choosing.with_table(choosing.with_table((), ORDERS, CATALOG), CUSTOMER, CATALOG)
    assert [choice.name for choice in both] == ["Customer", "Orders"]
    locked = choosing.locked_fields(both, CATALOG)
    assert set(locked["Customer"]) == {"Id"}
    assert set(locked["Orders"]) == {"CustomerId"}
    assert choosing.with_fields(both, CUSTOMER, ["City"], CATALOG)[0] == TableChoice("Customer", ("Id", "City"))
    assert choosing.locked_fields(choosing.without_table(both, ORDERS), CATALOG) == {}


def test_personal_fields_go_and_are_counted():
    both = (TableChoice("Customer"), TableChoice("Stores"))
    assert choosing.without_personal(both, CATALOG) == (
        (TableChoice("Customer", ("Id", "City")), TableChoice("Stores")),
        1,
    )


def test_a_personal_key_stays_while_a_link_needs_it():
    people = table("People", text("Email", Meaning.EMAIL), text("Name", Meaning.FULL_NAME), key="Email")
    visits = table("Visits", text("Email"), text("At"))
    catalog = Catalog((people, visits), (Link("People", "Email", "Visits", "Email"),))
    chosen, number = choosing.without_personal((TableChoice("People"), TableChoice("Visits")), catalog)
    assert chosen[0] == TableChoice("People", ("Email",))
    assert number == 1


def test_totals_count_what_is_there():
    chosen = (TableChoice("Customer", ("Id", "Gone")), TableChoice("Stores"), TableChoice("Removed"))
    assert choosing.totals(chosen, CATALOG) == choosing.ChoiceTotals(tables=2, fields=2, rows=200)


@given(st.lists(st.tuples(st.sampled_from(CATALOG.tables), st.frozensets(st.integers(0, 2))), max_size=12))
def test_whatever_is_clicked_no_link_loses_its_keys(clicks):
    chosen: choosing.Choices = ()
    for clicked, numbers in clicks:
        fields = [column.name for number, column in enumerate(clicked.columns) if number in numbers]
        chosen = choosing.with_fields(chosen, clicked, fields, CATALOG)
        for name, needed in choosing.locked_fields(chosen, CATALOG).items():
            one = CATALOG.table(name)
            assert one is not None
            assert set(needed) <= choosing.chosen_fields(chosen, one)
        assert len({choice.name for choice in chosen}) == len(chosen)
