"""What every step of a wizard is made on."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.drafts import Step
from app.ui.widgets.labels import Label
from app.ui.widgets.scroll import Scroll
from app.ui.wizards.state import WizardState


class StepWidget(QWidget):
    """A step: shows the draft, changes it through the state, and answers the shell (`WizardStep`).

    Subclasses override the words and `show_state`, which is called when the step is in front and something changed.
    """

    changed = Signal()
    step = Step.DESTINATION

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.context = state.context
        self.theme = state.context.theme
        self.formats = state.context.formats
        state.changed.connect(self._on_state_changed)

    # WizardStep

    def title(self) -> str:
        """Short name in the rail."""
        raise NotImplementedError

    def heading(self) -> str:
        """Title of the page."""
        raise NotImplementedError

    def sentence(self) -> str:
        """One sentence under the heading."""
        raise NotImplementedError

    def summary(self) -> str:
        """One line in the rail."""
        raise NotImplementedError

    def issues(self) -> list[str]:
        """What blocks Continue."""
        return self.state.issues(self.step)

    def side_panel(self) -> QWidget | None:
        """The panel at the right."""
        return None

    def panel_number(self) -> str:
        """The panel's main number."""
        return ""

    def takes(self) -> str:
        """What finishing here takes."""
        return ""

    def entered(self) -> None:
        """Show what the draft holds now."""
        self.show_state()

    # For subclasses

    def show_state(self) -> None:
        """Show draft and facts."""

    def _on_state_changed(self) -> None:
        if self.isVisible():
            self.show_state()
        self.changed.emit()


def page(*items: QWidget, spacing: int = 16, margins: tuple[int, int, int, int] = (28, 20, 28, 20)) -> Scroll:
    """A scrolling column of widgets with the wizard's margins."""
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    for item in items:
        layout.addWidget(item)
    layout.addStretch(1)
    return Scroll(content)


def fill(widget: QWidget, *items: QWidget, spacing: int = 0) -> None:
    """Lay items under each other without margins; the last one takes the height that is left."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        layout.addWidget(item)
    layout.setStretch(len(items) - 1, 1)


def subtitle(state: WizardState, words: str) -> Label:
    """A section's heading."""
    return Label(state.context.theme, words, "subtitle")
