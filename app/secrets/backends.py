"""Which password store of the computer is used: the one the person chose or the best there is, never an unsafe one.

keyring's own choice is not enough: it caches which stores work at the first look (so "check again" would never see a
keyring that was started meanwhile), chains several stores together, and accepts plaintext files.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import keyring.core
from keyring.backends.chainer import ChainerBackend

from app.core.errors import FixSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyring.backend import KeyringBackend

_KNOWN = {
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "app.secrets.secret_service.SecretService": "Secret Service (GNOME Keyring / KWallet)",
    "keyring.backends.SecretService.Keyring": "Secret Service (GNOME Keyring / KWallet)",
    "keyring.backends.libsecret.Keyring": "Secret Service (GNOME Keyring / KWallet)",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
}
_CANDIDATES = (
    "keyring.backends.Windows.WinVaultKeyring",
    "keyring.backends.macOS.Keyring",
    "app.secrets.secret_service.SecretService",
    "keyring.backends.kwallet.DBusKeyring",
    "keyring.backends.libsecret.Keyring",
)
_REFUSED_MODULES = (
    "keyring.backends.fail",
    "keyring.backends.null",
    "keyring.testing",
    "keyrings.alt",  # files, most of them plaintext
    "keyrings.cryptfile",  # asks for a password on a terminal, which a window does not have
)
_LOWEST_PRIORITY = 1.0  # what keyring itself calls recommended

_NO_STORE_FIX = (
    "Install and start GNOME Keyring or KWallet, unlock it, then check again. On a server start Sendoff in a "
    "D-Bus session whose keyring is unlocked."
)


def choose_backend() -> KeyringBackend:
    """The safe keyring backend to use now; looks afresh at every call.

    PYTHON_KEYRING_BACKEND and keyringrc.cfg are obeyed, as long as what they name is safe.

    Raises:
        FixSettings: there is none, or the one somebody chose is not safe.
    """
    chosen = _chosen_by_the_person()
    if chosen is not None:
        return refuse_unsafe(chosen)
    backends = list(_working())
    if not backends:
        raise FixSettings(
            "There is no place on this computer to keep secrets.",
            "Sendoff keeps passwords and keys only in the computer's own password store, and none was found.",
            _NO_STORE_FIX,
            code="keyring_missing",
        )
    return max(backends, key=_priority)


def refuse_unsafe(backend: KeyringBackend) -> KeyringBackend:
    """The backend itself, or of a chain its best safe member.

    Raises:
        FixSettings: it keeps secrets unprotected or not at all.
    """
    if isinstance(backend, ChainerBackend):
        safe = [member for member in backend.backends if _is_safe(member)]
        if safe:
            best: KeyringBackend = max(safe, key=_priority)
            return best
    elif _is_safe(backend):
        return backend
    raise FixSettings(
        "Sendoff does not keep secrets in the password store chosen on this computer.",
        f"“{class_path(backend)}” keeps them unprotected or not at all.",
        "Remove PYTHON_KEYRING_BACKEND from the environment and default-keyring from keyringrc.cfg, or name a safe one, "
        "then check again.",
        code="keyring_unsafe",
    )


def people_name(backend: KeyringBackend) -> str:
    """The store as people know it."""
    return _KNOWN.get(class_path(backend), str(backend.name))


def class_path(backend: KeyringBackend) -> str:
    """Module and class, as PYTHON_KEYRING_BACKEND names it."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _chosen_by_the_person() -> KeyringBackend | None:
    try:
        return keyring.core.load_env() or keyring.core.load_config()
    except Exception:  # noqa: BLE001 - any module may be named, so anything may go wrong while it loads
        raise FixSettings(
            "The password store chosen on this computer cannot be used.",
            "PYTHON_KEYRING_BACKEND or keyringrc.cfg names one that does not load here.",
            "Remove that setting, or install what it names, then check again.",
            code="keyring_setting",
        ) from None


def _working() -> Iterator[KeyringBackend]:
    for name in _CANDIDATES:
        with suppress(Exception):  # not for this system, or not running: that is what the look is for
            yield keyring.core.load_keyring(name)


def _is_safe(backend: KeyringBackend) -> bool:
    modules = {cls.__module__ for cls in type(backend).__mro__}
    if any(module == bad or module.startswith(bad + ".") for module in modules for bad in _REFUSED_MODULES):
        return False
    return _priority(backend) >= _LOWEST_PRIORITY


def _priority(backend: KeyringBackend) -> float:
    try:
        return float(backend.priority)
    except Exception:  # noqa: BLE001 - keyring's way of saying "does not work here" is any error at all
        return 0.0
