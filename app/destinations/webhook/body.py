"""The body of a request, made of the JSON a person wrote; what is filled in can never change its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import FixSettings

MEMBERS = "{members}"


def read_template(text: str) -> Any:  # noqa: ANN401 - a person's JSON can be anything
    """The template as JSON; raises FixSettings when it is none, or has no place for the members."""
    try:
        template = json.loads(text)
    except ValueError as error:
        raise FixSettings(
            "The body of the webhook is not JSON.",
            f"Line {getattr(error, 'lineno', 1)}, character {getattr(error, 'colno', 1)}: {getattr(error, 'msg', 'it ends too soon')}.",
            "Correct it in the export.",
            code="body_not_json",
        ) from None
    if not _holds_members(template):
        raise FixSettings(
            "The body of the webhook has no place for the members.",
            f"One of its values has to be “{MEMBERS}”.",
            "Write it into the body in the export.",
            code="body_without_members",
        )
    return template


def filled(template: Any, words: Mapping[str, str], members: Sequence[Mapping[str, str]]) -> Any:  # noqa: ANN401 - as above
    """The body with `{name}` of each word replaced in its texts, and the members in their place."""
    if template == MEMBERS:
        return list(members)
    if isinstance(template, str):
        for name, value in words.items():
            template = template.replace(f"{{{name}}}", value)
        return template
    if isinstance(template, list):
        return [filled(each, words, members) for each in template]
    if isinstance(template, dict):
        return {key: filled(each, words, members) for key, each in template.items()}
    return template


def _holds_members(template: Any) -> bool:  # noqa: ANN401 - as above
    if isinstance(template, dict):
        return any(_holds_members(each) for each in template.values())
    if isinstance(template, list):
        return any(_holds_members(each) for each in template)
    return bool(template == MEMBERS)
