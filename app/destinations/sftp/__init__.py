"""Files on a server by SFTP."""

from __future__ import annotations
