"""Answer a question in a chat: stream the answer, then add its citations and three buttons.

Message keys derive from the request's id, so that a task resumed after a kill continues the
messages that people already see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from bot.chat import ChatError, Draft
from bot.delivery.growing_message import GrowingMessage
from bot.handlers.buttons import create_buttons
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import error_boundary
from bot.handlers.private_chats import switch_conversation
from bot.handlers.proof_pages import PROOF, ProofPage
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import AskRequest, PlaceBinding, StoredButton
from core.model import ELSEWHERE, Answer, Asker, Video

_TYPING_S = 8.0
"""Interval of typing indicators. Both platforms show one for five to ten seconds."""
_RECENT_TURNS = 20
"""How many turns to search for an answer that was complete before a kill."""
_MAX_REFRESH_S = 0.3
"""Longest interval between two drafts of a growing answer."""
_EMPTY = Draft(("…",))


@dataclass(slots=True)
class AskTask:
    """A question being answered. `is_resumed`: begun earlier, by this process or before a kill.
    `ingesting`: running tasks that add its video to the channel."""

    context: HandlerContext
    request: AskRequest
    renderer: MessageRenderer
    is_resumed: bool = False
    ingesting: Collection[asyncio.Task[None]] = ()
    messages: list[GrowingMessage] = field(default_factory=list)

    def again(self) -> AskTask:
        """The same task to be run once more, as after a kill."""
        return AskTask(self.context, self.request, self.renderer, self.is_resumed)

    async def run(self) -> None:
        """Answer and deliver the answer, or an error. Raises StoreBroken, and unexpected errors."""
        is_resumed = self.is_resumed
        with error_boundary() as boundary:
            if self.request.link_request and not await self._follow_link():
                await self.end()
                return
            if not is_resumed:
                await switch_conversation(self.context, self.request, self._conversation)
            self.is_resumed = True
            await self._show_question()
            if is_resumed:
                await self._resume_messages()
            await self._wait_for_video()
            answer = (await self._stored_answer() if is_resumed else None) or await self._answer()
            await self._finish(await self._drafts(answer))
        boundary.raise_if_store_broken()
        if boundary.error:
            await self.fail(boundary.error)
        await self._bind()
        await self.end()

    async def fail(self, error: Exception) -> None:
        """Tell what went wrong."""
        await self._finish([self.renderer.failed(error)])

    def failure(self, error: Exception) -> tuple[str, Draft]:
        """Where to tell of an error, and how."""
        [reply] = self._replying([self.renderer.failed(error)])
        return self.request.origin.place, reply

    async def end(self) -> None:
        """Mark the request as done."""
        await self.context.requests.save(replace(self.request, done=True))

    async def _follow_link(self) -> bool:
        """Wait for the linked video's summary, and answer where it is. False if there is none: why
        not is told there already."""
        if self.ingesting:
            await asyncio.wait(self.ingesting)
        request, channel = self.request, self.request.origin.channel
        if not await self.context.core.knows(channel, request.video_id):
            return False
        place = "" if request.is_in_thread else await self._thread_of_link()
        if place:
            origin = replace(request.origin, place=place)
            request = replace(request, origin=origin, thread=place, message_id="")
        self.request = replace(request, link_request="")
        return True

    async def _thread_of_link(self) -> str:
        """The thread that the link's request has opened, by its key; "" if there is none."""
        request = self.request
        thread = await self.context.outbox.open_thread(
            request.origin.place,
            self.renderer.title(None),
            key=f"{request.link_request}:thread",
            owner=request.link_request,
            message_id=request.message_id,
        )
        place = await thread.delivered()
        return "" if place == request.origin.place else place

    async def _show_question(self) -> None:
        request = self.request
        if request.asker:
            asked = self.renderer.asked(request.asker, request.question)
            asked = replace(asked, reply_to=request.message_id)
            await self.context.outbox.post(request.origin.place, asked, key=f"{request.id}:asked")

    async def _resume_messages(self) -> None:
        """Continue the messages that were posted before the kill."""
        messages = self.context.outbox.growing().get(self.request.id, ())
        numbers = [int(message.entry.key.rpartition(":")[2]) for message in messages]
        for _ in range(max(numbers, default=-1) + 1):
            await self._grow(_EMPTY)

    async def _wait_for_video(self) -> None:
        """Wait for a video that is still being processed."""
        request = self.request
        core = self.context.core
        if self.ingesting and not await core.knows(request.origin.channel, request.video_id):
            await self._show([self.renderer.say("chat.later")])
            await asyncio.wait(self.ingesting)

    async def _stored_answer(self) -> Answer | None:
        """The answer that was complete before the kill, if any."""
        request = self.request
        turns = await self.context.core.turns(request.origin.channel, request.thread, _RECENT_TURNS)
        matching = (turn.answer for turn in reversed(turns) if turn.question == request.question)
        return next(matching, None)

    async def _answer(self) -> Answer:
        request, text, next_s = self.request, "", 0.0
        stream = self.context.core.answer(
            request.question,
            request.origin.channel,
            request.video_id or None,
            request.thread,
            _ignore_progress,
            self._asker,
        )
        async with self._typing(), aclosing(stream) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answer):
                    return piece
                text += piece
                if (now := asyncio.get_running_loop().time()) >= next_s:
                    await self._preview(self.renderer.growing(text))
                    next_s = now + min(self.context.chat.edit_interval_s, _MAX_REFRESH_S)
        raise AssertionError("the core ends with an Answer")

    async def _drafts(self, answer: Answer) -> list[Draft]:
        request = self.request
        asked = await self._videos_asked(answer)
        is_video_clear = ELSEWHERE not in answer.notes and await self._is_video_clear()
        titles = {} if is_video_clear else {video.id: video.title for video in asked}
        about = request.video_id or _only_video(answer)
        wanted = [
            StoredButton("", request.origin.channel, about, "ask", q) for q in answer.questions
        ]
        labels = list(answer.questions)
        if answer.citations:
            page = ProofPage(request.origin.channel, about, request.thread, request.question)
            wanted.append(page.button())
            labels.append(self.renderer.words(f"chat.buttons.{PROOF}"))
        buttons = await create_buttons(self.context, request.id, wanted, labels)
        return self.renderer.answer(answer, titles, buttons)

    async def _videos_asked(self, answer: Answer) -> list[Video]:
        """The video of the question and the cited ones; for all videos of the channel also the
        newest two, so that there is one title only if the channel has one video."""
        request, core = self.request, self.context.core
        cited = {citation.video_id for citation in answer.citations}
        if request.video_id:
            own = await core.video(request.origin.channel, request.video_id)
            return [own, *await core.videos_by_id(request.origin.channel, list(cited - {own.id}))]
        videos = await core.videos_by_id(request.origin.channel, list(cited))
        return [*videos, *await core.newest(request.origin.channel, 2)]

    async def _is_video_clear(self) -> bool:
        """Whether everybody at the place can see which video the question is about."""
        request = self.request
        place = await self.context.bindings.find(request.origin.platform, request.origin.place)
        return bool(request.origin.server and place and place.video_id == request.video_id)

    async def _preview(self, drafts: list[Draft]) -> None:
        """Show unfinished text: as a preview while one message is enough, else as messages."""
        chat, request = self.context.chat, self.request
        is_one = not self.messages and len(drafts) == 1
        if not (is_one and await chat.preview(request.origin.place, drafts[0], request.id)):
            await self._show(drafts)

    async def _show(self, drafts: list[Draft]) -> None:
        for n, draft in enumerate(self._replying(drafts)):
            if n < len(self.messages):
                self.messages[n].show(draft)
            else:
                await self._grow(draft)

    async def _finish(self, drafts: list[Draft]) -> None:
        drafts = self._replying(drafts)
        for draft in drafts[len(self.messages) :]:
            await self._grow(draft)
        for message, draft in zip(self.messages, drafts, strict=False):
            await message.finish(draft)
        for message in self.messages[len(drafts) :]:  # adding links can shorten the text
            await message.finish(_EMPTY)

    def _replying(self, drafts: list[Draft]) -> list[Draft]:
        """Let the first draft reply to the question, unless the bot posted the question itself."""
        reply_to = "" if self.request.asker else self.request.message_id
        return [replace(drafts[0], reply_to=reply_to), *drafts[1:]]

    async def _grow(self, draft: Draft) -> None:
        request = self.request
        key = f"{request.id}:{len(self.messages)}"
        self.messages.append(
            await self.context.outbox.grow(request.origin.place, draft, key=key, owner=request.id)
        )

    async def _bind(self) -> None:
        """Let replies to the answer continue its conversation, where the place has several."""
        request = self.request
        if request.thread == request.origin.place:
            return
        for message in self.messages:
            if message_id := await message.delivered():
                await self.context.bindings.bind(
                    request.origin.platform, request.origin.place, message_id, self._conversation
                )

    @property
    def _asker(self) -> Asker:
        origin = self.request.origin
        person = f"{origin.platform}:{origin.person}"
        return Asker(origin.language, person, self.request.id)

    @property
    def _conversation(self) -> PlaceBinding:
        return PlaceBinding(self.request.origin.channel, self.request.video_id, self.request.thread)

    @asynccontextmanager
    async def _typing(self) -> AsyncIterator[None]:
        async def show() -> None:
            while not self.messages:
                with suppress(ChatError):
                    await self.context.chat.show_typing(self.request.origin.place)
                await asyncio.sleep(_TYPING_S)

        typing = asyncio.create_task(show())
        try:
            yield
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)


def _only_video(answer: Answer) -> str:
    """The id of the only video that the answer cites, or ""."""
    cited = {citation.video_id for citation in answer.citations}
    return cited.pop() if len(cited) == 1 else ""


def _ignore_progress(progress: object) -> None:
    """The typing indicator already shows that a model is loading."""
