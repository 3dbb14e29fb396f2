"""keyring's Secret Service backend, closing its D-Bus connection when a call fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import secretstorage
from keyring.backends.SecretService import Keyring
from keyring.errors import InitError, KeyringLocked
from secretstorage.exceptions import PromptDismissedException, SecretStorageException

if TYPE_CHECKING:
    from secretstorage import Collection


class SecretService(Keyring):
    """The Secret Service of GNOME Keyring, KWallet or KeePassXC, over D-Bus.

    keyring 25.7 opens a connection a call and leaves it open when the collection cannot be had. Each such call would
    leak a socket until the collector comes by.
    """

    viable = False  # out of keyring's own choice, where it would stand beside the class it replaces

    def get_preferred_collection(self) -> Collection:
        """The default collection, unlocked; the caller closes its connection.

        Raises:
            InitError: no D-Bus or no Secret Service.
            KeyringLocked: it is locked or missing, and the prompt was dismissed or could not be shown.
        """
        try:
            bus = secretstorage.dbus_init()
        except (SecretStorageException, OSError) as error:  # OSError: the bus's socket is gone
            raise InitError(str(error)) from error
        try:
            collection = secretstorage.get_default_collection(bus)
            if collection.is_locked():
                collection.unlock()
                if collection.is_locked():
                    raise KeyringLocked("The prompt was dismissed or could not be shown.")
        except BaseException as error:
            bus.close()
            if isinstance(error, PromptDismissedException):
                raise KeyringLocked(str(error)) from error
            if isinstance(error, SecretStorageException):
                raise InitError(str(error)) from error
            raise
        return collection
