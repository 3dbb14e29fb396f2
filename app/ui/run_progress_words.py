"""How far a run is, in one line: rows or members, bytes, rate and time left, as far as each is known."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.run_progress import bytes_per_second, seconds_left
from app.core.runs import Run
from app.ui.formats import Formats


def progress_words(run: Run, formats: Formats) -> str:
    """A line such as "Lake: 3,000 of 9,000 rows, 50.0 MB, 5.0 MB / s, 20 s left"; the export's name alone at the start."""
    number, now = formats.number, formats.now()
    parts = []
    if run.total:
        unit = _tr("rows") if run.unit == "rows" else _tr("members")
        words = _tr("{done} of {total} {unit}")
        parts.append(words.format(done=number(run.done), total=number(run.total), unit=unit))
    if run.bytes_sent:
        parts.append(formats.bytes(run.bytes_sent))
    rate = bytes_per_second(run, now)
    if rate is not None:
        parts.append(_tr("{size} / s").format(size=formats.bytes(round(rate))))
    left = seconds_left(run, now)
    parts.append("" if left is None else formats.time_left(left))
    told = ", ".join(part for part in parts if part)
    return _tr("{export}: {progress}").format(export=run.export_name, progress=told) if told else run.export_name


def _tr(words: str) -> str:
    return QCoreApplication.translate("RunProgressWords", words)
