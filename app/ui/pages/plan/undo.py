"""The plan that takes back what a run did, looked at member by member before it becomes a run."""

from __future__ import annotations

from app.core.plans import Plan
from app.core.runs import Trigger
from app.jobs import JobContext
from app.services.plan_looks import PlanLook
from app.ui.context import WindowContext
from app.ui.pages.plan.page import PlanPage
from app.ui.undo_words import kept_values_words


class UndoPlanPage(PlanPage):
    """A further view of the runs; `activate` gives the id of the run to be undone. Main thread only."""

    page_id = "undo-plan"

    def __init__(self, context: WindowContext) -> None:
        super().__init__(context)
        self.title = self.tr("Plan for undoing a run")
        self.send.set_words(self.tr("Undo this run"))
        self.send.set_kind("danger")

    def _way_back(self) -> tuple[str, str]:
        return self.tr("Receipt"), self.tr("Back to the receipt")

    def _look(self, of: str, ctx: JobContext) -> PlanLook:
        look: PlanLook = self._context.services.undo.look(of, ctx)
        return look

    def _heading(self, look: PlanLook) -> tuple[str, str]:
        sentence = self.tr("What undoing the run changes at {target}.").format(target=look.destination)
        stay = kept_values_words(look.plan.kept_values, self._context.formats)
        return (
            self.tr("Plan for undoing a run of {export}").format(export=look.plan.export),
            " ".join(filter(None, (sentence, stay, self.tr("Nothing has been sent yet.")))),
        )

    def _start(self, _plan: Plan) -> str:
        started: str = self._context.services.undo.start(self._name, Trigger.PERSON).id
        return started

    def _on_started(self, run_id: str) -> None:
        self._context.navigator.changed("runs")
        self._context.navigator.show_page("runs", run_id)

    def _go_back(self) -> None:
        self._context.navigator.show_page("receipt", self._name)
