"""By which fields the rows of a draft can be parted into folders, and what is wrong with the one chosen."""

from __future__ import annotations

from app.core.partitions import member_problems, not_parted, table_problems
from app.core.table_choices import chosen_fields
from app.core.tables import ColumnType
from app.ui.wizards.packing_options import PartField
from app.ui.wizards.state import WizardState


def part_fields(state: WizardState) -> list[PartField]:
    """The fields of all that is chosen, each once; dates, which parts are mostly made by, come first."""
    draft = state.draft
    if not hasattr(draft, "tables"):
        return [PartField(name, ColumnType.TEXT) for name in draft.match]
    found: dict[str, PartField] = {}
    for choice in draft.tables:
        table = state.facts.catalog.table(choice.name)
        if table is not None:
            chosen = chosen_fields(draft.tables, table)
            for column in table.columns:
                if column.name in chosen:
                    found.setdefault(column.name, PartField(column.name, column.type))
    return sorted(found.values(), key=lambda field: field.type not in {ColumnType.DATE, ColumnType.TIMESTAMP})


def whole_tables(state: WizardState) -> list[str]:
    """The tables whose rows are not parted, while those of others are."""
    by = state.draft.format.partition
    return [] if by is None else not_parted(by, getattr(state.draft, "tables", ()), state.facts.catalog)


def part_problem(state: WizardState) -> str:
    """The first thing that is wrong with the partition, in a sentence; empty when there is none, or nothing is."""
    draft = state.draft
    by = draft.format.partition
    if by is None:
        return ""
    tables = getattr(draft, "tables", None)
    found = member_problems(by, draft.match) if tables is None else table_problems(by, tables, state.facts.catalog)
    return found[0] if found else ""
