"""Normalising what people type into what targets understand, for one value; app/data/identifiers_sql.py does the same for millions.

Both read the same patterns, and a property test holds them together: a rule belongs in both or in neither. Case is folded
letter by letter, as the database engines do it, so `ΑΣ` becomes `ας` nowhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from app.core.phone_plans import KNOWN_CODES, PLANS, UNLISTED, VALID, ZERO_TRUNK_CODES
from app.core.place_names import COUNTRIES, LANGUAGES

BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""What is cut from both ends of a value: all Unicode blanks, line ends, and the invisible marks that spreadsheets leave."""

EMAIL = (
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:[.][a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?[.])+[a-z](?:[a-z0-9-]*[a-z0-9])"
)
"""A whole address after lower-casing: ASCII, no quoted parts (RFC 5321 without the forms no target takes)."""
EMAIL_LONGEST = 254
EMAIL_LOCAL_LONGEST = 64

GMAIL = r"@(?:google|g)mail[.]com$"
"""Where dots and what follows a plus make no other mailbox; Google hashes such an address without them (Data Manager API)."""

SHA256_HEX = r"[0-9a-f]{64}"
"""A SHA-256 in lower case: what is hashed already is passed on as it is, and not hashed once more."""

DOMAIN = (
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@]*@)?(?:www[.])?"
    r"((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?[.])+[a-z](?:[a-z0-9-]*[a-z0-9]))"
    r"[.]?(?::[0-9]+)?(?:[/?#].*)?"
)
"""A web or e-mail address after lower-casing; group 1 is its domain without www."""

PHONE_MARKS = r"[ \t\x{a0}()./\-]"
"""What people write between digits, in RE2's spelling."""

DATE_YEAR_FIRST = r"([12][0-9]{3})-([0-9]{2})-([0-9]{2})(?:[T ].*)?"
DATE_DIGITS = r"([12][0-9]{3})([0-9]{2})([0-9]{2})"
DATE_DOTS = r"([0-9]{1,2})[.] ?([0-9]{1,2})[.] ?([12][0-9]{3})"
DATE_SLASHES = r"([0-9]{1,2})/([0-9]{1,2})/([12][0-9]{3})"
MONTH_FIRST_COUNTRIES = frozenset({"US", "PH"})
"""Where 03/04/2025 is the 4th of March; everywhere else it is the 3rd of April."""

LANGUAGE_TAG = r"[a-z]{2}(?:[-_][a-z0-9_-]*)?"
POSTAL_CODE = r"[A-Z0-9](?:[A-Z0-9 -]{0,10}[A-Z0-9])?"

PUNCTUATION = r"""[!"#$%&'()*+,./:;<=>?@\[\]\\^_`{|}~‘’“”–—´·-]"""
"""What is taken out of names before they are hashed (Google, Meta: "no punctuation")."""
US_POSTAL_CODE = r"([0-9]{5})[0-9]{4}"
"""A nine-digit postal code of the United States without its dash; targets match by the first five."""

GENDERS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("f", "female", "woman", "w", "weiblich", "frau", "femme", "femenino", "mujer", "vrouw", "femmina"), "f"
    )
    | dict.fromkeys(("m", "male", "man", "männlich", "mann", "herr", "homme", "masculino", "hombre", "maschio"), "m")
)
"""What a gender may be called, lower case, to the letter the advertising systems take."""

COUNTRY_CODES: Mapping[str, str] = MappingProxyType(
    {name: code for code, names in COUNTRIES.items() for name in (code.lower(), *names)}
)
"""What a country may be called, lower case, to its ISO 3166-1 alpha-2 code."""
LANGUAGE_CODES: Mapping[str, str] = MappingProxyType(
    {name: code for code, names in LANGUAGES.items() for name in names}
)
"""What a language may be called, lower case, to its ISO 639-1 code."""

_PHONE_MARKS = re.compile("[ \t\xa0()./\\-]")


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to normalise: its function for one value and the two sentences of a value that has no usable form."""

    apply: Callable[[str, str], str | None]
    reason: str
    fix: str


def normalise(rule: str, value: str | None, country: str = "US") -> str | None:
    """The value as the target wants it, or None when it has no usable form; KeyError for an unknown rule.

    `country` (ISO 3166-1 alpha-2) is where national phone numbers and ambiguous dates are at home.
    """
    if value is None:
        return None
    return RULES[rule].apply(value, country)


def lower(text: str) -> str:
    """Lower case, letter by letter: the result has as many letters as the text, in every engine."""
    return "".join(letter.lower()[0] for letter in text)


def _upper(text: str) -> str:
    return "".join(large if len(large := letter.upper()) == 1 else letter for letter in text)


def _trim(value: str, _country: str) -> str | None:
    return value.strip(BLANKS) or None


def _lower(value: str, _country: str) -> str | None:
    return lower(value.strip(BLANKS)) or None


def _email(value: str, _country: str) -> str | None:
    text = lower(value.strip(BLANKS))
    if len(text) > EMAIL_LONGEST or text.find("@") > EMAIL_LOCAL_LONGEST:
        return None
    return text if re.fullmatch(EMAIL, text) else None


def _google_email(value: str, _country: str) -> str | None:
    address = _email(value, "")
    if address is None or not re.search(GMAIL, address):
        return address
    local, _at, domain = address.partition("@")
    mailbox = local.partition("+")[0].replace(".", "")
    return f"{mailbox}@{domain}" if mailbox else None


def _hashed(plain: Callable[[str, str], str | None]) -> Callable[[str, str], str | None]:
    """The SHA-256 of what the rule makes of a value; what is hashed already is passed on."""

    def apply(value: str, country: str) -> str | None:
        text = lower(value.strip(BLANKS))
        if re.fullmatch(SHA256_HEX, text):
            return text
        usable = plain(value, country)
        return None if usable is None else hashlib.sha256(usable.encode()).hexdigest()

    return apply


def _domain(value: str, _country: str) -> str | None:
    found = re.fullmatch(DOMAIN, lower(value.strip(BLANKS)))
    return found[1] if found else None


def _phone(value: str, country: str) -> str | None:
    text = value.strip(BLANKS)
    if text.startswith(("+", "00")):
        text = text.replace("(0)", "")
    number = _international(_PHONE_MARKS.sub("", text), country)
    if number is None:
        return None
    number = re.sub(rf"^[+]({ZERO_TRUNK_CODES})0", r"+\1", number)
    if re.fullmatch(VALID, number):
        return number
    return number if re.fullmatch(UNLISTED, number) and not re.match(rf"[+](?:{KNOWN_CODES})", number) else None


def phone_patterns(country: str) -> tuple[str, str, str, str] | None:
    """Prefix abroad, national form (the number is group 1), form with calling code but no plus, calling code; None if unknown.

    Where national numbers begin with a zero, one without it is not guessed at: it may be local.
    """
    plan = PLANS.get(country)
    if plan is None:
        return None
    abroad = "011" if plan.code == "1" else "00"
    trunk = "0" if plan.trunk == "0" else f"(?:{plan.trunk})?" if plan.trunk else ""
    return abroad, f"{trunk}({plan.significant})", f"{plan.code}{plan.significant}", plan.code


def _international(text: str, country: str) -> str | None:
    if re.fullmatch(r"[+][0-9]+", text):
        return text
    if re.fullmatch(r"00[0-9]+", text):
        return "+" + text[2:]
    patterns = phone_patterns(country)
    if patterns is None:
        return None
    abroad, national, with_code, code = patterns
    if found := re.fullmatch(national, text):
        return f"+{code}{found[1]}"
    if re.fullmatch(with_code, text):
        return "+" + text
    return "+" + text[3:] if abroad == "011" and re.fullmatch(r"011[0-9]+", text) else None


def _country_code(value: str, _country: str) -> str | None:
    return COUNTRY_CODES.get(lower(value.strip(BLANKS)))


def _language(value: str, _country: str) -> str | None:
    text = lower(value.strip(BLANKS))
    if re.fullmatch(LANGUAGE_TAG, text):
        return text[:2] if text[:2] in LANGUAGES else None
    return LANGUAGE_CODES.get(text)


def _postal_code(value: str, _country: str) -> str | None:
    text = _upper(re.sub("[ \t\xa0]+", " ", value.strip(BLANKS)))
    return text if re.fullmatch(POSTAL_CODE, text) else None


def _phone_digits(value: str, country: str) -> str | None:
    number = _phone(value, country)
    return None if number is None else number[1:]


def _bare_name(value: str, _country: str) -> str | None:
    return re.sub(PUNCTUATION, "", lower(value.strip(BLANKS))).strip(BLANKS) or None


def _initial(value: str, _country: str) -> str | None:
    name = _bare_name(value, "")
    return None if name is None else name[0]


def _bare_place(value: str, _country: str) -> str | None:
    return re.sub("[ \t\xa0]", "", _bare_name(value, "") or "") or None


def _bare_postal_code(value: str, _country: str) -> str | None:
    code = _postal_code(value, "")
    if code is None:
        return None
    bare = re.sub("[ -]", "", lower(code))
    return found[1] if (found := re.fullmatch(US_POSTAL_CODE, bare)) else bare


def _country_lower(value: str, _country: str) -> str | None:
    code = _country_code(value, "")
    return None if code is None else lower(code)


def _gender(value: str, _country: str) -> str | None:
    return GENDERS.get(lower(value.strip(BLANKS)))


def _part_of_date(first: int, last: int) -> Callable[[str, str], str | None]:
    def apply(value: str, country: str) -> str | None:
        day = _date(value, country)
        return None if day is None else day[first:last]

    return apply


def _date(value: str, country: str) -> str | None:
    text = value.strip(BLANKS)
    if found := re.fullmatch(DATE_YEAR_FIRST, text) or re.fullmatch(DATE_DIGITS, text):
        year, month, day = found.groups()
    elif found := re.fullmatch(DATE_DOTS, text):
        day, month, year = found.groups()
    elif found := re.fullmatch(DATE_SLASHES, text):
        first, second, year = found.groups()
        month, day = (first, second) if country in MONTH_FIRST_COUNTRIES else (second, first)
    else:
        return None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


_NO_PHONE, _WHOLE_PHONE = "It is not a complete phone number.", "Write it with its country code, such as +49 30 123456."
_NO_COUNTRY, _COUNTRY_CODE = "It is not a country we know.", "Use the two-letter code, such as DE."
_NO_POSTAL_CODE = "It is not a postal code."
_NO_DATE, _WHOLE_DATE = "It is not a date.", "Write it as year-month-day, such as 1985-03-31."

_PLAIN: Mapping[str, Rule] = {
    "trim": Rule(_trim, "The value is empty.", "Fill it in the source table."),
    "lower": Rule(_lower, "The value is empty.", "Fill it in the source table."),
    "email": Rule(_email, "It is not a valid e-mail address.", "Correct it in the source table."),
    "google_email": Rule(_google_email, "It is not a valid e-mail address.", "Correct it in the source table."),
    "domain": Rule(_domain, "It is not a web domain.", "Write it such as example.com or https://www.example.com."),
    "phone_e164": Rule(_phone, _NO_PHONE, _WHOLE_PHONE),
    "phone_digits": Rule(_phone_digits, _NO_PHONE, _WHOLE_PHONE),
    "bare_name": Rule(_bare_name, "It holds no letter.", "Correct it in the source table."),
    "initial": Rule(_initial, "It holds no letter.", "Correct it in the source table."),
    "bare_place": Rule(_bare_place, "It holds no letter.", "Correct it in the source table."),
    "country_iso": Rule(_country_code, _NO_COUNTRY, _COUNTRY_CODE),
    "country_lower": Rule(_country_lower, _NO_COUNTRY, _COUNTRY_CODE),
    "language": Rule(_language, "It is not a language we know.", "Use the two-letter code, such as de."),
    "postal_code": Rule(_postal_code, _NO_POSTAL_CODE, "Correct it in the source table."),
    "bare_postal_code": Rule(_bare_postal_code, _NO_POSTAL_CODE, "Correct it in the source table."),
    "gender": Rule(_gender, "It is not a gender the destination knows.", "Write f or m; others are sent without it."),
    "date_iso": Rule(_date, _NO_DATE, _WHOLE_DATE),
    "birth_year": Rule(_part_of_date(0, 4), _NO_DATE, _WHOLE_DATE),
    "birth_month": Rule(_part_of_date(5, 7), _NO_DATE, _WHOLE_DATE),
    "birth_day": Rule(_part_of_date(8, 10), _NO_DATE, _WHOLE_DATE),
}

HASHES: Mapping[str, str] = MappingProxyType(
    {
        "email_sha256": "email",
        "google_email_sha256": "google_email",
        "phone_sha256": "phone_e164",
        "phone_digits_sha256": "phone_digits",
        "name_sha256": "bare_name",
        "initial_sha256": "initial",
        "place_sha256": "bare_place",
        "postal_code_sha256": "bare_postal_code",
        "country_sha256": "country_lower",
        "gender_sha256": "gender",
        "birth_year_sha256": "birth_year",
        "birth_month_sha256": "birth_month",
        "birth_day_sha256": "birth_day",
        "id_sha256": "trim",
    }
)
"""The rules that hash, with the rule of what they hash: such a value never leaves in the clear."""

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **_PLAIN,
        **{
            name: Rule(_hashed(_PLAIN[plain].apply), _PLAIN[plain].reason, _PLAIN[plain].fix)
            for name, plain in HASHES.items()
        },
    }
)
"""Every rule by the name that `normalise` in a destination's description uses."""
