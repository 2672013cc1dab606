"""Accept requests that the rules allow, each once, and run them.

A request is stored before it runs, so that the next start resumes what a kill left unfinished. One
that the store, or a bug, interrupts is run again with growing pauses; then its author is told.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.chat import Draft, Event, Message, Press, Upload
from bot.delivery.growing_message import GrowingMessage
from bot.delivery.outbox import KEPT
from bot.handlers.ask_request import AskTask
from bot.handlers.context import HandlerContext
from bot.handlers.departures import Departures
from bot.handlers.error_boundary import error_boundary
from bot.handlers.policy import PlaceRules
from bot.handlers.retries import retry
from bot.handlers.summaries import Summaries
from bot.handlers.uploads import MEGABYTES, safe_name
from bot.handlers.watch_request import WatchTask
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import (
    AskRequest,
    PlaceBinding,
    Quota,
    RequestOrigin,
    SummaryRequest,
    WatchRequest,
)
from core.errors import EmptyQuestion, FileTooLarge
from core.text.display import one_line

_DAY_S = 24 * 3600.0


@dataclass(slots=True)
class _Running:
    """`task`: its newest try. `is_stored`: the request is known to be in the store."""

    task: WatchTask | AskTask
    is_stored: bool = True


class RequestRunner:
    """Runs the requests of one platform."""

    def __init__(self, context: HandlerContext, departures: Departures) -> None:
        self._context = context
        self._departures = departures
        self._running: dict[asyncio.Task[None], _Running] = {}
        self._background: set[asyncio.Task[object]] = set()
        self._summaries = Summaries(context)
        self._purging: asyncio.Task[None] | None = None

    async def resume(self) -> None:
        """Run the requests that an earlier process left unfinished. Raises StoreBroken."""
        await self._purge()
        self._purging = asyncio.create_task(self._purge_daily())
        self.spawn(self._departures.follow())
        unfinished = await self._context.requests.open(self._context.chat.name)
        owners = {request.id for request in unfinished}
        for owner, messages in self._context.outbox.growing().items():
            if owner not in owners:
                await asyncio.gather(*map(self._end_orphan, messages))
        await self._context.uploads.delete_all_but(unfinished)
        for request in unfinished:
            if isinstance(request, SummaryRequest):
                self._summaries.add(request)
            else:
                self._start(request, is_resumed=True)

    async def close(self) -> None:
        """Stop all tasks. Unfinished requests stay stored for the next start."""
        await self._summaries.close()
        purging = [self._purging] if self._purging else []
        tasks = [*self._running, *self._background, *purging]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def watch(
        self, event: Event, rules: PlaceRules, video_ids: Sequence[str], *, language: str = ""
    ) -> Draft | None:
        """Summarise videos, each in a thread of its own. Return why not, if anything.

        `language`: of the summaries; "" is the place's. Takes only the first videos of an event,
        `limits.links_per_message`, and says so."""
        if not rules.may_watch:
            return self._refuse(event, rules, "chat.may_not")
        most = self._context.config.limits.links_per_message
        for n, video_id in enumerate(video_ids[:most]):
            request = self._watch_request(event, rules, n, language)
            request = replace(request, video_id=video_id)
            if refusal := await self._accept(event, rules, request, rules.video_quotas):
                return refusal
        if left := len(video_ids[most:]):
            return self._renderer(event, rules).say("chat.links_left", most=most, left=left)
        return None

    async def show_summary(self, event: Event, rules: PlaceRules, video_id: str) -> None:
        """Show a known video's summary again. Needs no permission and uses no quota."""
        request = replace(self._watch_request(event, rules, 0), video_id=video_id)
        await self._accept(event, rules, request, quotas=())

    async def watch_file(
        self, event: Event, rules: PlaceRules, upload: Upload, *, language: str = ""
    ) -> Draft | None:
        """As `watch`, for a file that somebody sent."""
        if not rules.may_watch:
            return self._refuse(event, rules, "chat.may_not")
        if upload.size > MEGABYTES * 2**20:
            return self._renderer(event, rules).failed(FileTooLarge(upload.name, MEGABYTES))
        request = self._watch_request(event, rules, 0, language)
        name = safe_name(one_line(upload.name))
        request = replace(request, file_id=upload.id, file_name=name)
        return await self._accept(event, rules, request, rules.video_quotas)

    async def ask(
        self,
        event: Event,
        rules: PlaceRules,
        question: str,
        about: PlaceBinding,
        *,
        show: bool,
        link_request: str = "",
    ) -> Draft | None:
        """Answer a question at the event's place. Return why not, if anything.

        `about`: the conversation, and its video or "" for all videos of the channel. `show`: post
        the question too, because nobody else has seen it. `link_request`: as in AskRequest. Raises
        EmptyQuestion."""
        if not (question := one_line(question)):
            raise EmptyQuestion()
        if not rules.may_ask:
            return self._refuse(event, rules, "chat.may_not")
        request = AskRequest(
            id=f"{self._context.chat.name}:{event.id}",
            origin=self._origin(event, rules.language),
            question=question,
            video_id=about.video_id,
            thread=about.thread,
            message_id=event.message_id if isinstance(event, Press) else event.id,
            asker=(one_line(event.author.name) or "?") if show else "",
            link_request=link_request,
            is_in_thread=event.where.is_thread,
        )
        return await self._accept(event, rules, request, rules.question_quotas)

    async def ask_about_link(
        self, message: Message, rules: PlaceRules, question: str, video_id: str
    ) -> Draft | None:
        """Answer a question beside a link that `watch` was called with, once its video is there."""
        where, link = message.where, f"{self._context.chat.name}:{message.id}:0"
        is_coming = self._ingesting(where.channel, video_id)
        if not is_coming and not await self._context.core.knows(where.channel, video_id):
            return None  # refused, and told
        thread = where.place if message.opens_thread else link
        about = PlaceBinding(where.channel, video_id, thread)
        return await self.ask(message, rules, question, about, show=False, link_request=link)

    def spawn(self, work: Coroutine[None, None, object]) -> None:
        """Run something small in the background, at most until `close`."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def abandon(self, channel: str, video_id: str) -> None:
        """Mark the channel's requests for a video as done, so that no restart resumes them."""
        for request in await self._context.requests.open(self._context.chat.name):
            if not isinstance(request, AskRequest) and _is_about(request, channel, video_id):
                await self._context.requests.save(replace(request, done=True))

    async def stop_questions(self, person: str) -> None:
        """Stop answering the person, and say so in place of what was written so far."""
        stopped = {
            runs: running.task
            for runs, running in self._running.items()
            if isinstance(running.task, AskTask) and running.task.request.origin.person == person
        }
        for runs in stopped:
            runs.cancel()
        if stopped:
            await asyncio.wait(stopped)
        for task in stopped.values():
            told = task.renderer.say("chat.stopped")
            for message in self._context.outbox.growing().get(task.request.id, ()):
                await message.finish(told)
            await task.end()

    def _watch_request(
        self, event: Event, rules: PlaceRules, number: int, language: str = ""
    ) -> WatchRequest:
        """`number`: of the event's videos, from 0. Only one thread can hang on a message."""
        return WatchRequest(
            id=f"{self._context.chat.name}:{event.id}:{number}",
            origin=self._origin(event, language or rules.language),
            message_id="" if number else _thread_parent(event),
            thread=event.where.place if event.where.is_thread else "",
        )

    def _origin(self, event: Event, language: str) -> RequestOrigin:
        where = event.where
        return RequestOrigin(
            platform=self._context.chat.name,
            place=where.place,
            channel=where.channel,
            server=where.server,
            person=event.author.id,
            language=language,
        )

    async def _accept(
        self,
        event: Event,
        rules: PlaceRules,
        request: WatchRequest | AskRequest,
        quotas: Sequence[Quota],
    ) -> Draft | None:
        used_up, is_first, is_stored = None, False, False
        # A request is lost by no error of the store: it is stored later, and uses no quota.
        with error_boundary():
            if not await self._context.requests.add(request):
                return None  # the event was delivered twice
            is_stored = True
            if quotas:
                used_up, is_first = await self._context.usage.take(quotas, datetime.now(UTC))
            await self._departures.note(event.where)
        if used_up is None:
            self._start(request, is_resumed=False, is_stored=is_stored)
            return None
        self.spawn(self._mark_done(request))
        if is_first:
            scope = used_up.scope.partition(":")[0]
            key = f"chat.quotas.{scope}_{used_up.kind}"
            return self._renderer(event, rules).say(key, most=used_up.most)
        return self._refuse(event, rules, "chat.quotas.again", most=used_up.most)

    async def _mark_done(self, request: WatchRequest | AskRequest) -> None:
        done = replace(request, done=True)
        await retry(lambda: self._context.requests.save(done), tries=math.inf)

    def _start(
        self, request: WatchRequest | AskRequest, *, is_resumed: bool, is_stored: bool = True
    ) -> None:
        if any(running.task.request.id == request.id for running in self._running.values()):
            return  # the event was delivered twice while the store failed
        renderer = self._context.renderer(request.origin.language)
        task: WatchTask | AskTask
        if isinstance(request, WatchRequest):
            task = WatchTask(self._context, request, renderer, self._summaries)
        else:
            task = AskTask(self._context, request, renderer, is_resumed)
        running = _Running(task, is_stored)
        runs = asyncio.create_task(self._run(running))
        self._running[runs] = running
        runs.add_done_callback(self._running.pop)

    async def _run(self, running: _Running) -> None:
        if error := await retry(lambda: self._try(running)):
            await self._give_up(running.task, error)

    async def _try(self, running: _Running) -> None:
        if not running.is_stored:
            await self._context.requests.add(running.task.request)
            running.is_stored = True
        task = running.task = running.task.again()
        if isinstance(task, AskTask):
            task.ingesting = self._ingesting(task.request.origin.channel, task.request.video_id)
        await task.run()

    async def _give_up(self, task: WatchTask | AskTask, error: Exception) -> None:
        """Tell the author of the last try's error, even if the store fails; then end the request,
        which no restart may begin again."""
        with error_boundary() as boundary:
            await task.fail(error)
        if boundary.error:
            place, reply = task.failure(error)
            self._context.outbox.post_unstored(place, reply, key=f"{task.request.id}:failed")
        await retry(lambda: self._end(task, error), tries=math.inf)

    async def _end(self, task: WatchTask | AskTask, error: Exception) -> None:
        for message in self._context.outbox.growing().get(task.request.id, ()):
            if message.entry.kind == "thread":
                await message.drop()
            else:
                await message.finish(task.failure(error)[1])
        await task.end()

    def _ingesting(self, channel: str, video_id: str) -> list[asyncio.Task[None]]:
        """The running tasks that add the video to the channel."""
        return [
            runs
            for runs, running in self._running.items()
            if video_id
            and isinstance(running.task, WatchTask)
            and _is_about(running.task.request, channel, video_id)
        ]

    async def _end_orphan(self, message: GrowingMessage) -> None:
        """End a message whose request was forgotten, or is not in a restored backup."""
        if message.entry.draft:
            await message.drop()
        else:
            await message.finish(self._context.renderer("").say("chat.stopped"))

    async def _purge_daily(self) -> None:
        while True:
            await asyncio.sleep(_DAY_S)
            with error_boundary():
                await self._purge()

    async def _purge(self) -> None:
        await self._context.requests.purge(datetime.now(UTC) - KEPT)

    def _refuse(self, event: Event, rules: PlaceRules, key: str, **facts: object) -> Draft | None:
        """Say nothing in front of others, unless the message was addressed to the bot."""
        if isinstance(event, Message) and not event.is_to_bot:
            return None
        return self._renderer(event, rules).say(key, **facts)

    def _renderer(self, event: Event, rules: PlaceRules) -> MessageRenderer:
        """Everybody sees the reply to a message; only the author that to a press or a command."""
        is_shared = isinstance(event, Message)
        return self._context.renderer(rules.language if is_shared else rules.private_language)


def summary_key(platform: str, event_id: str) -> str:
    """The key of the first message with the summary that the event asked for."""
    return f"{platform}:{event_id}:0:summary:0"


def _thread_parent(event: Event) -> str:
    """The message that a new thread hangs on. Threads cannot be nested."""
    if isinstance(event, Message):
        return "" if event.where.is_thread and not event.opens_thread else event.id
    return "" if event.where.is_thread else event.message_id


def _is_about(request: WatchRequest | SummaryRequest, channel: str, video_id: str) -> bool:
    return (request.origin.channel, request.video_id) == (channel, video_id)
