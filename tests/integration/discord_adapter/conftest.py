"""A Discord counterpart for each test file, and the adapter connected to it."""

import pytest

from bot.discord_adapter.connect import open_discord
from tests.counterparts.discord.server import serving
from tests.fakes.receiver import ScriptedReceiver
from tests.harness.discord_adapter import section


@pytest.fixture(scope="module")
def platform():
    with serving(window_s=0.5) as platform:
        yield platform


@pytest.fixture(autouse=True)
def no_breach(platform):
    platform.front.refused.clear()
    platform.front.unguarded.clear()
    yield
    assert platform.front.refused == []
    assert platform.front.unguarded == []


@pytest.fixture
def receiver():
    return ScriptedReceiver()


@pytest.fixture
async def discord(platform):
    """Logged in, which is enough to send. Receives no events."""
    async with open_discord(section(platform)) as discord:
        yield discord


@pytest.fixture
async def place(platform):
    """A new channel."""
    return await platform.people.make_channel("place")
