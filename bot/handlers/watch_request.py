"""Summarise a video in a chat: open a thread, show the progress in one message, post the summary.

Message keys derive from the request's id, so that a task resumed after a kill continues the
messages that people already see.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace

from bot.chat import Draft
from bot.delivery.growing_message import GrowingMessage
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import error_boundary
from bot.handlers.private_chats import switch_conversation
from bot.handlers.summaries import Summaries
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import PlaceBinding, WatchRequest
from core.errors import JobCancelled, StoreBroken, UnknownJob
from core.json_values import to_json
from core.model import Order, Progress, Ready, Video
from core.sources import File, Link, Source, file_video


@dataclass(slots=True)
class WatchTask:
    """A video being summarised for a chat."""

    context: HandlerContext
    request: WatchRequest
    renderer: MessageRenderer
    summaries: Summaries
    place: str = ""
    """Where the progress and the summary are posted."""
    thread: GrowingMessage | None = None
    """The thread that this task opened, if any."""
    progress_message: GrowingMessage | None = None
    earlier_binding: PlaceBinding | None = None
    """The place's conversation before this request."""
    job_existed: bool = False
    """The job was seen in the store, so that an UnknownJob means that it was forgotten."""
    reply_to: str = ""
    """The message with the link, if no thread hangs on it."""

    def again(self) -> WatchTask:
        """The same task to be run once more, as after a kill."""
        return WatchTask(self.context, self.request, self.renderer, self.summaries)

    async def run(self) -> None:
        """Deliver the summary or an error. May be run again after a kill at any point.

        Raises StoreBroken, and unexpected errors."""
        with error_boundary() as boundary:
            source = await self._source()
        boundary.raise_if_store_broken()
        if boundary.error is None:
            self.place = self.request.thread or await self._open_thread()
            await self._bind_place()
            with error_boundary() as boundary:
                await self._show(*await self._ready(source))
            boundary.raise_if_store_broken()
        if boundary.error:
            await self.fail(boundary.error)
        await self.end()

    async def end(self) -> None:
        """Mark the request as done."""
        await self.context.requests.save(replace(self.request, done=True))
        if self.request.file_id:
            await self.context.uploads.delete(self.request)

    async def _bind_place(self) -> None:
        """Make the thread about the video: one opened by this task, or by the link itself."""
        is_opened_with_link = self.request.thread and self.request.message_id
        if self.thread or is_opened_with_link:
            self.earlier_binding = await self._binding()
            await self._bind()
            if self._is_private_chat and self.request.message_id:
                await self._bind(self.request.message_id)
        elif self.request.thread:
            conversation = replace(self._conversation, thread=self.request.id)
            await switch_conversation(self.context, self.request, conversation)

    async def _source(self) -> Source:
        """The requested link, or the file, which is downloaded."""
        if not self.request.file_id:
            return Link(self.request.video_id)
        path = await self.context.uploads.fetch(self.request)
        source = File(path, self.request.file_name)
        video = await asyncio.to_thread(file_video, source)
        self.request = replace(self.request, video_id=video.id)
        return source

    async def _open_thread(self) -> str:
        """Open a thread and return its place, or the link's place where there can be no thread."""
        request, video = self.request, await self._known_video()
        self.thread = await self.context.outbox.open_thread(
            request.origin.place,
            self.renderer.title(video),
            key=f"{request.id}:thread",
            owner=request.id,
            message_id=request.message_id,
        )
        place = await self.thread.delivered()
        if not place:
            await self.thread.drop()
            self.thread = None
            self.reply_to = request.message_id
            return request.origin.place
        return place

    async def _ready(self, source: Source) -> tuple[Ready, Order]:
        request, core = self.request, self.context.core
        ready, order = await core.find_ready(
            source, request.origin.channel, request.origin.language or None
        )
        if ready:
            return ready, order
        try:
            return await self._work(order), order
        except UnknownJob:
            if self.job_existed:
                raise
            # The store was restored from a backup that does not have the job.
            self.request = replace(self.request, job_id="")
            return await self._work(order), order

    async def _work(self, order: Order) -> Ready:
        core = self.context.core
        if not self.request.job_id:
            self.request = replace(self.request, job_id=await core.submit(order))
            self.job_existed = True
            await self.context.requests.save(self.request)
        video = Video(order.video_id, "").named(self.request.file_name)
        self.progress_message = await self._post_progress(self._progress(video, Progress("wait")))
        try:
            return await self._watch_job(video, self.progress_message)
        except StoreBroken:
            await self._drop_failed_job()
            raise

    async def _watch_job(self, video: Video, message: GrowingMessage) -> Ready:
        async with aclosing(self.context.core.resume(self.request.job_id)) as events:
            async for event in events:
                if isinstance(event, Ready):
                    return event
                self.job_existed = True
                video = await self._with_title(video)
                message.show(self._progress(video, event))
        raise AssertionError("the core ends with a Ready")

    async def _drop_failed_job(self) -> None:
        """Submit another job next time, unless this one still runs: what has ended stays failed."""
        pending = await self.context.core.pending(self.request.origin.channel)
        if self.request.job_id not in (job.id for job in pending):
            self.request = replace(self.request, job_id="")

    async def _with_title(self, video: Video) -> Video:
        """The video with its title as soon as it is known; then name the thread after it."""
        if video.title:
            return video
        found = await self._known_video()
        if found and self.thread:
            await self.thread.finish(Draft((self.renderer.title(found),)))
        return found or video

    async def _known_video(self) -> Video | None:
        """The video as far as it is known; a file by the name that it was sent under."""
        request = self.request
        known = await self.context.core.stored_video(request.origin.channel, request.video_id)
        if request.file_name and request.video_id:
            known = (known or Video(request.video_id, "")).named(request.file_name)
        return known

    async def _show(self, ready: Ready, order: Order) -> None:
        if self.thread:
            await self.thread.finish(Draft((self.renderer.title(ready.video),)))
        if self.progress_message or self.request.job_id or self._shows_progress:
            done = replace(self.renderer.finished(ready.video), reply_to=self.reply_to)
            message = self.progress_message or await self._post_progress(done)
            await message.finish(done)
        messages = await self.summaries.post(self.request, order, ready, self.place, self.reply_to)
        if self.place == self.request.origin.place:
            for message in messages:
                if message_id := await message.delivered():
                    await self._bind(message_id)

    async def fail(self, error: Exception) -> None:
        """Tell what went wrong."""
        video = await self._known_video()
        self.place, reply = self.failure(error, video)
        message = self.progress_message or await self._post_progress(reply)
        await message.finish(reply, must_arrive=True)
        if message.entry.draft != to_json(reply):  # it already says that the summary is below
            key = f"{self.request.id}:failed"
            await self.context.outbox.post(self.place, reply, key=key)
        if self.thread:
            await self.thread.finish(Draft((self.renderer.title(video),)))
        if self._is_private_chat and await self._binding() == self._conversation:
            await self._restore_binding()

    def failure(self, error: Exception, video: Video | None = None) -> tuple[str, Draft]:
        """Where to tell of an error, and how."""
        is_stopped = isinstance(error, JobCancelled | UnknownJob)
        say = self.renderer
        reply = say.say("chat.stopped") if is_stopped else say.failed(error, video)
        if self.place:
            return self.place, replace(reply, reply_to=self.reply_to)
        return self.request.origin.place, replace(reply, reply_to=self.request.message_id)

    async def _restore_binding(self) -> None:
        """Let a private chat continue the conversation that it had before a failed video."""
        request, earlier = self.request, self.earlier_binding
        if earlier is None or earlier == self._conversation:  # none, or unknown after a kill
            earlier = PlaceBinding(request.origin.channel, "", request.origin.place)
        await self.context.bindings.bind(request.origin.platform, request.origin.place, "", earlier)

    def _progress(self, video: Video, progress: Progress) -> Draft:
        return replace(self.renderer.progress(video, progress), reply_to=self.reply_to)

    async def _post_progress(self, draft: Draft) -> GrowingMessage:
        return await self.context.outbox.grow(
            self.place, draft, key=self._progress_key, owner=self.request.id
        )

    @property
    def _shows_progress(self) -> bool:
        """Whether an earlier try shows progress, whose job is over and forgotten by this one."""
        growing = self.context.outbox.growing().get(self.request.id, ())
        return any(message.entry.key == self._progress_key for message in growing)

    @property
    def _progress_key(self) -> str:
        return f"{self.request.id}:progress"

    async def _bind(self, message_id: str = "") -> None:
        """Make the place about the video, or the replies to one message."""
        request, binding = self.request, self._conversation
        if message_id:
            binding = replace(binding, thread=request.id)
        await self.context.bindings.bind(request.origin.platform, self.place, message_id, binding)

    async def _binding(self) -> PlaceBinding | None:
        return await self.context.bindings.find(self.request.origin.platform, self.place)

    @property
    def _conversation(self) -> PlaceBinding:
        """The conversation about the video. In private chats each video has its own name."""
        name = self.request.id if self._is_private_chat else self.place
        return PlaceBinding(self.request.origin.channel, self.request.video_id, name)

    @property
    def _is_private_chat(self) -> bool:
        """Whether the thread is the place of the request itself, as in chats without threads."""
        return self.thread is not None and self.place == self.request.origin.place
