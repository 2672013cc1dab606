"""Summarise a video with its own key sentences, without a language model."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.answers.suggested_questions import suggest
from core.model import EXTRACTIVE, Chapter, Point, Segment, Summary, Transcript, Video
from core.summary.chapters import find_chapters
from core.text.key_phrases import key_phrases
from core.text.keywords import count_words, salience
from core.text.sentences import announces, are_whole, points_back
from core.text.tokens import tokenise, words

MIN_POINTS, MAX_POINTS, MAX_CHAPTER_POINTS, MAX_HASHTAGS = 3, 7, 3, 8
TAG_CHARACTERS = 40
_OPENING_S = 90.0
_TOPIC_WORDS = 4
"""Fewer words beyond stop words make no topic or point: "Welcome to the course."."""
_OPENING_SHARE, _OPENING_WEIGHT = 0.05, 1.6
_BROKEN = 0.1
"""What a part of a sentence counts that was too long: it is a point only where nothing else is."""
_AGAIN = 0.3
"""What a word counts that a point has said already."""


def extract_summary(video: Video, transcript: Transcript) -> Summary:
    """Return chapters, key sentences and keywords of at least one segment.

    Takes a few seconds for 12 hours.
    """
    segments = transcript.segments
    starts = [segment.start_s for segment in segments]
    tokens = [frozenset(tokenise(segment.text)) for segment in segments]
    order = _ranked(segments, tokens)
    whole = count_words(segment.text for segment in segments)
    chapters: list[Chapter] = []
    subjects = []
    for chapter in find_chapters(video, transcript):
        first = bisect_left(starts, chapter.start_s)
        after = max(bisect_left(starts, chapter.end_s), first + 1)
        limit = min(max(round((chapter.end_s - chapter.start_s) / 60), 1), MAX_CHAPTER_POINTS)
        best = _distinct((i for i in order if first <= i < after), tokens, limit)
        chapters.append(replace(chapter, points=_points(segments, best)))
        said = [segment.text for segment in segments[first:after]]
        subjects += key_phrases(said, whole, 1)
    limit = min(max(len(chapters), MIN_POINTS), MAX_POINTS)
    best = _distinct([*_covering(segments, tokens, limit), *order], tokens, limit)
    common = key_phrases([segment.text for segment in segments], whole, MAX_HASHTAGS)
    return Summary(
        topic=_topic(video, segments, common),
        points=_points(segments, best),
        chapters=tuple(chapters),
        hashtags=hashtags(video, map(_one_word, common)),
        questions=suggest(
            list(dict.fromkeys([*common, *subjects])),
            [segment.text for segment in segments],
            transcript.language,
        ),
        language=transcript.language,
        covered_s=segments[-1].end_s,
        engine=EXTRACTIVE,
    )


def hashtags(video: Video, common: Iterable[str]) -> tuple[str, ...]:
    """Return at most eight hashtags of letters and digits: the video's own, then `common` words."""
    tags = (re.sub(r"\W", "", tag)[:TAG_CHARACTERS] for tag in (*video.hashtags, *common))
    unique: dict[str, str] = {}
    for tag in filter(None, tags):
        unique.setdefault(tag.casefold(), f"#{tag}")
    return tuple(unique.values())[:MAX_HASHTAGS]


def _one_word(phrase: str) -> str:
    """Write "machine learning" as "MachineLearning"."""
    parts = phrase.split()
    return "".join(part[:1].upper() + part[1:] for part in parts) if len(parts) > 1 else phrase


def _ranked(segments: Sequence[Segment], tokens: Sequence[frozenset[str]]) -> list[int]:
    """Return the segments' indexes, best first."""
    worth = _worth(segments)
    scores = [
        score * factor * (0.5 if len(own) < _TOPIC_WORDS and factor == 1 else 1)
        for score, factor, own in zip(salience(tokens), worth, tokens, strict=True)
    ]
    return sorted(range(len(segments)), key=lambda i: -scores[i])


def _covering(
    segments: Sequence[Segment], tokens: Sequence[frozenset[str]], limit: int
) -> list[int]:
    """Choose sentences one by one, each for the frequent words that no earlier one has: on QMSum
    nearer to what people write than the most salient ones. An opening says what is to come."""
    counts = Counter(token for own in tokens for token in own)
    left = {token: math.log1p(count) if count > 1 else 0.0 for token, count in counts.items()}
    factors = [
        factor
        * (_OPENING_WEIGHT if i < _OPENING_SHARE * len(segments) else 1)
        * (len(own) >= _TOPIC_WORDS)
        / (len(own) + 4)
        for i, (factor, own) in enumerate(zip(_worth(segments), tokens, strict=True))
    ]
    chosen: list[int] = []
    for _ in range(min(limit, len(segments))):
        # fsum: a set's order differs between processes, and so would a plain sum's last digit.
        scores = [
            factor * math.fsum(map(left.__getitem__, own)) if factor else 0.0
            for factor, own in zip(factors, tokens, strict=True)
        ]
        best = max(range(len(segments)), key=scores.__getitem__)
        chosen.append(best)
        factors[best] = 0.0
        for token in tokens[best]:
            left[token] *= _AGAIN
    return chosen


def _worth(segments: Sequence[Segment]) -> list[float]:
    """Return what each segment counts as a point of its own, from its form alone."""
    texts = [segment.text for segment in segments]
    return [
        (0.5 if _says_little(text) else 1.0) * (1.0 if is_whole else _BROKEN)
        for text, is_whole in zip(texts, are_whole(texts), strict=True)
    ]


def _says_little(text: str) -> bool:
    """Whether it says little on its own: "It can dive", "Who knows?", "Now we talk about …"."""
    return points_back(text) or announces(text) or text.rstrip().endswith("?")


def _distinct(order: Iterable[int], tokens: Sequence[frozenset[str]], limit: int) -> list[int]:
    """Take the first `limit` that do not repeat each other; if too few, also repetitions."""
    taken: list[int] = []
    left: list[int] = []
    for i in order:
        repeats = any(2 * len(tokens[i] & tokens[j]) >= len(tokens[i] | tokens[j]) for j in taken)
        (left if repeats else taken).append(i)
        if len(taken) == limit:
            break
    return list(dict.fromkeys([*taken, *left]))[:limit]


def _points(segments: Sequence[Segment], indexes: Iterable[int]) -> tuple[Point, ...]:
    return tuple(Point(segments[i].text.strip(), segments[i].start_s) for i in sorted(indexes))


def _topic(video: Video, segments: Sequence[Segment], common: Sequence[str]) -> str:
    """Return the opening sentence that announces or names most key phrases, else the title with
    the phrases."""
    stems = {stem for phrase in common for stem, _ in words(phrase)}

    def named(segment: Segment) -> int:
        said = len({stem for stem, _ in words(segment.text)} & stems)
        return 2 * said if announces(segment.text) else said

    end_s = segments[0].start_s + _OPENING_S
    opening = [
        segment
        for segment in segments[:100]
        if segment.start_s < end_s and len(tokenise(segment.text)) >= _TOPIC_WORDS
    ]
    best = max(opening, key=named, default=segments[0])
    if named(best) > 1:
        return best.text.strip()
    named_by = ": ".join(part for part in (video.title, ", ".join(common[:5])) if part)
    return named_by or best.text.strip()
