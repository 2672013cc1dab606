"""Suggest the next questions, with or without questions from a language model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from core.model import Passage
from core.text.key_phrases import key_phrases
from core.text.keywords import count_words
from core.text.languages import is_written_in
from core.text.tokens import words

_ABOUT = {
    "en": (
        "What is said about {}?",
        "What do we learn about {}?",
        "What does the speaker tell us about {}?",
    ),
    "ko": (
        "{}에 대해 뭐라고 하나요?",
        "{}에 관해 어떤 이야기가 나오나요?",
        "{}에 대해 더 알려 주세요.",
    ),
}
_GENERIC = {
    "en": ("What is this about?", "What are the main points?", "What else is said?"),
    "ko": (
        "무엇에 대한 영상인가요?",
        "가장 중요한 내용은 무엇인가요?",
        "어떤 이야기가 더 나오나요?",
    ),
}


def suggest(
    subjects: Sequence[str], language: str, asked: Sequence[str] = (), ready: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return three questions: the `ready` ones, then one per subject, then generic ones.

    Leaves out what was `asked` before unless nothing else is left. Korean for "ko", else English.
    """
    about, generic = (wording.get(language, wording["en"]) for wording in (_ABOUT, _GENERIC))
    rounds = [
        about[(i + turn) % 3].format(subject)
        for turn in range(3)
        for i, subject in enumerate(subjects)
    ]
    candidates = {
        _normalised(text): text for text in reversed((*ready, *rounds, *generic)) if text.strip()
    }
    asked_keys = {_normalised(text) for text in asked}
    fresh = [text for key, text in reversed(candidates.items()) if key not in asked_keys]
    return tuple(dict.fromkeys((*fresh[:3], *generic)))[:3]


def follow_up(
    question: str,
    passages: Sequence[Passage],
    asked: Sequence[str],
    suggestions: Sequence[str],
    language: str,
) -> tuple[str, ...]:
    """Return three questions in the language, not `asked` before: from `suggestions`, then about
    the passages' keywords that the question does not contain."""
    ready = [suggestion for suggestion in suggestions if is_written_in(suggestion, language)]
    texts = tuple(segment.text for passage in passages for segment in passage.segments)
    own = {stem for stem, _ in words(question)}
    subjects = [
        phrase for phrase in _key_phrases(texts) if not own & {stem for stem, _ in words(phrase)}
    ]
    return suggest(subjects, language, (*asked, question), ready)


@lru_cache(maxsize=32)
def _key_phrases(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Keep the phrases of texts asked about lately, because a video that is read whole brings the
    same text to each question. The text is the key, so they cannot be out of date."""
    return tuple(key_phrases(texts, count_words(texts), 9))


def _normalised(question: str) -> str:
    return " ".join(question.casefold().split()).rstrip("?!. ")
