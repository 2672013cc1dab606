"""The contract of `Chat`, on the strict in-memory platform, Discord and Telegram."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Button, Chat, Draft, File, TooOld
from bot.delivery.outbox import open_outbox
from bot.discord_adapter.connect import open_discord
from bot.telegram_adapter.connect import open_telegram
from tests.counterparts.discord.server import DiscordServer, serving
from tests.counterparts.telegram.server import TelegramServer
from tests.fakes.chat import FakeChat, says
from tests.fakes.store import FakeOutboxEntries
from tests.harness.discord_adapter import section
from tests.harness.telegram_adapter import at_once
from tests.harness.telegram_adapter import section as telegram_section
from tests.harness.virtual_loop import run_virtually


@dataclass(frozen=True)
class Platform:
    """A chat to test. `read` returns what people see there."""

    chat: Chat
    read: Callable[[], str]
    place: str = "a"


@dataclass(frozen=True)
class Opening:
    """How to open a `Platform`. `is_real`: it has sockets and runs in real time."""

    open: Callable[[], AbstractAsyncContextManager[Platform]]
    is_real: bool = False


@pytest.fixture(scope="module")
def discord() -> Iterator[DiscordServer]:
    with serving(window_s=0.2) as server:
        yield server


@pytest.fixture(scope="module")
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(chat_s=0, group_s=0, overall_s=0) as server:
        yield server


@pytest.fixture(params=["fake", "discord", "telegram"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    if request.param == "discord":
        server = request.getfixturevalue("discord")
        return Opening(partial(_on_discord, server), is_real=True)
    if request.param == "telegram":
        server = request.getfixturevalue("telegram")
        return Opening(partial(_on_telegram, server, tmp_path), is_real=True)
    return Opening(lambda: nullcontext(_in_memory()))


def _in_memory() -> Platform:
    fake = FakeChat()
    return Platform(fake, lambda: "\n".join(_read(m.draft) for m in fake.messages))


@asynccontextmanager
async def _on_discord(server: DiscordServer) -> AsyncIterator[Platform]:
    server.world.nonces.clear()  # Discord forgets nonces after a few minutes
    place = await server.people.make_channel("a")
    async with open_discord(section(server)) as chat:
        chat.edit_interval_s = 0.1
        yield Platform(chat, lambda: server.wait(_seen(server, place)), place)
    assert server.front.refused == server.front.unguarded == []


@asynccontextmanager
async def _on_telegram(server: TelegramServer, folder: Path) -> AsyncIterator[Platform]:
    forum = await server.people.make_supergroup("a", forum=True)
    await server.people.promote(forum, server.people.bot, can_manage_topics=True)
    async with open_telegram(telegram_section(server), folder) as chat:
        at_once(chat).edit_interval_s = 0.1
        yield Platform(chat, lambda: server.wait(_said(server, forum)), str(forum))
    assert server.refused == server.limited == []


async def _said(server: TelegramServer, chat: int) -> str:
    seen = await server.people.inner.messages(chat)
    labels = [[*(label for row in one.buttons for label in row)] for one in seen]
    files = [content.decode() for one in seen for content in one.files.values()]
    ours = [(one, labels) for one, labels in zip(seen, labels, strict=True) if one.text]
    return "\n".join([*("\n".join([one.text, *labels]) for one, labels in ours), *files])


async def _seen(server: DiscordServer, place: str) -> str:
    people = server.people.inner
    places = [place, *(thread.id for thread in await people.threads(place))]
    shown = [seen for one in places for seen in await people.messages(one)]
    files = [content.decode() for seen in shown for content in seen.files.values()]
    return "\n".join([*("\n".join([seen.text, *seen.buttons.values()]) for seen in shown), *files])


def on_each(test: Callable[[Platform], Coroutine[Any, Any, None]]) -> Callable[[Opening], None]:
    """Make a test run on every platform, on a virtual clock where possible."""

    async def run_on(opening: Opening) -> None:
        async with opening.open() as platform:
            await test(platform)

    def run(opening: Opening) -> None:
        (asyncio.run if opening.is_real else run_virtually)(run_on(opening))

    run.__name__ = test.__name__
    return run


def _read(draft: Draft) -> str:
    labels = [button.label for button in draft.buttons]
    return "\n".join([draft.text, *labels, draft.file.text if draft.file else ""])


@on_each
async def test_people_read_all_of_what_is_posted(platform):
    chat, read, place = platform.chat, platform.read, platform.place
    draft = Draft(("First.", "꿀벌."), (Button("x", "Why?"),), File("a.txt", "Said."))
    await chat.post(place, draft, "k")
    for text in ("First.\n\n꿀벌.", "Why?", "Said."):
        assert text in read()


@on_each
async def test_messages_stand_in_the_order_in_which_they_were_posted(platform):
    chat, read, place = platform.chat, platform.read, platform.place
    ids = [await chat.post(place, says(f"Number {n}"), str(n)) for n in range(5)]
    assert len(set(ids)) == 5
    assert re.findall(r"\d", read()) == list("01234")


@on_each
async def test_an_edit_shows_the_new_text_and_may_be_repeated(platform):
    chat, read, place = platform.chat, platform.read, platform.place
    if isinstance(chat, FakeChat):
        chat.edit_interval_s = 0
    message_id = await chat.post(place, says("Old\n" * 3), "k")
    for _ in range(2):
        await chat.edit(place, message_id, says("New"))
    assert read().rstrip().endswith("New")


@on_each
async def test_an_older_message_is_edited_or_told_to_be_too_old(platform):
    chat, read, place = platform.chat, platform.read, platform.place
    first = await chat.post(place, says("Old"), "1")
    await chat.post(place, says("Between"), "2")
    with suppress(TooOld):
        await chat.edit(place, first, says("New"))
        assert "New" in read()
    assert "Between" in read()


@on_each
async def test_a_thread_takes_messages(platform):
    chat, read, place = platform.chat, platform.read, platform.place
    message_id = await chat.post(place, says("Link"), "1")
    thread = await chat.open_thread(place, message_id, "A video", "2")
    await chat.rename_thread(thread, "Bees")
    await chat.show_typing(thread)
    await chat.post(thread, says("Summary"), "3")
    assert "Summary" in read()


@on_each
async def test_a_key_is_shown_once_where_the_platform_knows_keys(platform):
    chat, read, place = platform.chat, platform.read, platform.place
    same = [await chat.post(place, says("Hello"), "k") for _ in range(2)]
    assert read().count("Hello") == len(set(same)) == (1 if chat.deduplicates else 2)


@on_each
async def test_the_outbox_lets_a_message_grow_on_it(platform):
    chat, read, place = platform.chat, platform.read, platform.place
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.grow(place, says("0 %"), key="k", owner="job")
        await live.delivered()
        for share in ("40 %", "80 %"):
            live.show(says(share))
            await live.delivered()
        await live.finish(says("Done"))
        await live.delivered()
    assert read().rstrip().endswith("Done")
