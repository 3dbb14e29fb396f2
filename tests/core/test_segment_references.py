from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.names import fold
from app.core.segment_references import circle, leading_to, names_in, referring
from app.core.segments import Rule, Segment, SegmentOf, SegmentRef, SetOperator


def of(name: str, *parts: str) -> Segment:
    rules = tuple(Rule(SetOperator.UNION, SegmentRef(part)) for part in parts)
    return Segment(name, name, SegmentOf.CUSTOMERS, rules=rules)


def test_names_are_compared_regardless_of_case() -> None:
    segment = of("A", "Berlin", "Wien")
    assert names_in(segment) == {"berlin", "wien"}
    assert referring(segment, "berlin", "Hamburg") == of("A", "Hamburg", "Wien")


def test_who_leads_to_a_segment() -> None:
    everyone = [of("A"), of("B", "a"), of("C", "B"), of("D"), of("E", "D", "C")]
    assert leading_to("A", everyone) == {"a", "b", "c", "e"}
    assert leading_to("D", everyone) == {"d", "e"}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=9))
def test_what_is_offered_never_closes_a_circle_and_what_is_not_always_does(pairs: list[tuple[int, int]]) -> None:
    names = "ABCDEF"
    segments = {fold(n): of(n, *(names[b] for a, b in pairs if names[a] == n and b > a)) for n in names}
    for name in names:
        forbidden = leading_to(name, segments.values())
        for other in names:
            tried = of(name, other)
            assert bool(circle(tried, {**segments, fold(name): tried})) is (fold(other) in forbidden)
