"""Split a transcript into chapters: the uploader's own, or where the vocabulary changes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.model import Chapter, Segment, Transcript, Video
from core.text.key_phrases import WordUses, join, key_phrases
from core.text.keywords import WordCounts, count_words
from core.text.tokens import tokenise

MAX_CHAPTERS = 20
MIN_CHAPTER_S = 20.0
MARK_SLACK_S = 1.0  # marks are whole seconds: a segment may start slightly before its mark
_UNITS, _VOCABULARY = 240, 1500  # limits for very long videos: 12 hours take half a second
_PRIOR, _CUE_BONUS = 3.0, 4.0  # tuned on three lectures and 35 QMSum meetings
_CUE = re.compile(
    r"""\W*(?:(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|next|finally|lastly|now|moving\ on
    |let's\ (?:move|turn|talk)|in\ the\ \w+\ part|the\ \w+\ (?:part|topic|section|chapter))\b
    |다음|이제|먼저|마지막으로|끝으로|(?:첫|두|세|네|다섯)\s?번째)""",
    re.IGNORECASE | re.VERBOSE,
)


UNTITLED = "…"
"""Title of a chapter without a word."""


def find_chapters(video: Video, transcript: Transcript) -> tuple[Chapter, ...]:
    """Return chapters without points: the uploader's, else at most 20 by vocabulary.

    They are contiguous, start at segments, and cover the whole transcript.
    """
    segments = transcript.segments
    if not segments:
        return ()
    titles = _uploader_titles(video, segments) or {
        first: "" for first in _find_boundaries(segments)
    }
    firsts = sorted(titles)
    texts = [segment.text for segment in segments]
    whole = count_words(texts)
    uses = None if all(titles.values()) else WordUses.of(texts)
    return tuple(
        Chapter(
            titles[first] or _title(segments[first:after], whole, uses) or video.title or UNTITLED,
            segments[first].start_s,
            segments[after].start_s if after < len(segments) else segments[-1].end_s,
        )
        for first, after in zip(firsts, [*firsts[1:], len(segments)], strict=True)
    )


def _uploader_titles(video: Video, segments: Sequence[Segment]) -> dict[int, str]:
    """Map each mark's first segment to its title; of marks at the same segment the last wins."""
    titles: dict[int, str] = {}
    for mark in sorted(video.marks, key=lambda mark: mark.start_s):
        since = mark.start_s - MARK_SLACK_S
        first = next((i for i, segment in enumerate(segments) if segment.start_s >= since), None)
        if first is not None:
            titles[first] = mark.title.strip()
    if titles:
        titles[0] = titles.pop(min(titles))
    return titles


def _title(segments: Sequence[Segment], whole: WordCounts, around: WordUses | None) -> str:
    """Name what the chapter is about more than the video: one phrase of several words, or two
    words. Without any it is the start of its first sentence."""
    texts = [segment.text for segment in segments]
    phrases = key_phrases(texts, whole, 2, around)
    if not phrases:
        return segments[0].text.strip()[:60]
    title = phrases[0] if " " in phrases[0] else join(phrases)
    return title[:1].upper() + title[1:]


def _find_boundaries(segments: Sequence[Segment]) -> list[int]:
    """Return the first segment of each chapter: one chapter per one to five minutes.

    Finds the segmentation that makes each part's words most likely, by dynamic programming (Utiyama
    and Isahara 2001, "A statistical model for domain-independent text segmentation").
    """
    span_s = segments[-1].end_s - segments[0].start_s
    most, fewest = min(MAX_CHAPTERS, int(span_s / 60)), min(MAX_CHAPTERS // 2, int(span_s / 300))
    if most < 2:
        return [0]
    step = math.ceil(len(segments) / _UNITS)
    firsts = list(range(0, len(segments), step))
    counts = _word_counts([segments[first : first + step] for first in firsts])
    costs = _part_costs(counts)
    has_cue = [bool(_CUE.match(segments[first].text)) for first in firsts]
    costs[:-1] -= _CUE_BONUS * np.array(has_cue)[:, None]
    times = np.array([*(segments[first].start_s for first in firsts), segments[-1].end_s])
    costs[times - times[:, None] < max(MIN_CHAPTER_S, span_s / 60)] = np.inf
    prior = _PRIOR * math.log(counts.sum() + 2)
    return [firsts[unit] for unit in _cheapest_split(costs, fewest, most, prior)]


def _word_counts(units: Sequence[Sequence[Segment]]) -> NDArray[np.float64]:
    """Count the words that occur more than once, per unit. Shape (units, words)."""
    unit_counts = [Counter(tokenise(" ".join(segment.text for segment in unit))) for unit in units]
    total = sum(unit_counts, Counter[str]())
    column = {word: i for i, (word, n) in enumerate(total.most_common(_VOCABULARY)) if n > 1}
    counts = np.zeros((len(units), len(column)))
    for row, unit in enumerate(unit_counts):
        for word in unit.keys() & column.keys():
            counts[row, column[word]] = unit[word]
    return counts


def _part_costs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost in nats of a part from unit i up to, excluding, j. Shape (n + 1, n + 1)."""
    n, vocabulary = counts.shape
    until = np.vstack([np.zeros(vocabulary), counts.cumsum(axis=0)])
    costs = np.full((n + 1, n + 1), np.inf)
    for i in range(n):
        part = until[i + 1 :] - until[i]
        size = part.sum(axis=1)
        costs[i, i + 1 :] = size * np.log(size + vocabulary + 1) - (part * np.log1p(part)).sum(
            axis=1
        )
    return costs


def _cheapest_split(costs: NDArray[np.float64], fewest: int, most: int, prior: float) -> list[int]:
    """Return the first unit of each part, for the cheapest split into `fewest` to `most` parts.

    Each part adds `prior` to its cost.
    """
    n = len(costs) - 1
    best = np.where(np.arange(n + 1) == 0, 0.0, np.inf)
    totals, came_from = [], []
    for parts in range(1, most + 1):
        through = best[:, None] + costs
        came_from.append(through.argmin(axis=0))
        best = through.min(axis=0)
        totals.append(best[n] + parts * prior if parts >= fewest else np.inf)
    if min(totals) == np.inf:
        return [0]
    boundaries = [n]
    for parts in range(int(np.argmin(totals)), -1, -1):
        boundaries.append(int(came_from[parts][boundaries[-1]]))
    return boundaries[:0:-1]
