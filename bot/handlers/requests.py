"""This file accepts what people ask for, if they may, once, and sees it through: what a kill leaves
undone is taken up at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from bot.chat import Draft, Event, Message, Press, Upload
from bot.delivery.outbox import KEPT
from bot.handlers.ask_request import AskTask
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import catching
from bot.handlers.policy import Policy
from bot.handlers.uploads import MEGABYTES
from bot.handlers.watch_request import WatchTask
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import AskRequest, PlaceBinding, Request, RequestOrigin, WatchRequest
from core.errors import EmptyQuestion, FileTooLarge
from core.text.display import one_line

_DAY_S = 24 * 3600.0


class RequestRunner:
    """One platform's."""

    def __init__(self, context: HandlerContext, policy: Policy) -> None:
        self._context = context
        self._policy = policy
        self._tasks: dict[asyncio.Task[None], WatchTask | AskTask] = {}
        self._tidying: asyncio.Task[None] | None = None

    async def resume(self) -> None:
        """Takes up what a former process left undone. Raises StoreBroken."""
        await self._purge()
        self._tidying = asyncio.create_task(self._tidy())
        undone = await self._context.requests.open(self._context.chat.name)
        owners = {request.id for request in undone}
        for owner, lives in self._context.outbox.growing().items():
            if owner not in owners:  # as after a store was put back
                await asyncio.gather(*(live.drop() for live in lives))
        await self._context.uploads.tidy(undone)
        for request in undone:
            self._begin(request, again=True)

    async def close(self) -> None:
        """What is not done yet stays undone, for the next start."""
        tasks = [*self._tasks, *([self._tidying] if self._tidying else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def watch(
        self,
        event: Event,
        video_ids: Sequence[str],
        *,
        message_id: str = "",
        language: str = "",
        is_free: bool = False,
    ) -> Draft | None:
        """A thread each; or why not. `message_id`: what the first one hangs on. `language`: of
        the summaries, else the channel's. `is_free`: it is only shown again, to whom it may be.
        """
        if not is_free and not await self._policy.may(event.author, "watch", event.where):
            return await self._refuse(event, "chat.may_not")
        for n, video_id in enumerate(video_ids[: self._context.config.limits.links_per_message]):
            # Only one thread can hang on a message.
            request = await self._to_watch(event, n, "" if n else message_id, language)
            request = replace(request, video_id=video_id)
            if told := await self._accept(request, event, is_free=is_free):
                return told
        return None

    async def take_in(
        self, event: Event, upload: Upload, *, message_id: str = "", language: str = ""
    ) -> Draft | None:
        """As `watch`, for a file that was sent."""
        if not await self._policy.may(event.author, "watch", event.where):
            return await self._refuse(event, "chat.may_not")
        if upload.size > MEGABYTES * 2**20:
            return (await self._renderer(event)).failed(FileTooLarge(upload.name, MEGABYTES))
        request = await self._to_watch(event, 0, message_id, language)
        request = replace(request, file_id=upload.id, file_name=one_line(upload.name))
        return await self._accept(request, event)

    async def ask(
        self, event: Event, question: str, room: PlaceBinding, *, show: bool
    ) -> Draft | None:
        """The answer comes where it was asked; or why not. `room`: which video, or none: all that
        the channel knows. `show`: the question too, for nobody else has seen it.

        Raises EmptyQuestion."""
        if not (question := one_line(question)):
            raise EmptyQuestion()
        if not await self._policy.may(event.author, "ask", event.where):
            return await self._refuse(event, "chat.may_not")
        asker = one_line(event.author.name) or "?"
        request = AskRequest(
            id=f"{self._context.chat.name}:{event.id}",
            origin=await self._origin(event),
            question=question,
            video_id=room.video_id,
            thread=room.thread,
            asker=asker if show else "",
            message_id=event.message_id if isinstance(event, Press) else event.id,
        )
        return await self._accept(request, event)

    async def abandon(self, channel: str, video_id: str) -> None:
        """After a kill nobody begins that video again for the channel."""
        for request in await self._context.requests.open(self._context.chat.name):
            is_watch = isinstance(request, WatchRequest)
            if is_watch and (request.origin.channel, request.video_id) == (channel, video_id):
                await self._context.requests.save(replace(request, done=True))

    async def _to_watch(
        self, event: Event, number: int, message_id: str, language: str
    ) -> WatchRequest:
        """`number`: of what the event asks for, from 0."""
        is_thread = event.where.is_thread
        opens = isinstance(event, Message) and event.opens_thread
        origin = await self._origin(event)
        return WatchRequest(
            id=f"{self._context.chat.name}:{event.id}:{number}",
            origin=replace(origin, language=language or origin.language),
            # None hangs inside another one.
            message_id="" if is_thread and not opens else message_id,
            thread=event.where.place if is_thread else "",
        )

    async def _origin(self, event: Event) -> RequestOrigin:
        where = event.where
        return RequestOrigin(
            platform=self._context.chat.name,
            place=where.place,
            channel=where.channel,
            server=where.server,
            person=event.author.id,
            language=await self._policy.language(where, event.author),
        )

    async def _accept(
        self, request: Request, event: Event, *, is_free: bool = False
    ) -> Draft | None:
        if not await self._context.requests.add(request):
            return None  # the event came twice
        deed: Literal["watch", "ask"] = "watch" if isinstance(request, WatchRequest) else "ask"
        if is_free:
            self._begin(request, again=False)
            return None
        used_up, is_first = await self._policy.take(event.author, deed, event.where)
        if used_up is None:
            self._begin(request, again=False)
            return None
        await self._context.requests.save(replace(request, done=True))
        scope = used_up.scope.partition(":")[0]
        if is_first:
            renderer = await self._renderer(event)
            return renderer.say(f"chat.quotas.{scope}_{used_up.kind}", most=used_up.most)
        return await self._refuse(event, "chat.quotas.again", most=used_up.most)

    def _begin(self, request: Request, *, again: bool) -> None:
        renderer = self._context.renderer(request.origin.language)
        one: WatchTask | AskTask
        if isinstance(request, WatchRequest):
            one = WatchTask(self._context, request, renderer)
        else:
            one = AskTask(self._context, request, renderer)
        task = asyncio.create_task(self._fulfil(one, again=again))
        self._tasks[task] = one
        task.add_done_callback(self._tasks.pop)

    async def _fulfil(self, one: WatchTask | AskTask, *, again: bool) -> None:
        with catching():
            if isinstance(one, WatchTask):
                await one.fulfil()
            else:
                one.watching = self._watching(one.request)
                await one.fulfil(again=again)

    def _watching(self, question: AskRequest) -> list[asyncio.Task[None]]:
        """What is being done to bring the channel the video that the question is about."""
        about = (question.origin.channel, question.video_id)
        return [
            task
            for task, one in self._tasks.items()
            if question.video_id
            and isinstance(one, WatchTask)
            and (one.request.origin.channel, one.request.video_id) == about
        ]

    async def _tidy(self) -> None:
        """Day by day."""
        while True:
            await asyncio.sleep(_DAY_S)
            with catching():
                await self._purge()

    async def _purge(self) -> None:
        """Forgets what people asked for and got long ago."""
        await self._context.requests.purge(datetime.now(UTC) - KEPT)

    async def _refuse(self, event: Event, key: str, **facts: object) -> Draft | None:
        """Nobody is told again and again in front of others what they may not."""
        if isinstance(event, Message) and not event.is_to_bot:
            return None
        return (await self._renderer(event)).say(key, **facts)

    async def _renderer(self, event: Event) -> MessageRenderer:
        """What people press and command is answered to them alone."""
        where = event.where
        if isinstance(event, Message):
            return self._context.renderer(await self._policy.language(where, event.author))
        return self._context.renderer(await self._policy.private_language(where, event.author))
