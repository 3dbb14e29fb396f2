"""The one place the version is written; pyproject, the installers and the About text read it."""

from __future__ import annotations

VERSION = "0.1.0"
