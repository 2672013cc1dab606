"""The commands of the command line: call the core, send results and errors to the output."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.exit_codes import exit_code
from bot.cli.output import Output
from bot.handlers.error_boundary import error_boundary
from bot.rendering.export import exported
from core.errors import CannotWrite, JobCancelled
from core.export.document import Labels
from core.export.formats import Format
from core.model import Answer, Asker, EndedJob, Progress, Ready
from core.sources import Source, find_sources

if TYPE_CHECKING:  # importing it takes too long for --help
    from core.pipeline.front import Pipeline

_WATCH_S = 1.0
_LATELY = timedelta(minutes=10)
"""How long a job that ended is shown to who watches."""


@dataclass(slots=True)
class Outcome:
    """A command's result. `exit_code` is that of the first error."""

    output: Output
    exit_code: int = field(default=0, init=False)

    @contextmanager
    def reporting_errors(self) -> Iterator[None]:
        """Send errors to the output instead of raising them."""
        with error_boundary() as boundary:
            yield
        if boundary.error:
            self.output.error(boundary.error)
            self.exit_code = self.exit_code or exit_code(boundary.error)


@dataclass(slots=True)
class Stop:
    """Why the program was interrupted."""

    by_user: bool = False
    """True for Ctrl-C: cancel the job. False for SIGTERM: the job resumes at the next start."""


@dataclass(slots=True)
class Commands:
    """The commands for one channel."""

    core: Pipeline
    outcome: Outcome
    channel: str
    stop: Stop

    @property
    def output(self) -> Output:
        return self.outcome.output

    async def ingest(self, texts: Sequence[str], language: str | None = None) -> list[Ready]:
        """Ingest every link and file in `texts`, in turn. An error does not stop the rest."""
        done: list[Ready] = []
        for text in texts:
            with self.outcome.reporting_errors():
                for source in find_sources(text):
                    with self.outcome.reporting_errors():
                        done.append(await self._ingest(source, language))
        return done

    async def ask(
        self, question: str, video_id: str | None, thread: str = "", language: str | None = None
    ) -> tuple[str, ...]:
        """Answer the question, in `language` where its words do not tell one. Return the suggested
        questions that follow."""
        with self.outcome.reporting_errors():
            return await self._ask(question, video_id, thread, language or "")
        return ()

    async def proof(self, video_id: str | None) -> None:
        """Show the places behind the conversation's last answer."""
        with self.outcome.reporting_errors():
            if proof := await self.core.proof(self.channel, _thread_about(video_id)):
                self.output.proof(proof)
            else:
                self.output.hint("chat.no_proof")

    async def search(self, queries: Sequence[str], limit: int) -> None:
        for query in queries:
            with self.outcome.reporting_errors():
                self.output.hits(query, await self.core.search(query, self.channel, limit))

    async def videos(self, days: int) -> None:
        """List the videos. `days`: after which they are deleted, 0 for never."""
        with self.outcome.reporting_errors():
            videos = await self.core.videos(self.channel)
            pinned = await self.core.pinned(self.channel, [video.id for video in videos])
            self.output.videos(videos, pinned)
            if days:
                self.output.hint("videos.kept", days=days)

    async def pin(self, video_id: str, *, pinned: bool) -> None:
        with self.outcome.reporting_errors():
            video = await self.core.pin(self.channel, video_id, pinned=pinned)
            self.output.pinned(video, pinned=pinned)

    async def jobs(self, channel: str | None) -> None:
        """List the channel's jobs, or all jobs."""
        with self.outcome.reporting_errors():
            self.output.jobs(await self.core.pending(channel))

    async def watch_jobs(self, channel: str | None) -> None:
        """Show the channel's jobs, or all jobs, until cancelled."""
        with self.outcome.reporting_errors(), self.output.watching() as show:
            began = datetime.now(UTC)
            while True:
                jobs = await self.core.pending(channel)
                ended = await self._ended(max(began, datetime.now(UTC) - _LATELY), channel)
                over = {job.id for job in ended}  # one may have ended between the two reads
                show([job for job in jobs if job.id not in over], ended)
                await asyncio.sleep(_WATCH_S)

    async def failed_jobs(self, channel: str | None, days: int) -> None:
        """List what failed in the last `days` days, of the channel or of all."""
        with self.outcome.reporting_errors():
            ended = await self._ended(datetime.now(UTC) - timedelta(days=days), channel)
            failed = [job for job in ended if job.error and not isinstance(job.error, JobCancelled)]
            failed.sort(key=lambda job: job.ended_at)
            titles: dict[str, str] = {}
            for job in failed:
                if video := await self.core.stored_video(job.order.channel, job.order.video_id):
                    titles[job.id] = video.title
            self.output.failed(failed, titles, days)

    async def _ended(self, since: datetime, channel: str | None) -> list[EndedJob]:
        ended = await self.core.ended_jobs(since)
        return [job for job in ended if channel in (None, job.order.channel)]

    async def cancel(self, job_id: str) -> None:
        with self.outcome.reporting_errors():
            await self.core.cancel(job_id)
            self.output.cancelled(job_id)

    async def forget(self, video_id: str | None) -> None:
        with self.outcome.reporting_errors():
            self.output.forgotten(await self.core.forget(self.channel, video_id))
            await self._replace_copies()

    async def forget_person(self, platform: str, person: str) -> None:
        with self.outcome.reporting_errors():
            self.output.forgotten_person(await self.core.forget_person(platform, person))
            await self._replace_copies()

    async def _replace_copies(self) -> None:
        if await self.core.replace_copies():
            self.output.hint("videos.copies_replaced")

    async def export(
        self, video_id: str, format: Format, labels: Labels, target: Path | None
    ) -> None:
        """Write a video with its summary and conversation to `target`, or to the output."""
        with self.outcome.reporting_errors():
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
            stream = self.core.ingest(source, self.channel, language, lambda: self.stop.by_user)
            async with aclosing(stream) as events:
                async for event in events:
                    if isinstance(event, Progress):
                        on_progress(event)
                    else:
                        ready = event
        self.output.ready(ready)
        return ready

    async def _ask(
        self, question: str, video_id: str | None, thread: str, language: str
    ) -> tuple[str, ...]:
        questions: tuple[str, ...] = ()
        with ExitStack() as waiting:
            on_progress = waiting.enter_context(self.output.progress())
            thread = thread or _thread_about(video_id)
            stream = self.core.answer(
                question, self.channel, video_id, thread, on_progress, Asker(language)
            )
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    waiting.close()  # end the progress bar before text is written
                    if isinstance(piece, str):
                        self.output.text(piece)
                    else:
                        self.output.answer(piece, await self._titles(piece, video_id))
                        questions = piece.questions
        return questions

    async def _titles(self, answer: Answer, video_id: str | None) -> dict[str, str]:
        """The titles of the cited videos, unless the answer is about the one that was asked."""
        cited = {citation.video_id for citation in answer.citations}
        if cited <= {video_id}:
            return {}
        videos = await self.core.videos_by_id(self.channel, list(cited))
        return {video.id: video.title for video in videos}


def _thread_about(video_id: str | None) -> str:
    """The default conversation for questions about one video, or about all of them."""
    return video_id or "channel"
