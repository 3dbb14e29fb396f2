from __future__ import annotations

import pytest

from app.core.identifiers import RULES, normalise


@pytest.mark.parametrize(
    ("rule", "value", "wanted"),
    [
        ("trim", "  a b\u00a0\n", "a b"),
        ("trim", "\u200b \ufeff", None),
        ("lower", " MÜLLER İ", "müller i"),
        ("email", " Ada.Lovelace+x@Example.COM ", "ada.lovelace+x@example.com"),
        ("email", "a@b", None),
        ("email", "a..b@c.de", None),
        ("email", ".a@c.de", None),
        ("email", "a@-c.de", None),
        ("email", "a@c.de\n", "a@c.de"),
        ("email", "a b@c.de", None),
        ("email", "a@c.d", None),
        ("email", "a@b@c.de", None),
        ("email", "x" * 64 + "@c.de", "x" * 64 + "@c.de"),
        ("email", "x" * 65 + "@c.de", None),
        ("email", "müller@c.de", None),
        ("email_sha256", " Test@Example.COM", "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"),
        ("email_sha256", " 973DFE" + "0" * 58 + "\n", "973dfe" + "0" * 58),
        ("email_sha256", "973dfe", None),
        ("email_sha256", "a@b", None),
        ("domain", " https://WWW.Example.co.uk:443/en?x=1#y ", "example.co.uk"),
        ("domain", "Example.com.", "example.com"),
        ("domain", "http://a:b@shop.example.com", "shop.example.com"),
        ("domain", "info@example.com", "example.com"),
        ("domain", "www.de", "www.de"),
        ("domain", "example", None),
        ("domain", "10.0.0.1", None),
        ("domain", "https://example.com\nx", None),
        ("country_iso", "Deutschland", "DE"),
        ("country_iso", " ALLEMAGNE", "DE"),
        ("country_iso", "de", "DE"),
        ("country_iso", "USA", "US"),
        ("country_iso", "Côte d'Ivoire", "CI"),
        ("country_iso", "Atlantis", None),
        ("language", "de-AT", "de"),
        ("language", "en_US", "en"),
        ("language", "Français", "fr"),
        ("language", "xx", None),
        ("postal_code", " sw1a   1aa ", "SW1A 1AA"),
        ("postal_code", "01234", "01234"),
        ("postal_code", "?", None),
        ("date_iso", "31.3.1985", "1985-03-31"),
        ("date_iso", "1985-03-31T10:00:00Z", "1985-03-31"),
        ("date_iso", "19850331", "1985-03-31"),
        ("date_iso", "29.02.2023", None),
        ("date_iso", "29.02.2024", "2024-02-29"),
        ("date_iso", "03/04/2025", "2025-04-03"),
    ],
)
def test_a_value(rule: str, value: str, wanted: str | None) -> None:
    assert normalise(rule, value, "DE") == wanted


@pytest.mark.parametrize(
    ("country", "value", "wanted"),
    [
        ("DE", "030 / 123 456", "+4930123456"),
        ("DE", "+49 (0)30 123456", "+4930123456"),
        ("DE", "0049-30-123456", "+4930123456"),
        ("DE", "+49030123456", "+4930123456"),
        ("DE", "4930123456", "+4930123456"),
        ("DE", "123456", None),
        ("DE", "030 123456 ext 5", None),
        ("DE", "+1 (415) 555-2671", "+14155552671"),
        ("US", "(415) 555-2671", "+14155552671"),
        ("US", "1-415-555-2671", "+14155552671"),
        ("US", "011 44 20 7946 0958", "+442079460958"),
        ("US", "015 555 2671", None),
        ("GB", "020 7946 0958", "+442079460958"),
        ("IT", "06 1234567", "+39061234567"),
        ("RU", "8 (495) 123-45-67", "+74951234567"),
        ("HU", "06 1 234 5678", "+3612345678"),
        ("DK", "12 34 56 78", "+4512345678"),
        ("XX", "030 123456", None),
        ("XX", "+995 32 2123456", "+995322123456"),
        ("DE", "+49", None),
        ("DE", "+0123456789", None),
        ("DE", "", None),
    ],
)
def test_a_phone_number(country: str, value: str, wanted: str | None) -> None:
    assert normalise("phone_e164", value, country) == wanted


def test_month_comes_first_in_the_states() -> None:
    assert normalise("date_iso", "03/04/2025", "US") == "2025-03-04"


def test_nothing_stays_nothing() -> None:
    assert all(normalise(rule, None) is None for rule in RULES)
    assert all(normalise(rule, "") is None for rule in RULES)
