"""Hostile text, cut anywhere, is harmless once it is shown."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text.safe_text import LONGEST_WORD, STREAM_CHARACTERS, SafeStream, safe_line


def shown(*pieces: str) -> str:
    """What a stream shows that resolves numbers below 50."""
    text = SafeStream(lambda numbers, _: f"[{numbers.strip()}]" if numbers.strip() < "50" else "")
    return "".join([*map(text.feed, pieces), text.close()])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Bees dance [12].", "Bees dance [12]."),
        ("Bees dance【12】. They fly［13］.", "Bees dance[12]. They fly[13]."),
        ("Bees dance [99]. They fly.", "Bees dance. They fly."),
        ("[free](http://evil.example/x) honey", "free honey"),
        ("![p](https://evil.example/p.png)", "! p"),
        ("see https://evil.example now", "see now"),
        ("see www.evil.example/x, now", "see now"),
        ("join t.me/evil or discord.gg/evil now", "join or now"),
        ("[http://evil.example][12]", "[12]"),
        ("@everyone <@123> bee@hive.org", "@\u200beveryone <@\u200b123> bee@hive.org"),
        ("# Bees\n\n**dance** `well`", "Bees\n\ndance well"),
        ("see (https://evil.example/x).", "see."),
        ("http:[]//evil.example", "http: //evil.example"),
        ("http:[99]//evil.example", "http: //evil.example"),
        ("ht**tp://evil.example/x", ""),
        ("w(http://x)ww.evil.example", "w ww.evil.example"),
        ("\x07red\x00", "red"),
        ("cut off [12", "cut off"),
        ("cut off [12, ", "cut off"),
        ("a [bracket] stays a word", "a bracket stays a word"),
        ("one [ lone bracket " + "and more " * 9, "one lone bracket " + ("and more " * 9).strip()),
        ("  blanks \n\n\n\n around  ", "blanks\n\naround"),
        ("꿀벌은 춤춘다[12]. 여왕벌도[13].", "꿀벌은 춤춘다[12]. 여왕벌도[13]."),
        ("蜜蜂跳舞。蜂王也[3]。", "蜜蜂跳舞。蜂王也[3]。"),
        ("and/or 3.5 km/h e.g. this", "and/or 3.5 km/h e.g. this"),
        ("", ""),
    ],
)
def test_what_is_shown(written, read):
    assert shown(written) == read
    assert shown(*written) == read  # one character a piece


def test_a_word_is_shown_as_soon_as_it_is_whole():
    text = SafeStream(lambda numbers, _: f"[{numbers}]")
    assert text.feed("Bees da") == "Bees"
    assert text.feed("nce [1") == " dance"
    assert text.feed("2]") == " [12]"


@pytest.mark.parametrize("unit", ["a", "www.", "한"])
@pytest.mark.parametrize("size", [1, 5000])
def test_a_text_without_blanks_is_never_read_again_from_its_beginning(unit, size):
    written = (unit * 5000)[:5000]
    text = SafeStream(lambda numbers, _: f"[{numbers}]")
    most = 0
    for i in range(0, len(written), size):
        text.feed(written[i : i + size])
        most = max(most, len(text._buffer))
    assert most <= LONGEST_WORD
    if unit in ("a", "한"):
        parts = shown(written).split()
        assert "".join(parts) == written
        assert set(map(len, parts)) == {LONGEST_WORD}


def test_the_parts_of_a_long_word_join_into_no_link():
    for before in range(LONGEST_WORD - 12, LONGEST_WORD + 2):
        for link in ("www.evil.example", "https://evil.example", "evil.example/x", "t.me/x"):
            read = shown("x" * before + link)
            assert link not in read
            assert link not in shown("-" * before + link)


def test_the_sentence_before_a_marker_goes_with_it():
    seen = []
    text = SafeStream(lambda numbers, sentence: seen.append((numbers, sentence)) or "[1]")
    text.feed("Bees dance. [1] They fly [2][3]. Wasps sting, too [4]! ")
    assert seen == [
        ("1", "Bees dance."),
        ("2", "They fly"),
        ("3", "They fly"),
        ("4", "Wasps sting, too"),
    ]


def test_an_endless_text_ends():
    assert len(shown("bees " * 10_000)) <= STREAM_CHARACTERS


LINKS = ["http://", "http:", "//evil.example", "www.", "evil.example/", "t.me/x", "](", "@", "here"]
SIGNS = ["[", "]", "【", "**", "`", "12", ", ", "-", " ", "\n", "60", ")", "(", "\x1b[", "。"]
PARTS = st.sampled_from([*LINKS, *SIGNS, "Bees", "NONE", "춤"])


@settings(max_examples=500)
@given(st.lists(PARTS | st.text(max_size=4), max_size=40), st.integers(1, 7))
def test_whatever_comes_brackets_are_ours_and_links_are_none(parts, size):
    written = "".join(parts)
    read = shown(*(written[i : i + size] for i in range(0, len(written), size)))
    assert "://" not in re.sub(r"\W://", "", read)
    assert not re.search(r"\b(https?|ftp)://|\bwww\.\w", read)
    assert not re.search(r"(?<!\w)@\w", read)
    assert set("".join(re.split(r"\[[\d\s,;、–—~-]+(?:and[\d\s]+)*\]", read))).isdisjoint(
        "[]【】［］"
    )
    assert read == read.strip()


@given(st.text(max_size=200))
def test_a_safe_line_is_one_short_line(text):
    line = safe_line(text, 50)
    assert len(line) <= 50
    assert "\n" not in line
    assert not set(line) & set("[]")


def test_a_safe_line_has_no_markers_of_the_prompt():
    assert safe_line("Bees dance [12, 13] well【4】", 99) == "Bees dance well"
