"""Reading what people have: one module a format, each turning files into typed Parquet in a staging folder."""

from __future__ import annotations
