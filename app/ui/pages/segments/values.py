"""Values of conditions between what people type and what rules keep."""

from __future__ import annotations

from datetime import date, datetime, time
from math import isfinite

from PySide6.QtCore import QDate, QLocale

from app.core.segment_questions import DATES, NUMBERS
from app.core.segments import Scalar
from app.core.tables import ColumnType
from app.ui.formats import Formats

_WRITTEN = "d MMM yyyy"


def read(text: str, kind: ColumnType, formats: Formats) -> Scalar:
    """The value a text means, in the person's language or in the plain form; ValueError when it means none."""
    text = text.strip()
    if not text:
        raise ValueError(text)
    if kind in NUMBERS:
        return _number(text, formats.locale)
    if kind in DATES:
        return _date(text, formats.locale, with_time=kind is ColumnType.TIMESTAMP)
    if kind is ColumnType.TIME:
        return time.fromisoformat(text).isoformat()
    return text


def shown(value: Scalar, kind: ColumnType, formats: Formats) -> str:
    """A value as people read it, and as `read` takes it."""
    if value is None:
        return ""
    if isinstance(value, str) and kind in DATES:
        try:
            day = date.fromisoformat(value)
            return str(formats.locale.toString(QDate(day.year, day.month, day.day), _WRITTEN))
        except ValueError:
            return value.replace("T", " ")
    if isinstance(value, int) and not isinstance(value, bool):
        return formats.number(value)
    if isinstance(value, float):
        return str(
            formats.locale.toString(value, "f", QLocale.FloatingPointPrecisionOption.FloatingPointShortest.value)
        )
    return str(value)


def _number(text: str, locale: QLocale) -> int | float:
    value, good = locale.toDouble(text)
    if not good:
        value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def _date(text: str, locale: QLocale, *, with_time: bool) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    short = locale.dateFormat(QLocale.FormatType.ShortFormat)
    four_digits = short if "yyyy" in short else short.replace("yy", "yyyy")
    for pattern in (four_digits, short, _WRITTEN, "d MMMM yyyy"):
        day = locale.toDate(text, pattern)
        if day.isValid():
            # Two digits of a year are read as 19xx by Qt.
            return (day.addYears(100) if "yyyy" not in pattern and day.year() < 1950 else day).toString("yyyy-MM-dd")
    if with_time:
        return datetime.fromisoformat(text).isoformat()
    raise ValueError(text)
