"""Dataclasses survive JSON, and what is no such dataclass is refused."""

import doctest

import pytest

import core.json_values
from core.json_values import from_json, from_plain, to_json
from core.model import Segment, Window

WINDOW = Window(9.0, 12.5, "en", (Segment(0.0, 9.0, 'A "bee" 꿀벌 🐝\n\0'),))


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(core.json_values).failed == 0


def test_a_value_comes_back_equal():
    assert from_json(Window, to_json(WINDOW)) == WINDOW


def test_half_a_surrogate_pair_becomes_a_question_mark():
    text = to_json(Segment(0.0, 1.0, "a\ud83d"))
    assert text.encode()
    assert from_json(Segment, text).text == "a?"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"start_s": 0.0}', '{"start_s": "x"}', "null"])
def test_what_is_not_a_value_is_refused(text):
    with pytest.raises(ValueError):
        from_json(Segment, text)


def test_a_field_that_is_missing_has_its_default_and_an_unknown_one_is_ignored():
    assert from_plain(Window, {"heard_s": 1, "duration_s": 2, "later": 3}) == Window(1.0, 2.0)
