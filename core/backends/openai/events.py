"""Parse the event stream of a chat completion."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Literal

from pydantic import BaseModel

from core.backends.openai.errors import Refused
from core.errors import ModelFailed

_MAX_LINE = 1024 * 1024


class _Delta(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(BaseModel):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _CachedTokens(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    prompt_tokens_details: _CachedTokens | None = None


class _Timings(BaseModel):
    cache_n: int | None = None


class Chunk(BaseModel):
    """One event. Servers send more fields than these."""

    choices: list[_Choice] = []
    usage: _Usage | None = None
    timings: _Timings | None = None
    """llama-server's."""
    error: object = None

    @property
    def text(self) -> str:
        return "".join(choice.delta.content or "" for choice in self.choices)

    @property
    def is_sign_of_life(self) -> bool:
        """Whether the model has written something, be it a thought."""
        deltas = (choice.delta for choice in self.choices)
        return any(d.content or d.reasoning_content or d.reasoning for d in deltas)

    @property
    def end(self) -> Literal["stop", "length"] | None:
        """Raises ModelFailed if the reply ended for another reason, such as a content filter."""
        reasons = [choice.finish_reason for choice in self.choices if choice.finish_reason]
        if not reasons:
            return None
        if reasons[0] not in ("stop", "length"):
            raise ModelFailed(f"the reply ended: {reasons[0]}")
        return "length" if reasons[0] == "length" else "stop"

    @property
    def prompt_tokens(self) -> int:
        return self.usage.prompt_tokens if self.usage else 0

    @property
    def cached_tokens(self) -> int | None:
        if self.timings and self.timings.cache_n is not None:
            return self.timings.cache_n
        details = self.usage.prompt_tokens_details if self.usage else None
        return details.cached_tokens if details else None


async def chunks(body: AsyncIterable[bytes]) -> AsyncGenerator[Chunk]:
    """Yield the chunks up to `[DONE]` or the end of the stream.

    Raises Refused for an error in the stream, ValueError for what is not an event stream."""
    async for line in _lines(body):
        field, _, value = line.partition(b":")
        if field == b"error":  # llama-server, in older versions
            raise Refused(0, value.decode())
        if field != b"data":
            if field not in (b"", b"event", b"id", b"retry"):  # "" is a comment, sent to keep alive
                raise ValueError("not an event stream")
            continue
        if value.strip() == b"[DONE]":
            return
        chunk = Chunk.model_validate_json(value)
        if chunk.error is not None:
            raise Refused(0, value.decode())
        yield chunk


async def _lines(body: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Split at line feeds alone: httpx would also split at U+2028 within a text."""
    rest = b""
    async for data in body:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
        if len(rest) > _MAX_LINE:
            raise ValueError("a line without an end")
    if rest.strip():
        yield rest
