"""Whether the tests run as root, who may mount drives and make users of the system."""

from __future__ import annotations

import os
from pathlib import Path

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0  # Windows knows none


def is_private(path: Path) -> bool:
    """Whether only its owner may read it, where that is a mode; on Windows the lists of rights of the folder above decide."""
    return os.name == "nt" or path.stat().st_mode & 0o077 == 0
