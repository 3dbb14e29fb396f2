"""SFTP: files in a folder of a server, signed in with a password or a key."""

from __future__ import annotations

from app.destinations.contract import Settings
from app.destinations.ssh.server import Sftp, sftp


def create(settings: Settings) -> Sftp:
    """Open the destination; raises FixSettings when host, port or user name are missing or wrong."""
    return sftp(settings)
