"""Tokens of English, Korean, Japanese and numbers."""

import doctest
import re
import string
import threading

import pytest
import snowballstemmer
from hypothesis import given
from hypothesis import strategies as st
from snowballstemmer.english_stemmer import EnglishStemmer

import core.text.tokens
from core.text.tokens import cjk_characters, terms, tokenise, words
from tests.eval.datasets import meetings


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(core.text.tokens).failed == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The bees were dancing", "a bee dances"),
        ("HONEY", "honey"),
        ("it began", "when did it begin?"),
        ("the children's teeth", "a child's tooth"),
        ("Ｈｏｎｅｙ", "honey"),  # wide letters
        ("don’t panic", "don't panic"),
        ("in nineteen fifty five", "in 1955"),
        ("twenty one", "21"),
        ("one hundred and five", "105"),
        ("two thousand five", "2005"),
        ("three million", "3000000"),
        ("1,234,567 bees", "1234567 bees"),
    ],
)
def test_what_means_the_same_gives_the_same_tokens(one, other):
    assert tokenise(one) == tokenise(other)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("the of and", []),
        ("?!… -- \x00", []),
        ("version 3.5", ["version", "3.5"]),
        ("bees2024", ["bee", "2024"]),
        ("zero", ["0"]),
        ("and", []),
        ("seven bees and eight birds", ["7", "bee", "8", "bird"]),
        ("벌", ["벌"]),
        ("꿀벌", ["꿀벌"]),
        ("꿀벌이 춤춘다", ["꿀벌", "벌이", "춤춘", "춘다"]),
        ("ミツバチ", ["ミツ", "ツバ", "バチ"]),
        ("日本語を話す", ["日本", "本語", "語を", "を話", "話す"]),
        ("GPU를 쓴다", ["gpu", "를", "쓴다"]),
        ("2024년에", ["2024", "년에"]),
        ("𠮷野家", ["𠮷野", "野家"]),
    ],
)
def test_tokens(text, tokens):
    assert tokenise(text) == tokens


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("꿀벌은 꽃을 찾는다", "꿀벌이 어디로"),
        ("東京タワーは高い", "東京タワー"),
        ("데이터베이스를", "데이터베이스"),
    ],
)
def test_a_korean_or_japanese_word_is_found_with_another_ending(said, asked):
    assert set(tokenise(said)) & set(tokenise(asked))


@given(st.text())
def test_a_token_is_never_empty_and_holds_no_blank(text):
    tokens = tokenise(text)
    assert all(token and not set(token) & set(string.whitespace) for token in tokens)


@given(st.text(), st.text())
def test_a_line_break_separates_two_texts(one, other):
    """Joined texts have the tokens of both, unless a spoken number spans the break."""
    spoken = {*core.text.tokens._VALUES, *core.text.tokens._SCALES}
    if not any(word in f"{one} {other}".casefold() for word in spoken):
        assert tokenise(f"{one}\n{other}") == tokenise(one) + tokenise(other)


@given(st.lists(st.sampled_from(["one ", "hundred ", "and ", "bee ", "3", "'s", "꿀", "ﬁ", "İ"])))
def test_a_text_has_the_tokens_of_its_words(pieces):
    text = "".join(pieces)

    assert tokenise(text) == [token for _, tokens in terms(text) for token in tokens]


def test_both_builds_of_the_stemmer_give_the_same_stems():
    """An index made with one is searched with the other."""
    said = " ".join(sentence.text for sentence in meetings()[0].sentences)
    spoken = sorted(set(re.findall("[a-z]+", said.lower())))
    plain, fast = EnglishStemmer(), snowballstemmer.stemmer("english")

    assert type(plain) is not type(fast)
    assert [fast.stemWord(word) for word in spoken] == [plain.stemWord(word) for word in spoken]


def test_a_long_line_without_blanks_is_not_kept_in_memory():
    core.text.tokens._kept_tokens.cache_clear()

    assert len(tokenise("꿀벌" * 20)) == 39
    assert core.text.tokens._kept_tokens.cache_info().currsize == 0


def test_many_threads_get_the_same_tokens():
    text = " ".join(f"running{letter} dances{letter} flies" for letter in string.ascii_letters)
    alone, found = tokenise(text), []
    core.text.tokens._stem.cache_clear()
    core.text.tokens._kept_tokens.cache_clear()
    threads = [threading.Thread(target=lambda: found.append(tokenise(text))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [alone] * 8


def test_words_to_show_exclude_stop_words_numbers_and_past_tenses():
    assert [shown for _, shown in words("The bees made 12 trips and went twenty times")] == [
        "bees",
        "trips",
        "times",
    ]


def test_korean_words_to_show_lose_their_particle():
    assert [shown for _, shown in words("꿀벌은 정원에서 꽃을 보았다")] == ["꿀벌", "정원"]


def test_only_hangul_han_and_kana_are_counted():
    assert cjk_characters("꿀벌 bees 2024 ミツバチ 蜂, é") == 2 + 4 + 1
