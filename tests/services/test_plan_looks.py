"""What is shown of a member whose address leaves as a hash."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from app.core.plans import Change, PlannedMember
from app.core.tables import Catalog, Column, ColumnType, Meaning, Table, TableRole
from app.destinations.contract import PreparedRequest
from app.services.plan_looks import FieldStep, PlanMember, hidden
from tests.delivery.fakes import export

ADDRESS = "nora@example.com"
HASH = hashlib.sha256(ADDRESS.encode()).hexdigest()
ENDS = f"{HASH[:6]}…{HASH[-4:]}"


@pytest.mark.parametrize("whole", [True, False])
def test_a_hash_stands_in_full_only_for_who_may_see_values(*, whole: bool) -> None:
    columns = (
        Column("Email", ColumnType.TEXT, Meaning.EMAIL),
        Column("FirstName", ColumnType.TEXT, Meaning.FIRST_NAME),
    )
    table = Table("c", "Customer", TableRole.CUSTOMER, columns, "Id", 1, 1, "x", datetime(2026, 3, 1, tzinfo=UTC))
    body = f'{{"userIds": ["{HASH}"], "firstName": "Nora"}}'
    shown = hidden(
        PlanMember(
            PlannedMember("C-1", "Gold", Change.ADDED, {"email": HASH, "first_name": "Nora"}),
            (
                FieldStep("email", "E-mail", "Nora@example.com ", ADDRESS, HASH),
                FieldStep("first_name", "First name", "Nora", "Nora"),
            ),
            (PreparedRequest("POST", "https://api.example.com/nora%40example.com", {}, body),),
            0,
        ),
        export("Gold"),
        Catalog((table,)),
        whole_hashes=whole,
    )
    assert "nora" not in repr(shown).casefold()
    assert shown.steps[0].hashed == (HASH if whole else ENDS)
    assert (HASH in shown.requests[0].body) is whole
    assert ENDS in shown.requests[0].body or whole
    assert shown.member.values == {"email": ENDS, "first_name": "N•••"}
