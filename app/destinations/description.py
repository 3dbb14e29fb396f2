"""What a destination is, read from its `destination.toml`: the one source for form, validation, limits and wizard steps."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from app.core.counts import Limits
from app.core.exports import ExportKind, SyncMode
from app.core.segments import SegmentOf
from app.destinations.contract import TargetField


class FieldKind(StrEnum):
    """How a connection or export field is entered."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of field, not a secret
    CHOICE = "choice"
    NUMBER = "number"
    FOLDER = "folder"
    SECRET_FILE = "secret_file"  # noqa: S105 - a kind of field, not a secret
    PICKER = "picker"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One field of a form.

    `pattern` is a regular expression the whole value must match, `pattern_message` the sentence shown when it does not
    (`{length}` is replaced by the number of characters typed). `when` shows the field only if another field has that
    value ({"sign_in": "password"}). A PICKER's entries come from the destination's `choices`. `advanced` fields fold away.
    """

    id: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    hint: str = ""
    placeholder: str = ""
    default: str = ""
    choices: dict[str, str] | None = None
    pattern: str = ""
    pattern_message: str = ""
    when: dict[str, str] | None = None
    advanced: bool = False

    @property
    def secret(self) -> bool:
        """Whether the value belongs in the keyring only."""
        return self.kind in {FieldKind.SECRET, FieldKind.SECRET_FILE}


@dataclass(frozen=True, slots=True)
class Badge:
    """The monogram shown for the destination: two letters and a background colour (text colour follows contrast)."""

    letters: str
    colour: str
    text: str = "#FFFFFF"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the vendor lets us go; None means no known limit."""

    requests_per_second: float | None = None
    simultaneous: int = 1
    timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Description:
    """Everything the program knows of a destination before it is imported.

    `any_field` is true for targets that take any column (files): then `fields` is empty and matching is free.
    `key_fields` are the target fields that can identify a member; the first is the default. `free_fields` tells that the
    audience has further fields only the target knows. `module` is imported when the destination is used.
    """

    id: str
    name: str
    category: str
    badge: Badge
    docs: str
    module: str
    kinds: frozenset[ExportKind]
    signs_in_with: str
    summary: str
    synonyms: tuple[str, ...] = ()
    audience_word: str = "audience"
    api_host: str = ""
    takes: frozenset[SegmentOf] = frozenset()
    limits: Limits = field(default_factory=Limits)
    sync_modes: tuple[SyncMode, ...] = ()
    batch_size: int = 500
    pace: Pace = field(default_factory=Pace)
    any_field: bool = False
    free_fields: bool = False
    key_fields: tuple[str, ...] = ()
    connection_fields: tuple[SettingField, ...] = ()
    export_fields: tuple[SettingField, ...] = ()
    fields: tuple[TargetField, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def secret_fields(self) -> tuple[SettingField, ...]:
        """The connection fields that go to the keyring."""
        return tuple(f for f in self.connection_fields if f.secret)


def load(path: Path) -> Description:
    """Read and check one `destination.toml`; raises msgspec.ValidationError naming the wrong entry (a fault of the author)."""
    raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return msgspec.convert(raw, Description, strict=True)
