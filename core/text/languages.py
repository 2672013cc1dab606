"""Tell in which of our languages, English or Korean, a text is written."""

from __future__ import annotations

import re

from core.text.tokens import STOP_WORDS

_MOSTLY = 0.5
_PARTLY = 0.2
"""Korean texts are full of English names and terms; English ones have few Korean letters."""
_ENGLISH_SHARE = 0.2
"""Of English function words among the words of English speech; it is near one half."""
_SENTENCE_WORDS = 3
"""Fewer words, or more of them capitalised, can be a name: "Visual Studio", "Karl von Frisch"."""
_HANGUL = re.compile("[가-힣]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FUNCTION_WORDS = {word for word in STOP_WORDS if len(word) > 1} - {"ok", "okay", "oh", "uh", "um"}


def language_of(text: str) -> str:
    """Return "ko" or "en", or "" if the text, such as a question, does not tell: no words, a name,
    an "OK?".

    Names and terms keep their language in any question, so Korean words are weighed against the
    English words that make sentences, not against names.

    >>> language_of("Kubernetes와 Docker의 차이는?"), language_of("What does 안녕하세요 mean?")
    ('ko', 'en')
    """
    words = _words(text)
    korean = sum(map(_has_hangul, words))
    english = _count_english(words)
    if korean or english:
        return "ko" if korean >= english else "en"
    common = sum(map(str.islower, words))
    is_sentence = len(words) >= _SENTENCE_WORDS and common >= _SENTENCE_WORDS - 1
    return "en" if is_sentence and text.isascii() else ""


def spoken_language(text: str) -> str:
    """Return the language of a transcript's text: "ko", "en", or "" for another one."""
    words = _words(text)
    if is_written_in(text, "ko"):
        return "ko" if words else ""
    return "en" if _count_english(words) >= _ENGLISH_SHARE * len(words) else ""


def is_written_in(text: str, language: str) -> bool:
    """Whether the text can be in the language, "en" or "ko". True for a text without letters.

    >>> is_written_in("Whisper와 OpenAI를 비교해요", "ko"), is_written_in("Bees dance.", "ko")
    (True, False)
    """
    share = _hangul_share(text)
    if share is None or language not in ("en", "ko"):
        return True
    return share >= _PARTLY if language == "ko" else share < _MOSTLY


def _hangul_share(text: str) -> float | None:
    letters = sum(map(str.isalpha, text))
    return len(_HANGUL.findall(text)) / letters if letters else None


def _has_hangul(text: str) -> bool:
    return _HANGUL.search(text) is not None


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _count_english(words: list[str]) -> int:
    return sum(word.casefold().replace("’", "'") in _FUNCTION_WORDS for word in words)
