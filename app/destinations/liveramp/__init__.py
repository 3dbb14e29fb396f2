"""Files for LiveRamp, on its SFTP server."""

from __future__ import annotations
