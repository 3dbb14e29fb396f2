"""Why a member joined or left a segment: which of its rules decides, found by asking each part of it on its own.

A reason is kept as what it says and what it is about; the window makes a sentence of it in the person's language, `str` one
in English. Which reason it is tells a tree of questions about the segment's parts with reasons as leaves. The same tree is
asked for one member in Python (`reason_of`) and for millions in SQL (app/data/reasons.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.phrases import ENGLISH, Phrase, joined
from app.core.segment_words import condition_phrase
from app.core.segments import Condition, Group, Mode, Place, Segment, SegmentRef, SetOperator


class Says(StrEnum):
    """What a reason says; kept in plans and changes of runs, so none may get another meaning."""

    FIRST_TIME = "first_time"
    NOT_CONFIRMED = "not_confirmed"
    JOINED_OTHER_KEY = "joined_other_key"
    NOT_THERE = "not_there"
    PUT_BACK = "put_back"
    REJECTED_BEFORE = "rejected_before"
    INVALID_BEFORE = "invalid_before"
    STOPPED_BEFORE = "stopped_before"
    NEW_ROW = "new_row"
    HAS_KEY = "has_key"
    AGREES = "agrees"
    OFF_THE_LIST = "off_the_list"
    JOINED_RULE = "joined_rule"
    JOINED_OTHER_RULES = "joined_other_rules"
    JOINED_SEGMENT = "joined_segment"
    JOINED_LIST = "joined_list"
    JOINED_QUERY = "joined_query"
    IN_SEGMENT = "in_segment"
    GONE = "gone"
    LEFT_OTHER_KEY = "left_other_key"
    NO_KEY = "no_key"
    REFUSES = "refuses"
    SUPPRESSED = "suppressed"
    ANOTHER_ROW = "another_row"
    NEVER_SENT = "never_sent"
    TAKEN_OUT = "taken_out"
    LEFT_RULE = "left_rule"
    LEFT_OTHER_RULES = "left_other_rules"
    LEFT_SEGMENT = "left_segment"
    LEFT_LIST = "left_list"
    LEFT_QUERY = "left_query"
    NO_RULE = "no_rule"
    CHANGED_FIELDS = "changed_fields"
    VALUE_UNKNOWN = "value_unknown"
    OTHER_VALUE = "other_value"
    OTHER_FIELDS = "other_fields"
    OTHER_FORMAT = "other_format"
    LEFT_OUT_NO_KEY = "left_out_no_key"
    LEFT_OUT_TWICE = "left_out_twice"
    LEFT_OUT_NO_CONSENT = "left_out_no_consent"
    LEFT_OUT_SUPPRESSED = "left_out_suppressed"


SENTENCES: Mapping[Says, str] = {
    Says.FIRST_TIME: "Joined: sent there for the first time",
    Says.NOT_CONFIRMED: "Joined: an earlier sending was never confirmed",
    Says.JOINED_OTHER_KEY: "Joined: known by another {what} now",
    Says.NOT_THERE: "Joined: was sent, but is not there any more",
    Says.PUT_BACK: "Joined: put back, because the run that removed it is undone",
    Says.REJECTED_BEFORE: "Joined: was rejected before, tried again",
    Says.INVALID_BEFORE: "Joined: could not be sent as it was before, tried again",
    Says.STOPPED_BEFORE: "Joined: an earlier run ended before it was sent",
    Says.NEW_ROW: "Joined: new in {what}",
    Says.HAS_KEY: "Joined: has a usable {what} now",
    Says.AGREES: "Joined: has marketing consent now",
    Says.OFF_THE_LIST: "Joined: no longer on the suppression list",
    Says.JOINED_RULE: "Joined: {what}",
    Says.JOINED_OTHER_RULES: "Joined: by rules that were changed since the last run, {what}",
    Says.JOINED_SEGMENT: "Joined: in “{what}”",
    Says.JOINED_LIST: "Joined: on the list",
    Says.JOINED_QUERY: "Joined: the query finds it",
    Says.IN_SEGMENT: "Joined: in the segment",
    Says.GONE: "Left: no longer in the tables",
    Says.LEFT_OTHER_KEY: "Left: known by another {what} now",
    Says.NO_KEY: "Left: no usable {what} any more",
    Says.REFUSES: "Left: no marketing consent any more",
    Says.SUPPRESSED: "Left: on the suppression list",
    Says.ANOTHER_ROW: "Left: another row with the same {what} has no consent or is on the suppression list",
    Says.NEVER_SENT: "Left: not in the segment, and never sent by Sendoff",
    Says.TAKEN_OUT: "Left: taken out again, because the run that added it is undone",
    Says.LEFT_RULE: "Left: {what}",
    Says.LEFT_OTHER_RULES: "Left: does not meet the rules, which were changed since the last run",
    Says.LEFT_SEGMENT: "Left: no longer in “{what}”",
    Says.LEFT_LIST: "Left: no longer on the list",
    Says.LEFT_QUERY: "Left: the query no longer finds it",
    Says.NO_RULE: "Left: no rule of the segment holds any more",
    Says.CHANGED_FIELDS: "Changed: {what}",
    Says.VALUE_UNKNOWN: "Changed: the values there are not known",
    Says.OTHER_VALUE: "Changed: a value is another one",
    Says.OTHER_FIELDS: "Changed: other fields are matched",
    Says.OTHER_FORMAT: "Changed: values are compared in another way",
    Says.LEFT_OUT_NO_KEY: "Left out: no usable {what}",
    Says.LEFT_OUT_TWICE: "Left out: twice in the segment",
    Says.LEFT_OUT_NO_CONSENT: "Left out: no marketing consent",
    Says.LEFT_OUT_SUPPRESSED: "Left out: on the suppression list",
}
"""In English; the window's are in app/ui/reason_words.py."""

MARK = "\x1f"
"""Between what a reason says and what it is about, as it is kept."""
PHRASE = "\x1e"
"""In its place where a phrase of a rule follows."""

_LONGEST, _LONGEST_KEPT = 160, 2_000

Part = Condition | Group | SegmentRef


@dataclass(frozen=True, slots=True)
class Reason:
    """What is said of a member, and of what: a rule as a phrase; the names of fields, a segment's or a table's name.

    Without `says` it is a finished sentence, or `what` an English phrase of a rule, as earlier versions kept them; empty when
    none is kept.
    """

    says: Says | None = None
    what: str = ""
    phrase: Phrase | None = None

    @classmethod
    def read(cls, kept: str | None) -> Reason:
        """A reason as it is kept."""
        kept = kept or ""
        code = kept.partition(MARK)[0].partition(PHRASE)[0]
        mark, what = kept[len(code) : len(code) + 1], kept[len(code) + 1 :]
        try:
            return cls(Says(code), "", Phrase.read(what)) if mark == PHRASE else cls(Says(code), what)
        except ValueError:
            return cls(None, kept)

    @property
    def kept(self) -> str:
        """As it is kept in files, one text."""
        if self.says is None:
            return self.what
        if self.phrase is not None:
            return f"{self.says}{PHRASE}{self.phrase.kept}"
        return f"{self.says}{MARK}{self.what}" if self.what else self.says.value

    def sentence(
        self,
        sentences: Mapping[Says, str],
        words: Mapping[str, str] = ENGLISH,
        number: Callable[[int], str] = "{:,}".format,
    ) -> str:
        """In the words of these sentences; a rule in these words, with numbers as a language writes them."""
        if self.says is None:
            return self.what
        what = self.what if self.phrase is None else _short(self.phrase.say(words, number))
        return sentences[self.says].format(what=what)

    @staticmethod
    def bare(sentence: str) -> str:
        """A sentence without its first word, where that is said already: “Country is DE” of “Joined: Country is DE”."""
        words = sentence.partition(": ")[2] or sentence
        return words[:1].upper() + words[1:]

    def __str__(self) -> str:
        return self.sentence(SENTENCES)

    def __bool__(self) -> bool:
        return bool(self.says or self.what)


@dataclass(frozen=True, slots=True)
class When:
    """A question and what follows from its answer.

    `asked` is the place of a part, which is met or not, or a number: whether the rules up to that one, joined by their
    operators, hold.
    """

    asked: Place | int
    met: Node
    otherwise: Node


Node = Reason | When

NO_RULE = Reason(Says.NO_RULE)


def why_left(segment: Segment, own: str) -> Node:
    """Of a member that is in the tables and not in the segment; `own` is the name of the table of members."""
    if segment.list_file is not None:
        return Reason(Says.LEFT_LIST)
    if segment.sql is not None:
        return Reason(Says.LEFT_QUERY)
    if not segment.rules:
        return NO_RULE
    return _turned(segment, len(segment.rules) - 1, _Turn(own, Says.LEFT_RULE))


def why_joined(segment: Segment, own: str) -> Node:
    """Of a member that is in the segment."""
    if segment.list_file is not None:
        return Reason(Says.JOINED_LIST)
    if segment.sql is not None:
        return Reason(Says.JOINED_QUERY)
    if not segment.rules:
        return Reason(Says.IN_SEGMENT)
    return _joined(segment, len(segment.rules) - 1, own)


def why_newly(segment: Segment, own: str) -> Node:
    """Of a member that is in the segment and was not before, asked of what was met before: what holds now that did not.

    `NO_RULE` when none of several rules held of which one is enough; then `why_joined` tells which one does now.
    """
    if segment.list_file is not None or segment.sql is not None or not segment.rules:
        return why_joined(segment, own)
    return _turned(segment, len(segment.rules) - 1, _Turn(own, Says.JOINED_RULE))


def parts_of(segment: Segment) -> Iterator[tuple[Place, Part]]:
    """Every part of the rules with its place, rules as the place of their bodies."""
    for number, rule in enumerate(segment.rules):
        yield from _parts((number,), rule.body)


def asked_in(node: Node) -> Iterator[Place | int]:
    """Everything a tree asks for."""
    if isinstance(node, When):
        yield node.asked
        yield from asked_in(node.met)
        yield from asked_in(node.otherwise)


def reason_of(node: Node, segment: Segment, met: Callable[[Place], bool]) -> Reason:
    """The reason for a member of which `met` tells what parts it meets."""
    while isinstance(node, When):
        asked = node.asked
        answer = holds(segment, asked, met) if isinstance(asked, int) else met(asked)
        node = node.met if answer else node.otherwise
    return node


def holds(segment: Segment, last: int, met: Callable[[Place], bool]) -> bool:
    """Whether the rules up to number `last` hold, joined by their operators."""
    answer = met((0,))
    for number, rule in enumerate(segment.rules[1 : last + 1], 1):
        this = met((number,))
        if rule.operator is SetOperator.UNION:
            answer = answer or this
        elif rule.operator is SetOperator.INTERSECT:
            answer = answer and this
        else:
            answer = answer and not this
    return answer


def _parts(place: Place, part: Part) -> Iterator[tuple[Place, Part]]:
    yield place, part
    if isinstance(part, Group):
        for number, item in enumerate(part.items):
            yield from _parts((*place, number), item)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whether a part that is not met, while others are, is one that is met no longer or one that is met now."""

    own: str
    says: Says

    def not_met(self, *parts: Part) -> Reason:
        """Of parts of which one must be met, and none is in the state that is asked."""
        if self.says is Says.LEFT_RULE:
            return _said(self.says, _together([_no_longer(part, self.own) for part in parts], Mode.ALL))
        return _said(self.says, _together([_now(part, self.own, turned=True) for part in parts], Mode.ANY))

    def met(self, part: Part) -> Reason:
        """Of a part that must not be met, and is in the state that is asked."""
        if self.says is Says.LEFT_RULE:
            return _said(self.says, _now(part, self.own, turned=True))
        return _said(self.says, _no_longer(part, self.own))


def _turned(segment: Segment, number: int, turn: _Turn) -> Node:
    """Which rule decides, of a state that is outside the segment: the last one that alone keeps it out."""
    rule = segment.rules[number]
    if number == 0:
        return _not_met((0,), rule.body, turn)
    if rule.operator is SetOperator.UNION:
        return NO_RULE
    decides = _not_met if rule.operator is SetOperator.INTERSECT else _met
    return When(number - 1, decides((number,), rule.body, turn), _turned(segment, number - 1, turn))


def _joined(segment: Segment, number: int, own: str) -> Node:
    rule = segment.rules[number]
    if number == 0:
        return _brings_in((0,), rule.body, own)
    if rule.operator is not SetOperator.UNION:
        return _joined(segment, number - 1, own)
    before = _joined(segment, number - 1, own)
    return When(number - 1, before, _brings_in((number,), rule.body, own))


def _not_met(place: Place, part: Part, turn: _Turn) -> Node:
    """Which part of one that is not met decides that: of several that must all be, the first that is not."""
    if not isinstance(part, Group):
        return turn.not_met(part)
    if not part.items or (part.mode is Mode.ANY and len(part.items) > 1):
        return turn.not_met(*part.items)
    *others, last = enumerate(part.items)
    node = _not_met((*place, last[0]), last[1], turn)
    for number, item in reversed(others):
        node = When((*place, number), node, _not_met((*place, number), item, turn))
    return node


def _met(place: Place, part: Part, turn: _Turn) -> Node:
    """Which part of one that is met decides that: of several of which one is enough, the first that is."""
    return _first_met(place, part, turn.met)


def _brings_in(place: Place, part: Part, own: str) -> Node:
    return _first_met(place, part, lambda decides: _said(Says.JOINED_RULE, _now(decides, own)))


def _first_met(place: Place, part: Part, reason: Callable[[Part], Reason]) -> Node:
    if isinstance(part, Group) and part.items and (part.mode is Mode.ANY or len(part.items) == 1):
        *others, last = enumerate(part.items)
        node = _first_met((*place, last[0]), last[1], reason)
        for number, item in reversed(others):
            node = When((*place, number), _first_met((*place, number), item, reason), node)
        return node
    return reason(part)


def _said(says: Says, phrase: Phrase) -> Reason:
    """Of a rule; one that is too long to be kept for each member is cut, in English."""
    if len(phrase.kept) > _LONGEST_KEPT:
        return Reason(says, _short(phrase.say()))
    return Reason(says, "", phrase)


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _now(part: Part, own: str, *, turned: bool = False) -> Phrase:
    """What is met; when it has `turned`, it was not before."""
    if isinstance(part, SegmentRef):
        return Phrase("in_segment_now" if turned else "in_segment", (part.name,))
    if isinstance(part, Condition):
        return condition_phrase(part, own, now=turned)
    phrase = _together([_now(item, own) for item in part.items], part.mode)
    return Phrase("now", (phrase,)) if turned else phrase


def _no_longer(part: Part, own: str) -> Phrase:
    if isinstance(part, SegmentRef):
        return Phrase("no_longer_in_segment", (part.name,))
    if isinstance(part, Condition):
        return condition_phrase(part, own, no_longer=True)
    return Phrase("no_longer", (_now(part, own),))


def _together(phrases: Sequence[Phrase], mode: Mode) -> Phrase:
    if not phrases:
        return Phrase("nothing")
    together = joined(mode.value, phrases)
    assert isinstance(together, Phrase), "it joins phrases alone"
    return together
