"""Which sentences of the transcript are linked for what people wrote in answer to a question.

People's answers are true, so every sentence without a link is a loss, and each link outside the
marked span is wrong or beside the question. A small model's own answers are too few to measure on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.answers.grounding import AnswerSearch, Grounding
from core.model import Passage, Place, Segment
from core.ports import Vectors
from core.text.sentence_splitting import split_sentences
from core.text.tokens import tokenise
from tests.eval.datasets import Question, Recording, Span
from tests.eval.metrics import is_relevant, share
from tests.eval.product import Product
from tests.eval.tables import Table


class Anywhere:
    """An `AnswerSearch` that doesn't tell where the question's places are."""

    def __init__(self, search: AnswerSearch) -> None:
        self._search = search

    async def places(self) -> Sequence[Place]:
        return await self._search.places()

    async def cosines(self, sentence: str, passages: Sequence[Passage]) -> Vectors | None:
        return await self._search.cosines(sentence, passages)

    async def near(self, passages: Sequence[Passage]) -> NDArray[np.bool_]:
        return np.ones(sum(len(passage.segments) for passage in passages), dtype=np.bool_)


async def reference_answers(recordings: Sequence[Recording], product: Product) -> Table:
    """Return the share of people's sentences that get a link, and of the links in the marked span.

    Settings were chosen on the odd questions."""
    asked = [(one, question) for one in recordings for question in one.questions if question.gold]
    rows = {}
    for half, some in (("odd", asked[::2]), ("even", asked[1::2])):
        rows[f"{half} questions"] = await _row(some, product, is_anywhere=False)
        rows[f"{half} questions, anywhere"] = await _row(some, product, is_anywhere=True)
    return Table(
        "reference answers",
        "Links of answers that people wrote",
        f"What people answered to {len(asked)} questions about {len(recordings)} meetings of QMSum,"
        " read whole: the sentences that get a link, and those whose first link is in the marked"
        " span. Anywhere: without a look at where the question's own places are. Settings were"
        " chosen on the odd questions.",
        ("linked", "links in place"),
        rows,
        [name for name in rows if name.endswith("questions")],
    )


async def _row(
    asked: Sequence[tuple[Recording, Question]], product: Product, *, is_anywhere: bool
) -> list[float]:
    linked: list[bool] = []
    in_place: list[bool] = []
    for recording, question in asked:
        search: AnswerSearch = await product.search_for(question.text, recording.video.id)
        whole = [Passage(recording.video, recording.sentences)]
        grounding = Grounding(whole, Anywhere(search) if is_anywhere else search, question.text)
        for sentence in split_sentences([Segment(0.0, 60.0, question.answer)]):
            found = await grounding.support(sentence.text) if tokenise(sentence.text) else ()
            linked.append(bool(found))
            if found:
                first = recording.sentences[found[0]]
                in_place.append(is_relevant(Span(first.start_s, first.end_s), question.gold))
    return [share(linked), share(in_place)]
