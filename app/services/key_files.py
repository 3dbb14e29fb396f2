"""Public keys that stand in files: those an export's document names, and those a person opens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.errors import FixData
from app.delivery.encryption import armoured

_LARGEST = 1_000_000


def key_of_file(path: Path) -> str:
    """The public key in a file, as text; raises FixData when it can't be read, FixSettings when it holds none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise FixData(
                f"“{path.name}” is too large for a key.",
                "A public key has a few thousand letters.",
                "Check that it is the right file.",
                code="pgp_key",
            )
        return armoured(path.read_bytes())
    except OSError as error:
        raise FixData(
            f"The key “{path}” can't be read.",
            f"The system says: {error.strerror or type(error).__name__}.",
            "Check the path, then try again.",
            code="pgp_key",
        ) from None


def with_key_of_file(document: Mapping[str, Any], base: Path | None) -> Mapping[str, Any]:
    """The document with `pgp_key` in place of `pgp_key_file`, which is a path below `base`, or below the current folder."""
    form = document.get("format")
    if not isinstance(form, Mapping) or not isinstance(form.get("pgp_key_file"), str):
        return document
    rest = {key: value for key, value in form.items() if key != "pgp_key_file"}
    return {**document, "format": {**rest, "pgp_key": key_of_file((base or Path()) / form["pgp_key_file"])}}
