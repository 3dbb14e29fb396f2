from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FixData
from app.services.documents import parse_documents, read_documents, write_document

scalars = st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))


def test_words_that_yaml_1_1_twists_stay_what_was_written() -> None:
    [document] = parse_documents(
        "schedule: {every: week, on: [mon], at: 05:30}\ncountries: [NO, DE]\nfrom: 2025-01-31\nzip: 01067", "x"
    )
    assert document == {
        "schedule": {"every": "week", "on": ["mon"], "at": "05:30"},
        "countries": ["NO", "DE"],
        "from": "2025-01-31",
        "zip": "01067",
    }


def test_numbers_booleans_and_nothing_are_told_apart() -> None:
    [document] = parse_documents("a: 5\nb: 2.5\nc: true\nd: null\ne:\nf: -3\ng: '5'\nh: .5\ni: 1e3", "x")
    assert document == {"a": 5, "b": 2.5, "c": True, "d": None, "e": None, "f": -3, "g": "5", "h": 0.5, "i": 1000.0}


def test_several_documents_in_one_file(tmp_path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("name: a\n---\nname: b\n---\n", "utf-8")
    assert [d["name"] for d in read_documents(file)] == ["a", "b"]


@pytest.mark.parametrize(
    "text", ["", "- a\n- b", "a: [", "a: 1\na: 2", "!!python/object/apply:os.system ['true']", "just text"]
)
def test_what_is_not_a_definition_is_refused_in_a_sentence(text) -> None:
    with pytest.raises(FixData) as caught:
        parse_documents(text, "bad.yaml")
    assert "bad.yaml" in caught.value.what


def test_a_missing_file_and_a_binary_one_are_refused(tmp_path) -> None:
    with pytest.raises(FixData, match="no file"):
        read_documents(tmp_path / "none.yaml")
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FixData, match="can't be read"):
        read_documents(binary)


@given(st.dictionaries(st.text(min_size=1), st.one_of(scalars, st.lists(scalars), st.dictionaries(st.text(), scalars))))
def test_what_is_written_reads_back_equal(document) -> None:
    if not document:
        return
    assert parse_documents(write_document(document), "x") == [document]
