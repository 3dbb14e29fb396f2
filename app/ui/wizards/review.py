"""Last step of both wizards: what the run will do, when it runs, and the consent without which nothing leaves."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.drafts import DataOutDraft, Step
from app.core.exports import REMOVING, OnlyChanges, SyncMode
from app.core.names import fold
from app.core.schedules import next_due
from app.ui.dialogs.schedule import ScheduleForm
from app.ui.widgets.cards import RadioCard
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.fields import TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import Card, Label, column
from app.ui.wizards.guard_form import GuardForm, GuardOf
from app.ui.wizards.replace_warning import ReplaceWarning
from app.ui.wizards.review_change import ChangeCard
from app.ui.wizards.review_panel import ReviewPanel
from app.ui.wizards.segment_state import SegmentState
from app.ui.wizards.state import WizardState
from app.ui.wizards.step import StepWidget, fill, page, subtitle
from app.ui.wizards.suppression_option import SuppressionOption

IN_A_ROW = 3
"""So many sync modes have room for their words beside each other."""


class ReviewStep(StepWidget):
    """Everything once more, with what can still be changed; `go_to` brings another step to the front."""

    step = Step.REVIEW

    def __init__(
        self,
        state: WizardState,
        change: ChangeCard,
        panel: ReviewPanel,
        on_entered: Callable[[], None],
        option: SuppressionOption | None = None,
        takes: Callable[[], str] = str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, parent)
        self._change, self._panel, self._on_entered = change, panel, on_entered
        self._option, self._takes = option, takes
        self.modes: dict[SyncMode, RadioCard] = {}
        self._modes_of: tuple[SyncMode, ...] | None = None
        self._make_elements()
        self._connect()
        self._assemble()

    # WizardStep

    def title(self) -> str:
        """Short name in the rail."""
        return self.tr("Review")

    def heading(self) -> str:
        """Title of the page."""
        return self.tr("Review and run")

    def sentence(self) -> str:
        """The promise."""
        return self.tr("Nothing leaves this computer until you run the export.")

    def summary(self) -> str:
        """Whether it is ready."""
        before = [step for step in Step if step is not Step.REVIEW]
        ready = not any(self.state.issues(step) for step in before)
        if ready and not self.issues():
            return self.tr("Ready to run")
        return self.tr("Consent is missing") if ready else self.tr("Nothing sent yet")

    def issues(self) -> list[str]:
        """What blocks Save: also what another step lacks, and a schedule without a day."""
        if self.state.read_only:
            return [self.tr("Your role may only look at this export.")]
        for step in Step:
            found = self.state.issues(step)
            if found:
                return found
        problems = [self.schedule.problem(), "" if self.replacing is None else self.replacing.problem()]
        return [problem for problem in problems if problem]

    def side_panel(self) -> QWidget:
        """The summary."""
        return self._panel

    def panel_number(self) -> str:
        """What will be sent."""
        return self._change.words()

    def takes(self) -> str:
        """How long the first run takes."""
        return self._takes()

    def entered(self) -> None:
        """Count and list what the summary shows."""
        self._on_entered()
        super().entered()

    # Building

    def _make_elements(self) -> None:
        theme = self.theme
        self._name = TextField(theme, self.tr("Display name"))
        self.replacing = ReplaceWarning(self.state) if isinstance(self.state, SegmentState) else None
        self._mode_grid = QWidget()
        grid = QGridLayout(self._mode_grid)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(12)
        self.guard = GuardForm(theme, self.formats)
        self.schedule = ScheduleForm(theme, self.formats, self.state.draft.schedule)
        self._next = Label(theme, "", "caption", "text2", wrap=True)
        self.consent = CheckBox(theme, "")
        self._consent_words = Label(theme, "", "caption", "text2", wrap=True)

    def _connect(self) -> None:
        self._name.edited.connect(self._on_name_edited)
        self.schedule.changed.connect(self._on_schedule_changed)
        self.guard.changed.connect(lambda guard: self.state.update(guard=guard))
        self.consent.clicked.connect(lambda on: self.state.update(agreed=on))
        if self.replacing is not None:
            self.replacing.changed.connect(self.changed)

    def _assemble(self) -> None:
        theme = self.theme
        form = Form(theme)
        form.add_row(self.tr("Display name"), self._name, required=True)
        consent = Card(theme, margin=10)
        consent.body.addWidget(self.consent)
        warnings = [] if self.replacing is None else [self.replacing]
        self._modes = self._section(self.tr("Sync mode"), self._mode_grid, *warnings)
        self._guards = self._section(self.tr("Hold before sending"), self.guard)
        fill(
            self,
            page(
                self._change,
                form,
                self._modes,
                *([] if self._option is None else [self._option]),
                self._section(self.tr("Schedule"), self.schedule, self._next),
                self._section(self.tr("Consent"), consent, self._consent_words),
                self._guards,
                spacing=20,
            ),
        )

    def _section(self, title: str, *parts: QWidget) -> QWidget:
        section = QWidget()
        section.setLayout(column(subtitle(self.state, title), *parts))
        return section

    # Showing

    def show_state(self) -> None:
        """Show the draft."""
        state = self.state
        if self._name.value() != state.draft.name:
            self._name.set_value(state.draft.name)
        self._change.show_state()
        self._panel.show_state()
        if self._option is not None:
            self._option.show_state()
        self._show_modes()
        if self.schedule.schedule() != state.draft.schedule and not self.schedule.problem():
            self.schedule.set_schedule(state.draft.schedule)
        self._show_next()
        target = state.destination_name
        whom = self.tr("these members") if isinstance(state, SegmentState) else self.tr("these tables")
        self.consent.setText(
            self.tr("I have permission to share {what} with {target}").format(what=whom, target=target)
        )
        self.consent.setAccessibleName(self.consent.text())
        self.consent.updateGeometry()
        self.consent.setChecked(state.draft.agreed)
        self._consent_words.set_words(self._consent_sentence())
        for widget in (self._name.input, self._mode_grid, self.schedule, self.consent, self.guard):
            widget.setEnabled(not state.read_only)

    def _show_modes(self) -> None:
        description = self.state.description
        modes = description.sync_modes if description is not None and isinstance(self.state, SegmentState) else ()
        if modes != self._modes_of:
            self._modes_of = modes
            self._build_modes(modes)
        self._modes.setVisible(bool(modes))
        self._show_guard()
        for mode, card in self.modes.items():
            card.setChecked(mode is self.state.draft.sync)
        if self.replacing is not None:
            self.replacing.show_state()

    def _show_guard(self) -> None:
        draft, description = self.state.draft, self.state.description
        self._guards.setVisible(description is not None)
        if isinstance(draft, DataOutDraft):
            compares = draft.layout.only_changes is not OnlyChanges.OFF
            self.guard.show_guard(draft.guard, removes=True, compares=compares, of=GuardOf.TABLES)
        elif description is not None and description.any_field:
            self.guard.show_guard(draft.guard, removes=True, compares=False, of=GuardOf.SEGMENT_FILES)
        else:
            self.guard.show_guard(draft.guard, removes=draft.sync in REMOVING, compares=True, of=GuardOf.AUDIENCE)

    def _build_modes(self, modes: tuple[SyncMode, ...]) -> None:
        for card in self.modes.values():
            card.hide()
            card.deleteLater()
        self.modes.clear()
        grid = self._mode_grid.layout()
        details = {
            SyncMode.UPDATE: self.tr("Never removes anyone"),
            SyncMode.ADD: self.tr("Changes nobody there"),
            SyncMode.MIRROR: self.tr("Takes out who left"),
            SyncMode.REPLACE: self.tr("Takes out all others"),
        }
        across = len(modes) if len(modes) <= IN_A_ROW else 2
        for number, mode in enumerate(modes):
            card = RadioCard(self.theme, self.formats.sync_mode(mode), details[mode], parent=self._mode_grid)
            card.clicked.connect(lambda _on=False, chosen=mode: self.state.update(sync=chosen))
            assert isinstance(grid, QGridLayout)
            grid.addWidget(card, number // across, number % across)
            self.modes[mode] = card

    def _show_next(self) -> None:
        schedule = self.state.draft.schedule
        problem = self.schedule.problem()
        self._next.set_ink("danger" if problem else "text2")
        if problem:
            self._next.set_words(problem)
        elif schedule is None:
            self._next.set_words(self.tr("It runs only when you run it."))
        else:
            local = next_due(schedule, self.formats.now()).astimezone(ZoneInfo(schedule.time_zone))
            day = f"{self.formats.weekday(local.weekday())} {self.formats.date(local.replace(tzinfo=None))}"
            clock = self.formats.time_of_day(local.hour, local.minute)
            sentence = self.tr("Next run {day}, {time}. If this computer is asleep, the run starts when it wakes.")
            self._next.set_words(sentence.format(day=day, time=clock))

    def _consent_sentence(self) -> str:
        editing, draft = self.state.facts.editing, self.state.draft
        given = editing.export.consent if editing is not None else None
        if draft.agreed and given is not None and editing is not None and editing.export.connection == draft.connection:
            when = self.formats.day_and_clock(given.at)
            first = self.tr("Agreed by {person}, {when}.").format(person=given.by, when=when)
        else:
            first = self.tr("It is kept with your name and the time, once for each connection.")
        total = self.state.counts.total if isinstance(self.state, SegmentState) else None
        if total is not None and total.no_consent:
            left = self.tr("{members} without marketing consent are left out.")
            first = f"{first} {left.format(members=self.formats.counted(total.no_consent, 'members'))}"
        return first

    # Slots

    def _on_name_edited(self, words: str) -> None:
        self._name.set_error("")
        self.state.update(name=words)
        if fold(words) in self.state.facts.taken:
            self._name.set_error(self.tr("There is already an export of this name."))

    def _on_schedule_changed(self) -> None:
        if not self.schedule.problem():
            self.state.update(schedule=self.schedule.schedule())
        self._show_next()
        self.changed.emit()
