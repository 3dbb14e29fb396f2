"""What every test gets: no real home, no real keyring, no screen unless `--onscreen` is given."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from app.destinations import browser_signin
from app.store import store
from tests import collector
from tests.new_workspaces import Template

VENDORS_KNOW = 53_682

collector.pause()

if "--onscreen" not in sys.argv:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.fonts=false")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# A shell that starts the tests in the background has them ignore Ctrl+C, and so the programs that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The machine may be busy with other tests, so no example has a deadline; what a test found on another day must not make it
# fail here, so there is no database, and the gate tries the same examples each time.
settings.register_profile(
    "sendoff",
    deadline=None,
    database=None,
    derandomize=os.environ.get("CI", "").lower() in {"1", "true"},
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sendoff")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--onscreen`: show the windows of the tests."""
    parser.addoption("--onscreen", action="store_true", help="show windows instead of drawing them off screen")


def pytest_configure(config: pytest.Config) -> None:
    """The off-screen platform warns about what it cannot do; every other Qt warning still fails a test."""
    config.addinivalue_line(
        "qt_log_ignore", "This plugin does not support (propagateSizeHints|raise|grabbing the keyboard)"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first, so that no worker begins one when the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Take the tests themselves out of the collector's sight."""
    collector.take_over()
    collector.set_aside()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders to make, counted here: pytest finds the next number by reading all the folders made before."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def isolated_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point every folder a person owns at a new empty one, and the keyring at one that refuses."""
    home = next(homes)
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name, folder in {
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "XDG_CACHE_HOME": "cache",
        "XDG_STATE_HOME": "state",
        "APPDATA": "roaming",
        "LOCALAPPDATA": "local",
    }.items():
        path = home / folder
        path.mkdir()
        monkeypatch.setenv(name, str(path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return home


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What copies the database of a new workspace."""
    return Template(tmp_path_factory.mktemp("template") / "workspace.db")


@pytest.fixture(autouse=True)
def migrated_once(template: Template, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new workspaces have the database the migrations made once; the tests of the store make each by the migrations."""
    if "tests/store/" not in request.node.path.as_posix():
        monkeypatch.setattr(store, "upgrade", template)


@pytest.fixture(autouse=True)
def any_port_for_sign_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sign-ins of tests that run at the same time not share the one port that vendors know the app by."""
    listen = browser_signin.listen
    monkeypatch.setattr(
        browser_signin, "listen", lambda port, handler: listen(0 if port == VENDORS_KNOW else port, handler)
    )
