"""Suggest the next questions, with or without questions from a language model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from core.answers.evidence import Sentence, find_among, sentences_of
from core.answers.question_wording import Wording, plain, worded
from core.model import Passage, Segment, Video
from core.text.key_phrases import key_phrases, with_article
from core.text.keywords import count_words
from core.text.languages import is_written_in
from core.text.tokens import cjk_characters, tokenise, words

_GENERIC = {
    "en": ("What is this about?", "What are the main points?", "What else is said?"),
    "ko": (
        "무엇에 대한 영상인가요?",
        "가장 중요한 내용은 무엇인가요?",
        "어떤 이야기가 더 나오나요?",
    ),
}


PHRASES = 12
_OFTEN, _OFTEN_SHARE = 3, 0.1
"""Sentences, or in a short text their share, that say a common word that is worth asking about."""
_TRIES = 4
"""Ways of asking about a phrase that are checked."""


def suggest(
    phrases: Sequence[str],
    texts: Sequence[str],
    language: str,
    asked: Sequence[str] = (),
    ready: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return three questions: the `ready` ones, then about the `phrases`, then generic ones.

    Those about phrases are answered by the `texts`, the video's sentences. Leaves out what was
    `asked` before unless nothing else is left. Korean for "ko", else English.
    """
    found = answerable(tuple(phrases), tuple(texts), language)
    return _three((*ready, *(text for _, text in found)), language, asked)


def follow_up(
    question: str,
    passages: Sequence[Passage],
    asked: Sequence[str],
    ready: Sequence[str],
    shown: Sequence[str],
    language: str,
) -> tuple[str, ...]:
    """Return three questions in the language, none `asked` before: the `ready` ones, then about
    phrases that the question does not have; those `shown` before only if too few are left."""
    texts = tuple(segment.text for passage in passages for segment in passage.segments)
    own = {stem for stem, _ in words(question)}
    about = [
        text
        for phrase, text in answerable(_key_phrases(texts), texts, language)
        if not own & {stem for stem, _ in words(phrase)}
    ]
    fresh = _fresh((*_in(language, ready), *about), (*asked, question, *shown))
    return _three((*fresh, *_in(language, shown)), language, (*asked, question))


@lru_cache(maxsize=32)
def _key_phrases(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Keep the phrases of texts asked about lately, because a video that is read whole brings the
    same text to each question. The text is the key, so they cannot be out of date."""
    return tuple(key_phrases(texts, count_words(texts), PHRASES))


@lru_cache(maxsize=32)
def answerable(
    phrases: tuple[str, ...], texts: tuple[str, ...], language: str
) -> tuple[tuple[str, str], ...]:
    """Return phrases with questions that the video's own sentences answer with a place that says
    the phrase: first those that a sentence explains, then plain ones."""
    if not phrases:
        return ()
    segments = tuple(Segment(0.0, 0.0, text) for text in texts)
    sentences = sentences_of([Passage(Video("", ""), segments)])
    of_language = [text for text in texts if is_written_in(text, language)]
    explained, others = [], []
    for number, phrase in enumerate(phrases):
        said = phrase if language == "ko" else with_article(phrase, texts)
        tried = islice(worded(phrase, of_language, language), _TRIES)
        if wording := next((one for one in tried if _is_answered(one, sentences)), None):
            explained.append((phrase, wording.text))
        simple = plain(said, number, language)
        if _is_prominent(phrase, texts) and _is_answered(simple, sentences):
            others.append((phrase, simple.text))
    asked_already = {phrase for phrase, _ in explained}
    # Stable: a common word comes late, and a phrase's second question last.
    others.sort(key=lambda pair: (pair[0] in asked_already, not _is_specific(pair[0])))
    return (*explained, *others)


def _is_specific(phrase: str) -> bool:
    """Whether it is a name or has several words: one asks about these rather than "the text"."""
    return " " in phrase or "-" in phrase or not (phrase.islower() or cjk_characters(phrase))


def _is_prominent(phrase: str, texts: Sequence[str]) -> bool:
    """Whether "What is said about …?" is worth asking: about something specific; about a common
    word only if it is said often."""
    if _is_specific(phrase):
        return True
    said = sum(phrase.casefold() in text.casefold() for text in texts)
    return said >= min(_OFTEN, _OFTEN_SHARE * len(texts))


def _three(questions: Sequence[str], language: str, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the first three that were not asked, filled up with generic ones."""
    generic = _GENERIC.get(language, _GENERIC["en"])
    fresh = _fresh((*questions, *generic), asked)
    return tuple(dict.fromkeys((*fresh[:3], *generic)))[:3]


def _is_answered(wording: Wording, sentences: Sequence[Sentence]) -> bool:
    """Whether the question, asked, is answered with sentences that say what it is about, and with
    the one that it was made from."""
    found = find_among(wording.text, sentences)
    said = frozenset().union(*(sentence.tokens for sentence in found))
    is_from = not wording.source or any(s.segment.text == wording.source for s in found)
    return bool(found) and is_from and said >= set(tokenise(wording.about))


def _in(language: str, questions: Sequence[str]) -> list[str]:
    return [question for question in questions if is_written_in(question, language)]


def _fresh(questions: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Return the questions that were not asked, without repetitions."""
    by_key = {_normalised(text): text for text in reversed(questions) if text.strip()}
    asked_keys = {_normalised(text) for text in asked}
    return [text for key, text in reversed(by_key.items()) if key not in asked_keys]


def _normalised(question: str) -> str:
    return " ".join(question.casefold().split()).rstrip("?!. ")
