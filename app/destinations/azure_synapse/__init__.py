"""Tables for a lake database of Azure Synapse Analytics, in its data lake."""

from __future__ import annotations
