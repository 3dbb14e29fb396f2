"""The command line: every use case of the window, for schedulers, servers, scripts and tests."""

from __future__ import annotations
