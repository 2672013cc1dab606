"""Post a video's summary, and make it again once the language model is back.

A summary made without the model stays open: its messages are edited when there is a better one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from bot.chat import Button, Draft
from bot.delivery.growing_message import GrowingMessage
from bot.handlers.buttons import create_buttons
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import error_boundary
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import RequestOrigin, StoredButton, SummaryRequest, WatchRequest
from core.errors import JobCancelled, UnknownVideo
from core.model import LLM_AWAY, Order, Ready

CHECK_EVERY_S = 60.0
"""How often to look whether the model is back."""
PAUSES_S = (600.0, 3600.0, 6 * 3600.0)
"""Pauses after a model that is there has failed; after the last one it is not asked again."""
WAIT_S = 7 * 24 * 3600.0
"""How long to wait for the model."""
_EMPTY = Draft(("…",))


@dataclass(slots=True)
class _Waiting:
    request: SummaryRequest
    failures: int = 0
    not_before_s: float = 0.0
    """On the loop's clock."""


@dataclass(slots=True)
class Summaries:
    """The summaries of one platform. Those that wait for the model are made one after the other."""

    context: HandlerContext
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    async def post(
        self, watch: WatchRequest, order: Order, ready: Ready, place: str, reply_to: str
    ) -> list[GrowingMessage]:
        """Post the summary. Calling it again after a kill posts nothing twice."""
        renderer = self.context.renderer(watch.origin.language)
        key = f"{watch.id}:summary"
        drafts = await self._drafts(watch.origin, ready, renderer, key, reply_to)
        keys = [f"{key}:{n}" for n in range(len(drafts))]
        outbox = self.context.outbox
        if LLM_AWAY not in ready.notes:
            return [
                await outbox.post(place, draft, key=key)
                for key, draft in zip(keys, drafts, strict=True)
            ]
        again = SummaryRequest(
            key,
            watch.origin,
            ready.video.id,
            place,
            order.key,
            order.file,
            order.language,
            time.time(),
            reply_to,
        )
        await self.context.requests.add(again)
        messages = [
            await outbox.grow(place, draft, key=key, owner=again.id)
            for key, draft in zip(keys, drafts, strict=True)
        ]
        self.add(again)
        return messages

    def add(self, request: SummaryRequest) -> None:
        """Make the summary again once the model is back."""
        self._waiting[request.id] = _Waiting(request)
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Stop. What waits is stored for the next start."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while await self._wanted.wait():
            await asyncio.sleep(CHECK_EVERY_S)
            if await self._is_model_there():
                for waiting in list(self._waiting.values()):
                    await self._try(waiting)
            await self._give_up_on_old()
            if not self._waiting:
                self._wanted.clear()

    async def _is_model_there(self) -> bool:
        with error_boundary():  # an error must not end the only task that looks
            return await self.context.core.has_language_model()
        return False

    async def _try(self, waiting: _Waiting) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s < waiting.not_before_s:
            return
        with error_boundary() as boundary:
            if await self._make_again(waiting.request):
                await self._finish(waiting.request)
                return
        if isinstance(boundary.error, JobCancelled | UnknownVideo):
            await self._finish(waiting.request)
        elif waiting.failures < len(PAUSES_S):
            waiting.not_before_s = now_s + PAUSES_S[waiting.failures]
            waiting.failures += 1
        else:
            await self._finish(waiting.request)

    async def _make_again(self, request: SummaryRequest) -> bool:
        """Make the summary and show it. False if the model has failed again."""
        core, channel = self.context.core, request.origin.channel
        await core.video(channel, request.video_id)  # raises UnknownVideo: it was forgotten
        order = Order(request.key, request.video_id, request.file, channel, request.language)
        async with aclosing(core.fulfil(order)) as events:
            async for event in events:
                ready = event
        assert isinstance(ready, Ready)
        if LLM_AWAY in ready.notes:
            return False
        renderer = self.context.renderer(request.origin.language)
        drafts = await self._drafts(
            request.origin, ready, renderer, f"{request.id}:again", request.reply_to
        )
        await self._replace(request, drafts)
        return True

    async def _replace(self, request: SummaryRequest, drafts: Sequence[Draft]) -> None:
        messages = self.context.outbox.growing().get(request.id, [])
        messages.sort(key=lambda message: message.entry.key)
        for message, draft in zip(messages, drafts, strict=False):
            await message.finish(draft)
        for message in messages[len(drafts) :]:
            await message.finish(_EMPTY)
        for n, draft in enumerate(drafts[len(messages) :], len(messages)):
            await self.context.outbox.post(request.place, draft, key=f"{request.id}:{n}")

    async def _give_up_on_old(self) -> None:
        for waiting in list(self._waiting.values()):
            if time.time() - waiting.request.since_s > WAIT_S:
                await self._finish(waiting.request)

    async def _finish(self, request: SummaryRequest) -> None:
        """Leave the messages as they are, for good."""
        with error_boundary():
            for message in self.context.outbox.growing().get(request.id, ()):
                await message.drop()
            await self.context.requests.save(replace(request, done=True))
            self._waiting.pop(request.id, None)

    async def _drafts(
        self,
        origin: RequestOrigin,
        ready: Ready,
        renderer: MessageRenderer,
        key: str,
        reply_to: str,
    ) -> list[Draft]:
        """`key`: for the buttons' ids."""
        buttons = await self._buttons(origin, ready, renderer, key)
        first, *more = renderer.summary(ready, buttons)
        return [replace(first, reply_to=reply_to), *more]

    async def _buttons(
        self, origin: RequestOrigin, ready: Ready, renderer: MessageRenderer, key: str
    ) -> list[Button]:
        about, questions = (origin.channel, ready.video.id), ready.summary.questions
        wanted = [StoredButton("", *about, "ask", text) for text in questions]
        others = [StoredButton("", *about, action) for action in ("transcript", "chapters", "more")]
        labels = [renderer.words(f"chat.buttons.{button.action}") for button in others]
        return await create_buttons(self.context, key, [*wanted, *others], [*questions, *labels])
