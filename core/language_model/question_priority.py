"""Give questions priority over summaries that use the same language model.

A server takes requests in order of arrival, so a summary's call is held back until no question is
being answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from core.ports import STEADY, LanguageModel, Prompt, Sampling

Item = TypeVar("Item")


class QuestionPriority:
    """The order of calls to one language model.

    A question waits for at most one running call of a summary. Summaries call one at a time, and
    only while no question is being answered."""

    def __init__(self) -> None:
        self._questions = 0
        self._no_questions = asyncio.Event()
        self._no_questions.set()
        self._background = asyncio.Lock()

    async def answering(self, answer: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
        """Yield the items of `answer`; no background call starts before this iterator is closed."""
        self._questions += 1
        self._no_questions.clear()
        try:
            async with aclosing(answer) as items:
                async for item in items:
                    yield item
        finally:
            self._questions -= 1
            if not self._questions:
                self._no_questions.set()

    @asynccontextmanager
    async def background_call(self) -> AsyncIterator[None]:
        """Wait until no question is being answered and no other background call runs."""
        async with self._background:
            while self._questions:  # a new question may arrive before this task wakes
                await self._no_questions.wait()
            yield


class YieldingModel:
    """A `LanguageModel` that delegates to another one and yields to questions."""

    def __init__(self, model: LanguageModel, priority: QuestionPriority) -> None:
        self.name = model.name
        self.num_ctx = model.num_ctx
        self._model = model  # borrowed: the caller closes it
        self._priority = priority

    def tokens(self, text: str) -> int:
        return self._model.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        async with (
            self._priority.background_call(),
            aclosing(self._model.stream(prompt, max_tokens=max_tokens)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        async with self._priority.background_call():
            return await self._model.complete(
                prompt, max_tokens=max_tokens, schema=schema, sampling=sampling
            )
