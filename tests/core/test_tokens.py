from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tokens import Tokens, secrets_in

SECONDS = st.integers(1_600_000_000, 2_800_000_000)
moments = st.none() | SECONDS.map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(st.text(min_size=1), st.text(), moments, moments)
def test_what_is_written_is_read(
    access: str, refresh: str, access_ends: datetime | None, ends: datetime | None
) -> None:
    tokens = Tokens(access, refresh, access_ends, ends)
    assert Tokens.read(tokens.written()) == tokens
    assert set(secrets_in(tokens.written())) == {tokens.written(), access} | ({refresh} if refresh else set())


@pytest.mark.parametrize("text", ["", "a key", "{}", "[]", "1", "null", '{"access": "a", "ends_at": "someday"}'])
def test_other_texts_are_no_sign_in(text: str) -> None:
    assert Tokens.read(text) is None
    assert secrets_in(text) == (text,)


def test_no_token_is_shown() -> None:
    tokens = Tokens("access", "refresh", datetime.now(timezone(timedelta(hours=2))))
    assert "access'" not in repr(tokens)
    assert "refresh'" not in repr(tokens)
