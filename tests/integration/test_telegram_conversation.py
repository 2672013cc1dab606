"""Conversations with the handlers on Telegram: links, topics, replies and files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bot.config import Config
from bot.delivery.outbox import open_outbox
from bot.handlers.context import HandlerContext
from bot.handlers.incoming import Handlers
from bot.telegram_adapter.connect import open_telegram
from bot.telegram_adapter.serve import serve as serve_telegram
from bot.words import Words
from tests.counterparts.telegram.people import Seen
from tests.counterparts.telegram.server import BOT, BOT_NAME, TelegramServer
from tests.fakes.store import MemoryStore, records_of
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import BEES, SAID, FakeCore
from tests.harness.scene import BEES_LINK, QUEEN, WORDS, Speaker
from tests.harness.telegram_adapter import at_once, section

EN = Words("en")
NORA = "Nora Lee found the queen"


@pytest.fixture(scope="module")
def platform():
    with TelegramServer(chat_s=0, group_s=0, overall_s=0) as platform:
        yield platform


@dataclass
class Talk:
    """A conversation in `chat`."""

    platform: TelegramServer
    chat: int

    async def until(self, says: str, *, after: int = 0, buttons: int = 0) -> Seen:
        """Wait for the bot's first message with this text and at least `buttons` button rows."""
        async with asyncio.timeout(20):
            while True:
                for seen in await self.platform.people.messages(self.chat):
                    is_ours = seen.author == BOT and seen.id > after
                    if is_ours and says in seen.text and len(seen.buttons) >= buttons:
                        return seen
                await asyncio.sleep(0.05)


@asynccontextmanager
async def talking(platform: TelegramServer, folder, chat: int, **world) -> AsyncIterator[Talk]:
    """Run the bot and check that Telegram refused none of its calls."""
    world = FakeCore(folder, **world)
    before, store = len(platform.calls), world.store
    config = Config(data_dir=folder, telegram=section(platform))
    async with (
        open_telegram(config.telegram, folder) as telegram,
        open_outbox(at_once(telegram), store.outbox_entries) as outbox,
    ):
        telegram.edit_interval_s = 0.1
        people = records_of(store)
        context = HandlerContext(telegram, outbox, world.pipeline(), *people, config, WORDS)
        handlers = Handlers(context)
        serving = asyncio.create_task(serve_telegram(telegram, handlers, config.telegram))
        try:
            yield Talk(platform, chat)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await handlers.requests.close()
    refused = [(call.method, call.answer) for call in platform.calls[before:] if call.status >= 400]
    assert refused == []


async def test_a_private_chat_gets_summary_and_answer(platform, tmp_path):
    people = platform.people
    ada = await people.open_private(await people.meet("Ada"))
    await platform.updates.drop()
    speaker = Speaker(f"{NORA} [2]. " + "She looked. " * 5, 0.1)
    async with talking(platform, tmp_path, ada, model=speaker) as talk:
        await people.write(ada, BEES_LINK, author=ada)
        summary = await talk.until(EN("labels.topic"))
        assert summary.text.startswith(f"{BEES.title}\n\n")
        assert summary.links[BEES.title] == BEES.url
        assert [len(row) for row in summary.buttons] == [1, 1, 1, 3]
        question = await people.write(ada, QUEEN, author=ada)
        answer = await talk.until(NORA, after=question, buttons=3)
        assert (answer.links["[1]"], len(answer.versions)) == (BEES.url_at(5), 1)
        assert BEES.title in answer.text
        previews = [draft.text for draft in await people.drafts(ada)]
        assert any(text and text in answer.text for text in previews)
        await people.press(summary, EN("chat.buttons.transcript"), author=ada)
        file = await talk.until(EN("chat.file"))
        assert list(file.files) == [f"{BEES.id}.txt"]


async def test_a_topic_is_opened_for_each_video(platform, tmp_path):
    people = platform.people
    forum = await people.make_supergroup("Hive", forum=True)
    await people.promote(forum, people.bot, can_manage_topics=True)
    await platform.updates.drop()
    async with talking(platform, tmp_path, forum) as talk:
        await people.write(forum, BEES_LINK)
        summary = await talk.until(EN("labels.topic"))
        topic = platform.world.chats[forum].topics[summary.topic]
        question = await people.write(forum, QUEEN, topic=topic.id)
        answer = await talk.until("Nora Lee", after=question, buttons=3)
        assert answer.topic == topic.id
        pressed = await people.press(answer, 0)
        asked = await talk.until("Mina asked")
        assert asked.reply_to == answer.id
        assert "text" not in await people.answered(pressed)
        assert topic.name == BEES.title


async def test_without_topics_the_conversation_is_a_chain_of_replies(platform, tmp_path):
    people = platform.people
    group = await people.make_group("Bees")
    await platform.updates.drop()
    async with talking(platform, tmp_path, group) as talk:
        link = await people.write(group, f"@{BOT_NAME} {BEES_LINK}")
        summary = await talk.until(EN("labels.topic"))
        assert summary.reply_to == link
        question = await people.write(group, QUEEN, reply_to=summary.id)
        answer = await talk.until("Nora Lee", after=question, buttons=3)
        assert answer.reply_to == question


async def test_a_group_that_migrates_during_ingest_keeps_its_conversation(platform, tmp_path):
    people, transcriber, store = platform.people, WaitingTranscriber(*SAID), MemoryStore()
    group = await people.make_group("Bees")
    await platform.updates.drop()
    async with talking(platform, tmp_path, group, transcriber=transcriber, store=store) as talk:
        link = await people.write(group, f"@{BOT_NAME} {BEES_LINK}")
        await talk.until(EN("stages.transcribe"))
        talk.chat = new = await people.migrate(group)
        await people.write(new, f"@{BOT_NAME}")
        await talk.until(EN("chat.help")[:20])
        transcriber.go_on.set()
        summary = await talk.until(EN("labels.topic"))
        question = await people.write(new, QUEEN, reply_to=summary.id)
        await talk.until("Nora Lee", after=question, buttons=3)
    conversation = f"telegram:{group}:{link}:0"
    assert len(await store.threads.turns(f"telegram:{group}", conversation, 9)) == 1


async def test_an_uploaded_file_is_summarised_like_a_video(platform, tmp_path):
    people = platform.people
    ada = await people.open_private(await people.meet("Ada"))
    await platform.updates.drop()
    async with talking(platform, tmp_path, ada) as talk:
        await people.upload(ada, "hive.mp3", b"buzz", "audio", author=ada)
        summary = await talk.until(EN("labels.topic"))
        assert summary.text.startswith("hive\n\n")
        assert summary.links == {}
        await people.upload(ada, "large.mp4", b"x", "video", size=30_000_000, author=ada)
        told = await talk.until("large.\u200bmp4")
    assert "20 MB" in told.text
