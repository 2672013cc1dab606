"""This file cuts a transcript into chapters: the uploader's own, or where the words change."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.model import Chapter, Segment, Transcript, Video
from core.text.keywords import WordCounts, count_words, keywords
from core.text.tokens import tokenise

MOST_CHAPTERS = 20
SHORTEST_S = 20.0
MARK_SLACK_S = 1.0  # marks are whole seconds: a segment may begin a little before its mark
_UNITS, _VOCABULARY = 240, 1500  # bounds for very long videos: 12 hours take half a second
_PRIOR, _CUE_BONUS = 3.0, 4.0  # by three lectures and 35 QMSum meetings
_CUE = re.compile(
    r"""\W*(?:(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|next|finally|lastly|now|moving\ on
    |let's\ (?:move|turn|talk)|in\ the\ \w+\ part|the\ \w+\ (?:part|topic|section|chapter))\b
    |다음|이제|먼저|마지막으로|끝으로|(?:첫|두|세|네|다섯)\s?번째)""",
    re.IGNORECASE | re.VERBOSE,
)


def find_chapters(video: Video, transcript: Transcript) -> tuple[Chapter, ...]:
    """Chapters without points, at most 20 by words, as many as the uploader set else.

    They touch, begin at segments, and cover all from the first segment's start to the last end.
    """
    segments = transcript.segments
    if not segments:
        return ()
    titles = _marked(video, segments) or {first: "" for first in _cut(segments)}
    firsts = sorted(titles)
    whole = count_words(segment.text for segment in segments)
    return tuple(
        Chapter(
            titles[first] or _title(segments[first:after], whole) or video.title or video.id,
            segments[first].start_s,
            segments[after].start_s if after < len(segments) else segments[-1].end_s,
        )
        for first, after in zip(firsts, [*firsts[1:], len(segments)], strict=True)
    )


def _marked(video: Video, segments: Sequence[Segment]) -> dict[int, str]:
    """Title by the first segment of each mark; of two with no word between them the later."""
    titles: dict[int, str] = {}
    for mark in sorted(video.marks, key=lambda mark: mark.start_s):
        since = mark.start_s - MARK_SLACK_S
        first = next((i for i, segment in enumerate(segments) if segment.start_s >= since), None)
        if first is not None:
            titles[first] = mark.title.strip()
    if titles:
        titles[0] = titles.pop(min(titles))
    return titles


def _title(segments: Sequence[Segment], whole: WordCounts) -> str:
    """Its own words, or the beginning of the first sentence if there are none worth showing."""
    own = ", ".join(keywords(count_words(segment.text for segment in segments), whole, 3))
    return own[:1].upper() + own[1:] if own else segments[0].text.strip()[:60]


def _cut(segments: Sequence[Segment]) -> list[int]:
    """Indexes of the segments chapters begin with: one chapter per one to five minutes.

    The cut that makes the words of each part most likely, by dynamic programming (Utiyama and
    Isahara 2001, "A statistical model for domain-independent text segmentation").
    """
    span_s = segments[-1].end_s - segments[0].start_s
    most, least = min(MOST_CHAPTERS, int(span_s / 60)), min(MOST_CHAPTERS // 2, int(span_s / 300))
    if most < 2:
        return [0]
    step = math.ceil(len(segments) / _UNITS)
    firsts = list(range(0, len(segments), step))
    counts = _count([segments[first : first + step] for first in firsts])
    costs = _costs(counts)
    cued = [bool(_CUE.match(segments[first].text)) for first in firsts]
    costs[:-1] -= _CUE_BONUS * np.array(cued)[:, None]
    times = np.array([*(segments[first].start_s for first in firsts), segments[-1].end_s])
    costs[times - times[:, None] < max(SHORTEST_S, span_s / 60)] = np.inf
    prior = _PRIOR * math.log(counts.sum() + 2)
    return [firsts[unit] for unit in _cheapest(costs, least, most, prior)]


def _count(units: Sequence[Sequence[Segment]]) -> NDArray[np.float64]:
    """Shape (units, words): how often each unit says each word that is said more than once."""
    said = [Counter(tokenise(" ".join(segment.text for segment in unit))) for unit in units]
    total = sum(said, Counter[str]())
    column = {word: i for i, (word, n) in enumerate(total.most_common(_VOCABULARY)) if n > 1}
    counts = np.zeros((len(units), len(column)))
    for row, unit in enumerate(said):
        for word in unit.keys() & column.keys():
            counts[row, column[word]] = unit[word]
    return counts


def _costs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shape (n + 1, n + 1): what a part from unit i up to but without unit j costs, in nats."""
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


def _cheapest(costs: NDArray[np.float64], least: int, most: int, prior: float) -> list[int]:
    """The units parts begin with, where `least` to `most` parts cost least, each `prior` more."""
    n = len(costs) - 1
    best = np.where(np.arange(n + 1) == 0, 0.0, np.inf)
    totals, came_from = [], []
    for parts in range(1, most + 1):
        through = best[:, None] + costs
        came_from.append(through.argmin(axis=0))
        best = through.min(axis=0)
        totals.append(best[n] + parts * prior if parts >= least else np.inf)
    if min(totals) == np.inf:
        return [0]
    begins = [n]
    for parts in range(int(np.argmin(totals)), -1, -1):
        begins.append(int(came_from[parts][begins[-1]]))
    return begins[:0:-1]
