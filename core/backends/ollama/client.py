"""Call a language model through Ollama, with time limits and checks on every reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from typing import Any

from ollama import ChatResponse

from core.backends.ollama.errors import translated
from core.backends.ollama.server import DEFAULT_PORT, ModelFacts, connect, loaded, look
from core.config import Llm
from core.errors import ModelFailed, ModelStalled, OllamaUnreachable
from core.language_model.reply_reader import Part, ReplyReader, Request
from core.language_model.server_address import split_address, without_login
from core.ports import STEADY, Prompt, Sampling, Sleep

KEEP_ALIVE = "5m"
CHECK_S, UNLOAD_S, UNLOAD_POLL_S = 2.0, 10.0, 0.1


class Ollama:
    """A `LanguageModel` through Ollama's /api/chat. It gets no tools, because its input is hostile.

    Every request has the same `num_ctx`: a different one makes Ollama reload the model.
    """

    def __init__(self, config: Llm, sleep: Sleep = asyncio.sleep) -> None:
        """Open no connection yet. Raises ConfigInvalid for an invalid address."""
        self.name = config.model
        self._config = config
        self._sleep = sleep
        self._replies = ReplyReader(config, self._open, sleep)
        self._address = split_address(config.url, DEFAULT_PORT)
        self._client = connect(self._address)

    @property
    def num_ctx(self) -> int:
        return self._replies.num_ctx

    def tokens(self, text: str) -> int:
        return self._replies.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Yield the reply piece by piece, up to `max_tokens`.

        Raises PromptTooLong, ModelMissing, ModelBusy, OllamaUnreachable; and ModelStalled and
        ModelFailed, even after the first pieces."""
        request = self._request(prompt, {"num_predict": max_tokens})
        async with aclosing(self._replies.stream(prompt, request, max_tokens)) as pieces:
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
        """Return the whole reply. Raises as `stream`, and BadModelOutput if `max_tokens` cut it."""
        options: dict[str, object] = {"num_predict": max_tokens, "seed": sampling.seed}
        request = self._request(prompt, options, sampling) | {"format": schema}
        return await self._replies.whole(prompt, request, max_tokens)

    async def check(self) -> ModelFacts:
        """Query Ollama within two seconds. Lowers `num_ctx` to the model's own maximum.

        Raises OllamaUnreachable, OllamaTooOld, ModelMissing."""
        try:
            async with asyncio.timeout(CHECK_S):
                with self._translated():
                    facts = await look(self._client, self._address, self.name)
        except (TimeoutError, ModelFailed) as error:
            raise OllamaUnreachable(without_login(self._address)) from error
        if facts.context_length:
            self._replies.num_ctx = min(self._config.num_ctx, facts.context_length)
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

    def _request(
        self, prompt: Prompt, options: dict[str, object], sampling: Sampling = STEADY
    ) -> Request:
        options |= {"num_ctx": self.num_ctx, "temperature": sampling.temperature}
        if sampling.frequency_penalty:
            options["frequency_penalty"] = sampling.frequency_penalty
        return {
            "model": self.name,
            "messages": [{"role": message.role, "content": message.text} for message in prompt],
            "options": options,
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "keep_alive": KEEP_ALIVE,
        }

    async def _open(self, request: Request) -> AsyncGenerator[Part]:
        with self._translated():
            # chat() supports neither `truncate` nor `shift`: use the private method below it.
            opened: Any = await self._client._request(
                ChatResponse, "POST", "/api/chat", json=request, stream=True
            )
            parts: AsyncGenerator[ChatResponse] = opened
            async with aclosing(parts):
                async for part in parts:
                    yield _part(part)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(without_login(self._address), self.name)


def _part(part: ChatResponse) -> Part:
    text, counted = part.message.content or "", part.prompt_eval_count or 0
    if not part.done:
        return Part(text)
    return Part(text, "length" if part.done_reason == "length" else "stop", counted)
