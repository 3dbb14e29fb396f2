"""Salesforce Marketing Cloud: files in the folder of its SFTP server from which its automations import."""

from __future__ import annotations

from app.destinations.contract import Settings
from app.destinations.ssh.server import Sftp, sftp


def create(settings: Settings) -> Sftp:
    """Open the destination; raises FixSettings when host, port or user name are missing or wrong."""
    return sftp(settings)
