"""Loops in a transcript: planted ones are found, real speech is never one."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from core.backends.whisper.repetition import collapse, is_looping
from core.model import Segment
from tests.harness.lectures import read_lecture

LECTURES = (
    "examples/lecture-2min-us",
    "tests/assets/lecture-10min-us",
    "tests/assets/lecture-10min-f2",
)
CASES = 300


def spoken(*texts: str) -> list[Segment]:
    return [Segment(float(i), float(i + 1), text) for i, text in enumerate(texts)]


def text_of(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def plant(seed: int, sentences: Sequence[str]) -> tuple[list[Segment], list[str]]:
    """Half a minute of a lecture with a loop in it, and the lecture's own words in order.

    The loop is a whole sentence or the end of one, said as separate segments or within one."""
    luck = random.Random(seed)
    first = luck.randrange(len(sentences) - 6)
    before, after = list(sentences[first : first + 3]), list(sentences[first + 4 : first + 6])
    sentence = sentences[first + 3]
    words = sentence.split()
    unit = sentence if luck.random() < 0.5 else " ".join(words[-luck.randint(1, len(words)) :])
    rounds = [unit] * max(luck.randint(4, 30), 60 // len(unit) + 1)
    loop = rounds if luck.random() < 0.5 else [" ".join(rounds)]
    start = sentence.removesuffix(unit).strip()
    return spoken(*before, *filter(None, [start]), *loop, *after), [*before, sentence, *after]


@pytest.fixture(scope="module")
def sentences(request) -> list[str]:
    root = request.config.rootpath
    lectures = [read_lecture(root / f"{name}.json") for name in LECTURES]
    return [s.text for lecture in lectures for s in lecture.transcript.segments]


def test_a_planted_loop_is_found_and_one_round_of_it_is_kept(sentences):
    caught = kept = 0
    for seed in range(CASES):
        segments, said = plant(seed, sentences)
        caught += is_looping(segments)
        kept += text_of(collapse(segments)).split() == " ".join(said).split()
    assert caught >= 0.99 * CASES
    assert kept >= 0.95 * CASES  # in the others two sentences share the words around the loop


def test_a_lecture_is_never_called_a_loop(sentences):
    for size in (1, 5, 12):
        for first in range(0, len(sentences), size):
            window = spoken(*sentences[first : first + size])
            assert not is_looping(window), text_of(window)
            assert collapse(window) == window


@pytest.mark.parametrize(
    "text",
    [
        "No, no, no, no. I said no.",
        "It was very, very, very, very far away.",
        "Ha ha ha ha ha. That is funny.",
        "The the the the red bridge.",
        "네, 네, 네, 네. 알겠습니다.",
        "Ten million is 10000000, and that is a lot.",
        "",
    ],
)
def test_people_may_repeat_themselves(text):
    assert not is_looping(spoken(text))
    assert collapse(spoken(text)) in (spoken(text), [])


@pytest.mark.parametrize(
    ("looped", "once"),
    [
        ("Thank you. " * 40, "Thank you."),
        ("감사합니다. " * 12, "감사합니다."),
        ("谢谢观看" * 20, "谢谢观看"),
        ("ご視聴ありがとうございました。" * 8, "ご視聴ありがとうございました。"),
        ("ha" * 100, "ha"),
        ("Bees dance. " + "And then, " * 30 + "they sing.", "Bees dance. And then, they sing."),
    ],
)
def test_a_loop_becomes_one_round_in_any_script(looped, once):
    assert is_looping(spoken(looped.strip()))
    assert text_of(collapse(spoken(looped.strip()))).strip("。") == once.strip("。")


def test_two_loops_in_one_window_both_collapse():
    window = spoken(*["I see it now."] * 8, "Then it rained.", *["Where are you going?"] * 9)
    assert [s.text for s in collapse(window)] == [
        "I see it now.",
        "Then it rained.",
        "Where are you going?",
    ]


def test_a_word_that_starts_like_the_loop_stays_whole():
    window = spoken("Hello.", *["Let us go."] * 9, "Gone.")
    assert [s.text for s in collapse(window)] == ["Hello.", "Let us go.", "Gone."]


def test_the_round_that_is_kept_keeps_its_times():
    window = spoken("Bees dance.", *["I see them all."] * 9, "They sing.")
    assert [s.start_s for s in collapse(window)] == [0.0, 1.0, 10.0]


def test_a_loop_that_changes_one_word_each_time_is_still_a_loop():
    window = spoken(
        *(f"I do not know what we want to do with this big {n} now." for n in range(20))
    )
    assert is_looping(window)
