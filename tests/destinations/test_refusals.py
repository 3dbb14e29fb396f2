"""What destinations say about members they refuse is repeated, and explained where it tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.destinations.refusals import AT_SOURCE, Meaning, explained


@pytest.mark.parametrize(
    ("words", "reason", "fix"),
    [
        ("Email address x@y is invalid", "The e-mail address is not valid there.", "Correct the address in your data."),
        ("INVALID_EMAIL", "The e-mail address is not valid there.", "Correct the address in your data."),
        ("Invalid phone number format", "The phone number is not valid there.", "Correct the number in your data;"),
        ("phone_number must be E.164", "The phone number is not valid there.", "Correct the number in your data;"),
        ("Contact already exists. Existing ID: 7", "Somebody else has this value there,", "Join the two"),
        ("field last_name is required", "A value it needs is missing.", "Fill it in your data"),
        ("Email cannot be blank", "A value it needs is missing.", "Fill it in your data"),
        ("value exceeds 255 characters", "A value is longer or larger than it takes.", "Shorten it in your data"),
        ("'x' is not a valid number", "A value does not fit its field there.", "Match another field"),
        ("x was not one of the allowed options", "A value does not fit its field there.", "Match another field"),
        ("The profile was suppressed", "They may not be written to any more there.", "Leave them out"),
        ("Internal error, try again", "It had a problem of its own with this member.", "Run the export again."),
        ("Lead not found", "It is not known there.", "Correct the value in your data"),
    ],
)
def test_words_that_tell_are_explained_and_repeated(words: str, reason: str, fix: str) -> None:
    told, help_ = explained("Vendor", words)
    assert told.startswith(reason)
    assert told.endswith(f" Vendor says: {words}.")
    assert help_.startswith(fix)


def test_words_that_tell_nothing_are_repeated_alone() -> None:
    assert explained("Vendor", "Moon  in\nretrograde!") == ("Vendor says: Moon in retrograde!", AT_SOURCE)
    assert explained("Vendor", " ") == ("Vendor did not take this member and does not say why.", AT_SOURCE)


def test_a_destination_knows_its_own_words_better() -> None:
    own = (Meaning("retrograde", "The stars are against it.", "Wait for a month."),)
    assert explained("Vendor", "Invalid email in RETROGRADE.", own) == (
        "The stars are against it. Vendor says: Invalid email in RETROGRADE.",
        "Wait for a month.",
    )


@given(st.text(max_size=400))
def test_whatever_is_said_is_never_lost(words: str) -> None:
    reason, fix = explained("Vendor", words)
    assert " ".join(words.split()) in reason
    assert fix
