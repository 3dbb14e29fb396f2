"""Files for Salesforce Marketing Cloud, on its own SFTP server."""

from __future__ import annotations
