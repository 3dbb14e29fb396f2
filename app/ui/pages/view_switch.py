"""The switch between the two views of the segments page."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.context import WindowContext
from app.ui.widgets.choice import Choice, Segmented


class SegmentViews(Segmented):
    """Stands in the head of both; choosing the other view brings its page to the front."""

    def __init__(self, context: WindowContext, own: str, parent: QWidget | None = None) -> None:
        self._context = context
        self._own = own
        super().__init__(context.theme, "", (), parent=parent)
        self.setAccessibleName(self.tr("What is shown"))
        self.set_choices([Choice("segments", self.tr("Segments")), Choice("suppression", self.tr("Suppression list"))])
        self.set_current(own)
        self.chosen.connect(self._on_chosen)

    def _on_chosen(self, view: str) -> None:
        if view != self._own:
            self.set_current(self._own)  # this switch stays behind with its page
            self._context.navigator.show_page(view)
