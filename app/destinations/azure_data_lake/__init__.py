"""Files in a container of Azure Data Lake Storage Gen2."""

from __future__ import annotations
