"""Editing keeps trees valid, and undo gives back exactly what was there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.segment_documents import parse, to_document
from app.core.segment_editing import (
    BLANK,
    NO_FIELD,
    NO_VALUE,
    STEPS_KEPT,
    History,
    add,
    add_rule,
    duplicate_rule,
    finished,
    incomplete,
    move_rule,
    part,
    places,
    put,
    remove,
    set_mode,
    set_operator,
    unfinished,
)
from app.core.segments import (
    Aggregate,
    Condition,
    FieldRef,
    Group,
    Mode,
    Operator,
    Rule,
    Segment,
    SegmentOf,
    SegmentRef,
    SetOperator,
    Span,
    Unit,
    Within,
)
from tests.core.segment_strategies import bodies, conditions, groups, segments

GOLD = Condition(FieldRef("Customer", "Tier"), Operator.IS_ONE_OF, ("Gold",))
OLD = Condition(FieldRef("Customer", "Since"), Operator.BEFORE, "2026-01-01")
Edit = Callable[[Segment], Segment]


def built(*bodies_in: Group | SegmentRef) -> Segment:
    segment = Segment("1", "S", SegmentOf.CUSTOMERS)
    for body in bodies_in:
        segment = add_rule(segment, body)
    return segment


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """An edit at a place that is looked up when it is done, so that a sequence of them always fits."""
    kind = draw(st.sampled_from(["put", "add", "remove", "mode", "rule", "duplicate", "move", "operator"]))
    at = draw(st.integers(0, 30))
    new = draw(st.just(BLANK) | conditions() | groups)
    body, operator, mode = draw(bodies), draw(st.sampled_from(SetOperator)), draw(st.sampled_from(Mode))

    def do(segment: Segment) -> Segment:
        known = list(places(segment))
        if kind == "rule" or not known:
            return add_rule(segment, body, operator)
        place = known[at % len(known)]
        number = at % len(segment.rules)
        if kind == "put":
            return put(segment, place, new)
        if kind == "remove":
            return remove(segment, place)
        if kind == "duplicate":
            return duplicate_rule(segment, number)
        if kind == "move":
            return move_rule(segment, number, (number + 1) % len(segment.rules))
        if kind == "operator":
            return segment if number == 0 else set_operator(segment, number, operator)
        if not isinstance(part(segment, place), Group):
            return segment
        return set_mode(segment, place, mode) if kind == "mode" else add(segment, place, new)

    return do


def sound(segment: Segment) -> bool:
    """What the store and the file may hold: it begins with a union, and reads back as itself once it is finished."""
    if segment.rules and segment.rules[0].operator is not SetOperator.UNION:
        return False
    done = finished(segment)
    assert unfinished(done) == ()
    return not done.rules or parse(to_document(done), segment_id=done.id) == done


@settings(max_examples=60)
@given(segments().filter(lambda s: s.rules), st.lists(edits(), max_size=8))
def test_any_edits_and_as_many_undos_give_the_same(start: Segment, steps: list[Edit]) -> None:
    history = History(start)
    seen = [start]
    for step in steps:
        history = history.do(step)
        if history.present != seen[-1]:
            seen.append(history.present)
    for expected in reversed(seen):
        assert history.present == expected
        history = history.undo()
    assert history.undo() is history
    for expected in seen:
        assert history.present == expected
        history = history.redo()
    assert history.redo() is history


@settings(max_examples=60)
@given(segments().filter(lambda s: s.rules), st.lists(edits(), max_size=8))
def test_no_edit_makes_a_tree_that_can_not_be_saved(start: Segment, steps: list[Edit]) -> None:
    history = History(start)
    for step in steps:
        history = history.do(step)
        assert sound(history.present)
        if not unfinished(history.present):
            assert finished(history.present) == history.present


@given(segments().filter(lambda s: s.rules), st.data())
def test_a_place_is_what_was_put_there(segment: Segment, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(list(places(segment))))
    group = data.draw(groups)
    assert part(put(segment, place, group), place) == group


def test_what_is_typed_into_one_field_is_one_step() -> None:
    history = History(built(Group(Mode.ALL, (BLANK,))))
    for letters in ("G", "Go", "Gol", "Gold"):
        condition = Condition(FieldRef("C", "Tier"), Operator.IS, letters)
        history = history.do(lambda s, c=condition: put(s, (0, 0), c), "0,0")
    assert len(history.past) == 1
    assert history.undo().present == built(Group(Mode.ALL, (BLANK,)))
    after_undo = history.undo().do(lambda s: put(s, (0, 0), GOLD), "0,0")
    assert len(after_undo.past) == 1
    assert after_undo.future == ()


def test_an_edit_that_changes_nothing_is_no_step() -> None:
    history = History(built(Group(Mode.ALL, (GOLD,))))
    assert history.do(lambda s: put(s, (0, 0), GOLD)) is history


def test_old_steps_are_dropped() -> None:
    history = History(built(Group(Mode.ALL, (GOLD,))))
    for number in range(STEPS_KEPT + 50):
        history = history.do(lambda s, n=number: add_rule(s, SegmentRef(str(n))))
    assert len(history.past) == STEPS_KEPT


def test_the_first_rule_always_begins() -> None:
    segment = built(Group(Mode.ALL, (GOLD,)), SegmentRef("A"), SegmentRef("B"))
    segment = set_operator(segment, 2, SetOperator.EXCEPT)
    assert [r.operator for r in move_rule(segment, 2, 0).rules][:1] == [SetOperator.UNION]
    assert [r.body for r in remove(segment, (0,)).rules] == [SegmentRef("A"), SegmentRef("B")]
    assert remove(segment, (0,)).rules[0] == Rule(SetOperator.UNION, SegmentRef("A"))
    with pytest.raises(LookupError):
        set_operator(segment, 0, SetOperator.EXCEPT)


def test_a_nested_group_goes_with_its_last_condition_and_a_rule_stays() -> None:
    segment = built(Group(Mode.ALL, (GOLD, Group(Mode.ANY, (OLD,)))))
    without = remove(segment, (0, 1, 0))
    assert without == built(Group(Mode.ALL, (GOLD,)))
    assert remove(without, (0, 0)) == built(Group(Mode.ALL, ()))
    assert unfinished(remove(without, (0, 0))) == ((0,),)


def test_unfinished_parts_are_left_out() -> None:
    asks = Condition(FieldRef("Customer", "Tier"), Operator.IS_ONE_OF, NO_VALUE)
    segment = built(Group(Mode.ALL, (GOLD, asks, Group(Mode.ANY, (BLANK,)))), SegmentRef(""), Group(Mode.ANY, ()))
    assert unfinished(segment) == ((0, 1), (0, 2, 0), (1,), (2,))
    assert finished(segment) == built(Group(Mode.ALL, (GOLD,)))
    assert finished(built(Group(Mode.ALL, (BLANK,)), SegmentRef("A"))) == built(SegmentRef("A"))


@pytest.mark.parametrize(
    ("condition", "lacks"),
    [
        (Condition(NO_FIELD, Operator.IS_EMPTY), True),
        (Condition(FieldRef("C", "F"), Operator.IS_EMPTY), False),
        (Condition(FieldRef("C", "F"), Operator.IS, NO_VALUE), True),
        (Condition(FieldRef("C", "F"), Operator.IS, ""), False),
        (Condition(FieldRef("C", "F"), Operator.BETWEEN, (1,)), True),
        (Condition(FieldRef("C", "F"), Operator.BETWEEN, (1, None)), True),
        (Condition(FieldRef("C", "F"), Operator.BETWEEN, (1, 2)), False),
        (Condition(FieldRef("C", "F"), Operator.LAST, Span(3, Unit.DAYS)), False),
        (Condition(FieldRef("O", "T"), Operator.IS, 1, Aggregate.SUM, Within(NO_FIELD, Span(1, Unit.DAYS))), True),
    ],
)
def test_what_a_condition_lacks(condition: Condition, lacks: bool) -> None:
    assert incomplete(condition) is lacks


@pytest.mark.parametrize("place", [(9,), (-1,), (0, 7), (0, -1), (0, 0, 0), (1, 0)])
def test_places_that_are_not_there(place: tuple[int, ...]) -> None:
    segment = built(Group(Mode.ALL, (GOLD,)), SegmentRef("A"))
    with pytest.raises(LookupError):
        part(segment, place)
    with pytest.raises(LookupError):
        remove(segment, place)
