"""Ports that count what passes through them. They change nothing else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.chat_records import OutboxEntry, Quota
from core.model import ANYBODY, Asker, SpeechCompute, Turn, Window
from core.ports import (
    STEADY,
    Clock,
    LanguageModel,
    OutboxEntries,
    Prompt,
    Sampling,
    Threads,
    Transcriber,
    Usage,
)

if TYPE_CHECKING:  # prometheus_client is imported only where its numbers are wanted
    from core.metrics.instruments import Instruments

Port = TypeVar("Port")
Item = TypeVar("Item")


def measured(
    wrap: Callable[[Port, Instruments], Port], port: Port, instruments: Instruments | None
) -> Port:
    """The port, counted by `instruments` if there are any."""
    return wrap(port, instruments) if instruments else port


class MeasuredTranscriber:
    """Counts audio, and the time that it takes."""

    def __init__(
        self, transcriber: Transcriber, instruments: Instruments, clock: Clock = time.monotonic
    ) -> None:
        self._transcriber, self._instruments, self._clock = transcriber, instruments, clock

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> AsyncGenerator[Window]:
        """The first window, which holds only the duration, ends the loading of the model."""
        heard_s, is_loaded = from_s, False
        stream = self._transcriber.transcribe(audio, language, from_s, compute)
        async with aclosing(_timed(stream, self._clock)) as windows:
            async for window, took_s in windows:
                if is_loaded:
                    self._instruments.speech.inc(took_s)
                    self._instruments.audio.inc(max(window.heard_s - heard_s, 0.0))
                heard_s, is_loaded = max(heard_s, window.heard_s), True
                yield window

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        return await self._transcriber.resolve_compute(compute)


class MeasuredModel:
    """Counts requests, their time without the reader's, and tokens by the model's estimate."""

    def __init__(
        self, model: LanguageModel, instruments: Instruments, clock: Clock = time.monotonic
    ) -> None:
        self._model, self._instruments, self._clock = model, instruments, clock
        self.name = model.name

    @property
    def num_ctx(self) -> int:
        return self._model.num_ctx

    def tokens(self, text: str) -> int:
        return self._model.tokens(text)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        reply, total_s = "", 0.0
        try:
            stream = self._model.stream(prompt, max_tokens=max_tokens)
            async with aclosing(_timed(stream, self._clock)) as pieces:
                async for piece, took_s in pieces:
                    reply, total_s = reply + piece, total_s + took_s
                    yield piece
        finally:
            self._count("stream", prompt, reply, total_s)

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        reply, began = "", self._clock()
        try:
            reply = await self._model.complete(
                prompt, max_tokens=max_tokens, schema=schema, sampling=sampling
            )
        finally:
            self._count("json", prompt, reply, self._clock() - began)
        return reply

    def _count(self, kind: str, prompt: Prompt, reply: str, took_s: float) -> None:
        read = sum(self._model.tokens(message.text) for message in prompt)
        self._instruments.model.labels(kind).observe(took_s)
        self._instruments.tokens.labels("prompt").inc(read)
        self._instruments.tokens.labels("reply").inc(self._model.tokens(reply))


class MeasuredThreads:
    """Counts answers by what they rest on."""

    def __init__(self, threads: Threads, instruments: Instruments) -> None:
        self._threads, self._instruments = threads, instruments

    async def turns(self, channel: str, thread: str, limit: int) -> list[Turn]:
        return await self._threads.turns(channel, thread, limit)

    async def forget(self, platform: str, person: str) -> int:
        return await self._threads.forget(platform, person)

    async def add(
        self,
        channel: str,
        thread: str,
        turn: Turn,
        video_ids: Sequence[str],
        asker: Asker = ANYBODY,
    ) -> None:
        await self._threads.add(channel, thread, turn, video_ids, asker)
        self._instruments.answers.labels(turn.answer.grounding).inc()


class MeasuredUsage:
    """Counts refusals by what is used up, and whose: "person", "channel", "server" or "all"."""

    def __init__(self, usage: Usage, instruments: Instruments) -> None:
        self._usage, self._instruments = usage, instruments

    async def take(self, quotas: Sequence[Quota], now: datetime) -> tuple[Quota | None, bool]:
        exhausted, is_first = await self._usage.take(quotas, now)
        if exhausted:
            scope = exhausted.scope.partition(":")[0]
            self._instruments.refusals.labels(exhausted.kind, scope).inc()
        return exhausted, is_first


class MeasuredOutboxEntries:
    """Counts messages whose sending is over, and knows how many wait. The counts are of what this
    process sends, so no read of the store is needed for them."""

    def __init__(self, entries: OutboxEntries, instruments: Instruments) -> None:
        self._entries, self._instruments = entries, instruments
        self._waiting: set[tuple[str, str]] = set()
        """Platform and key of what waits."""
        self._platforms: set[str] = set()

    def backlog(self) -> dict[str, int]:
        """How many messages wait, by platform."""
        waiting = Counter(platform for platform, _ in self._waiting)
        return {platform: waiting[platform] for platform in self._platforms}

    async def add(self, entry: OutboxEntry) -> OutboxEntry:
        stored = await self._entries.add(entry)
        self._note(stored)
        return stored

    async def save(self, entry: OutboxEntry) -> None:
        await self._entries.save(entry)
        self._note(entry)
        if entry.over:
            result = "delivered" if entry.target else "dropped"
            self._instruments.deliveries.labels(entry.platform, result).inc()

    async def unfinished(self, platform: str) -> list[OutboxEntry]:
        self._platforms.add(platform)
        found = await self._entries.unfinished(platform)
        for entry in found:
            self._note(entry)
        return found

    async def purge(self, before: datetime) -> None:
        await self._entries.purge(before)

    def _note(self, entry: OutboxEntry) -> None:
        self._platforms.add(entry.platform)
        change = self._waiting.add if entry.pending else self._waiting.discard
        change((entry.platform, entry.key))


async def _timed(stream: AsyncGenerator[Item], clock: Clock) -> AsyncGenerator[tuple[Item, float]]:
    """Each item with the time that it took, without the time its reader took before."""
    async with aclosing(stream) as items:
        began = clock()
        async for item in items:
            yield item, clock() - began
            began = clock()
