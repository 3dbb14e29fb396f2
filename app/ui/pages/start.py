"""The first page of a new person: where the customers are, who they are, and where the workspace is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.workspaces import Audience
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.cards import RadioCard
from app.ui.widgets.fields import TextField
from app.ui.widgets.labels import Area, Card, IconLabel, Label, Line, row
from app.ui.widgets.step_number import StepNumber

WIDTH = 1040


@dataclass(frozen=True)
class NewWorkspace:
    """What the person asked for; `source` is a folder of files to bring in."""

    folder: Path
    name: str
    audience: Audience
    sample: bool
    source: Path | None


def choose_workspace(parent: QWidget, chosen: Callable[[Path], None]) -> None:
    """Ask for an existing workspace's folder."""
    dialog = QFileDialog(parent, parent.tr("Open a workspace"), _documents())
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.open()


def _documents() -> str:
    return QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)


class StartPage(Area):
    """Signals: `create_asked(object)` a `NewWorkspace`; `open_asked(object)` a folder; `back_asked()`."""

    create_asked = Signal(object)
    open_asked = Signal(object)
    back_asked = Signal()

    def __init__(self, theme: Theme, *, can_go_back: bool = False) -> None:
        super().__init__(theme, "subtle")
        self._theme = theme
        self._busy = ""
        self._named = False
        self._placed = False
        self.setAccessibleName(self.tr("Welcome to Sendoff"))
        self._create_elements()
        self._connect_signals()
        self._assemble(can_go_back=can_go_back)
        self._sample.setChecked(True)
        self._consumers.setChecked(True)
        self._propose()
        self._check()

    # Elements

    def _create_elements(self) -> None:
        theme = self._theme
        self._sample = RadioCard(
            theme, self.tr("Sample workspace"), self.tr("Made-up customers to try it"), icon="magic-wand"
        )
        self._files = RadioCard(
            theme, self.tr("A folder of files"), self.tr("CSV, Parquet, JSON, Excel"), icon="folder-open"
        )
        self._later = RadioCard(theme, self.tr("Nothing yet"), self.tr("Empty; add tables later"), icon="table")
        self._consumers = RadioCard(
            theme, self.tr("Individual consumers"), self.tr("People with an e-mail address or phone number")
        )
        self._businesses = RadioCard(
            theme, self.tr("Business accounts"), self.tr("Companies and the contacts who work there")
        )
        self._source = TextField(theme, self.tr("Folder of files"), icon="folder")
        self._source_browse = Button(theme, self.tr("Browse…"), name=self.tr("Browse for the folder of files"))
        self._name = TextField(theme, self.tr("Name"))
        self._folder = TextField(theme, self.tr("Workspace folder"), icon="folder")
        self._folder_browse = Button(theme, self.tr("Browse…"), name=self.tr("Browse for the workspace folder"))
        self._reason = Label(theme, "", "caption", "text2")
        self._back = Button(theme, self.tr("Back"))
        self._open = Button(theme, self.tr("Open an existing workspace"))
        self.create_button = Button(theme, self.tr("Create workspace"), "primary", trailing="arrow-right")

    def _connect_signals(self) -> None:
        for card in (self._sample, self._files, self._later, self._consumers, self._businesses):
            card.toggled.connect(self._on_choice_toggled)
        self._name.edited.connect(self._on_name_edited)
        self._folder.edited.connect(self._on_folder_edited)
        self._source.edited.connect(lambda _words: self._check())
        self._source_browse.clicked.connect(lambda: self._browse(self._source))
        self._folder_browse.clicked.connect(lambda: self._browse(self._folder))
        self._open.clicked.connect(lambda: choose_workspace(self, self.open_asked.emit))
        self._back.clicked.connect(self.back_asked)
        self.create_button.clicked.connect(self._on_create_clicked)

    def _assemble(self, *, can_go_back: bool) -> None:
        theme = self._theme
        card = Card(theme, margin=0)
        card.setMaximumWidth(WIDTH)
        body = QVBoxLayout()
        body.setContentsMargins(40, 32, 40, 28)
        body.setSpacing(12)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(Label(theme, self.tr("Welcome to Sendoff"), "page"))
        words.addWidget(
            Label(
                theme,
                self.tr(
                    "It sends customer segments and tables to the apps your team uses. Three choices and you can start."
                ),
                ink="text2",
            )
        )
        body.addLayout(row(_Mark(theme), words, None, spacing=16))
        body.addSpacing(4)
        body.addWidget(Line(theme))
        body.addLayout(
            self._heading(
                1, self.tr("Where are your customers?"), self.tr("You can add more later, and change your mind.")
            )
        )
        body.addWidget(self._cards(self._sample, self._files, self._later))
        self._source_row = QWidget()
        line = row(Label(theme, self.tr("Folder"), "body-medium"), self._source, self._source_browse)
        line.setAlignment(self._source_browse, Qt.AlignmentFlag.AlignTop)
        self._source_row.setLayout(line)
        body.addWidget(self._source_row)
        body.addLayout(
            self._heading(
                2,
                self.tr("Who are they?"),
                self.tr("Sets which destinations and segments are offered. One kind for each workspace."),
            )
        )
        body.addWidget(self._cards(self._consumers, self._businesses))
        body.addLayout(
            self._heading(
                3,
                self.tr("Where is the workspace kept?"),
                self.tr("One folder on this computer. It holds no secret."),
            )
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.addWidget(Label(theme, self.tr("Name"), "body-medium"), 0, 0)
        grid.addWidget(Label(theme, self.tr("Workspace folder"), "body-medium"), 0, 1)
        grid.addWidget(self._name, 1, 0)
        grid.addWidget(self._folder, 1, 1)
        grid.addWidget(self._folder_browse, 1, 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 2)
        body.addLayout(grid)
        card.body.setSpacing(0)
        card.body.addLayout(body)
        card.body.addWidget(Line(theme))
        promise = Label(
            theme,
            self.tr("Nothing leaves this computer until you send it. You become the admin."),
            "caption",
            "text2",
        )
        self._promise = promise
        foot = row(
            IconLabel(theme, "lock-simple"),
            promise,
            self._reason,
            None,
            self._back,
            self._open,
            self.create_button,
            spacing=10,
            margins=(40, 14, 40, 14),
        )
        card.body.addLayout(foot)
        self._back.setVisible(can_go_back)
        inside = Area(theme, "subtle")
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addStretch(1)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(card, 1000)
        line.addStretch(1)
        layout.addLayout(line)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _heading(self, number: int, words: str, hint: str) -> object:
        theme = self._theme
        return row(
            StepNumber(theme, number, "current", 20),
            Label(theme, words, "subtitle"),
            Label(theme, hint, ink="text2"),
            None,
            spacing=10,
            margins=(0, 6, 0, 0),
        )

    def _cards(self, *cards: RadioCard) -> QWidget:
        host = QWidget()
        line = row(*cards, spacing=12)
        for at in range(len(cards)):
            line.setStretch(at, 1)
        host.setLayout(line)
        return host

    # State

    def set_busy(self, words: str) -> None:
        """Say what is being done and refuse input; "" takes input again."""
        self._busy = words
        self.create_button.set_busy(bool(words), words or self.tr("Create workspace"))
        choices = (self._sample, self._files, self._later, self._consumers, self._businesses)
        fields = (self._name, self._folder, self._source, self._source_browse, self._folder_browse)
        for widget in (self._open, self._back, *choices, *fields):
            widget.setEnabled(not words)
        self._check()

    def wanted(self) -> NewWorkspace:
        """Return what is chosen now."""
        source = self._source.value().strip()
        return NewWorkspace(
            folder=Path(self._folder.value().strip()).expanduser(),
            name=self._name.value().strip(),
            audience=Audience.CONSUMERS if self._consumers.isChecked() else Audience.BUSINESSES,
            sample=self._sample.isChecked(),
            source=Path(source).expanduser() if self._files.isChecked() and source else None,
        )

    def _problem(self) -> str:
        if self._files.isChecked() and not self._source.value().strip():
            return self.tr("Choose the folder of files.")
        if not self._name.value().strip():
            return self.tr("Give the workspace a name.")
        if not self._folder.value().strip():
            return self.tr("Choose where the workspace is kept.")
        return ""

    def _check(self) -> None:
        problem = self._problem()
        self._source_row.setVisible(self._files.isChecked())
        self._reason.set_words(problem)
        self._promise.setVisible(not problem)
        if not self._busy:
            self.create_button.setEnabled(not problem)

    def _propose(self) -> None:
        """Propose name and folder until the person writes their own."""
        consumers = self._consumers.isChecked()
        if not self._named:
            sample = self.tr("Northwind Retail") if consumers else self.tr("Northwind Trade")
            self._name.set_value(sample if self._sample.isChecked() else self.tr("My workspace"))
        if not self._placed:
            name = self._name.value().strip() or self.tr("My workspace")
            safe = "".join(c for c in name if c.isalnum() or c in " -_").strip() or "Workspace"
            self._folder.set_value(str(Path(_documents()) / "Sendoff" / safe))

    # Slots

    def _on_choice_toggled(self, _on: bool) -> None:  # noqa: FBT001 - Qt's signature
        self._propose()
        self._check()

    def _on_name_edited(self, _words: str) -> None:
        self._named = True
        self._propose()
        self._check()

    def _on_folder_edited(self, _words: str) -> None:
        self._placed = True
        self._check()

    def _browse(self, field: TextField) -> None:
        dialog = QFileDialog(self, self.tr("Choose a folder"), field.value() or _documents())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._on_folder_browsed(field, path))
        dialog.open()

    def _on_folder_browsed(self, field: TextField, path: str) -> None:
        self._placed = self._placed or field is self._folder
        field.set_value(path)
        self._check()

    def _on_create_clicked(self) -> None:
        if not self._problem():
            self.create_asked.emit(self.wanted())


class _Mark(Area):
    """The product's mark, 48 px."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._theme = theme
        self.setFixedSize(48, 48)

    def paintEvent(self, _event: object) -> None:
        """Paint the mark."""
        from PySide6.QtGui import QPainter

        from app.ui.widgets import paint

        painter = QPainter(self)
        paint.box(painter, self.rect(), 12, fill=self._theme.color("accent"))
        paint.icon(painter, self._theme, self.rect().adjusted(12, 12, -12, -12), "paper-plane-tilt-fill", "on_accent")
