"""People, a chat platform, our handlers and the core together, all in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from bot.chat import Button, Command, Draft, Message, Person, Press, Where
from bot.config import Config
from bot.delivery.outbox import open_outbox
from bot.handlers.context import HandlerContext
from bot.handlers.incoming import Handlers
from bot.rendering.chat_messages import MessageRenderer
from bot.words import Words
from core.chat_records import SummaryRequest
from core.ports import Prompt
from tests.fakes.chat import FakeChat, Shown
from tests.fakes.store import records_of
from tests.harness.fake_core import FakeCore

ADA = Person("1", "Ada")
BOB = Person("2", "Bob")
MODERATOR = Person("9", "Mo", is_moderator=True)
HERE = Where("a", "fake:a", "server")
ELSEWHERE = Where("b", "fake:b", "server")
BEES_LINK = "https://youtu.be/aaaaaaaaaaa"
QUEEN = "Who found the queen of the hive in Arden?"

SUMMARY = {
    "topic": "Bees",
    "points": [{"text": "Nora Lee found the queen.", "segment": 2}],
    "chapters": [{"title": "Bees", "segment": 1}],
    "hashtags": ["bees"],
    "questions": ["Who found the queen?", "How many flowers?", "Where is Kelso?"],
}
QUESTIONS = {"questions": ["What else?", "And then?", "Who says so?"]}

ANSWER_BUTTONS = (3, 4)
"""Three questions, and the places of an answer that cites any."""

WORDS = {"en": Words("en"), "ko": Words("ko")}


@dataclass
class Speaker:
    """`LanguageModel` that answers every question with `says`, word by word with a pause before
    each. `questions`: the ones its summaries suggest."""

    says: str
    pause_s: float = 0.0
    questions: tuple[str, ...] = tuple(SUMMARY["questions"])
    name: str = "speaker"
    num_ctx: int = 16_384
    asked: list[Prompt] = field(default_factory=list)

    def tokens(self, text: str) -> int:
        return len(text) // 4 + 1

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        self.asked.append(prompt)
        for word in self.says.split(" "):
            await asyncio.sleep(self.pause_s)
            yield f"{word} "

    async def complete(self, prompt: Prompt, *, schema: dict[str, Any], **_: Any) -> str:
        summary = SUMMARY | {"questions": self.questions}
        return json.dumps(summary if "topic" in schema["properties"] else QUESTIONS)


class Scene:
    """The chat platform and everything behind it; create it with `open_scene`. The platform and the
    store survive a kill."""

    def __init__(self, world: FakeCore, chat: FakeChat, config: Config) -> None:
        self.world, self.chat, self.config = world, chat, config
        self.store = world.store
        self.core = world.pipeline()
        self._open = AsyncExitStack()
        self._ids = count(1)

    async def begin(self) -> None:
        self.chat.forget_the_caller()
        self._open = AsyncExitStack()
        store = self.store
        fallback = MessageRenderer(self.chat, WORDS["en"]).say("chat.not_shown")
        outbox = await self._open.enter_async_context(
            open_outbox(self.chat, store.outbox_entries, fallback)
        )
        people = records_of(store)
        context = HandlerContext(self.chat, outbox, self.core, *people, self.config, WORDS)
        self.handlers = Handlers(context)
        self._open.push_async_callback(self.handlers.requests.close)
        await self.handlers.requests.resume()

    async def end(self) -> None:
        await self._open.aclose()

    async def restart(self) -> None:
        await self.end()
        await self.begin()

    async def settle(self) -> None:
        """Wait until all requested work is done and delivered."""
        async with asyncio.timeout(24 * 3600):
            while await self._unsettled():  # noqa: ASYNC110 – the store has no notifications
                await asyncio.sleep(0.5)

    async def _unsettled(self) -> bool:
        """A summary that waits for the language model may wait for days."""
        undone = await self.store.requests.open(self.chat.name)
        waiting = {request.id for request in undone if isinstance(request, SummaryRequest)}
        messages = await self.store.outbox_entries.unfinished(self.chat.name)
        unsent = [one for one in messages if one.pending or one.owner not in waiting]
        return len(undone) > len(waiting) or bool(unsent)

    async def write(self, text: str, where: Where = HERE, author: Person = ADA, **more) -> Message:
        message = Message(where, more.pop("id", f"e{next(self._ids)}"), author, text, **more)
        await self.handlers.message(message)
        return message

    async def press(
        self, shown: Shown, label: str, author: Person = ADA, where: Where | None = None
    ) -> Draft | None:
        button = next(one for one in shown.draft.buttons if one.label == label)
        where = where or self.inside(shown.place)
        event = Press(where, f"e{next(self._ids)}", shown.id, author, button.id)
        return await self.handlers.press(event)

    async def command(
        self, name: str, where: Where = HERE, author: Person = ADA, **options: str
    ) -> str:
        """Run a command; return the reply that only the person sees."""
        event = self.command_event(name, where, author, **options)
        draft = await self.handlers.command(event)
        return draft.text if draft else ""

    def command_event(
        self, name: str, where: Where = HERE, author: Person = ADA, **options: str
    ) -> Command:
        options = {key.rstrip("_"): value for key, value in options.items()}
        return Command(where, f"e{next(self._ids)}", author, name, options)

    async def watched(self, link: str = BEES_LINK, where: Where = HERE) -> Where:
        """Post a link; return the thread in which the video is summarised."""
        before = len(self.chat.threads)
        await self.write(link, where)
        await self.settle()
        thread = self.chat.threads[before]
        return self.inside(f"{thread.place}/{thread.id}")

    def inside(self, place: str) -> Where:
        channel = place.partition("/")[0]
        return Where(place, f"fake:{channel}", "server", is_thread="/" in place)

    def shown(self, where: Where) -> list[Shown]:
        return [one for one in self.chat.messages if one.place == where.place]

    def summary(self, where: Where) -> Shown:
        """The newest message with all six summary buttons."""
        return [one for one in self.shown(where) if len(one.draft.buttons) == 6][-1]

    def buttons(self, where: Where) -> list[Button]:
        return [button for one in self.shown(where) for button in one.draft.buttons]


@asynccontextmanager
async def open_scene(
    scratch: Path, chat: FakeChat | None = None, config: Config | None = None, **world: Any
) -> AsyncIterator[Scene]:
    """Open a scene. `world`: FakeCore's arguments."""
    scene = Scene(FakeCore(scratch, **world), chat or FakeChat(), config or Config())
    await scene.begin()
    try:
        yield scene
        assert scene.chat.offences == []
    finally:
        await scene.end()


def in_korean(person: Person) -> Person:
    return replace(person, language="ko")
