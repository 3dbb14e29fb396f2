"""Files for InMobi, in a container of Azure Blob Storage."""

from __future__ import annotations
