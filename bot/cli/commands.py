"""This file leads the command line's commands through the core and tells what comes of them:
whatever goes wrong is told in words and becomes an exit code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.output import Output
from bot.handlers.error_boundary import catching
from bot.rendering.descriptions import exit_code
from bot.rendering.export import exported
from core.errors import CannotWrite
from core.export.document import Labels
from core.export.formats import Format
from core.model import Ready
from core.sources import Source, find_sources

if TYPE_CHECKING:  # the command line opens the core when it is needed: --help need not wait
    from core.pipeline.front import Pipeline


@dataclass(slots=True)
class Outcome:
    """What a command comes to. `exit_code` is that of the first thing that went wrong."""

    output: Output
    exit_code: int = field(default=0, init=False)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Errors inside are told, not raised."""
        with catching() as caught:
            yield
        if caught.error:
            self.output.error(caught.error)
            self.exit_code = self.exit_code or exit_code(caught.error)


@dataclass(slots=True)
class Stop:
    """Why the program ends early."""

    by_person: bool = False
    """Ctrl-C: what it was doing is not wanted any more. Else the machine may be going down."""


@dataclass(slots=True)
class Commands:
    """The commands of one channel."""

    core: Pipeline
    outcome: Outcome
    channel: str
    stop: Stop

    @property
    def output(self) -> Output:
        return self.outcome.output

    async def ingest(self, texts: Sequence[str], language: str | None = None) -> list[Ready]:
        """Every link and file in `texts`, one after the other; one that fails stops no other."""
        done: list[Ready] = []
        for text in texts:
            with self.outcome.telling():
                for source in find_sources(text):
                    with self.outcome.telling():
                        done.append(await self._ingest(source, language))
        return done

    async def ask(self, question: str, video_id: str | None, thread: str = "") -> tuple[str, ...]:
        """Answers; the suggested questions that follow."""
        with self.outcome.telling():
            return await self._ask(question, video_id, thread)
        return ()

    async def search(self, queries: Sequence[str], limit: int) -> None:
        for query in queries:
            with self.outcome.telling():
                self.output.hits(query, await self.core.search(query, self.channel, limit))

    async def videos(self) -> None:
        with self.outcome.telling():
            self.output.videos(await self.core.library.videos(self.channel))

    async def jobs(self, channel: str | None) -> None:
        """Those of the channel, or all."""
        with self.outcome.telling():
            self.output.jobs(await self.core.pending(channel))

    async def cancel(self, job_id: str) -> None:
        with self.outcome.telling():
            await self.core.cancel(job_id)
            self.output.cancelled(job_id)

    async def work(self) -> None:
        """Until it is stopped."""
        with self.outcome.telling():
            await self.core.jobs()
            self.output.hint("jobs.working")
            await asyncio.Event().wait()

    async def forget(self, video_id: str | None) -> None:
        with self.outcome.telling():
            self.output.forgotten(await self.core.forget(self.channel, video_id))

    async def export(
        self, video_id: str, format: Format, labels: Labels, target: Path | None
    ) -> None:
        """One video with its summary and its conversation, into `target` or to the output."""
        with self.outcome.telling():
            thread = _thread_about(video_id)
            text = await exported(self.core, self.channel, video_id, thread, format, labels)
            if target is None:
                self.output.document(text)
                return
            try:
                target.write_text(text, encoding="utf-8", errors="replace", newline="")
            except OSError as error:
                raise CannotWrite(target.name) from error
            self.output.hint("console.written", name=target.name)

    async def _ingest(self, source: Source, language: str | None) -> Ready:
        with self.output.progress() as on_progress:
            ready = await self.core.ingest(
                source, self.channel, on_progress, language, unwanted=lambda: self.stop.by_person
            )
        self.output.ready(ready)
        return ready

    async def _ask(self, question: str, video_id: str | None, thread: str) -> tuple[str, ...]:
        questions: tuple[str, ...] = ()
        with ExitStack() as waiting:
            on_progress = waiting.enter_context(self.output.progress())
            thread = thread or _thread_about(video_id)
            stream = self.core.answer(question, self.channel, video_id, thread, on_progress)
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    waiting.close()  # no bar may move while text is written
                    if isinstance(piece, str):
                        self.output.text(piece)
                    else:
                        self.output.answer(piece)
                        questions = piece.questions
        return questions


def _thread_about(video_id: str | None) -> str:
    """Where questions about a video, or about all of them, are remembered if nowhere else."""
    return video_id or "channel"
