"""Sample data: the same messy, international and wholly invented customers on every computer.

Everything follows from a row's number and a fixed day, so counts never change. E-mail and web addresses use names that
RFC 2606 and RFC 6761 keep out of the real network (example.com, .example, .test). Telephone numbers come from ranges kept
for fiction: United States 555-0100 to 0199 (NANPA), United Kingdom 07700 900xxx, 020 7946 0xxx, 0161 496 0xxx (Ofcom),
Germany 030 23125xxx, 0171 39200xx (Bundesnetzagentur), France 06 39 98 xx xx (ARCEP), Australia 0491 570 xxx (ACMA), Sweden
070-174 06 xx (PTS).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, Literal

from app.data.engines.duckdb import DuckDBEngine, literal
from app.jobs import JobContext, Progress

ANCHOR: Final = date(2026, 11, 1)
"""The day the sample's last order was placed."""

Audience = Literal["consumers", "businesses"]
_RECIPES: Final = Path(__file__).resolve().parents[2] / "resources" / "samples"
_FOLDERS: Final[Mapping[Audience, str]] = {"consumers": "consumers", "businesses": "business"}


def consumers(folder: Path, ctx: JobContext, anchor: date = ANCHOR) -> list[Path]:
    """Write Customer.parquet (200,000 rows) and Orders.parquet (1,000,000 rows) into the folder; seconds of work."""
    files = {"customers": folder / "Customer.parquet", "orders": folder / "Orders.parquet"}
    return _cook("consumers.sql", folder, files, anchor, ctx)


def businesses(folder: Path, ctx: JobContext, anchor: date = ANCHOR) -> list[Path]:
    """Write Account.parquet (20,000 rows), Contact.parquet (60,000) and Opportunity.parquet (9,000) into the folder."""
    files = {
        "accounts": folder / "Account.parquet",
        "contacts": folder / "Contact.parquet",
        "opportunities": folder / "Opportunity.parquet",
    }
    return _cook("business.sql", folder, files, anchor, ctx)


def segment_files(audience: Audience) -> list[Path]:
    """The segment documents that go with the sample data, as YAML files; one names a CSV file beside it.

    They are sorted so that a segment stands behind those it refers to.
    """
    return sorted((_RECIPES / _FOLDERS[audience]).glob("*.yaml"))


def _cook(recipe: str, folder: Path, files: Mapping[str, Path], anchor: date, ctx: JobContext) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    kitchen = Path(mkdtemp(prefix="samples-", dir=folder))
    cooked = {place: kitchen / path.name for place, path in files.items()}
    engine = DuckDBEngine(kitchen, memory_limit="1GB")
    try:
        with engine.cursor(ctx.token) as cursor:
            statements = _statements("people.sql", recipe)
            for done, statement in enumerate(statements):
                ctx.report(Progress("Making sample data", done, len(statements), "steps"))
                cursor.execute(_filled(statement, cooked, anchor))
        for place, path in files.items():
            cooked[place].replace(path)
    finally:
        engine.close()
        shutil.rmtree(kitchen)
    ctx.report(Progress("Making sample data", len(statements), len(statements), "steps"), final=True)
    return list(files.values())


def _statements(*recipes: str) -> list[str]:
    text = "\n".join((_RECIPES / recipe).read_text(encoding="utf-8") for recipe in recipes)
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part for part in "\n".join(lines).split(";\n") if part.strip()]


def _filled(statement: str, files: Mapping[str, Path], anchor: date) -> str:
    """The statement with its `$name` places filled; DuckDB takes no parameter after COPY ... TO."""
    for place, path in files.items():
        statement = statement.replace(f"TO ${place} ", f"TO {literal(path)} ")
    return statement.replace("$anchor", literal(anchor.isoformat()))
