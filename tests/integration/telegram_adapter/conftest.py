"""A Telegram counterpart for each test file, and the adapter connected to it."""

import pytest

from bot.telegram_adapter.connect import open_telegram
from tests.counterparts.telegram.server import TelegramServer
from tests.fakes.receiver import ScriptedReceiver
from tests.harness.telegram_adapter import at_once, section


@pytest.fixture(scope="module")
def platform():
    with TelegramServer(chat_s=0, group_s=0, overall_s=0, retry_s=0.02, conflict_s=0.1) as platform:
        yield platform


@pytest.fixture(autouse=True)
def no_breach(platform):
    platform.refused.clear()
    yield
    assert platform.refused == []


@pytest.fixture
def receiver():
    return ScriptedReceiver()


@pytest.fixture
async def telegram(platform, tmp_path):
    """Logged in, which is enough to send. Receives no events."""
    async with open_telegram(section(platform), tmp_path) as telegram:
        yield at_once(telegram)


@pytest.fixture
async def hive(platform) -> int:
    """A new supergroup in which the bot receives every message."""
    chat = await platform.people.make_supergroup("Hive")
    await platform.updates.drop()
    platform.world.chats[chat].bot_reads_all = True
    return chat


@pytest.fixture
async def private(platform) -> int:
    chat = await platform.people.open_private(await platform.people.meet("Ada", "ko"))
    await platform.updates.drop()
    return chat
