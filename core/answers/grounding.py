"""Attribute each sentence of an answer to the transcript sentences that support it.

Models forget citations, cite the wrong line, and answer from what they know. So code decides what
supports a sentence: shared words, each weighed by how rare it is, and the embedder, which also
works across languages. The model's own citation only breaks ties.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.model import Passage, Place
from core.ports import Vectors
from core.text.tokens import cjk_characters, tokenise

MIN_SUPPORT = 0.3
"""The mean of the shared words' weight and the cosine. On QMSum's reference answers it keeps nine
of ten sentences, and one of twenty about another kind of meeting."""
MIN_SUPPORT_ELSEWHERE = 0.4
"""The same for a sentence outside what retrieval finds for the question. Links with less are wrong
more often than right: a model that strays, or writes vaguely, resembles something everywhere."""
MIN_SUPPORT_ACROSS_LANGUAGES = 0.4
"""There the cosine alone decides. Of Belebele's sentences it finds nine of ten in the other
language's passage, and one of seventy in ten passages about something else."""
MAX_FROM_QUESTION = 0.5
"""The share of a sentence's weight in words that the question has and nobody said. Small models
answer a question about something else with its own words; of QMSum's reference sentences 0.5 % have
as much."""
MAX_CITED = 3
"""Transcript sentences cited for one sentence of an answer."""
_HINT_BONUS = 0.1
_NEAR_BONUS = 0.05
"""What a sentence near the question counts more, and …"""
_AROUND, _AROUND_WEIGHT = 20, 2.0
"""… the mean support of those around it: a sentence that sums up rests on a passage. Of QMSum's
reference sentences both put 71 and 75 % (odd and even questions) into the marked span, before 67
and 73 %."""
_SMALL_NUMBER = 10
"""Smaller numbers in words are often counts of the answer's own: "two reasons"."""
_NAME = re.compile(r"(?<=[\w,;:)\"”’] )[\"“‘(]?([A-Z][\w’'-]+)")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")


class AnswerSearch(Protocol):
    """What an answer asks of the search for its question."""

    async def places(self) -> Sequence[Place]:
        """Return the sentences nearest to the question, best first."""

    async def cosines(self, sentence: str, passages: Sequence[Passage]) -> Vectors | None:
        """Compare an answer's sentence with every sentence of the passages, in order.

        0: as near as unrelated sentences; 1: the same. None without an embedder."""

    async def near(self, passages: Sequence[Passage]) -> NDArray[np.bool_]:
        """Tell which sentences of the passages, in order, lie where the question's best places are.

        All of them if that is not known."""


class Grounding:
    """The transcript sentences that an answer to `question` may rest on, numbered from 0 over all
    passages."""

    def __init__(
        self, passages: Sequence[Passage], search: AnswerSearch, question: str = ""
    ) -> None:
        self._passages, self._search = passages, search
        self._near: NDArray[np.bool_] | None = None
        segments = [segment for passage in passages for segment in passage.segments]
        self._tokens = [frozenset(tokenise(segment.text)) for segment in segments]
        self._is_cjk = _is_cjk(" ".join(segment.text for segment in segments))
        self._counts = Counter(token for tokens in self._tokens for token in tokens)
        self._from_question = frozenset(tokenise(question)) - self._counts.keys()
        titles = " ".join(f"{p.video.title} {p.video.channel_name}" for p in passages)
        self._titles = frozenset(tokenise(titles))

    async def support(self, sentence: str, hints: Collection[int] = ()) -> tuple[int, ...]:
        """Return the numbers of at most three sentences that support `sentence`, the best first.

        None: nothing supports it, or it has a name or number that no sentence has. `hints`: the
        numbers that the model cited; they decide alone where words and vectors can't compare."""
        hints = [i for i in hints if 0 <= i < len(self._tokens)]
        if not self._tokens:
            return ()
        scores, minimum = await self._scores(sentence)
        if scores is None:
            return tuple(hints[:MAX_CITED])
        near = await self._near_question()
        ranked = scores + _NEAR_BONUS * near + _AROUND_WEIGHT * _around(scores)
        ranked[hints] += _HINT_BONUS
        is_near = near.copy()
        is_near[hints] = True
        ranked[scores < np.where(is_near, minimum, max(minimum, MIN_SUPPORT_ELSEWHERE))] = -np.inf
        best = int(np.argmax(ranked))
        if ranked[best] == -np.inf:
            return ()
        return self._with_claims(claims(sentence) - self._titles, best)

    async def _near_question(self) -> NDArray[np.bool_]:
        if self._near is None:
            self._near = await self._search.near(self._passages)
        return self._near

    async def _scores(self, sentence: str) -> tuple[Vectors | None, float]:
        """Return each transcript sentence's support, and the minimum for this one."""
        cosines = await self._search.cosines(sentence, self._passages)
        if _is_cjk(sentence) != self._is_cjk:
            return cosines, MIN_SUPPORT_ACROSS_LANGUAGES
        weights = self._weights(sentence)
        if self._rests_on_question(weights):
            return np.zeros(len(self._tokens), dtype=np.float32), MIN_SUPPORT
        scores = self._shared_weights(weights)
        if cosines is not None:
            scores = np.mean([scores, cosines], axis=0, dtype=np.float32)
        return scores, MIN_SUPPORT

    def _weights(self, sentence: str) -> dict[str, float]:
        """Weigh the sentence's words by how rare they are."""
        size = len(self._tokens)
        return {
            token: math.log((size + 1) / (self._counts[token] + 0.5))
            for token in set(tokenise(sentence))
        }

    def _rests_on_question(self, weights: Mapping[str, float]) -> bool:
        from_question = sum(weights[token] for token in weights.keys() & self._from_question)
        return from_question > MAX_FROM_QUESTION * sum(weights.values())

    def _shared_weights(self, weights: Mapping[str, float]) -> Vectors:
        """Return for each transcript sentence the share of the words' weight that it has."""
        total = sum(weights.values()) or 1.0
        return np.array(
            [sum(weights[token] for token in weights.keys() & own) / total for own in self._tokens],
            dtype=np.float32,
        )

    def _with_claims(self, claimed: set[str], best: int) -> tuple[int, ...]:
        """Add the nearest sentences with the names and numbers that `best` lacks."""
        cited = [best]
        missing = claimed - self._tokens[best]
        while missing:
            near = sorted(range(len(self._tokens)), key=lambda i: abs(i - best))
            also = next((i for i in near if missing & self._tokens[i]), None)
            if also is None or len(cited) == MAX_CITED:
                return ()
            cited.append(also)
            missing -= self._tokens[also]
        return tuple(cited)


def _around(scores: Vectors) -> Vectors:
    """Return for each sentence the mean over it and at most _AROUND on either side."""
    window = np.ones(2 * _AROUND + 1, dtype=np.float32)
    summed = np.convolve(scores, window)[_AROUND:-_AROUND]
    counted = np.convolve(np.ones_like(scores), window)[_AROUND:-_AROUND]
    around: Vectors = summed / counted
    return around


def claims(sentence: str) -> set[str]:
    """Return the tokens of names and numbers that a supporting sentence must have.

    A sentence's first word is no name, and numbers up to ten count only as digits.

    >>> sorted(claims("The two bees of Oslo flew 12 km in fifty days with 3 queens."))
    ['12', '3', '50', 'oslo']
    """
    written = set(tokenise(" ".join(_DIGITS.findall(sentence))))
    numbers = {
        token
        for token in tokenise(sentence)
        if token[0].isdigit() and (token in written or float(token) > _SMALL_NUMBER)
    }
    return numbers | set(tokenise(" ".join(_NAME.findall(sentence))))


def _is_cjk(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    return 2 * cjk_characters(text) > letters
