"""A segment that is a query: one SELECT that gives keys, read only, checked while it is typed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.core.errors import as_sendoff_error
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.condition_row import Problem
from app.ui.widgets.labels import Card, Label


class QueryCard(Card):
    """The query, what it may ask, and why it can't be used."""

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        theme = state.context.theme
        super().__init__(theme, self.tr("SQL query"), parent=parent)
        self._state = state
        self._hint = Label(theme, "", "caption", "text2", wrap=True)
        self.field = QPlainTextEdit()
        self.field.setTabChangesFocus(True)
        self.field.setAccessibleName(self.tr("SQL query"))
        self.field.setMinimumHeight(200)
        self.problem = Problem(state)
        for part in (self._hint, self.field, self.problem):
            self.body.addWidget(part)
        self.field.textChanged.connect(self._on_typed)
        theme.changed.connect(self._refont)
        self._refont()

    def show_state(self) -> None:
        """Show the query unless it stands here already, and what is wrong with it."""
        state = self._state
        query = state.draft.sql or ""
        if self.field.toPlainText().strip() != query:
            self.field.setPlainText(query)
        self._hint.set_words(self._hint_words())
        if not state.counting:
            self.problem.say(self._problem_words())

    def _hint_words(self) -> str:
        fields, ground = self._state.fields, self._state.ground
        if fields is None or fields.own is None or ground is None:
            return self.tr("One SELECT that gives the key of the members. It only reads.")
        tables = ", ".join(table.name for table in ground.catalog.tables)
        return self.tr("One SELECT that gives {key} of the members. It only reads, from the tables {tables}.").format(
            key=f"{fields.own.name}.{fields.own.key}", tables=tables
        )

    def _problem_words(self) -> str:
        state = self._state
        if state.problem is not None:
            told = as_sendoff_error(state.problem)
            return f"{told.what} {told.why} {told.fix}".strip()
        return " ".join(issue.sentence for issue in state.look.issues) if state.look is not None else ""

    def _refont(self) -> None:
        self.field.setFont(self._state.context.theme.font("mono"))

    def _on_typed(self) -> None:
        query = self.field.toPlainText().strip()
        if query != self._state.draft.sql:
            self._state.do(lambda s: replace(s, sql=query), "query")
