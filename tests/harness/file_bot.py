"""Run the bot over a data folder, with its real store, jobs and caches, on a chat platform in
memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bot.chat import Command, Message, Person, Upload, Where
from bot.config import Config
from bot.handlers.incoming import Handlers
from bot.serve import handling
from bot.words import Words
from core.bootstrap import ChatCore, open_chat_core
from core.config import Embedding, Llm
from tests.fakes.chat import FakeChat
from tests.harness.eventually import eventually
from tests.harness.onnx_model import onnx_minilm

MODERATOR = Person("fake:9", "Mo", is_moderator=True)
WORDS = {"en": Words("en"), "ko": Words("ko")}


@dataclass
class Bot:
    """The bot over a data folder, on a chat platform in memory."""

    chat: FakeChat
    core: ChatCore
    handlers: Handlers
    data: Path
    ids: count[int]

    async def watch(self, where: Where, title: str, said: str) -> None:
        """Send a file with subtitles and wait for its summary."""
        number = f"e{next(self.ids)}"
        self.chat.uploads[number] = said.encode()
        file = Upload(number, f"{title}.srt", len(said))
        await self.handlers.message(
            Message(where, number, MODERATOR, "", is_to_bot=True, file=file)
        )
        await self.settle()

    async def ask(self, where: Where, question: str, person: Person = MODERATOR) -> None:
        message = Message(where, f"e{next(self.ids)}", person, question, is_to_bot=True)
        await self.handlers.message(message)
        await self.settle()

    async def command(self, where: Where, name: str, **options: str) -> str:
        event = Command(where, f"e{next(self.ids)}", MODERATOR, name, options)
        draft = await self.handlers.command(event)
        return draft.text if draft else ""

    async def settle(self) -> None:
        async def settled() -> bool:
            records = self.core.records
            return not (
                await records.requests.open("fake")
                or await records.outbox_entries.unfinished("fake")
            )

        await eventually(settled, patience_s=60)


@asynccontextmanager
async def running(data: Path, chat: FakeChat) -> AsyncIterator[Bot]:
    embedding = Embedding(engine="onnx", model=onnx_minilm())
    config = Config(data_dir=data, llm=Llm(engine="extractive"), embedding=embedding)
    async with open_chat_core(config, stays=True, works=True) as core, AsyncExitStack() as stack:
        await core.pipeline.start_jobs()  # before the handlers write, as in bot/serve.py
        handlers = await stack.enter_async_context(handling(chat, core, config, WORDS))
        yield Bot(chat, core, handlers, data, count(1))
