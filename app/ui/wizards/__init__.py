"""The two wizards that make and change exports; import `segment_export` or `data_out` when one is opened."""

from __future__ import annotations
