"""Read a model's replies, whatever server it is behind: time limits, retries and checks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from core.config import Llm
from core.errors import (
    BadModelOutput,
    ModelBusy,
    ModelStalled,
    ModelTooSlow,
    PromptTooLong,
    ReplyBroken,
)
from core.language_model.repetition import Repetition
from core.language_model.token_estimate import TokenEstimate
from core.ports import CUT_OFF, Prompt, Sleep

log = logging.getLogger(__name__)

BUSY_PAUSES_S = (1.0, 2.0, 4.0)

Request = dict[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a reply, or a sign of life without text. Only the last part has an `end`.

    `prompt_tokens`: as the server counted them, 0 if it did not."""

    text: str
    end: Literal["", "stop", "length"] = ""
    prompt_tokens: int = 0


OpenReply = Callable[[Request], AsyncGenerator[Part]]
"""Send a request at the first part. Raises our errors only; PromptTooLong with 0 for counts that
the server omits."""


class ReplyReader:
    """Reads the replies of one model, within the time limits of the settings."""

    def __init__(self, config: Llm, open_reply: OpenReply, sleep: Sleep) -> None:
        self.num_ctx = config.num_ctx
        self._config = config
        self._open = open_reply
        self._sleep = sleep
        self._estimate = TokenEstimate()

    def tokens(self, text: str) -> int:
        return self._estimate.tokens(text)

    async def stream(
        self, prompt: Prompt, request: Request, max_tokens: int
    ) -> AsyncGenerator[str]:
        """Yield the reply piece by piece. Raises as `OpenReply`, and ReplyBroken."""
        async with aclosing(self._checked(prompt, request, max_tokens)) as parts:
            async for part in parts:
                if part.text:
                    yield part.text
                if part.end == "length":
                    yield CUT_OFF

    async def whole(self, prompt: Prompt, request: Request, max_tokens: int) -> str:
        """Return the whole reply. Raises as `stream`, and BadModelOutput if it was cut."""
        pieces: list[str] = []
        try:
            async with aclosing(self._checked(prompt, request, max_tokens)) as parts:
                async for part in parts:
                    pieces.append(part.text)
                    if part.end == "length":
                        raise BadModelOutput(f"it was cut off after {max_tokens} tokens")
        except ReplyBroken as error:
            error.text = "".join(pieces)
            raise
        return "".join(pieces)

    async def _checked(
        self, prompt: Prompt, request: Request, max_tokens: int
    ) -> AsyncGenerator[Part]:
        """Yield the parts of one complete reply that is neither empty nor endless."""
        texts = [message.text for message in prompt]
        expected = self._estimate.prompt_tokens(texts)
        if expected + max_tokens > self.num_ctx:
            raise PromptTooLong(expected + max_tokens, self.num_ctx)
        repetition, is_empty = Repetition(), True
        try:
            async with aclosing(self._timed(request)) as parts:
                async for part in parts:
                    is_empty = is_empty and not part.text.strip()
                    if part.end:
                        self._learn(texts, part.prompt_tokens)
                    yield part
                    if repetition.is_endless(part.text):
                        raise BadModelOutput("it repeats itself without end")
        except PromptTooLong as error:
            self._estimate.learn(texts, error.tokens)
            raise PromptTooLong(error.tokens or expected, error.num_ctx or self.num_ctx) from error
        if is_empty:
            raise BadModelOutput("it is empty")

    def _learn(self, texts: list[str], counted: int) -> None:
        """Learn from the count of the prompt, which is 0 if the server did not report it.

        A low count is not an error: Ollama 0.30.0 counts only what its cache did not hold."""
        if counted and self._estimate.was_cut(texts, counted):
            expected = self._estimate.prompt_tokens(texts)
            log.warning("the server read %d of about %d prompt tokens", counted, expected)
            return
        self._estimate.learn(texts, counted)

    async def _timed(self, request: Request) -> AsyncGenerator[Part]:
        """Apply the time limits, and retry while the server is busy."""
        deadline = asyncio.get_running_loop().time() + self._config.wall_s
        for pause in (*BUSY_PAUSES_S, None):
            timeout_s, is_begun = self._config.first_token_s, False
            try:
                async with aclosing(self._open(request)) as parts:
                    while True:
                        part = await self._next(parts, timeout_s, deadline)
                        timeout_s, is_begun = self._config.stall_s, True
                        yield part
                        if part.end:
                            return
            except ModelBusy:
                if pause is None or is_begun:
                    raise
                await self._sleep(pause)

    async def _next(self, parts: AsyncGenerator[Part], timeout_s: float, deadline: float) -> Part:
        left_s = deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(timeout_s, left_s)):
                return await anext(parts)
        except TimeoutError as error:
            if left_s < timeout_s:
                raise ModelTooSlow(round(self._config.wall_s)) from error
            raise ModelStalled(round(timeout_s)) from error
        except StopAsyncIteration as error:
            # Ollama does so when a model writes one token more than 30 times.
            raise BadModelOutput("it stopped without an end") from error
