"""`sendoff demo` without a window; what it delivers is counted again from the files, by SQL of our own."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.cli.desk import Desk


def ask(sql: str, **files: Path) -> list[tuple[object, ...]]:
    """The answer of a database of its own, with `$name` replaced by a file or pattern."""
    for name, path in files.items():
        sql = sql.replace(f"${name}", f"'{path}'")
    with duckdb.connect() as database:
        return database.execute(sql).fetchall()


def delivered(demo: Path, pattern: str) -> Path:
    return demo / "delivered" / pattern


def test_consumers(desk: Desk) -> None:
    demo = desk.folder / "demo"
    document = desk.told("demo", "--no-window", demo)
    assert document["workspace"] == str(demo)
    vip, lake = document["runs"]
    assert (vip["export"], vip["status"], vip["error"]) == ("VIP early access", "successful", None)
    assert (lake["export"], lake["status"], lake["error"]) == ("Customer 360", "successful", None)

    source = {
        "customer": demo / "sample-source" / "Customer.parquet",
        "orders": demo / "sample-source" / "Orders.parquet",
    }
    for table in ("Customer", "Orders"):
        files = delivered(demo, f"Customer 360/{table}/**/*.csv.gz")
        (there,) = ask("SELECT count(*) FROM read_csv($files, all_varchar=true)", files=files)
        (sent,) = ask("SELECT count(*) FROM $source", source=source[table.lower()])
        assert there == sent
    assert lake["rows"] == 1_200_000
    ((sums,),) = ask("SELECT sum(Total) FROM $orders", **source)
    ((arrived,),) = ask(
        "SELECT sum(Total::DECIMAL(18, 2)) FROM read_csv($files, all_varchar=true)",
        files=delivered(demo, "Customer 360/Orders/**/*.csv.gz"),
    )
    assert sums == arrived

    ((rows,),) = ask(
        "SELECT count(*) FROM read_csv($sent, all_varchar=true)", sent=delivered(demo, "VIP early access/*/*.csv")
    )
    ((members,),) = ask(
        "SELECT count(*) FROM $customer WHERE LifetimeValue >= 1600 AND LoyaltyTier IN ('Gold', 'Platinum') "
        "AND CreatedOn < '2026-01-01' AND EmailOptIn AND LastPurchaseOn >= '2025-11-02' AND trim(EmailPrimary) <> ''",
        **source,
    )
    assert rows == vip["rows"] == members > 1000


def test_businesses(desk: Desk) -> None:
    demo = desk.folder / "demo"
    said = desk.done("demo", "--no-window", demo, "--audience", "businesses")
    assert "Key contacts: successful" in said.out
    assert "Account base: successful" in said.out
    assert "model.json" in said.out
    ((rows,),) = ask(
        "SELECT count(*) FROM read_csv($sent, all_varchar=true)", sent=delivered(demo, "Key contacts/*/*.csv")
    )
    ((members, refused),) = ask(
        "SELECT count(*) FILTER (EmailOptIn IS NOT FALSE), "  # nobody who said no; many were never asked
        "count(*) FILTER (NOT EmailOptIn) FROM $contacts WHERE "
        "JobTitle IN ('CEO', 'CFO', 'Head of Purchasing', 'Geschäftsführer', 'Directrice') AND Country IN "
        "('DE', 'D', 'GER', 'Germany', 'germany', 'Deutschland', 'AT', 'Austria', 'Österreich', 'Oesterreich')",
        contacts=demo / "sample-source" / "Contact.parquet",
    )
    assert rows == members
    assert f"{rows:,} rows in 1 file," in said.out
    ((accounts,),) = ask(
        "SELECT count(DISTINCT AccountId) FROM $contacts WHERE WebinarOn > '2026-06-01'",
        contacts=demo / "sample-source" / "Contact.parquet",
    )
    behind = {"of": "accounts", "members": accounts, "reason": ""}
    assert desk.told("--workspace", demo, "segments", "count", "Webinar guests")["linked"] == behind
    listed = desk.told("--workspace", demo, "segments", "list")["segments"]
    assert next(each["linked"] for each in listed if each["name"] == "Webinar guests") == behind
    # A second time the workspace is there already.
    again = desk.told("demo", "--no-window", demo, "--audience", "businesses")
    assert [run["status"] for run in again["runs"]] == ["successful", "successful"]
    contacts = next(run for run in again["runs"] if run["export"] == "Key contacts")
    assert (contacts["rows"], contacts["left_out"]) == (members, refused)
    assert refused > 100
    assert len(desk.told("runs", "list")["runs"]) == 4


def test_a_folder_with_other_files_is_left_alone(desk: Desk) -> None:
    (desk.folder / "letters").mkdir()
    (desk.folder / "letters" / "letter.txt").write_text("Dear")
    said = desk.do("demo", "--no-window", desk.folder / "letters")
    assert said.status == 2
    assert "holds other files" in said.err
    assert [p.name for p in (desk.folder / "letters").iterdir()] == ["letter.txt"]


def test_an_unknown_audience_makes_nothing(desk: Desk) -> None:
    assert desk.do("demo", "--no-window", desk.folder / "demo", "--audience", "martians").status == 2
    assert not (desk.folder / "demo").exists()
