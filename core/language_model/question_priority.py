"""This file lets questions go before summaries where they share a language model.

Ollama serves one request at a time, first come first served. So what is in no hurry is not sent
before it can begin.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from core.ports import LanguageModel, Prompt

Item = TypeVar("Item")


class QuestionPriority:
    """Who calls one language model when. A question waits for one call of a summary at most,
    and never for this; summaries call one at a time, while nobody asks."""

    def __init__(self) -> None:
        self._questions = 0
        self._nobody_asks = asyncio.Event()
        self._nobody_asks.set()
        self._call = asyncio.Lock()

    async def answering(self, answer: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
        """The same items. From the first until it is closed, no call of a summary begins."""
        self._questions += 1
        self._nobody_asks.clear()
        try:
            async with aclosing(answer) as items:
                async for item in items:
                    yield item
        finally:
            self._questions -= 1
            if not self._questions:
                self._nobody_asks.set()

    @asynccontextmanager
    async def background_call(self) -> AsyncIterator[None]:
        """Entered when nobody asks and nobody else is inside."""
        async with self._call:
            while self._questions:  # the next may have come before we woke
                await self._nobody_asks.wait()
            yield


class YieldingModel:
    """`LanguageModel`: another one, called while nobody asks."""

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

    async def complete(self, prompt: Prompt, *, max_tokens: int, schema: dict[str, object]) -> str:
        async with self._priority.background_call():
            return await self._model.complete(prompt, max_tokens=max_tokens, schema=schema)
