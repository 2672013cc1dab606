"""What is forgotten is gone from every byte of the data folder: through the bot's own handlers, the
real store, jobs and caches (#12)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from bot.chat import Command, Message, Person, Upload, Where
from bot.config import Config
from bot.handlers.incoming import Handlers
from bot.serve import handling
from bot.words import Words
from core.backends.storage.sqlite_copy import copy
from core.backends.storage.store import open_store, sqlite_url
from core.backup.daily_copies import FOLDER, copies, keep_copy
from core.backup.outdated_copies import StoreCopies
from core.bootstrap import ChatCore, open_chat_core
from core.config import Embedding, Llm
from core.model import Video
from tests.fakes.chat import FakeChat
from tests.harness.eventually import eventually
from tests.harness.onnx_model import onnx_minilm
from tests.harness.residue import residue, vectors_of
from tests.harness.terminal import Terminal

TITLE, SPEECH, QUESTION = "Zanquilt", "bromfyx", "plivoxen"
SAID = (
    f"1\n00:00:00,000 --> 00:00:04,000\nThe {SPEECH} was found by Nora Lee in Arden.\n\n"
    "2\n00:00:05,000 --> 00:00:09,000\nA worker bee visits ninety flowers on a good day.\n"
)
STORE = "tubethread.db"
HERE = Where("hive", "fake:hive", "server")
MODERATOR = Person("fake:9", "Mo", is_moderator=True)
ADA = Person("fake:7", "Ada")
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
    async with (
        open_chat_core(config, stays=True, works=True) as core,
        handling(chat, core, config, WORDS) as handlers,
    ):
        yield Bot(chat, core, handlers, data, count(1))


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot in whose channel a file was summarised and questions were asked and answered."""
    async with running(tmp_path / "data", FakeChat()) as bot:
        await bot.watch(HERE, TITLE, SAID)
        thread = bot.chat.threads[0]
        inside = replace(HERE, place=f"{thread.place}/{thread.id}", is_thread=True)
        await bot.ask(inside, f"Where was the {SPEECH} found, dear {QUESTION}?")
        await bot.ask(HERE, f"Who found the {SPEECH}, dear {QUESTION}?")
        yield bot


async def canaries(bot: Bot) -> list[str | bytes]:
    """What is to be gone. Copies of the store hold it too."""
    await make_copies(bot.data)
    found: list[str | bytes] = [TITLE, SPEECH, QUESTION, *vectors_of(bot.data / STORE)]
    texts = {name.partition(":")[2].split()[0] for name in residue(bot.data, found)}
    assert len(texts) == len(found), "each is there before it is forgotten"
    assert SPEECH in str(bot.chat.messages[-1].draft), "the question was answered"
    return found


async def make_copies(data: Path) -> None:
    """Two daily copies, and one that a restore kept."""
    file, folder = data / STORE, data / FOLDER
    for day in range(2):
        await keep_copy(folder, file, partial(copy, file), day * 86_400.0)
    shutil.copy(copies(folder)[0], data / "tubethread-before-1970-01-01-000000.db")


async def replace_copies(data: Path) -> None:
    """Do now what the running bot does within the hour."""
    file = data / STORE
    async with open_store(sqlite_url(file)) as store:
        kept = StoreCopies(data / FOLDER, file, partial(copy, file), store.outdated_copies)
        assert await kept.replace_outdated()
    assert len(copies(data / FOLDER)) == 1, "there is still one to restore"


async def test_a_forgotten_video_leaves_no_byte(bot):
    gone = await canaries(bot)
    reply = await bot.command(HERE, "forget", video=TITLE)
    assert "Deleted 1 video." in reply
    assert WORDS["en"]("videos.copies") in reply
    assert residue(bot.data, gone), "the copies"
    await replace_copies(bot.data)
    assert residue(bot.data, gone) == []


async def test_a_deleted_channel_leaves_no_byte(bot):
    gone = await canaries(bot)
    await bot.handlers.place_gone(HERE.place)
    await replace_copies(bot.data)
    assert residue(bot.data, gone) == []


async def test_who_asks_to_be_forgotten_leaves_no_byte_and_others_stay(bot):
    await bot.ask(HERE, f"Who found the {SPEECH}, my quorvish?", ADA)
    await make_copies(bot.data)
    assert residue(bot.data, [QUESTION, "quorvish"])
    reply = await bot.command(HERE, "forget", video="me")
    assert "Deleted 2 questions" in reply
    assert "What stays: videos" in reply
    assert WORDS["en"]("videos.copies") in reply
    await replace_copies(bot.data)
    assert residue(bot.data, [QUESTION]) == []
    assert residue(bot.data, ["quorvish"])
    assert residue(bot.data, [TITLE]), "the video belongs to the channel"


async def test_another_process_forgets_a_person(bot):
    await make_copies(bot.data)
    await asyncio.to_thread(run_elsewhere, bot.data, "--person", f"fake:{MODERATOR.id}")
    assert residue(bot.data, [QUESTION]) == []
    assert residue(bot.data, [TITLE])


def forget_elsewhere(data: Path) -> None:
    run_elsewhere(data, "--channel", HERE.channel)


def run_elsewhere(data: Path, *arguments: str) -> None:
    """Run `forget` in a process of its own."""
    ran = Terminal(data.parent).run("forget", *arguments)
    assert ran.code == 0, ran.err
    assert WORDS["en"]("videos.copies_replaced") in ran.err


async def test_what_another_process_forgets_leaves_the_caches_at_their_next_check(bot):
    gone = await canaries(bot)
    await asyncio.to_thread(forget_elsewhere, bot.data)
    assert residue(bot.data, gone), "the other process cannot open the caches"
    await bot.core.pipeline.check_caches()
    assert residue(bot.data, gone) == []


async def test_videos_that_a_stop_left_are_deleted_at_the_next_opening(tmp_path):
    url = sqlite_url(tmp_path / "tubethread.db")
    async with open_store(url) as store:
        for number in range(20):
            await store.videos.save(Video(f"v{number}", f"{TITLE} {number}"))
            await store.library.add("hive", f"v{number}")
        forgetting = asyncio.create_task(store.library.forget("hive"))
        while await store.library.count("hive"):  # noqa: ASYNC110 – the store has no notifications
            await asyncio.sleep(0.001)
        forgetting.cancel()
        await asyncio.wait([forgetting])
        assert await store.videos.get("v0") or await store.videos.get("v19")
    async with open_store(url):
        pass
    assert residue(tmp_path, [TITLE]) == []
