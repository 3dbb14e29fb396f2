"""Where the entries come from, what changed, and what the list keeps out of each export."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.core.suppression import Change, ChangeKind, Effect, Source
from app.destinations.description import Badge
from app.ui.formats import NOTHING, Formats
from app.ui.pages.suppression.words import change_words, kind_words, tr
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.card_table import CardTable
from app.ui.widgets.checks import Toggle
from app.ui.widgets.columns import BadgeCell, Column, NumberCell, TextCell
from app.ui.widgets.labels import Area, Label, column, row
from app.ui.widgets.notes import Note

PANEL = 352


def sources_table(theme: Theme, formats: Formats) -> CardTable:
    """Where the entries come from; the key of a row is the source's id."""
    columns = (
        Column(
            "name",
            tr("Source"),
            lambda r: TextCell(r.source.name, icon="arrows-clockwise" if r.source.read_back else "file-text"),
            width=180,
            stretch=True,
            middle=True,
        ),
        Column("kind", tr("Kind"), lambda r: TextCell(kind_words(r.source.kind), ink="text2"), width=90),
        Column(
            "entries",
            tr("Entries"),
            lambda r: NumberCell(formats.number(r.source.entries)),
            align="right",
            width=90,
        ),
        Column(
            "added",
            tr("Last change"),
            lambda r: TextCell(formats.day_and_clock(r.source.added_at), ink="text2"),
            tooltip=lambda r: formats.exact(r.source.added_at),
            width=132,
        ),
        Column(
            "by",
            tr("By"),
            lambda r: TextCell(tr("Read back") if r.source.read_back else r.source.added_by, ink="text2"),
            width=120,
        ),
        Column("menu", "", lambda _r: TextCell(""), width=44, menu=True),
    )
    return CardTable(theme, tr("Where the entries come from"), columns, tr("Nothing was imported yet."))


def changes_table(theme: Theme, formats: Formats) -> CardTable:
    """What changed the list."""
    columns = (
        Column(
            "when",
            tr("When"),
            lambda r: TextCell(formats.day_and_clock(r.change.at), ink="text2"),
            tooltip=lambda r: formats.exact(r.change.at),
            width=132,
        ),
        Column("what", tr("What"), lambda r: TextCell(change_words(r.change, formats)), width=200, stretch=True),
        Column(
            "entries", tr("Entries"), lambda r: NumberCell(formats.signed(r.change.entries)), align="right", width=90
        ),
        Column(
            "by",
            tr("By"),
            lambda r: TextCell(tr("Read back") if r.change.what is ChangeKind.READ_BACK else r.change.by, ink="text2"),
            width=120,
        ),
    )
    return CardTable(theme, tr("Last changes"), columns, tr("Nothing changed yet."))


@dataclass(frozen=True)
class SourceRow:
    """A source as its table knows it."""

    source: Source

    @property
    def key(self) -> str:
        """The id as text."""
        return str(self.source.id)


@dataclass(frozen=True)
class ChangeRow:
    """A change with its place in the list as key."""

    key: str
    change: Change


@dataclass(frozen=True)
class EffectRow:
    """An export and what the list does to it; None while that is counted, `problem` when it can't be."""

    key: str
    badge: Badge
    effect: Effect | None = None
    problem: str = ""


class EffectPanel(Area):
    """What the list does to the exports, and whether who opted out there is read back.

    Signals: `export_asked(name)`, `after_runs_asked(bool)` for the switch, `read_back_asked()` for doing it now.
    """

    export_asked = Signal(str)
    after_runs_asked = Signal(bool)
    read_back_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(theme, "subtle", "l", parent=parent)
        self._formats = formats
        columns = (
            Column(
                "export",
                self.tr("Export"),
                lambda r: BadgeCell(r.badge.letters, r.badge.colour, r.key),
                width=150,
                stretch=True,
            ),
            Column(
                "left_out",
                self.tr("Left out"),
                self._left_out_cell,
                tooltip=lambda r: r.problem,
                align="right",
                width=70,
            ),
            Column(
                "next_run",
                self.tr("Next run"),
                self._next_run_cell,
                tooltip=self._next_run_words,
                align="right",
                width=76,
            ),
        )
        self.rows = CardTable(theme, self.tr("Effect on exports"), columns, self.tr("There is no segment export yet."))
        whole = Note(
            theme,
            "neutral",
            self.tr("Tables are sent whole. A data-out export leaves these people out when that is switched on in it."),
        )
        self.after_runs = Toggle(theme, name=self.tr("Also read unsubscribes back"))
        self.read_back = Button(theme, self.tr("Read back now"), "link", icon="arrows-clockwise")
        words = column(
            Label(theme, self.tr("Also read unsubscribes back"), "body-medium"),
            Label(theme, self.tr("From destinations that report them, after each run"), "caption", "text2", wrap=True),
            row(self.read_back, None),
            spacing=0,
        )
        self._reading = QWidget()
        reading = row(self.after_runs, words, spacing=12)
        reading.setAlignment(self.after_runs, Qt.AlignmentFlag.AlignTop)
        reading.setStretch(1, 1)
        self._reading.setLayout(reading)
        self.after_runs.clicked.connect(self.after_runs_asked)
        self.read_back.clicked.connect(self.read_back_asked)
        sentence = self.tr(
            "Every segment export leaves these members out. “Next run” is how many are removed from the audience then."
        )
        self.setLayout(
            column(
                Label(theme, self.tr("Effect on exports"), "subtitle"),
                Label(theme, sentence, "body", "text2", wrap=True),
                self.rows,
                whole,
                4,
                self._reading,
                None,
                spacing=8,
                margins=(20, 20, 20, 20),
            )
        )
        self.rows.opened.connect(self.export_asked)

    def set_reading(self, *, on: bool, possible: bool, may_change: bool) -> None:
        """Say whether unsubscribes are read back after runs, and whether any destination can be asked at all."""
        self._reading.setVisible(may_change and possible)
        self.after_runs.setChecked(on)

    def set_rows(self, rows: Iterable[EffectRow]) -> None:
        """Show these exports."""
        self.rows.set_rows(rows)

    def _left_out_cell(self, line: EffectRow) -> NumberCell:
        if line.problem:
            return NumberCell(NOTHING, ink="text3")
        if line.effect is None:
            return NumberCell(NOTHING, counting=self.tr("counting"))
        return NumberCell(self._formats.number(line.effect.left_out))

    def _next_run_cell(self, line: EffectRow) -> NumberCell:
        effect = line.effect
        if effect is None:
            return NumberCell(NOTHING, ink="text3")
        if effect.skipped:
            return NumberCell(self.tr("Skipped"), ink="text2")
        if effect.removed is None:
            return NumberCell(NOTHING, ink="text3")
        return NumberCell(self._formats.signed(-effect.removed), ink="danger" if effect.removed else "text2")

    def _next_run_words(self, line: EffectRow) -> str:
        effect = line.effect
        if effect is None or line.problem:
            return line.problem
        if effect.skipped:
            return self.tr("No segment of this export can be sent as things are now.")
        if effect.removed is None:
            return self.tr("Nobody: this export never removes members, or it has not sent any yet.")
        return self.tr("So many who were sent before are on the list now; the next run removes them.")
