"""The command line, in process through `app.cli.main.run` and as a program of its own."""

from __future__ import annotations
