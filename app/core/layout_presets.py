"""Layouts with a name: patterns for folder and file that are chosen in one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.core.exports import Layout


@dataclass(frozen=True, slots=True)
class Preset:
    """Two patterns that go together."""

    folder: str
    file: str = "{table}_{part}"

    def of(self, layout: Layout) -> Layout:
        """The layout with these patterns; what else it asks for stays."""
        return replace(layout, folder=self.folder, file=self.file)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "by-table": Preset(Layout().folder, Layout().file),
        "by-run": Preset("{export}/{date}_{hhmm}/{table}"),
        "one-folder": Preset("{export}", "{table}_{date}_{hhmm}_{part}"),
        # https://learn.microsoft.com/dynamics365/customer-insights/data/export-azure-blob-storage; the container is the
        # connection's own.
        "customer-insights": Preset("CustomerInsights_{id}/{export}/{table}/{yyyy}/{mm}/{dd}/{hhmm}"),
    }
)
"""By the name that stands in export files, the usual one first."""


def preset_of(layout: Layout) -> str | None:
    """The name of the preset whose patterns these are, or None."""
    return next((name for name, preset in PRESETS.items() if preset.of(layout) == layout), None)
