"""Call a language model through Ollama, with time limits and checks on every reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from typing import Any

from ollama import ChatResponse

from core.backends.ollama.errors import translated
from core.backends.ollama.server import ModelFacts, connect, loaded, look, shown, split
from core.config import Llm
from core.errors import (
    BadModelOutput,
    ModelBusy,
    ModelFailed,
    ModelStalled,
    OllamaUnreachable,
    PromptTooLong,
)
from core.language_model.repetition import Repetition
from core.language_model.token_estimate import TokenEstimate
from core.ports import Prompt, Sleep

KEEP_ALIVE, TEMPERATURE, SEED = "5m", 0.2, 7
CHECK_S, UNLOAD_S, UNLOAD_POLL_S = 2.0, 10.0, 0.1
BUSY_PAUSES_S = (1.0, 2.0, 4.0)


class Ollama:
    """A `LanguageModel` through Ollama's /api/chat. It gets no tools, because its input is hostile.

    Every request has the same `num_ctx`: a different one makes Ollama reload the model.
    """

    def __init__(self, config: Llm, sleep: Sleep = asyncio.sleep) -> None:
        """Open no connection yet. Raises ConfigInvalid for an invalid address."""
        self.name = config.model
        self.num_ctx = config.num_ctx
        self._config = config
        self._sleep = sleep
        self._estimate = TokenEstimate()
        self._address = split(config.url)
        self._client = connect(self._address)

    def tokens(self, text: str) -> int:
        return self._estimate.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Yield the reply piece by piece, up to `max_tokens`.

        Raises PromptTooLong, ModelMissing, ModelBusy, OllamaUnreachable; and ModelStalled and
        ModelFailed, even after the first pieces."""
        async with aclosing(self._chat(prompt, max_tokens)) as parts:
            async for part in parts:
                if part.message.content:
                    yield part.message.content

    async def complete(self, prompt: Prompt, *, max_tokens: int, schema: dict[str, object]) -> str:
        """Return the whole reply. Raises as `stream`, and BadModelOutput if `max_tokens` cut it."""
        pieces: list[str] = []
        async with aclosing(self._chat(prompt, max_tokens, schema)) as parts:
            async for part in parts:
                pieces.append(part.message.content or "")
                if part.done_reason == "length":
                    raise BadModelOutput(f"cut off after {max_tokens} tokens")
        return "".join(pieces)

    async def check(self) -> ModelFacts:
        """Query Ollama within two seconds. Lowers `num_ctx` to the model's own maximum.

        Raises OllamaUnreachable, OllamaTooOld, ModelMissing."""
        try:
            async with asyncio.timeout(CHECK_S):
                with self._translated():
                    facts = await look(self._client, self._address, self.name)
        except (TimeoutError, ModelFailed) as error:
            raise OllamaUnreachable(shown(self._address)) from error
        if facts.context_length:
            self.num_ctx = min(self._config.num_ctx, facts.context_length)
        return facts

    async def unload(self) -> None:
        """Unload the model and wait until it is gone. Raises ModelStalled after ten seconds."""
        try:
            async with asyncio.timeout(UNLOAD_S):
                with self._translated():
                    await self._client.generate(self.name, keep_alive=0)
                    while await loaded(self._client, self.name) is not None:
                        await self._sleep(UNLOAD_POLL_S)
        except TimeoutError as error:
            raise ModelStalled(round(UNLOAD_S)) from error

    async def close(self) -> None:
        """Close the connection, which ends running requests."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _chat(
        self, prompt: Prompt, max_tokens: int, schema: dict[str, object] | None = None
    ) -> AsyncGenerator[ChatResponse]:
        """Yield the parts of one complete reply; the last one is `done`."""
        texts = [message.text for message in prompt]
        expected = self._estimate.prompt_tokens(texts)
        if expected + max_tokens > self.num_ctx:
            raise PromptTooLong(expected + max_tokens, self.num_ctx)
        request = self._request(prompt, max_tokens, schema)
        repetition, is_empty = Repetition(), True
        try:
            async with aclosing(self._parts(request)) as parts:
                async for part in parts:
                    content = part.message.content or ""
                    is_empty = is_empty and not content.strip()
                    if repetition.is_endless(content):
                        raise ModelFailed("the model repeats itself without end")
                    if part.done:
                        self._check_count(texts, part.prompt_eval_count or 0)
                    yield part
        except PromptTooLong as error:
            self._estimate.learn(texts, error.tokens)
            raise PromptTooLong(error.tokens or expected, error.num_ctx or self.num_ctx) from error
        if is_empty:
            raise ModelFailed("the answer was empty")

    def _request(
        self, prompt: Prompt, max_tokens: int, schema: dict[str, object] | None
    ) -> dict[str, object]:
        options = {"num_ctx": self.num_ctx, "num_predict": max_tokens, "temperature": TEMPERATURE}
        request: dict[str, object] = {
            "model": self.name,
            "messages": [{"role": message.role, "content": message.text} for message in prompt],
            "options": options if schema is None else options | {"seed": SEED},
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "keep_alive": KEEP_ALIVE,
        }
        return request if schema is None else request | {"format": schema}

    async def _parts(self, request: dict[str, object]) -> AsyncGenerator[ChatResponse]:
        """Apply the time limits, and retry while Ollama's queue is full."""
        deadline = asyncio.get_running_loop().time() + self._config.wall_s
        for pause in (*BUSY_PAUSES_S, None):
            try:
                async with aclosing(await self._open(request)) as parts:
                    part = await self._next(parts, self._config.first_token_s, deadline)
                    while not part.done:
                        yield part
                        part = await self._next(parts, self._config.stall_s, deadline)
                    yield part
                    return
            except ModelBusy:
                if pause is None:
                    raise
                await self._sleep(pause)

    async def _open(self, request: dict[str, object]) -> AsyncGenerator[ChatResponse]:
        # chat() supports neither `truncate` nor `shift`: use the private method below it.
        opened: Any = await self._client._request(
            ChatResponse, "POST", "/api/chat", json=request, stream=True
        )
        parts: AsyncGenerator[ChatResponse] = opened
        return parts

    async def _next(
        self, parts: AsyncGenerator[ChatResponse], timeout_s: float, deadline: float
    ) -> ChatResponse:
        left_s = deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(timeout_s, left_s)):
                with self._translated():
                    return await anext(parts)
        except TimeoutError as error:
            if left_s < timeout_s:
                raise ModelFailed(f"no end after {self._config.wall_s:.0f} s") from error
            raise ModelStalled(round(timeout_s)) from error
        except StopAsyncIteration as error:
            raise ModelFailed("the answer stopped without an end") from error

    def _check_count(self, texts: list[str], counted: int) -> None:
        """Check that the whole prompt was read. `counted`: its tokens, 0 if not reported."""
        if counted and self._estimate.was_cut(texts, counted):
            # Ollama truncates a prompt to half its context.
            raise PromptTooLong(0, 2 * counted)
        self._estimate.learn(texts, counted)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(shown(self._address), self.name)
