"""`tables`, `segments` and `destinations`."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.cli.desk import GERMANY, Desk

COUNT_KEYS = {
    "segment", "members", "eligible", "duplicates", "suppressed", "to_send", "limit", "minimum", "verdict", "reason",
}  # fmt: skip


def test_tables_are_added_listed_and_shown(shop: Desk) -> None:
    with closing(sqlite3.connect(shop.folder / "more.sqlite")) as database:
        database.execute("CREATE TABLE Orders (OrderId INTEGER PRIMARY KEY, CustomerId TEXT, Total REAL)")
        database.executemany("INSERT INTO Orders VALUES (?, ?, ?)", [(i, f"C-{i % 60:05}", i / 2) for i in range(100)])
        database.commit()
    added = shop.told("tables", "add", shop.folder / "more.sqlite")
    assert [(t["name"], t["rows"]) for t in added["tables"]] == [("Orders", 100)]
    listed = shop.told("tables", "list")["tables"]
    assert {t["name"]: t["rows"] for t in listed} == {"Customer": 60, "Orders": 100}
    shown = shop.told("tables", "show", "Customer")
    assert (shown["table"]["role"], shown["table"]["key"]) == ("customer", "CustomerId")
    meanings = {column["name"]: column["meaning"] for column in shown["table"]["columns"]}
    assert meanings["Email"] == "email"
    assert "CustomerId" in shop.done("tables", "show", "Customer").out

    link = shop.told("tables", "link", "Customer.CustomerId", "Orders.CustomerId")["link"]
    assert (link["one_table"], link["many_table"]) == ("Customer", "Orders")
    assert "has many Orders.CustomerId" in shop.done("tables", "show", "Orders").out

    assert shop.told("tables", "unlink", "customer.CustomerId", "Orders.CustomerId")["unlinked"] == link
    assert "has many" not in shop.done("tables", "show", "Orders").out
    assert shop.do("tables", "unlink", "Customer.CustomerId", "Orders.CustomerId").status == 2
    confirmed = shop.told("tables", "confirm", "Customer")["table"]["columns"]
    assert all(column["confirmed"] for column in confirmed if column["meaning"] != "none")
    assert shop.told("tables", "set", "Orders", "--key", "OrderId")["table"]["key"] == "OrderId"
    assert shop.told("tables", "meaning", "Customer", "FirstName", "none")["table"]["columns"][2]["meaning"] == "none"


def test_refresh_reads_the_source_again(shop: Desk) -> None:
    source = shop.folder / "Customer.csv"
    source.write_text(source.read_text("utf-8") + "C-99999,new@example.com,New,DE\n", "utf-8")
    assert shop.told("tables", "refresh", "Customer")["table"]["rows"] == 61
    source.unlink()
    said = shop.do("tables", "refresh", "Customer")
    assert said.status in {1, 2}
    assert "Customer.csv" in said.err
    assert shop.told("tables", "list")["tables"][0]["rows"] == 61


def test_a_table_is_looked_at(shop: Desk) -> None:
    told = shop.told("tables", "show", "Customer", "--profile", "--rows", "2")
    country = next(column for column in told["profile"] if column["name"] == "Country")
    assert (country["empty"], country["distinct"], len(country["frequent"])) == (0.0, 4, 3)
    assert told["rows"][0][1] == "p•••@e•••.com"
    assert told["used_by"] == ["Germany"]
    printed = shop.done("tables", "show", "Customer", "--profile", "--rows", "1").out
    assert "about 4" in printed
    assert "p•••@e•••.com" in printed
    assert "Used by: Germany" in printed


def test_a_refresh_tells_what_changed_and_waits_when_something_would_break(shop: Desk) -> None:
    source = shop.folder / "Customer.csv"
    source.write_text(source.read_text("utf-8").replace("Country", "Land", 1), "utf-8")
    said = shop.do("tables", "refresh", "Customer")
    assert said.status == 4
    assert "Country is gone." in said.out
    assert "Segments: Germany" in said.out
    assert "Land holds 100% of the values of Country." in said.out
    assert "--rename Country=Land" in said.out
    assert "0%" not in said.out.replace("100%", ""), "what shares nothing is no offer"
    told = shop.do("tables", "refresh", "Customer", "--json").document
    assert told["held"]["broken"][0]["name"] == "Germany"
    assert told["held"]["chosen"] == {"Country": "Land"}
    assert shop.told("tables", "show", "Customer")["held"] == told["held"]
    assert "--anyway" in shop.done("tables", "show", "Customer").out
    assert "stays as it is" in shop.done("tables", "refresh", "Customer", "--keep-old").out
    assert shop.told("tables", "show", "Customer")["held"] is None
    done = shop.told("tables", "refresh", "Customer", "--rename", "Country=Land")
    assert (done["held"], done["change"]["columns"]["removed"]) == (None, ["Country"])
    assert "Land" in str(shop.told("segments", "show", "Germany"))
    assert shop.told("tables", "show", "Customer")["held"] is None
    shown = shop.done("tables", "show", "Customer").out
    assert "0 rows came and 0 went." in shown
    assert "Columns that are gone: Country." in shown
    said = shop.do("tables", "refresh", "Customer", "--rename", "Land")
    assert (said.status, "OLD=NEW" in said.err) == (2, True)


def test_what_was_said_already_is_said_again_with_what_is_missing(shop: Desk) -> None:
    source = shop.folder / "Customer.csv"
    text = source.read_text("utf-8")
    source.write_text(text.replace("CustomerId,Email,FirstName,Country", "Number,Email,FirstName,Land", 1), "utf-8")
    said = shop.do("tables", "refresh", "Customer", "--rename", "CustomerId=Number")
    assert said.status == 4
    assert "CustomerId" not in said.out.replace("--rename CustomerId=Number --rename Country=Land", "")
    shop.done("tables", "refresh", "Customer", "--rename", "CustomerId=Number", "--rename", "Country=Land")


def test_all_tables_are_refreshed_and_one_that_fails_keeps_none(shop: Desk) -> None:
    (shop.folder / "More.csv").write_text("a,b\n1,2\n", "utf-8")
    shop.done("tables", "add", shop.folder / "More.csv")
    assert [one["table"]["name"] for one in shop.told("tables", "refresh", "--all")["refreshed"]] == [
        "Customer",
        "More",
    ]
    (shop.folder / "More.csv").unlink()
    said = shop.do("tables", "refresh", "--all", "--json")
    assert (said.status, list(said.document["failed"])) == (1, ["More"])
    source = shop.folder / "Customer.csv"
    source.write_text(source.read_text("utf-8").replace("Country", "Land", 1), "utf-8")
    shop.done("tables", "remove", "More")
    said = shop.do("tables", "refresh", "--all")
    assert (said.status, "Country is gone." in said.out) == (4, True)
    for wrong in ([], ["Customer", "--all"], ["--all", "--anyway"]):
        assert shop.do("tables", "refresh", *wrong).status == 2


def test_the_columns_may_be_taken_as_they_are(shop: Desk) -> None:
    source = shop.folder / "Customer.csv"
    source.write_text(source.read_text("utf-8").replace("Country", "Land", 1), "utf-8")
    assert "New columns: Land." in shop.done("tables", "refresh", "Customer", "--anyway").out
    assert "Customer.Country" in str(shop.told("segments", "show", "Germany"))
    assert "Missing columns: Country, needed by Germany." in shop.done("tables", "show", "Customer").out
    assert shop.told("tables", "show", "Customer")["missing"]["columns"] == ["Country"]
    assert "Land stands for Country now." in shop.done("tables", "replace", "Customer", "Country=Land").out
    assert "Customer.Land" in str(shop.told("segments", "show", "Germany"))
    assert shop.told("tables", "show", "Customer")["missing"] is None
    assert shop.do("tables", "replace", "Customer", "Email=Land").status == 2


def test_a_table_that_is_removed_leaves_its_source(shop: Desk) -> None:
    assert shop.told("tables", "remove", "Customer") == {"removed": "Customer", "used_by": ["Germany"]}
    assert shop.told("tables", "list") == {"tables": []}
    assert (shop.folder / "Customer.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tables", "add", "nowhere.csv"], "nowhere.csv"),
        (["tables", "show", "Nobody"], "Nobody"),
        (["tables", "set", "Customer", "--key", "Nothing"], "Nothing"),
        (["tables", "meaning", "Customer", "Nothing", "email"], "Nothing"),
        (["tables", "link", "Customer", "Orders.CustomerId"], "Table.Column"),
        (["segments", "show", "Nobody"], "Nobody"),
        (["segments", "count", "Nobody"], "Nobody"),
        (["segments", "count", "Germany", "--for", "Nowhere"], "Nowhere"),
        (["segments", "save", "nowhere.yaml"], "nowhere.yaml"),
        (["destinations", "show", "nowhere"], "nowhere"),
    ],
)
def test_what_is_not_there_is_named(shop: Desk, arguments: list[str], words: str) -> None:
    said = shop.do(*arguments)
    assert said.status == 2, said
    assert words in said.err
    assert said.out == ""


def test_segments_are_saved_counted_and_looked_into(shop: Desk) -> None:
    listed = shop.told("segments", "list")["segments"]
    assert [(s["name"], s["of"], s["members"]) for s in listed] == [("Germany", "customers", None)]
    counted = shop.told("segments", "count", "Germany", "--for", "Drive")
    assert set(counted) >= COUNT_KEYS
    assert (counted["segment"], counted["members"], counted["to_send"], counted["verdict"]) == ("Germany", 15, 15, "ok")
    assert shop.told("segments", "list")["segments"][0]["members"] == 15
    assert "15 members" in shop.done("segments", "count", "Germany").out
    members = shop.told("segments", "members", "Germany", "--limit", "2")["members"]
    assert [m["CustomerId"] for m in members] == ["C-00000", "C-00004"]
    assert members[0]["Email"] == "p0@example.com"
    shown = shop.told("segments", "show", "Germany")
    assert shown["segment"]["name"] == "Germany"
    assert shown["used_by"] == []
    # What is shown is a file that can be saved again.
    shop.done("segments", "save", shop.file("again.yaml", shop.done("segments", "show", "Germany").out))
    assert shop.told("segments", "count", "Germany")["members"] == 15
    assert shop.told("segments", "remove", "germany") == {"removed": "Germany"}
    assert shop.told("segments", "list") == {"segments": []}


def test_rules_one_by_one_reach_and_overlap(shop: Desk) -> None:
    rest = (
        "name: Rest\nof: customers\nrules:\n  - all: [{field: Customer.CustomerId, is_not_empty: true}]\n"
        "  - except: {segment: Germany}\n"
    )
    shop.done("segments", "save", shop.file("rest.yaml", rest))
    counted = shop.told("segments", "count", "Rest", "--rules")
    assert counted["members"] == 45
    assert counted["rules"] == [{"rule": 1, "members": 60, "left": 60}, {"rule": 2, "members": 15, "left": 45}]
    assert "Rule 2: 15 members, 45 left." in shop.done("segments", "count", "Rest", "--rules").out
    assert shop.told("segments", "overlap", "rest", "germany") == {"members": 45, "others": 15, "both": 0}
    assert shop.told("segments", "reach", "Germany")["email"] == 15
    assert "15 with usable e-mail" in shop.done("segments", "reach", "Germany").out


@pytest.mark.parametrize(
    "query", ["DELETE FROM Customer", "SELECT CustomerId FROM Customer; DROP TABLE Customer", "COPY Customer TO 'x'"]
)
def test_a_query_that_does_more_than_read_is_refused(shop: Desk, query: str) -> None:
    said = shop.do("segments", "save", shop.file("query.yaml", f"name: Query\nof: customers\nsql: {query}\n"))
    assert said.status == 2
    assert "“Query” can't be saved." in said.err
    assert [s["name"] for s in shop.told("segments", "list")["segments"]] == ["Germany"]


def test_a_list_of_members_is_taken_in(shop: Desk) -> None:
    shop.file("visitors.csv", "CustomerId\nC-00001\nC-00002\nC-00002\nX\n")
    shop.done("segments", "save", shop.file("list.yaml", "name: Visitors\nof: customers\nlist: visitors.csv\n"))
    (shop.folder / "visitors.csv").unlink()
    assert shop.told("segments", "count", "Visitors")["members"] == 2


def test_of_several_segments_all_or_none_are_saved(shop: Desk) -> None:
    wrong = GERMANY.replace("Germany", "Second").replace("is: DE", "is_like: DE")
    said = shop.do("segments", "save", shop.file("two.yaml", f"{GERMANY.replace('Germany', 'First')}---\n{wrong}"))
    assert said.status == 2
    assert "is_like" in said.err
    assert [s["name"] for s in shop.told("segments", "list")["segments"]] == ["Germany"]


def test_a_segment_in_use_stays(shop: Desk) -> None:
    user = "name: All\nof: customers\nrules:\n  - segment: Germany\n"
    shop.done("segments", "save", shop.file("all.yaml", user))
    said = shop.do("segments", "remove", "Germany")
    assert said.status == 2
    assert "All" in said.err


def test_destinations_are_described(shop: Desk) -> None:
    listed = shop.told("destinations", "list")["destinations"]
    assert {"local-folder", "mailchimp", "sftp"} <= {d["id"] for d in listed}
    storage = shop.told("destinations", "list", "--category", "Storage")["destinations"]
    assert {d["category"] for d in storage} == {"storage"}
    shown = shop.told("destinations", "show", "mailchimp")
    assert set(shown) >= {"id", "fields", "limits", "sync_modes", "api_host", "connection_fields", "export_fields"}
    email = next(field for field in shown["fields"] if field["id"] == "email")
    assert "normalise" in email
    assert "api.mailchimp.com" in shown["api_host"]
    assert "Mailchimp" in shop.done("destinations", "show", "mailchimp").out


def test_a_table_for_a_pipe_keeps_each_row_on_one_line(shop: Desk) -> None:
    shop.done("segments", "save", shop.file("long.yaml", GERMANY.replace("Germany", "L" * 80)))
    lines = shop.done("segments", "list").out.splitlines()
    assert len(lines) == 3
    assert "L" * 80 in lines[2]


def test_what_would_steer_a_terminal_is_not_printed(shop: Desk) -> None:
    path = shop.folder / "Odd.csv"
    path.write_text("Id,Text\n1,\x1b[2Jwiped\n2,fine\n", "utf-8")
    shop.done("tables", "add", path)
    shop.done("tables", "set", "Customer", "--role", "other")
    shop.done("tables", "set", "Odd", "--role", "customer", "--key", "Id")
    shop.done(
        "segments",
        "save",
        shop.file("odd.yaml", "name: Odd\nof: customers\nrules:\n  - all: [{field: Odd.Id, is_not_empty: true}]\n"),
    )
    shown = shop.done("segments", "members", "Odd").out
    assert "wiped" in shown
    assert "\x1b" not in shown


def test_values_are_shown_and_mapped(shop: Desk) -> None:
    shop.done("tables", "meaning", "Customer", "Country", "country")
    values = shop.told("tables", "values", "Customer", "Country")["values"]
    assert all(each["means"] for each in values)
    said = f"{values[0]['value']}=FR"
    (column,) = (
        c for c in shop.told("tables", "map", "Customer", "Country", said)["table"]["columns"] if c["name"] == "Country"
    )
    assert column["means"] == [[values[0]["value"].lower(), "FR"]]
    assert shop.do("tables", "map", "Customer", "Country", "Germany=nowhere").status == 2
    assert shop.do("tables", "map", "Customer", "Email", "a=b").status == 2
