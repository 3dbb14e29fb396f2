"""Where this person's configuration lies; light enough to be asked before the window's first paint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this person's configuration lies; SENDOFF_CONFIG_DIR overrides the system's place."""
    given = environment.get("SENDOFF_CONFIG_DIR")
    if given:
        return Path(given)
    from platformdirs import user_config_path

    return user_config_path("Sendoff", appauthor=False)
