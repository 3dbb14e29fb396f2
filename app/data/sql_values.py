"""One value of a row and what a rule asks of it, as SQL.

How empty values count, everywhere:
- A value is empty when it is NULL, a text of nothing but blanks, or a number that is not finite (NaN, infinity).
- `is_not`, `is_not_one_of` and `not_in_last` are the exact opposites of `is`, `is_one_of` and `last`, so they include
  empty values. Every other question is answered with no by an empty value.
- `is` with an empty text (or null) means `is_empty`; an empty entry in `is_one_of` takes the empty ones along.
- `is` and `is_one_of` compare texts exactly as written; `contains`, `starts_with`, `ends_with` ignore case. A letter with its
  accent is the same in one sign and in two (Unicode's forms NFC and NFD), as a whole text is written.
- A date without a time means the whole day of the time zone. A timestamp without a zone is read as local time.
- `last` takes what lies after now minus the span and not after now; on plain dates, `last: 7 days` is today and six days.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from sqlglot import exp

from app.core.clocks import Clock, only_day
from app.core.identifiers import BLANKS
from app.core.segment_questions import DATES, EMPTY, EQUAL, NUMBERS, OPERATORS, TEXT
from app.core.segments import Aggregate, Operator, Scalar, Span
from app.core.tables import Column, ColumnType, is_zoned
from app.data.identifiers_sql import text, trimmed

NEGATED: Mapping[Operator, Operator] = MappingProxyType(
    {
        Operator.IS_NOT: Operator.IS,
        Operator.IS_NOT_ONE_OF: Operator.IS_ONE_OF,
        Operator.NOT_IN_LAST: Operator.LAST,
        Operator.IS_NOT_EMPTY: Operator.IS_EMPTY,
    }
)

_COMPARISONS: Mapping[Operator, type[exp.Binary]] = MappingProxyType(
    {
        Operator.AT_LEAST: exp.GTE,
        Operator.AT_MOST: exp.LTE,
        Operator.MORE_THAN: exp.GT,
        Operator.LESS_THAN: exp.LT,
        Operator.BEFORE: exp.LT,
        Operator.AFTER: exp.GT,
    }
)

_ESCAPE = "!"
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a row: the expression, its type, and the engine's own name of the type where it matters.

    `clean` tells that empty values are NULL already.
    """

    expression: exp.Expr
    type: ColumnType
    native: str = ""
    clean: bool = False

    @property
    def zoned(self) -> bool:
        """Whether a timestamp names moments rather than what a clock on the wall shows."""
        return is_zoned(self.native)


def column_value(column: Column, alias: str, *, clean: bool = False) -> Value:
    """The column as a value, with what is not a finite number made NULL; `clean` when the rows come from `cleaned_all`."""
    raw = exp.column(column.name, table=alias, quoted=True)
    if clean:
        return Value(raw, column.type, column.native_type, clean=True)
    return Value(cleaned(raw, column), column.type, column.native_type)


def cleaned(raw: exp.Expr, column: Column) -> exp.Expr:
    """The value with what is no finite number made NULL, and texts of special native types as plain text."""
    native = column.native_type.upper()
    if column.type is ColumnType.NUMBER:
        # Only a finite number less itself is 0. DuckDB answers its own `isnan`, and comparisons with infinity, from the
        # statistics of Parquet files, and those that others write leave NaN out.
        nothing = exp.paren(exp.Sub(this=raw.copy(), expression=raw.copy()))
        finite = exp.EQ(this=nothing, expression=exp.Literal.number(0))
        return exp.Case().when(finite, raw, copy=False)
    if column.type is ColumnType.TEXT and native and not native.startswith(("VARCHAR", "ENUM", "TEXT", "STRING")):
        return exp.cast(raw, "text")
    return raw


def cleaned_all(raw: exp.Expr, column: Column) -> exp.Expr:
    """The value with all that counts as empty made NULL, so that `is_empty` is quick."""
    value = Value(cleaned(raw, column), column.type, column.native_type)
    if column.type is not ColumnType.TEXT:
        return value.expression
    return exp.Case().when(exp.not_(empty(value), copy=False), value.expression.copy(), copy=False)


def aggregated(aggregate: Aggregate, value: Value) -> Value:
    """What is computed over many rows: nothing at all gives 0 for count and sum, and an empty value for the others."""
    inner = value.expression.copy()
    if aggregate is Aggregate.COUNT:
        filled = exp.Case().when(exp.not_(empty(value), copy=False), exp.Literal.number(1), copy=False)
        return Value(exp.Count(this=filled), ColumnType.INTEGER)
    if aggregate is Aggregate.SUM:
        if value.native == "FLOAT":  # added up in double precision, as DuckDB does by itself
            inner = exp.cast(inner, "double")
        elif value.type is ColumnType.INTEGER:
            inner.type = "bigint"  # for engines that add up in 64 bits unless told otherwise
        total = exp.Coalesce(this=exp.Sum(this=inner), expressions=[exp.Literal.number(0)])
        return Value(total, ColumnType.NUMBER if value.type is ColumnType.NUMBER else ColumnType.DECIMAL)
    if aggregate is Aggregate.AVERAGE:
        return Value(exp.Avg(this=inner), ColumnType.NUMBER)
    if aggregate in {Aggregate.LOWEST, Aggregate.EARLIEST}:
        return Value(exp.Min(this=inner), value.type, value.native)
    return Value(exp.Max(this=inner), value.type, value.native)


def empty(value: Value) -> exp.Expr:
    """Whether the value is empty; never NULL."""
    nothing = exp.Is(this=value.expression.copy(), expression=exp.Null())
    if value.type is not ColumnType.TEXT or value.clean:
        return nothing
    is_blank_text = exp.EQ(this=trimmed(value.expression), expression=text(""))
    return exp.paren(exp.or_(nothing, is_blank_text, copy=False), copy=False)


def ask(value: Value, operator: Operator, operand: Scalar | tuple[Scalar, ...] | Span, clock: Clock) -> exp.Expr:
    """The question as a predicate; NULL counts as no. The operand must fit (`misfit` says whether it does)."""
    if operator in NEGATED:
        answer = exp.Coalesce(this=ask(value, NEGATED[operator], operand, clock), expressions=[exp.false()])
        return exp.not_(answer, copy=False)
    if operator is Operator.IS_EMPTY:
        return empty(value)
    if operator is Operator.LAST:
        assert isinstance(operand, Span)
        return _between_moments(value, clock.ago(operand), clock)
    if operator is Operator.IS_ONE_OF:
        assert isinstance(operand, tuple)
        return _one_of(value, operand, clock)
    if operator is Operator.BETWEEN:
        assert isinstance(operand, tuple)
        low = _compare(value, Operator.AT_LEAST, operand[0], clock)
        high = _compare(value, Operator.AT_MOST, operand[1], clock)
        return exp.paren(exp.and_(low, high, copy=False), copy=False)
    assert not isinstance(operand, tuple | Span)
    if operator is Operator.IS:
        return empty(value) if is_blank(operand) else _compare(value, operator, operand, clock)
    if operator in TEXT:
        return _like(value, operator, str(operand))
    return _compare(value, operator, operand, clock)


def is_blank(operand: Scalar) -> bool:
    """Whether the operand stands for an empty value."""
    return operand is None or (isinstance(operand, str) and not operand.strip(BLANKS))


def matches_nothing(aggregate: Aggregate, operator: Operator, operand: Scalar | tuple[Scalar, ...] | Span) -> bool:
    """Whether a member without any linked row answers yes: judged with 0 for count and sum, with an empty value else."""
    if aggregate in {Aggregate.COUNT, Aggregate.SUM}:
        return _zero_answers(operator, operand)
    if operator in NEGATED:
        return not matches_nothing(aggregate, NEGATED[operator], operand)
    if operator is Operator.IS_EMPTY:
        return True
    values = operand if isinstance(operand, tuple) else (operand,)
    return operator in EQUAL and any(is_blank(v) for v in values if not isinstance(v, Span))


def _zero_answers(operator: Operator, operand: Scalar | tuple[Scalar, ...] | Span) -> bool:
    if operator in NEGATED:
        return not _zero_answers(NEGATED[operator], operand)
    if operator is Operator.IS_EMPTY or isinstance(operand, Span):
        return False
    numbers = [decimal(v) for v in (operand if isinstance(operand, tuple) else (operand,)) if not is_blank(v)]
    answers: dict[Operator, Callable[[], bool]] = {
        Operator.IS: lambda: 0 in numbers,
        Operator.IS_ONE_OF: lambda: 0 in numbers,
        Operator.AT_LEAST: lambda: numbers[0] <= 0,
        Operator.AT_MOST: lambda: numbers[0] >= 0,
        Operator.MORE_THAN: lambda: numbers[0] < 0,
        Operator.LESS_THAN: lambda: numbers[0] > 0,
        Operator.BETWEEN: lambda: numbers[0] <= 0 <= numbers[1],
    }
    return answers[operator]()


def decimal(operand: Scalar) -> Decimal:
    """The number an operand means; ValueError when it means none."""
    if isinstance(operand, bool) or operand is None:
        raise ValueError(operand)
    try:
        number = Decimal(repr(operand) if isinstance(operand, float) else str(operand).strip())
    except InvalidOperation as error:
        raise ValueError(operand) from error
    if not number.is_finite():
        raise ValueError(operand)
    return number


def misfit(column_type: ColumnType, operator: Operator, operand: Scalar | tuple[Scalar, ...] | Span) -> str:
    """Why the operand cannot be compared with values of the type, as the rest of a sentence; empty when it can."""
    if operator not in OPERATORS[column_type]:
        return f"holds {TYPE_WORDS[column_type]}, and {operator} can't be asked of that"
    if isinstance(operand, Span) or operator in EMPTY:
        return ""
    if operator in TEXT and is_blank(operand if not isinstance(operand, tuple) else None):
        return f"needs a text after {operator}"
    values = operand if isinstance(operand, tuple) else (operand,)
    blank_allowed = operator in EQUAL
    for value in values:
        if is_blank(value):
            if not blank_allowed:
                return f"needs a value after {operator}"
            continue
        if words := _value_misfit(column_type, value):
            return words
    return ""


TYPE_WORDS: Mapping[ColumnType, str] = MappingProxyType(
    {
        ColumnType.TEXT: "text",
        ColumnType.INTEGER: "whole numbers",
        ColumnType.DECIMAL: "numbers",
        ColumnType.NUMBER: "numbers",
        ColumnType.BOOLEAN: "yes or no",
        ColumnType.DATE: "dates",
        ColumnType.TIME: "times of day",
        ColumnType.TIMESTAMP: "dates with times",
        ColumnType.BINARY: "binary data",
        ColumnType.NESTED: "nested values",
    }
)


def _value_misfit(column_type: ColumnType, value: Scalar) -> str:
    if column_type is ColumnType.TEXT:
        if isinstance(value, bool):
            return f'holds text, but the value is {str(value).lower()}; put it in quotes if it is meant as text ("NO")'
        return ""
    if column_type is ColumnType.BOOLEAN:
        return "" if isinstance(value, bool) else f"holds yes or no, but the value is “{value}”; write true or false"
    try:
        if column_type in NUMBERS:
            decimal(value)
        elif column_type is ColumnType.TIME:
            time.fromisoformat(str(value))
        else:
            Clock(datetime.fromisoformat("2000-01-01T00:00:00+00:00")).moment(_year_checked(value))
    except (ValueError, OverflowError):
        example = {ColumnType.TIME: "18:30", **dict.fromkeys(DATES, "2025-03-31")}.get(column_type, "12.50")
        return f"holds {TYPE_WORDS[column_type]}, but the value is “{value}”; write for example {example}"
    return ""


def _year_checked(value: Scalar) -> str:
    """Years at the very ends of the calendar have no day before or after in every time zone."""
    if not isinstance(value, str) or not "0002" <= value.strip()[:4] <= "9998":
        raise ValueError(value)
    return value


def _one_of(value: Value, operands: tuple[Scalar, ...], clock: Clock) -> exp.Expr:
    filled = [operand for operand in operands if not is_blank(operand)]
    questions: list[exp.Expr] = []
    if value.type is ColumnType.TIMESTAMP:
        questions += [_compare(value, Operator.IS, operand, clock) for operand in filled]
    elif filled:
        texts = value.type is ColumnType.TEXT
        spelled = [form for operand in filled for form in (_spellings(str(operand)) if texts else (operand,))]
        literals = [_literal(value, operand, clock) for operand in spelled]
        questions.append(exp.In(this=value.expression.copy(), expressions=literals))
    if len(filled) < len(operands):
        questions.append(empty(value))
    return exp.paren(exp.or_(*questions, copy=False), copy=False)


def _compare(value: Value, operator: Operator, operand: Scalar, clock: Clock) -> exp.Expr:
    if value.type is ColumnType.TIMESTAMP:
        day = only_day(str(operand))
        if day is not None:
            return _compare_day(value, operator, day, clock)
    if operator is Operator.IS and value.type is ColumnType.TEXT and len(_spellings(str(operand))) > 1:
        return _one_of(value, (operand,), clock)
    comparison = exp.EQ if operator is Operator.IS else _COMPARISONS[operator]
    return comparison(this=value.expression.copy(), expression=_literal(value, operand, clock))


def _compare_day(value: Value, operator: Operator, day: date, clock: Clock) -> exp.Expr:
    """A day against moments: from its first one, up to but without the first one of the next day."""
    begins, ends = (_moment(value, moment, clock) for moment in clock.day(day))
    this = value.expression
    if operator is Operator.IS:
        inside = exp.GTE(this=this.copy(), expression=begins)
        return exp.paren(exp.and_(inside, exp.LT(this=this.copy(), expression=ends), copy=False), copy=False)
    if operator in {Operator.AT_MOST, Operator.MORE_THAN, Operator.AFTER}:
        comparison: type[exp.Binary] = exp.LT if operator is Operator.AT_MOST else exp.GTE
        return comparison(this=this.copy(), expression=ends)
    comparison = exp.GTE if operator is Operator.AT_LEAST else exp.LT
    return comparison(this=this.copy(), expression=begins)


def _between_moments(value: Value, after: datetime, clock: Clock) -> exp.Expr:
    later = exp.GT(this=value.expression.copy(), expression=_moment(value, after, clock))
    not_after = exp.LTE(this=value.expression.copy(), expression=_moment(value, clock.local_now, clock))
    return exp.paren(exp.and_(later, not_after, copy=False), copy=False)


def _spellings(operand: str) -> tuple[str, ...]:
    """The text as it is written, and in the other forms that Unicode knows for it."""
    if operand.isascii():
        return (operand,)
    return tuple(dict.fromkeys([operand, unicodedata.normalize("NFC", operand), unicodedata.normalize("NFD", operand)]))


def _like(value: Value, operator: Operator, operand: str) -> exp.Expr:
    likes = [_like_one(value, operator, spelled) for spelled in _spellings(operand)]
    return likes[0] if len(likes) == 1 else exp.paren(exp.or_(*likes, copy=False), copy=False)


def _like_one(value: Value, operator: Operator, operand: str) -> exp.Expr:
    """LIKE with both sides lowered by the engine; ESCAPE only where needed, because engines are quicker without."""
    special = any(letter in operand for letter in f"%_\\{_ESCAPE}")
    pattern = "".join(_ESCAPE + letter if special and letter in f"%_{_ESCAPE}" else letter for letter in operand)
    if operator in {Operator.CONTAINS, Operator.ENDS_WITH}:
        pattern = "%" + pattern
    if operator in {Operator.CONTAINS, Operator.STARTS_WITH}:
        pattern += "%"
    like = exp.Like(this=exp.Lower(this=value.expression.copy()), expression=exp.Lower(this=text(pattern)))
    return exp.Escape(this=like, expression=text(_ESCAPE)) if special else like


def _literal(value: Value, operand: Scalar, clock: Clock) -> exp.Expr:
    if value.type is ColumnType.TEXT:
        return text(str(operand))
    if value.type is ColumnType.BOOLEAN:
        return exp.true() if operand else exp.false()
    if value.type in NUMBERS:
        return _number(value, decimal(operand))
    if value.type is ColumnType.TIME:
        return _typed(time.fromisoformat(str(operand)).isoformat(), "time")
    return _moment(value, clock.moment(str(operand)), clock)


def _number(value: Value, number: Decimal) -> exp.Expr:
    """Exact where the engine is exact; a text cast to a floating number is parsed to the nearest one, as YAML's was."""
    if value.type is ColumnType.NUMBER:
        return _typed(str(number), "float" if value.native.upper() == "FLOAT" else "double")
    plain = format(number, "f")
    if sum(letter.isdigit() for letter in plain) > _MOST_DIGITS:
        return _typed(str(number), "double")
    return exp.Literal.number(plain) if number >= 0 else exp.Neg(this=exp.Literal.number(plain.lstrip("-")))


def _moment(value: Value, moment: datetime, clock: Clock) -> exp.Expr:
    local = moment.astimezone(clock.local_now.tzinfo)
    if value.type is ColumnType.DATE:
        return _typed(local.date().isoformat(), "date")
    if value.zoned:
        return _typed(moment.isoformat(sep=" "), "timestamptz")
    return _typed(local.replace(tzinfo=None).isoformat(sep=" "), "timestamp")


def _typed(value: str, sql_type: str) -> exp.Expr:
    return exp.cast(text(value), sql_type)
