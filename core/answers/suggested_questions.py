"""This file words the questions that buttons offer when no language model does."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Passage
from core.text.keywords import count_words, keywords
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
_ALWAYS = {
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
    """Three questions: first the `ready` ones, then one a subject, then some that always fit.

    None of them was `asked` before, unless nothing else is left. Korean for "ko", else English.
    """
    about, always = (wording.get(language, wording["en"]) for wording in (_ABOUT, _ALWAYS))
    rounds = [
        about[(i + turn) % 3].format(subject)
        for turn in range(3)
        for i, subject in enumerate(subjects)
    ]
    candidates = {
        _same(text): text for text in reversed((*ready, *rounds, *always)) if text.strip()
    }
    done = {_same(text) for text in asked}
    fresh = [text for key, text in reversed(candidates.items()) if key not in done]
    return tuple(dict.fromkeys((*fresh[:3], *always)))[:3]


def follow_up(
    question: str,
    passages: Sequence[Passage],
    asked: Sequence[str],
    suggestions: Sequence[str],
    language: str,
) -> tuple[str, ...]:
    """Three questions that were not asked: from `suggestions`, then about the passages' words that
    are not the question's."""
    said = count_words(segment.text for passage in passages for segment in passage.segments)
    own = {stem for stem, _ in words(question)}
    subjects = [word for word in keywords(said, said, 9) if not own & {s for s, _ in words(word)}]
    return suggest(subjects, language, (*asked, question), suggestions)


def _same(question: str) -> str:
    return " ".join(question.casefold().split()).rstrip("?!. ")
