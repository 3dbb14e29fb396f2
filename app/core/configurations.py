"""What one run was told to do, kept with it: the export, the rules of its segments, the destination; no secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import export_documents, segment_documents
from app.core.exports import Export
from app.core.names import fold
from app.core.segment_references import names_in
from app.core.segment_words import words
from app.core.segments import Segment

_NOT_COMPARED = ("schedule", "consent", "name")
"""Parts of an export that change nothing in what it sends."""

_NAMES = {"match": "Matched fields", "sync": "Sync mode", "target": "Audience", "segments": "Segments"}


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """A segment whose rules differ between two configurations, a sentence each rule; none where it was not used."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def configuration_document(
    export: Export, connection: str, segments: Sequence[Segment], version: str
) -> dict[str, Any]:
    """The document of a run of that export over the connection of that name; `segments` may hold others too."""
    used = _used(export, segments)
    return {
        "sendoff": version,
        "destination": export.destination,
        "export": export_documents.to_document(export, connection),
        "segments": [segment_documents.to_document(segment) for segment in used],
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs between two configurations, by where it stands: `export sync`, `segment VIP`; what is not there is None."""
    old, new = _parts(before), _parts(after)
    return {
        name: (old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)
    }


def _parts(document: Mapping[str, Any]) -> dict[str, Any]:
    export = {f"export {key}": value for key, value in document["export"].items() if key not in _NOT_COMPARED}
    segments = {f"segment {each['name']}": each for each in document["segments"]}
    return {"destination": document["destination"], **export, **segments}


def _used(export: Export, segments: Sequence[Segment]) -> list[Segment]:
    """The export's segments and those they are made of."""
    by_name = {fold(segment.name): segment for segment in segments}
    wanted = [fold(name) for name in export.segments]
    used: dict[str, Segment] = {}
    while wanted:
        name = wanted.pop(0)
        segment = by_name.get(name)
        if segment is not None and name not in used:
            used[name] = segment
            wanted += sorted(names_in(segment))
    return list(used.values())


def sentences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two configurations, a sentence each; empty when both are the same."""
    return tuple(_sentence(name, *values) for name, values in differences(before, after).items())


def changed_segments(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[SegmentChange, ...]:
    """The segments that differ between two configurations."""
    return tuple(
        SegmentChange(name.partition(" ")[2], _rules(was), _rules(is_now))
        for name, (was, is_now) in differences(before, after).items()
        if name.startswith("segment ")
    )


def _sentence(name: str, was: Any, is_now: Any) -> str:  # noqa: ANN401 - parts of documents
    kind, _, rest = name.partition(" ")
    if kind == "segment":
        if was is None or is_now is None:
            return f"The segment “{rest}” is only in {'the later' if was is None else 'the earlier'} run."
        return f"Segment “{rest}” was: {' '.join(_rules(was))} It is now: {' '.join(_rules(is_now))}"
    subject = _NAMES.get(rest, rest.replace("_", " ").capitalize()) if rest else "Destination"
    if isinstance(was, Mapping) and isinstance(is_now, Mapping):
        changed = [key for key in dict.fromkeys([*was, *is_now]) if was.get(key) != is_now.get(key)]
        parts = "; ".join(f"{key}: {_shown(was.get(key))} became {_shown(is_now.get(key))}" for key in changed)
        return f"{subject}: {parts}."
    return f"{subject}: {_shown(was)} became {_shown(is_now)}."


def _rules(document: Mapping[str, Any] | None) -> tuple[str, ...]:
    return () if document is None else words(segment_documents.parse(document, segment_id=""))


def _shown(value: Any) -> str:  # noqa: ANN401 - a part of a document
    if value is None or value == "":
        return "nothing"
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "nothing"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(each)}" for key, each in value.items()) or "nothing"
    return str(value)
