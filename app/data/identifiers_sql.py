"""The rules of app/core/identifiers.py as SQL, for millions of values at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp
from sqlglot.generator import Generator

from app.core import identifiers
from app.core.phone_plans import KNOWN_CODES, UNLISTED, VALID, ZERO_TRUNK_CODES
from app.core.place_names import LANGUAGES

TRIMMED = "trimmed"
"""Marks what `trimmed` made, for engines where the plain way is as quick: its last branch is the value itself."""

UNUSUAL_END = "unusual end"
"""Marks the question whether a text has one, as DuckDB is asked; others have `portable_paren`."""


def normalise(rule: str, value: exp.Expr, country: str = "US") -> exp.Expr:
    """The text as the target wants it, NULL when it has no usable form; KeyError for an unknown rule.

    `value` must be of a text type; it is used several times, so it should be a column or cheap.
    """
    return _RULES[rule](value, country)


def fitting(rule: str, value: exp.Expr, longest: int, country: str = "US") -> exp.Expr:
    """As `normalise`, NULL also when it is longer than so many characters."""
    result = normalise(rule, value, country)
    if _AT_MOST.get(rule, longest + 1) <= longest:
        return result
    short = exp.LTE(this=exp.Length(this=result.copy()), expression=exp.Literal.number(longest))
    if rule not in _NEVER_LONGER:
        return exp.Case().when(short, result, copy=False)
    # The length of what was there is asked first: that of the result would have it made twice.
    surely = exp.LTE(this=exp.Length(this=value.copy()), expression=exp.Literal.number(longest))
    return exp.Case().when(surely, result.copy(), copy=False).when(short, result, copy=False)


def trimmed(value: exp.Expr) -> exp.Expr:
    """The text without blanks at both ends; may be an empty text.

    Cutting a set of characters is dear (measured: 1.4 s per million), so only texts with an unusual end even after the
    engine's own, quicker trim (which cuts some of our blanks and nothing else) go that way.
    """
    quick = exp.Trim(this=value.copy())
    cut = exp.Trim(this=value.copy(), expression=text(identifiers.BLANKS))
    careful = exp.Case().when(_unusual_end(quick), cut, copy=False).else_(quick.copy(), copy=False)
    result = exp.Case().when(_unusual_end(value), careful, copy=False).else_(value.copy(), copy=False)
    result.meta[TRIMMED] = True
    return result


def _unusual_end(value: exp.Expr) -> exp.Expr:
    """Whether a text begins or ends with anything but a visible character of ASCII; an empty one may count as such.

    In DuckDB a pattern costs ten times as much wherever values repeat: it is asked of each row, this of each value.
    """
    last = exp.Anonymous(this="array_extract", expressions=[value.copy(), exp.Literal.number(-1)])
    usual = exp.and_(*(_between_ascii(end) for end in (value, last)), copy=False)
    question = exp.Paren(this=exp.not_(usual, copy=False))
    question.meta[UNUSUAL_END] = True
    return question


def _between_ascii(value: exp.Expr) -> exp.Expr:
    code = exp.Anonymous(this="ascii", expressions=[value.copy()])
    return exp.Between(this=code, low=exp.Literal.number(ord("!")), high=exp.Literal.number(ord("~")))


def portable_paren(generator: Generator, expression: exp.Paren) -> str:
    """What other engines write for parentheses: the question marked UNUSUAL_END as a pattern, which all of them know."""
    if not expression.meta.get(UNUSUAL_END):
        return generator.paren_sql(expression)
    asked = next(expression.find_all(exp.Between, bfs=False)).this.expressions[0]
    return generator.sql(exp.RegexpLike(this=asked.copy(), expression=text("^[^!-~]|[^!-~]$")))


def text(value: str) -> exp.Literal:
    """A text literal."""
    return exp.Literal.string(value)


def _function(name: str, *arguments: exp.Expr | str) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[text(a) if isinstance(a, str) else a.copy() for a in arguments])


def _full(value: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=value.copy(), expression=text(f"^(?:{pattern})$"))


def _replace(value: exp.Expr, pattern: str, by: str) -> exp.Expr:
    return exp.RegexpReplace(this=value.copy(), expression=text(pattern), replacement=text(by), modifiers=text("g"))


def _case(*branches: tuple[exp.Expr, exp.Expr]) -> exp.Case:
    case = exp.Case()
    for condition, result in branches:
        case = case.when(condition, result.copy(), copy=False)
    return case


def _or_null(value: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=value, expression=text(""))


def _trim(value: exp.Expr, _country: str) -> exp.Expr:
    """As `trimmed`, NULL when nothing is left; what is unusual is asked first, so that the rest of the values costs little."""
    cut = _or_null(trimmed(value))
    filled = exp.NEQ(this=value.copy(), expression=text(""))
    return exp.Case().when(_unusual_end(value), cut, copy=False).when(filled, value.copy(), copy=False)


def _lower(value: exp.Expr, _country: str) -> exp.Expr:
    return _or_null(exp.Lower(this=trimmed(value)))


def _email(value: exp.Expr, _country: str) -> exp.Expr:
    """Most addresses are written as they should be, which is asked first: making them so costs several times as much."""
    address = exp.Lower(this=trimmed(value))
    return _case((_usable_email(value), value), (_usable_email(address), address))


def _google_email(value: exp.Expr, _country: str) -> exp.Expr:
    """Few addresses are Google's, which is asked of what is written: the address itself costs several times as much."""
    address = _email(value, "")
    mailbox = _function("replace", _replace(address, "[+@].*$", ""), ".", "")
    bare = _joined(_or_null(mailbox), _replace(address, "^[^@]*", ""))
    maybe = exp.RegexpLike(this=value.copy(), expression=text("(?i)@(?:google|g)mail[.]com"))
    theirs = exp.RegexpLike(this=address.copy(), expression=text(identifiers.GMAIL))
    return _case((maybe, _case((theirs, bare)).else_(address.copy(), copy=False))).else_(address, copy=False)


def _usable_email(address: exp.Expr) -> exp.Expr:
    return exp.and_(
        exp.LTE(this=exp.Length(this=address.copy()), expression=exp.Literal.number(identifiers.EMAIL_LONGEST)),
        exp.LTE(
            this=exp.StrPosition(this=address.copy(), substr=text("@")),
            expression=exp.Literal.number(identifiers.EMAIL_LOCAL_LONGEST + 1),
        ),
        _full(address, identifiers.EMAIL),
        copy=False,
    )


def _hashed(plain: Callable[[exp.Expr, str], exp.Expr]) -> Callable[[exp.Expr, str], exp.Expr]:
    def apply(value: exp.Expr, country: str) -> exp.Expr:
        written = exp.Lower(this=trimmed(value))
        hashed = exp.SHA2(this=plain(value, country), length=exp.Literal.number(256))
        return _case((_full(written, identifiers.SHA256_HEX), written)).else_(hashed, copy=False)

    return apply


def _domain(value: exp.Expr, _country: str) -> exp.Expr:
    plain = exp.Lower(this=trimmed(value))
    pattern = text(f"^(?:{identifiers.DOMAIN})$")
    return _or_null(exp.RegexpExtract(this=plain, expression=pattern, group=exp.Literal.number(1)))


def _phone(value: exp.Expr, country: str) -> exp.Expr:
    plain = trimmed(value)
    abroad = exp.or_(_starts(plain, "+"), _starts(plain, "00"), copy=False)
    plain = _case((abroad, _function("replace", plain, "(0)", ""))).else_(plain, copy=False)
    number = _international(_replace(plain, identifiers.PHONE_MARKS, ""), country)
    number = _replace(number, rf"^[+]({ZERO_TRUNK_CODES})0", r"+\1")
    known = _full(number, f"[+](?:{KNOWN_CODES})[0-9]*")
    unlisted = exp.and_(_full(number, UNLISTED), exp.not_(known, copy=False), copy=False)
    usable = exp.or_(_full(number, VALID), unlisted, copy=False)
    return exp.Case().when(usable, number, copy=False)


def _international(plain: exp.Expr, country: str) -> exp.Expr:
    branches = [
        (_full(plain, "[+][0-9]+"), plain),
        (_full(plain, "00[0-9]+"), _with_plus(_from(plain, 3))),
    ]
    patterns = identifiers.phone_patterns(country)
    if patterns is not None:
        abroad, national, with_code, code = patterns
        significant = exp.RegexpExtract(
            this=plain.copy(), expression=text(f"^{national}$"), group=exp.Literal.number(1)
        )
        branches.append((_full(plain, national), exp.DPipe(this=text(f"+{code}"), expression=significant, safe=True)))
        branches.append((_full(plain, with_code), _with_plus(plain)))
        if abroad == "011":
            branches.append((_full(plain, "011[0-9]+"), _with_plus(_from(plain, 4))))
    return _case(*branches)


def _starts(value: exp.Expr, start: str) -> exp.Expr:
    return exp.StartsWith(this=value.copy(), expression=text(start))


def _from(value: exp.Expr, position: int) -> exp.Expr:
    return exp.Substring(this=value.copy(), start=exp.Literal.number(position))


def _with_plus(value: exp.Expr) -> exp.Expr:
    return exp.DPipe(this=text("+"), expression=value.copy(), safe=True)


def _country(value: exp.Expr, _country: str) -> exp.Expr:
    return _looked_up(exp.Lower(this=trimmed(value)), identifiers.COUNTRY_CODES)


def _language(value: exp.Expr, _country: str) -> exp.Expr:
    tag = exp.Lower(this=trimmed(value))
    start = exp.Substring(this=tag.copy(), start=exp.Literal.number(1), length=exp.Literal.number(2))
    known = exp.In(this=start.copy(), expressions=[text(code) for code in LANGUAGES])
    return _case((_full(tag, identifiers.LANGUAGE_TAG), _case((known, start)))).else_(
        _looked_up(tag, identifiers.LANGUAGE_CODES)
    )


def _looked_up(value: exp.Expr, names: Mapping[str, str]) -> exp.Expr:
    """A join with the names in the shape of an expression: engines turn it into one hash look-up per row."""
    rows = [exp.Tuple(expressions=[text(name), text(code)]) for name, code in names.items()]
    known = exp.Values(
        expressions=rows,
        alias=exp.TableAlias(
            this=exp.to_identifier("known"), columns=[exp.to_identifier("name"), exp.to_identifier("code")]
        ),
    )
    # Grouping makes it plain to every engine that there is at most one row for a name.
    query = (
        exp.select(exp.Max(this=exp.column("code", table="known")))
        .from_(known)
        .where(exp.EQ(this=exp.column("name", table="known"), expression=value.copy()))
    )
    return exp.Subquery(this=query)


def _postal_code(value: exp.Expr, _country: str) -> exp.Expr:
    plain = _replace(trimmed(value), r"[ \t\x{a0}]+", " ")
    upper = exp.Upper(this=plain)
    return _case((_full(upper, identifiers.POSTAL_CODE), upper))


def _phone_digits(value: exp.Expr, country: str) -> exp.Expr:
    return _from(_phone(value, country), 2)


def _bare_name(value: exp.Expr, _country: str) -> exp.Expr:
    return _or_null(trimmed(_replace(exp.Lower(this=trimmed(value)), identifiers.PUNCTUATION, "")))


def _initial(value: exp.Expr, _country: str) -> exp.Expr:
    return exp.Substring(this=_bare_name(value, ""), start=exp.Literal.number(1), length=exp.Literal.number(1))


def _bare_place(value: exp.Expr, _country: str) -> exp.Expr:
    return _or_null(_replace(_bare_name(value, ""), r"[ \t\x{a0}]", ""))


def _bare_postal_code(value: exp.Expr, _country: str) -> exp.Expr:
    bare = _replace(exp.Lower(this=_postal_code(value, "")), "[ -]", "")
    first = exp.RegexpExtract(
        this=bare.copy(), expression=text(f"^{identifiers.US_POSTAL_CODE}$"), group=exp.Literal.number(1)
    )
    return _case((_full(bare, identifiers.US_POSTAL_CODE), first)).else_(bare, copy=False)


def _country_lower(value: exp.Expr, country: str) -> exp.Expr:
    return exp.Lower(this=_country(value, country))


def _gender(value: exp.Expr, _country: str) -> exp.Expr:
    return _looked_up(exp.Lower(this=trimmed(value)), identifiers.GENDERS)


def _part_of_date(start: int, length: int) -> Callable[[exp.Expr, str], exp.Expr]:
    def apply(value: exp.Expr, country: str) -> exp.Expr:
        numbers = (exp.Literal.number(start), exp.Literal.number(length))
        return exp.Substring(this=_date(value, country), start=numbers[0], length=numbers[1])

    return apply


def _date(value: exp.Expr, country: str) -> exp.Expr:
    plain = trimmed(value)
    slashes = (3, 1, 2) if country in identifiers.MONTH_FIRST_COUNTRIES else (3, 2, 1)
    forms = (
        (identifiers.DATE_YEAR_FIRST, (1, 2, 3)),
        (identifiers.DATE_DIGITS, (1, 2, 3)),
        (identifiers.DATE_DOTS, (3, 2, 1)),
        (identifiers.DATE_SLASHES, slashes),
    )
    written = _case(*((_full(plain, pattern), _date_parts(plain, pattern, order)) for pattern, order in forms))
    return exp.cast(exp.TryCast(this=written, to=exp.DataType.build("date")), "text")


def _date_parts(plain: exp.Expr, pattern: str, order: tuple[int, int, int]) -> exp.Expr:
    parts = [
        exp.RegexpExtract(this=plain.copy(), expression=text(f"^{pattern}$"), group=exp.Literal.number(group))
        for group in order
    ]
    month, day = (_function("lpad", part, exp.Literal.number(2), "0") for part in parts[1:])
    return _joined(parts[0], text("-"), month, text("-"), day)


def _joined(first: exp.Expr, *others: exp.Expr) -> exp.Expr:
    for other in others:
        first = exp.DPipe(this=first, expression=other, safe=True)
    return first


_AT_MOST = {
    "email": identifiers.EMAIL_LONGEST,
    "google_email": identifiers.EMAIL_LONGEST,
    **dict.fromkeys(identifiers.HASHES, 64),
}
_NEVER_LONGER = frozenset({"trim"})
_PLAIN: Mapping[str, Callable[[exp.Expr, str], exp.Expr]] = {
    "trim": _trim,
    "lower": _lower,
    "email": _email,
    "google_email": _google_email,
    "domain": _domain,
    "phone_e164": _phone,
    "phone_digits": _phone_digits,
    "bare_name": _bare_name,
    "initial": _initial,
    "bare_place": _bare_place,
    "country_iso": _country,
    "country_lower": _country_lower,
    "language": _language,
    "postal_code": _postal_code,
    "bare_postal_code": _bare_postal_code,
    "gender": _gender,
    "date_iso": _date,
    "birth_year": _part_of_date(1, 4),
    "birth_month": _part_of_date(6, 2),
    "birth_day": _part_of_date(9, 2),
}
_RULES: Mapping[str, Callable[[exp.Expr, str], exp.Expr]] = {
    **_PLAIN,
    **{name: _hashed(_PLAIN[plain]) for name, plain in identifiers.HASHES.items()},
}
