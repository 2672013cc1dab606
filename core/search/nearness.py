"""How near a text is to a question, on one scale for all embedders.

Cosines of unrelated texts are near 0 with MiniLM and near 0.75 with E5. So a question is also
compared with sentences about everything else, and a cosine counts from their mean on.

Texts in two languages are farther apart whatever they say, because a vector also holds the
language. So there what unrelated texts of each language have in common is taken away first.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import numpy as np

from core.errors import EmbedderMissing, WorkerFailed, WorkerTimeout
from core.ports import Embedder, Kind, Vectors

log = logging.getLogger(__name__)

ENGLISH = (
    "Add the flour and the eggs, stir slowly and let the dough rest for an hour.",
    "The bank raised its interest rate, and share prices fell by two percent.",
    "In the second half the striker scored twice and the home team won the match.",
    "Tomorrow will be cloudy with some rain in the north and strong wind at the coast.",
    "The patient should take this medicine twice a day after meals.",
    "The king signed the treaty and the war between the two countries ended.",
    "Thank you for watching, please subscribe and leave a comment below.",
    "The ship sailed from the harbour at dawn and reached the island on the third day.",
    "Click on the menu, open the settings and turn on the notifications.",
    "The function returns a list, so we loop over it and print every element.",
    "Plants turn light into sugar, and the oxygen leaves through the leaves.",
    "She sings the chorus again while the drums and the bass come in.",
    "Turn left at the church, cross the bridge and follow the river.",
    "The committee will vote on the proposal at the next meeting.",
    "My grandmother told us stories when we were children.",
    "The telescope found a planet that circles two stars.",
)
KOREAN = (
    "밀가루와 달걀을 넣고 천천히 저은 다음 한 시간 동안 반죽을 쉬게 합니다.",
    "은행이 금리를 올리자 주가가 이 퍼센트 떨어졌습니다.",
    "후반전에 공격수가 두 골을 넣어 홈팀이 경기에서 이겼습니다.",
    "내일은 흐리고 북쪽에는 비가 조금 내리겠습니다.",
    "이 약은 식사 후에 하루 두 번 드세요.",
    "왕이 조약에 서명하면서 두 나라 사이의 전쟁이 끝났습니다.",
    "구독과 좋아요 부탁드립니다, 시청해 주셔서 감사합니다.",
    "금요일까지 보고서를 끝내서 고객에게 보내야 합니다.",
)
_TRANSLATED = 7
"""The first sentences of both say the same."""
UNRELATED = ENGLISH + KOREAN
# Fitted on QMSum's questions, asked of their own meeting and of meetings about something else.
_CHUNK, _SENTENCE, _WORDS = 0.4, 0.4, 0.2
_ACROSS = 1.2
"""Brings nearness across languages to the scale of one language. On Belebele's questions about ten
passages in the other language, nine of ten own and one of three foreign ones then pass 0.31."""


class Background:
    """The vectors of UNRELATED, each kind embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder  # borrowed
        self._rows: dict[Kind, Vectors] = {}

    async def embed(self, sentence: str) -> Vectors | None:
        """Return the vector of a sentence that is no question; None if the embedder fails."""
        try:
            vector: Vectors = (await self._embedder.embed([sentence], "passage"))[0]
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("sentence not embedded", exc_info=True)
            return None
        return vector

    async def mean(self, question: Vectors) -> float:
        """Return the mean cosine of the question with unrelated sentences."""
        return float((await self._unrelated("passage") @ question).mean())

    async def knows_korean(self) -> bool:
        """Whether the embedder finds a Korean sentence's translation, as a multilingual one does;
        one that reads only English finds none of them."""
        rows = await self._unrelated("passage")
        korean = rows[len(ENGLISH) :][:_TRANSLATED]
        nearest = np.argmax(korean @ rows[: len(ENGLISH)].T, axis=1)
        return int((nearest == np.arange(_TRANSLATED)).sum()) > _TRANSLATED // 2

    async def without_language(self, rows: Vectors, language: str, kind: Kind) -> Vectors:
        """Return the rows, or the one row, less what texts of the language have in common; length
        1. `language`: "ko", else English."""
        unrelated = await self._unrelated(kind)
        size = len(ENGLISH)
        own = unrelated[size:] if language == "ko" else unrelated[:size]
        left = rows - own.mean(axis=0)
        scaled: Vectors = left / np.linalg.norm(left, axis=-1, keepdims=True)
        return scaled

    async def _unrelated(self, kind: Kind) -> Vectors:
        if kind not in self._rows:
            self._rows[kind] = await self._embedder.embed(UNRELATED, kind)
        return self._rows[kind]


def nearness(
    chunk_cosine: float, sentence_cosine: float, background: float, shared_words: float
) -> float:
    """Return 0 for what any text has in common with the question, 1 for the same text.

    `background`: from Background.mean. `shared_words`: see `shared`.

    >>> round(nearness(0.75, 0.75, 0.75, 0.0), 2), round(nearness(1.0, 1.0, 0.75, 1.0), 2)
    (0.0, 1.0)
    """
    chunk, sentence = (
        (cosine - background) / (1 - background) for cosine in (chunk_cosine, sentence_cosine)
    )
    return _CHUNK * chunk + _SENTENCE * sentence + _WORDS * shared_words


def nearness_across(question: Vectors, sentences: Vectors) -> float:
    """Return the nearness of a question to a chunk in another language, as `nearness` does.

    Both without their language; `sentences`: a row for each of the chunk's sentences."""
    chunk = sentences.mean(axis=0)
    cosines = float(chunk @ question / np.linalg.norm(chunk)), float(np.max(sentences @ question))
    return _ACROSS * sum(cosines) / 2


def shared(question: Collection[str], text: Collection[str]) -> float:
    """Return the share of the question's tokens that are in the text, 0 to 1."""
    wanted = set(question)
    return len(wanted & set(text)) / max(len(wanted), 1)
