"""Text and times for display: cleaned, shortened, measured."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.text.display
from core.text.display import clock, one_line, printable, shorten, utf16_length


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(core.text.display).failed == 0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0:00"), (59.99, "0:59"), (125, "2:05"), (3600, "1:00:00"), (360_000, "100:00:00")],
)
def test_a_time_is_formatted_as_on_youtube(seconds, expected):
    assert clock(seconds) == expected


def test_printable_text_keeps_what_people_wrote():
    text = "한국어 👩‍👩‍👧 café\n\tتجربة “quoted”"
    assert printable(text) == text
    assert one_line(" a\u2028b\x85c\r\nd ") == "a b c d"
    assert printable("\x1b\x1b[31mx\x1b") == "x"


@pytest.mark.parametrize("length", [len, utf16_length])
@given(text=st.text(), limit=st.integers(1, 20))
def test_a_shortened_text_fits_and_is_marked_only_where_it_was_cut(length, text, limit):
    short = shorten(text, limit, length)
    assert length(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_a_letter_outside_the_basic_plane_is_not_cut_in_half():
    assert shorten("🐝🐝🐝", 4, utf16_length) == "🐝…"
