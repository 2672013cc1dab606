"""What is forgotten is gone from every byte of the data folder: through the bot's own handlers, the
real store, jobs and caches (#12)."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.chat import Person, Where
from bot.handlers.departures import GRACE
from core.backends.storage.sqlite_copy import copy
from core.backends.storage.store import open_store, sqlite_url
from core.backup.daily_copies import FOLDER, copies, keep_copy
from core.backup.outdated_copies import StoreCopies
from core.model import Video
from tests.fakes.chat import FakeChat
from tests.harness.file_bot import MODERATOR, WORDS, Bot, running
from tests.harness.residue import residue, vectors_of
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.usefixtures("forked_children")

TITLE, SPEECH, QUESTION = "Zanquilt", "bromfyx", "plivoxen"
SAID = (
    f"1\n00:00:00,000 --> 00:00:04,000\nThe {SPEECH} was found by Nora Lee in Arden.\n\n"
    "2\n00:00:05,000 --> 00:00:09,000\nA worker bee visits ninety flowers on a good day.\n"
)
STORE = "tubethread.db"
HERE = Where("hive", "fake:hive", "server")
THERE = Where("den", "fake:den", "other")
ADA = Person("fake:7", "Ada")


@asynccontextmanager
async def full_bot(data: Path) -> AsyncIterator[Bot]:
    """A bot in whose channel a file was summarised and questions were asked and answered."""
    async with running(data, FakeChat()) as bot:
        await bot.watch(HERE, TITLE, SAID)
        thread = bot.chat.threads[0]
        inside = replace(HERE, place=f"{thread.place}/{thread.id}", is_thread=True)
        await bot.ask(inside, f"Where was the {SPEECH} found, dear {QUESTION}?")
        await bot.ask(HERE, f"Who found the {SPEECH}, dear {QUESTION}?")
        assert SPEECH in str(bot.chat.messages[-1].draft), "it is answered"
        yield bot


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with full_bot(tmp_path / "data") as bot:
        yield bot


async def canaries(bot: Bot) -> list[str | bytes]:
    """What is to be gone. Copies of the store hold it too."""
    await make_copies(bot.data)
    found: list[str | bytes] = [TITLE, SPEECH, QUESTION, *vectors_of(bot.data / STORE)]
    texts = {name.partition(":")[2].split()[0] for name in residue(bot.data, found)}
    assert len(texts) == len(found), "each is there before it is forgotten"
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


async def test_a_deleted_channel_leaves_no_byte_nor_does_a_server_left_by_a_bot_that_is_killed(
    tmp_path,
):
    data = tmp_path / "data"
    async with full_bot(data) as bot:
        await bot.watch(THERE, "Wexlund", SAID.replace(SPEECH, "drimquat"))
        gone, deleted = await canaries(bot), ["Wexlund", "drimquat"]
        assert residue(data, deleted)
        await bot.handlers.place_gone(THERE.place)
        await replace_copies(data)
        assert residue(data, deleted) == []
        await make_copies(data)
        await bot.handlers.removed(HERE.server, [])
        await bot.handlers.departures.forget_left(datetime.now(UTC))
        assert residue(data, gone), "it may be invited again"
    later = GRACE + timedelta(minutes=1)
    killed = await asyncio.to_thread(forget_and_die, data, later)
    assert killed == -signal.SIGKILL
    left = " ".join(residue(data, gone))
    assert all(kept in left for kept in (STORE, "cache", FOLDER)), "it came in between"
    async with running(data, FakeChat()) as bot:
        await bot.handlers.departures.forget_left(datetime.now(UTC) + later)
        await bot.core.pipeline.check_caches()
        await replace_copies(data)
        assert residue(data, gone) == []


def forget_and_die(data: Path, later: timedelta) -> int:
    script = [sys.executable, "-m", "tests.harness.forgetting_process"]
    return subprocess.run([*script, str(data), str(later.total_seconds())], check=False).returncode


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


def run_elsewhere(data: Path, *arguments: str) -> None:
    """Run `forget` in a process of its own."""
    ran = Terminal(data.parent).run("forget", *arguments)
    assert ran.code == 0, ran.err
    assert WORDS["en"]("videos.copies_replaced") in ran.err


async def test_what_another_process_forgets_leaves_the_caches_at_their_next_check(bot):
    gone = await canaries(bot)
    await asyncio.to_thread(run_elsewhere, bot.data, "--person", f"fake:{MODERATOR.id}")
    assert residue(bot.data, [QUESTION]) == []
    assert residue(bot.data, [TITLE])
    await asyncio.to_thread(run_elsewhere, bot.data, "--channel", HERE.channel)
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
