"""This file takes a video in for a chat: a thread, a message that shows how far it is, the summary.

Every message has a key made of the request, so that whoever takes it up after a kill goes on with
what people already see.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import PurePath

from bot.chat import Button, Draft
from bot.delivery.growing_message import GrowingMessage
from bot.handlers.buttons import made
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import catching
from bot.handlers.private_chats import turn_to
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import PlaceBinding, StoredButton, WatchRequest
from core.errors import JobCancelled, UnknownJob
from core.model import Order, Progress, Ready, Video
from core.sources import File, Link, Source, file_video


@dataclass(slots=True)
class WatchTask:
    """One request being fulfilled."""

    context: HandlerContext
    request: WatchRequest
    renderer: MessageRenderer
    place: str = ""
    """Where we speak of the video."""
    thread: GrowingMessage | None = None
    """The one that we opened."""
    growing: GrowingMessage | None = None
    before: PlaceBinding | None = None
    """What the place was about."""
    is_begun: bool = False
    """The job was there."""
    reply_to: str = ""
    """The link's message, where no thread hangs on it."""

    async def fulfil(self) -> None:
        """Returns when people will see what came of it. May be begun again at any time."""
        with catching() as caught:
            source = await self._source()
        if caught.error is None:
            self.place = self.request.thread or await self._open_thread()
            is_opened_with_it = self.request.thread and self.request.message_id
            if self.thread or is_opened_with_it:
                self.before = await self._about()
                await self._bind()  # all that is said there is about the video
                if self._is_private_talk and self.request.message_id:
                    await self._bind(self.request.message_id)
            elif self.request.thread:
                room = replace(self._room, thread=self.request.id)
                await turn_to(self.context, self.request, room)
            with catching() as caught:
                await self._show(await self._ready(source))
        else:
            self.place, self.reply_to = self.request.origin.place, self.request.message_id
        if caught.error:
            await self._fail(caught.error)
        await self.context.requests.save(replace(self.request, done=True))
        if self.request.file_id:
            await self.context.uploads.drop(self.request)

    async def _source(self) -> Source:
        """What was asked for: a link, or a file that was sent."""
        if not self.request.file_id:
            return Link(self.request.video_id)
        path = await self.context.uploads.fetch(self.request)
        video = await asyncio.to_thread(file_video, path)
        self.request = replace(self.request, video_id=video.id)
        return File(path)

    async def _open_thread(self) -> str:
        """The new thread, or, where there can be none, the place where the link was pasted."""
        request, video = self.request, await self.context.core.stored_video(self.request.video_id)
        self.thread = await self.context.outbox.open_thread(
            request.origin.place,
            self.renderer.title(video),
            key=f"{request.id}:thread",
            owner=request.id,
            message_id=request.message_id,
        )
        place = await self.thread.seen()
        if not place:
            await self.thread.drop()
            self.thread = None
            self.reply_to = request.message_id
            return request.origin.place
        return place

    async def _ready(self, source: Source) -> Ready:
        request, core = self.request, self.context.core
        ready, order = await core.find_ready(
            source, request.origin.channel, request.origin.language or None
        )
        if ready:
            return ready
        try:
            return await self._work(order)
        except UnknownJob:
            if self.is_begun:  # the video was forgotten
                raise
            # A store was put back that does not know the job.
            self.request = replace(self.request, job_id="")
            return await self._work(order)

    async def _work(self, order: Order) -> Ready:
        core = self.context.core
        if not self.request.job_id:
            self.request = replace(self.request, job_id=await core.submit(order))
            self.is_begun = True
            await self.context.requests.save(self.request)
        name = self.request.file_name
        video = Video(order.video_id, PurePath(name).stem, file_name=name)
        self.growing = await self._grow(self._progress(video, Progress("wait")))
        async with aclosing(core.resume(self.request.job_id)) as events:
            async for event in events:
                if isinstance(event, Ready):
                    return event
                self.is_begun = True
                video = await self._known(video)
                self.growing.show(self._progress(video, event))
        raise AssertionError("the core ends with a Ready")

    async def _known(self, video: Video) -> Video:
        """With its title, as soon as there is one: the thread is named for it."""
        if video.title:
            return video
        found = await self.context.core.stored_video(video.id)
        if found and self.thread:
            await self.thread.finish(Draft((self.renderer.title(found),)))
        return found or video

    async def _show(self, ready: Ready) -> None:
        if self.thread:
            await self.thread.finish(Draft((self.renderer.title(ready.video),)))
        if self.growing or self.request.job_id:
            done = replace(self.renderer.finished(ready.video), reply_to=self.reply_to)
            growing = self.growing or await self._grow(done)
            await growing.finish(done)
        drafts = self.renderer.summary(ready, await self._buttons(ready))
        for n, draft in enumerate(drafts):
            live = await self.context.outbox.post(
                self.place,
                replace(draft, reply_to="" if n else self.reply_to),
                key=f"{self.request.id}:summary:{n}",
            )
            if self.place == self.request.origin.place and (message_id := await live.seen()):
                await self._bind(message_id)

    async def _fail(self, error: Exception) -> None:
        video = await self.context.core.stored_video(self.request.video_id)
        told = (
            self.renderer.say("chat.stopped")
            if isinstance(error, JobCancelled | UnknownJob)
            else self.renderer.failed(error, video)
        )
        told = replace(told, reply_to=self.reply_to)
        growing = self.growing or await self._grow(told)
        await growing.finish(told)
        if self.thread:
            await self.thread.finish(Draft((self.renderer.title(video),)))
        if self._is_private_talk and await self._about() == self._room:
            await self._turn_back()

    async def _turn_back(self) -> None:
        """In private people talk on of what they talked about before."""
        request, before = self.request, self.before
        if before is None or before == self._room:  # nothing, or who knows after a kill
            before = PlaceBinding(request.origin.channel, "", request.origin.place)
        await self.context.bindings.bind(request.origin.platform, request.origin.place, "", before)

    def _progress(self, video: Video, progress: Progress) -> Draft:
        return replace(self.renderer.progress(video, progress), reply_to=self.reply_to)

    async def _grow(self, draft: Draft) -> GrowingMessage:
        key = f"{self.request.id}:progress"
        return await self.context.outbox.grow(self.place, draft, key=key, owner=self.request.id)

    async def _bind(self, message_id: str = "") -> None:
        """What is said there, or in reply to the message, is asked of the video."""
        request = self.request
        room = replace(self._room, thread=request.id) if message_id else self._room
        await self.context.bindings.bind(request.origin.platform, self.place, message_id, room)

    async def _about(self) -> PlaceBinding | None:
        """What the place is about."""
        return await self.context.bindings.find(self.request.origin.platform, self.place)

    @property
    def _room(self) -> PlaceBinding:
        """The conversation about the video; in private its name tells it from the next."""
        name = self.request.id if self._is_private_talk else self.place
        return PlaceBinding(self.request.origin.channel, self.request.video_id, name)

    @property
    def _is_private_talk(self) -> bool:
        """The place where it was asked for is as near to a thread as it gets."""
        return self.thread is not None and self.place == self.request.origin.place

    async def _buttons(self, ready: Ready) -> list[Button]:
        words, about = self.renderer.words, (self.request.origin.channel, ready.video.id)
        questions = [StoredButton("", *about, "ask", text) for text in ready.summary.questions]
        others = [StoredButton("", *about, action) for action in ("transcript", "chapters", "more")]
        labels = [*ready.summary.questions, *(words(f"chat.buttons.{b.action}") for b in others)]
        return await made(self.context, f"{self.request.id}:summary", [*questions, *others], labels)
