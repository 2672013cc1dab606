"""Measure conversations with a real model: how late we are, and what its cache spares."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from core.answers.answer_sentences import SentenceStream
from core.backends.openai.client import OpenAi
from core.ports import STEADY, Prompt, Sampling
from tests.eval.datasets import Recording
from tests.eval.metrics import share
from tests.eval.product import Product
from tests.eval.tables import Table
from tests.eval.vectors import CachedEmbedder

TURNS = 3


@dataclass
class TimedModel:
    """A `LanguageModel` that times another one, and notes what the server had in its cache."""

    model: OpenAi
    sentence_s: float = 0.0
    """When the model had written its first whole sentence, or ended."""
    own_s: float = 0.0
    """Seconds spent in the model since the last `restart`."""
    reused: list[float] = field(default_factory=list)
    """Share of each answer's prompt."""

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def num_ctx(self) -> int:
        return self.model.num_ctx

    def tokens(self, text: str) -> int:
        return self.model.tokens(text)

    def restart(self) -> None:
        self.sentence_s = self.own_s = 0.0

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        sentences, begun = SentenceStream(), monotonic()
        async for piece in self.model.stream(prompt, max_tokens=max_tokens):
            if not self.sentence_s and sentences.feed(piece):
                self.sentence_s = monotonic()
            self.own_s += monotonic() - begun
            yield piece
            begun = monotonic()
        self.own_s += monotonic() - begun
        self.sentence_s = self.sentence_s or monotonic()
        self.reused.append((self.model.cached_tokens or 0) / self.model.prompt_tokens)

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        begun = monotonic()
        try:
            return await self.model.complete(
                prompt, max_tokens=max_tokens, schema=schema, sampling=sampling
            )
        finally:
            self.own_s += monotonic() - begun


async def measure(
    recordings: Sequence[Recording], embedder: CachedEmbedder, model: OpenAi
) -> list[float]:
    """Return the share of a follow-up's prompt that the server reuses; the median and the greatest
    seconds from the model's first sentence to ours; and an answer's time as a ratio of the model's
    own."""
    timed = TimedModel(model)
    product = Product(recordings, embedder, timed)
    later, ratios, reused = [], [], []
    for recording in recordings:
        for turn, question in enumerate(recording.questions[:TURNS]):
            timed.restart()
            begun = monotonic()
            shown_s = await product.first_shown(question.text, recording.video.id)
            ratios.append((monotonic() - begun) / timed.own_s)
            if shown_s:
                later.append(shown_s - timed.sentence_s)
            if turn:
                reused.append(timed.reused[-1])
            print(f"{question.text}: {later[-1:]} s, {timed.reused[-1]:.2f}", file=sys.stderr)
            await asyncio.sleep(0)
    return [share(reused), float(np.median(later)), max(later), float(np.median(ratios))]


def table(name: str, recordings: Sequence[Recording], row: Sequence[float]) -> Table:
    """Return one model's row."""
    return Table(
        f"conversations with {name}",
        f"Conversations with {name}",
        f"{TURNS} questions each about {len(recordings)} talks, one after the other. The share of"
        " a follow-up's prompt that llama.cpp has in its cache; how many seconds after the model's"
        " first whole sentence ours is shown (lower is better); and the whole answer's time as a"
        " ratio of the model's own.",
        ("prefix reused", "later by, median", "at most", "time / the model's own"),
        {name: row},
        goals={"prefix reused": 0.90, "at most": 0.3, "time / the model's own": 1.10},
    )
