"""What the last finished run saw of a segment at a place, kept beside what that place holds: `seen.json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from app.core.guards import Seen

_NAME = "seen.json"


def read_seen(folder: Path) -> Seen | None:
    """What was kept there; None when no run has finished yet, or it can't be read."""
    try:
        found = json.loads((folder / _NAME).read_text("utf-8"))
        at = None if found["at"] is None else datetime.fromisoformat(found["at"])
        return Seen(int(found["members"]), dict(found["rows"]), found["rules"], found["consent"], at)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_seen(folder: Path, seen: Seen) -> None:
    """Keep it, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "seen.tmp"
    document = asdict(seen) | {"at": None if seen.at is None else seen.at.isoformat()}
    unfinished.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    unfinished.replace(folder / _NAME)
