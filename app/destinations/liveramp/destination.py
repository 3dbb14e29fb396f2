"""LiveRamp: files with identifiers in a folder of its SFTP server, from where it takes them in."""

from __future__ import annotations

from app.destinations.contract import Settings
from app.destinations.ssh.server import Sftp, sftp


def create(settings: Settings) -> Sftp:
    """Open the destination; raises FixSettings when host, port or user name are missing or wrong."""
    return sftp(settings)
