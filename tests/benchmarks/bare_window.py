"""The least a PySide6 program can do: load the same fonts, show a window with one label, say when it is painted, end."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow

FONTS = Path(__file__).resolve().parents[2] / "resources" / "fonts"


class FirstPaint(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - the name Qt calls
        if event.type() is QEvent.Type.Paint:
            QTimer.singleShot(0, self.said)
            watched.removeEventFilter(self)
        return False

    def said(self) -> None:
        print("first paint", flush=True)
        QApplication.quit()


def main() -> int:
    application = QApplication(sys.argv)
    for path in sorted(FONTS.iterdir()):
        if path.suffix in {".ttf", ".otf"}:
            QFontDatabase.addApplicationFont(str(path))
    application.setFont(QFont("Inter", 10))
    window = QMainWindow()
    window.resize(1360, 860)
    label = QLabel("Exports")
    window.setCentralWidget(label)
    watcher = FirstPaint()
    label.installEventFilter(watcher)
    window.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
