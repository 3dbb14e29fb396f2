"""What one member of an export looks like on its way, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.cli.output import of, plain, printable
from app.cli.session import Session
from app.core.errors import FixData
from app.core.plans import PlanFilter
from app.destinations.contract import PreparedRequest

if TYPE_CHECKING:
    from app.services.plan_looks import PlanMember  # brings the engine, which help must not wait for

_MOST = 100
"""Somebody may be in several segments."""


def show_member(session: Session, export: str, key: str, *, masked: bool) -> None:
    """Write a member of the export's plan, known by our key or by what identifies it there; raises FixData for nobody."""
    looks = session.services.plan_looks
    with session.output.progress() as progress:
        ctx = progress.context()
        look = looks.look(export, ctx)
        try:
            lines = looks.page(look, PlanFilter(person=key), 0, _MOST, ctx)
            found = [looks.member(look, line.id, ctx, masked=masked) for line in lines]
        finally:
            looks.close(look)
    members = [each for each in found if each is not None]
    if not members:
        raise FixData(
            f"“{key}” is not in the plan of “{export}”.",
            "Nobody with that key or identifier is in its segments or was sent by it.",
            "Use the whole key as the table has it, or the whole e-mail address.",
            code="no_member",
        )
    if session.options.json:
        session.output.document({"export": export, "members": [_document(each) for each in members]})
        return
    for each in members:
        session.output.text("\n".join(_lines(each)))


def request_lines(request: PreparedRequest) -> Iterator[str]:
    """A request as it would leave."""
    yield f"{request.method} {request.url}"
    yield from (f"{header}: {value}" for header, value in request.headers.items())
    yield f"\n{request.body}\n"


def _document(shown: PlanMember) -> dict[str, Any]:
    member = shown.member
    return {
        "member": member.member,
        "segment": member.segment,
        "change": member.change.value,
        "reason": str(member.reason),
        "fields": plain(shown.steps),
        "together_with": shown.others,
        "requests": plain(shown.requests),
    }


def _lines(shown: PlanMember) -> Iterator[str]:
    member = shown.member
    reason = f"  {printable(str(member.reason))}" if member.reason else ""
    yield f"{printable(member.member)} in “{member.segment}”: {member.change.value}{reason}"
    for step in shown.steps:
        forms = [step.value, step.normalised, step.hashed or None]
        yield f"  {step.field}: {' -> '.join(printable(form) for form in forms if form is not None) or 'no value'}"
    if not shown.requests:
        yield "Nothing would be sent."
        return
    if shown.others:
        yield f"In requests together with {of(shown.others, 'other')}; alone they would be:"
    yield ""
    for request in shown.requests:
        yield from request_lines(request)
