"""Call a language model through /v1/chat/completions: vLLM, llama-server, LM Studio and others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from itertools import groupby

from core.backends.openai.errors import Refused, translated
from core.backends.openai.events import chunks
from core.backends.openai.server import ModelFacts, api_address, connect, look
from core.backends.openai.thoughts import Thoughts
from core.config import Llm
from core.errors import ModelFailed, ModelServerUnreachable
from core.language_model.reply_reader import Part, ReplyReader, Request
from core.language_model.server_address import without_login
from core.ports import STEADY, Prompt, Sampling, Sleep

CHECK_S = 5.0


class OpenAi:
    """A `LanguageModel` through the OpenAI API. It gets no tools, because its input is hostile."""

    def __init__(self, config: Llm, sleep: Sleep = asyncio.sleep) -> None:
        """Open no connection yet. Raises ConfigInvalid for an invalid address or key."""
        self.name = config.model
        self.prompt_tokens = 0
        """Tokens of the last prompt, as the server counted them; 0 if it did not."""
        self.cached_tokens: int | None = None
        """Those of them that it had in its cache, if it tells."""
        self._config = config
        self._replies = ReplyReader(config, self._open, sleep)
        self._address = api_address(config.url)
        self._client = connect(self._address, config.api_key)
        self._id, self._can_stop_thoughts = config.model, False

    @property
    def num_ctx(self) -> int:
        return self._replies.num_ctx

    def tokens(self, text: str) -> int:
        return self._replies.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Yield the reply piece by piece, up to `max_tokens`.

        Raises PromptTooLong, ModelNotServed, ModelKeyRefused, ModelBusy, ModelServerUnreachable;
        and ModelStalled and ModelFailed, even after the first pieces."""
        request = self._request(prompt, max_tokens)
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
        form = {"name": "reply", "schema": schema, "strict": True}
        request = self._request(prompt, max_tokens, sampling) | {
            "seed": sampling.seed,
            "response_format": {"type": "json_schema", "json_schema": form},
        }
        return await self._replies.whole(prompt, request, max_tokens)

    async def check(self) -> ModelFacts:
        """Query the server within five seconds. Adopts the context size that it tells; a
        `llm.num_ctx` in the settings is an upper limit.

        Raises ModelServerUnreachable, ModelKeyRefused, ModelNotServed, ModelBusy, ConfigInvalid."""
        try:
            async with asyncio.timeout(CHECK_S):
                with self._translated():
                    facts = await look(self._client, self._address, self.name)
        except (TimeoutError, ModelFailed) as error:
            raise ModelServerUnreachable(without_login(self._address)) from error
        self._id, self._can_stop_thoughts = facts.id, facts.can_stop_thoughts
        limits = [self._config.num_ctx] if "num_ctx" in self._config.model_fields_set else []
        limits += [facts.context_length] if facts.context_length else []
        self._replies.num_ctx = min(limits, default=self._config.num_ctx)
        return facts

    async def close(self) -> None:
        """Close the connections, which ends running requests."""
        await self._client.aclose()

    def _request(self, prompt: Prompt, max_tokens: int, sampling: Sampling = STEADY) -> Request:
        request: Request = {
            "model": self._id,
            "messages": _messages(prompt),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": max_tokens,
            "temperature": sampling.temperature,
        }
        if sampling.frequency_penalty:
            request["frequency_penalty"] = sampling.frequency_penalty
        if self._can_stop_thoughts:
            request["chat_template_kwargs"] = {"enable_thinking": False}
        return request

    async def _open(self, request: Request) -> AsyncGenerator[Part]:
        thoughts, end, counted = Thoughts(), None, 0
        with self._translated():
            async with self._client.stream("POST", "chat/completions", json=request) as response:
                if not response.is_success:
                    raise Refused(response.status_code, (await response.aread()).decode())
                async with aclosing(chunks(response.aiter_bytes())) as found:
                    async for chunk in found:
                        if chunk.is_sign_of_life:
                            yield Part(thoughts.feed(chunk.text))
                        end = chunk.end or end
                        counted = chunk.prompt_tokens or counted
                        self.cached_tokens = chunk.cached_tokens
        self.prompt_tokens = counted
        if end:  # the counts come after it
            yield Part(thoughts.close(), end, counted)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(without_login(self._address), self.name, self._config.api_key)


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    """Join neighbours of one role: the templates of Gemma and Mistral refuse them."""
    return [
        {"role": role, "content": "\n\n".join(message.text for message in messages)}
        for role, messages in groupby(prompt, key=lambda message: message.role)
    ]
