from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.destinations.batches import Batch, Member, OutcomeKind
from app.destinations.hashes import not_hashed


@given(st.lists(st.sampled_from(["", None, "a" * 64, "A" * 64, "zoe@shop.example", "a" * 63]), max_size=8))
def test_only_hashes_are_let_through(values: list[str | None]) -> None:
    batch = Batch.of([Member(str(number), {"email": value}) for number, value in enumerate(values)])
    plain = not_hashed(batch, ("phone", "email"))
    assert list(plain) == [place for place, value in enumerate(values) if value and value != "a" * 64]
    assert all((each.kind, each.field) == (OutcomeKind.INVALID, "email") for each in plain.values())
