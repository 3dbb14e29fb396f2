"""Whether the tests run as root, who may mount drives and make users of the system."""

from __future__ import annotations

import os

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0  # Windows knows none
