"""Key phrases are written as people write them, in words that are used as nouns."""

from __future__ import annotations

import doctest

import pytest

from core.text import key_phrases as module
from core.text.key_phrases import as_phrases, key_phrases
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


def test_a_phrase_that_is_often_said_names_more_than_its_word():
    talk = [
        "The carbon footprint grows.",
        "A carbon footprint is measured.",
        "Their carbon comes from coal, and the carbon stays.",
        "Self-attention is used, and the self-attention helps.",
        "The open-source team writes, and our open-source team reads.",
    ]
    found = key_phrases([*talk, *talk], count_words([*talk, *talk]), 9)

    assert {"carbon footprint", "Self-attention"} <= set(found)
    assert "source team" not in found, "a part of open-source team"


def test_a_noun_before_a_name_does_not_describe_it():
    talk = ["The ship Victoria sails.", "The ships of Hilton sail.", "A ship Aurora waits."]

    assert key_phrases(talk, count_words(talk), 1) == ["ships"]


def test_korean_nouns_form_a_phrase_unless_a_particle_parts_them():
    talk = [
        "언어 모델을 배웁니다. 언어 모델은 큽니다. 언어가 어렵고 모델이 쉽습니다.",
        "데이터를 모델이 봅니다.",
    ]

    found = key_phrases([*talk, *talk], count_words([*talk, *talk]), 5)

    assert "언어 모델" in found
    assert not any(" " in phrase for phrase in found if phrase != "언어 모델")


def test_no_word_is_in_two_phrases():
    found = as_phrases(["learning", "machine", "engineer", "team"], COURSE)

    assert len({word for phrase in found for word in phrase.lower().split()}) == sum(
        len(phrase.split()) for phrase in found
    )


def test_korean_nouns_are_subjects_or_objects_and_plurals_are_one_word():
    talk = [
        "학생들이 파이썬을 배우고, 학생들을 가르칩니다. 수업은 수업을 봅니다.",
        "파이썬은 쉽고, 것들이 많고, 분들을 봅니다.",
        "기반으로 기반으로 만들고, 스스로 이해하고 이해합니다.",
        "것들을 기반으로 이해를 하고, 스스로 분들이 옵니다.",
    ]
    assert set(key_phrases(talk, count_words(talk), 9)) == {"학생", "파이썬", "수업"}


@pytest.mark.parametrize("word", ["raw", "several", "mostly"])
def test_a_word_that_describes_is_no_key_phrase(word):
    talk = [f"The {word} text of the book is here.", f"A {word} text is read by {word} readers."]
    assert word not in key_phrases([*talk, *talk], count_words(talk), 9)


def test_where_there_are_only_verbs_they_serve():
    assert key_phrases(["run and jump", "run and jump"], count_words(["run and jump"]), 2)


# From an address by a President of the United States, in the public domain, as Whisper heard it.
ADDRESS = [
    "At 9 o'clock this morning, mission control in Houston lost contact with our space shuttle "
    "Columbia.",
    "On board was the crew of 7, Colonel Rick Husband, Lieutenant Colonel Michael Anderson, and "
    "Elon Ramon, a Colonel in the Israeli Air Force.",
    "All Americans today are thinking as well of the families of these men and women.",
    "The crew of the Shuttle Columbia did not return safely to Earth.",
    "A short time later, debris was seen falling from the skies above Texas.",
    "In the skies today, we saw destruction and tragedy.",
    "May God bless the grieving families, and may God continue to bless America.",
]


def test_a_name_after_two_small_words_is_a_noun_and_a_rank_before_names_is_none():
    found = key_phrases(ADDRESS, count_words(ADDRESS), 12)

    assert {"shuttle Columbia", "families"} <= set(found)
    assert "Colonel" not in found
