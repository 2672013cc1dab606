"""This file answers a question in a chat: it streams, and ends with its sources and three buttons.

Every message has a key made of the request, so that whoever takes it up after a kill goes on with
what people already see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from bot.chat import ChatError, Draft
from bot.delivery.growing_message import GrowingMessage
from bot.handlers.buttons import made
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import catching
from bot.handlers.private_chats import turn_to
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import AskRequest, PlaceBinding, StoredButton
from core.model import Answer, Video

_TYPING_S = 8.0
"""Both platforms show it for five to ten seconds."""
_AT_ONCE = 20
"""How many questions of one conversation may have been answered at the time of a kill."""
_SHOWN_S = 0.3
"""So old may a text be when its turn comes to be sent."""
_NOTHING = Draft(("…",))


@dataclass(slots=True)
class AskTask:
    """One request being fulfilled."""

    context: HandlerContext
    request: AskRequest
    renderer: MessageRenderer
    watching: Collection[asyncio.Task[None]] = ()
    """What will bring the channel the video, if it is not there yet."""
    lives: list[GrowingMessage] = field(default_factory=list)

    async def fulfil(self, *, again: bool) -> None:
        """Returns when people will see the answer. `again`: it was begun before a kill."""
        with catching() as caught:
            if not again:
                await turn_to(self.context, self.request, self._room)
            await self._show_question()
            if again:
                await self._take_up()
            await self._wait()
            answer = (await self._answered() if again else None) or await self._answer()
            await self._finish(await self._drafts(answer))
        if caught.error:
            await self._finish([self.renderer.failed(caught.error)])
        await self._bind()
        await self.context.requests.save(replace(self.request, done=True))

    async def _show_question(self) -> None:
        request = self.request
        if request.asker:
            asked = self.renderer.asked(request.asker, request.question)
            asked = replace(asked, reply_to=request.message_id)
            await self.context.outbox.post(request.origin.place, asked, key=f"{request.id}:asked")

    async def _take_up(self) -> None:
        """The messages that people see of it."""
        lives = self.context.outbox.growing().get(self.request.id, ())
        numbers = [int(live.effect.key.rpartition(":")[2]) for live in lives]
        for _ in range(max(numbers, default=-1) + 1):
            await self._grow(_NOTHING)

    async def _wait(self) -> None:
        """For a video that is being taken in."""
        request = self.request
        core = self.context.core
        if self.watching and not await core.knows(request.origin.channel, request.video_id):
            await self._show([self.renderer.say("chat.later")])
            await asyncio.wait(self.watching)

    async def _answered(self) -> Answer | None:
        """What was answered just before the kill."""
        request = self.request
        turns = await self.context.core.turns(request.origin.channel, request.thread, _AT_ONCE)
        own = (turn.answer for turn in reversed(turns) if turn.question == request.question)
        return next(own, None)

    async def _answer(self) -> Answer:
        request, text, next_s = self.request, "", 0.0
        stream = self.context.core.answer(
            request.question,
            request.origin.channel,
            request.video_id or None,
            request.thread,
            _unheard,
        )
        async with self._typing(), aclosing(stream) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answer):
                    return piece
                text += piece
                if (now := asyncio.get_running_loop().time()) >= next_s:
                    await self._sketch(self.renderer.growing(text))
                    next_s = now + min(self.context.chat.edit_interval_s, _SHOWN_S)
        raise AssertionError("the core ends with an Answer")

    async def _drafts(self, answer: Answer) -> list[Draft]:
        request = self.request
        asked = await self._videos_asked(answer)
        is_clear = await self._is_clear()
        titles = {} if is_clear else {video.id: video.title for video in asked}
        about = request.video_id or _the_one(answer)
        wanted = [
            StoredButton("", request.origin.channel, about, "ask", q) for q in answer.questions
        ]
        buttons = await made(self.context, request.id, wanted, answer.questions)
        return self.renderer.answer(answer, titles, buttons)

    async def _videos_asked(self, answer: Answer) -> list[Video]:
        """The video asked about; of a whole channel the cited videos, and two of its others if it
        has as many, so that one title stands for a channel of one video only."""
        request, core = self.request, self.context.core
        if request.video_id:
            return [await core.video(request.origin.channel, request.video_id)]
        cited = {citation.video_id for citation in answer.citations}
        videos = await core.videos_by_id(request.origin.channel, list(cited))
        return [*videos, *await core.newest(request.origin.channel, 2)]

    async def _is_clear(self) -> bool:
        """Only in a place about one video can everybody see which one is meant."""
        request = self.request
        place = await self.context.bindings.find(request.origin.platform, request.origin.place)
        return bool(request.origin.server and place and place.video_id == request.video_id)

    async def _sketch(self, drafts: list[Draft]) -> None:
        """Without a message, where the platform can and as long as one is enough."""
        chat, request = self.context.chat, self.request
        is_one = not self.lives and len(drafts) == 1
        if not (is_one and await chat.preview(request.origin.place, drafts[0], request.id)):
            await self._show(drafts)

    async def _show(self, drafts: list[Draft]) -> None:
        for n, draft in enumerate(self._replying(drafts)):
            if n < len(self.lives):
                self.lives[n].show(draft)
            else:
                await self._grow(draft)

    async def _finish(self, drafts: list[Draft]) -> None:
        drafts = self._replying(drafts)
        for draft in drafts[len(self.lives) :]:
            await self._grow(draft)
        for live, draft in zip(self.lives, drafts, strict=False):
            await live.finish(draft)
        for live in self.lives[len(drafts) :]:  # the text has got shorter by its links
            await live.finish(_NOTHING)

    def _replying(self, drafts: list[Draft]) -> list[Draft]:
        """To the question, or below it where we said it ourselves."""
        reply_to = "" if self.request.asker else self.request.message_id
        return [replace(drafts[0], reply_to=reply_to), *drafts[1:]]

    async def _grow(self, draft: Draft) -> None:
        request = self.request
        key = f"{request.id}:{len(self.lives)}"
        self.lives.append(
            await self.context.outbox.grow(request.origin.place, draft, key=key, owner=request.id)
        )

    async def _bind(self) -> None:
        """Where a conversation hangs on messages, what replies to the answer goes on with it."""
        request = self.request
        if request.thread == request.origin.place:
            return
        for live in self.lives:
            if message_id := await live.seen():
                await self.context.bindings.bind(
                    request.origin.platform, request.origin.place, message_id, self._room
                )

    @property
    def _room(self) -> PlaceBinding:
        return PlaceBinding(self.request.origin.channel, self.request.video_id, self.request.thread)

    @asynccontextmanager
    async def _typing(self) -> AsyncIterator[None]:
        async def show() -> None:
            while not self.lives:
                with suppress(ChatError):
                    await self.context.chat.show_typing(self.request.origin.place)
                await asyncio.sleep(_TYPING_S)

        showing = asyncio.create_task(show())
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)


def _the_one(answer: Answer) -> str:
    """The video that all of the answer rests on, or ""."""
    cited = {citation.video_id for citation in answer.citations}
    return cited.pop() if len(cited) == 1 else ""


def _unheard(progress: object) -> None:
    """A question's loading shows as typing."""
