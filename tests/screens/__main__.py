"""`python -m tests.screens DIR [--only NAME ...]`: NAME-light-1360x860.png and the like, of every registered scene."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description="Take pictures of every screen.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[], help="scenes whose name begins so")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        _isolate(Path(home))
        return _take(options.folder, options.only, Path(home))


def _isolate(home: Path) -> None:
    """Nothing of the real home directory, screen, keyring or time zone; before Qt is imported."""
    os.environ.update(
        {
            "QT_QPA_PLATFORM": "offscreen",
            "QT_LOGGING_RULES": "qt.qpa.*=false",
            "TZ": "Europe/Berlin",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "SENDOFF_CONFIG_DIR": str(home / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
    )
    os.environ.pop("SENDOFF_ROLE", None)


def _take(folder: Path, only: list[str], home: Path) -> int:
    from PySide6.QtCore import QCoreApplication, QEvent, QLocale
    from PySide6.QtWidgets import QApplication

    from tests.fakes.secret_store import MemoryStore
    from tests.screens.registry import all_scenes
    from tests.screens.stage import AUDIENCE, Stage, make_businesses, make_workspace
    from tests.vendors.linkedin import LinkedInEmulator
    from tests.vendors.mailchimp import MailchimpEmulator

    QLocale.setDefault(QLocale("en_GB"))
    application = QApplication([])
    application.setQuitOnLastWindowClosed(False)
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    with MailchimpEmulator() as emulator, LinkedInEmulator() as linkedin:
        emulator.add_audience(AUDIENCE, "Customers DE")
        secrets, sample, businesses = MemoryStore(), home / "Northwind Retail", home / "Northwind Wholesale"
        scenes = [s for s in all_scenes() if not only or any(s.name.startswith(name) for name in only)]
        if any(scene.workspace and not scene.businesses for scene in scenes):
            make_workspace(sample, emulator, secrets)
        if any(scene.businesses for scene in scenes):
            make_businesses(businesses, linkedin, secrets)
        for number, scene in enumerate(scenes):
            for size in scene.sizes:
                label = f"{size[0]}x{size[1]}"
                source = businesses if scene.businesses else sample
                place = source
                if scene.fresh:
                    place = home / f"copy-{number}-{label}" / source.name
                    shutil.copytree(source, place)
                stage = Stage(application, home / f"window-{number}-{label}", emulator)
                try:
                    stage.open(place if scene.workspace else None, secrets, size)
                    scene.act(stage)
                    for mode in ("light", "dark"):
                        path = folder / f"{scene.name}-{mode}-{label}.png"
                        stage.grab(path, mode)
                        sys.stdout.write(f"{path}\n")
                except Exception:  # noqa: BLE001 - one scene that fails must not cost the others
                    failed.append(f"{scene.name} {label}")
                    traceback.print_exc()
                finally:
                    stage.close()
    for widget in application.topLevelWidgets():  # menus and dialogs that have no parent
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    application.shutdown()  # while everything it is made of is still there: Python ends things in no order
    for name in failed:
        sys.stderr.write(f"failed: {name}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
