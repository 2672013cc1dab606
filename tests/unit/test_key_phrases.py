"""Key phrases are written as people write them, in words that are used as nouns."""

from __future__ import annotations

import doctest

import pytest

from core.text import key_phrases as module
from core.text.key_phrases import as_phrases, key_phrases, nouns
from core.text.keywords import count_words

# From a Hugging Face course video (Apache-2.0).
COURSE = [
    "This course has been designed to teach you all about the Hugging Face ecosystem.",
    "We'll teach you how to fine-tune a Transformer model.",
    "The next chapters require a good knowledge of Machine Learning.",
    "I'm a Machine Learning Engineer at Hugging Face.",
    "I work on the open-source team, as a Machine Learning Engineer in the open-source team.",
]


def test_the_examples_hold():
    assert doctest.testmod(module).failed == 0


def test_names_of_two_words_are_whole_and_verbs_are_none():
    found = key_phrases(COURSE, count_words(COURSE), 4)

    assert {"Hugging Face", "Machine Learning"} <= set(found)
    assert not {"teach", "Face", "Learning", "Hugging"} & set(found)


def test_no_word_is_in_two_phrases():
    found = as_phrases(["learning", "machine", "engineer", "team"], COURSE)

    assert len({word for phrase in found for word in phrase.lower().split()}) == sum(
        len(phrase.split()) for phrase in found
    )


@pytest.mark.parametrize("word", ["꿀벌", "GPU", "Kelso"])
def test_korean_words_and_names_need_no_article(word):
    assert nouns([word], [f"{word} {word}"]) == [word]


def test_where_there_are_only_verbs_they_serve():
    assert key_phrases(["run and jump", "run and jump"], count_words(["run and jump"]), 2)
