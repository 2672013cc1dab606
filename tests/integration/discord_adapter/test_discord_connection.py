"""Losing the connection to Discord, and `doctor`'s checks."""

import asyncio

import pytest

from bot.discord_adapter.connect import open_discord
from bot.discord_adapter.doctor_checks import check_discord
from core.errors import ConfigInvalid
from tests.counterparts.discord.server import serving
from tests.fakes.chat import says
from tests.fakes.receiver import ScriptedReceiver, soon
from tests.harness.discord_adapter import KEYS, section, serving_bot
from tests.harness.eventually import eventually

# Disconnections


async def test_messages_from_a_disconnection_arrive_afterwards(platform, receiver, place):
    async with serving_bot(platform, receiver):
        await platform.gateway.drop()
        await platform.people.write(place, "meanwhile")
        assert (await soon(receiver.messages)).text == "meanwhile"


async def test_an_unparsable_event_only_reconnects(platform, receiver, place):
    async with serving_bot(platform, receiver):
        await platform.gateway.say("MESSAGE_CREATE", {"id": "broken"})

        async def is_heard():
            await platform.people.write(place, "hello?")
            await asyncio.sleep(0.1)
            return not receiver.messages.empty()

        await eventually(is_heard)
        assert platform.gateway.connected == 1


async def test_a_revoked_token_ends_serving(platform, receiver):
    async with open_discord(section(platform)) as discord:
        serving = asyncio.create_task(discord.serve(receiver))
        await discord.ready()
        await platform.gateway.drop(4004)
        with pytest.raises(ConfigInvalid):
            await serving


async def test_several_events_do_not_wait_for_each_other(platform, place):
    class Slow(ScriptedReceiver):
        async def message(self, message):
            await super().message(message)
            await asyncio.Event().wait()

    receiver = Slow()
    async with serving_bot(platform, receiver):
        for _ in range(3):
            await platform.people.write(place, "hello")
            await soon(receiver.messages)


async def test_without_the_message_intent_everything_else_works(receiver):
    with serving(message_content=False) as platform:
        people = platform.people
        async with serving_bot(platform, receiver) as discord:
            await eventually(lambda: platform.world.commands.get(None))
            await people.write(people.channel, f"<@{people.bot}> why?")
            assert (await soon(receiver.messages)).text == "why?"
            await people.write(people.channel, "secret")
            assert (await soon(receiver.messages)).text == ""
            await people.slash(people.channel, "help")
            await soon(receiver.commands)
            await discord.post(people.channel, says("Here."), next(KEYS))


# Doctor


async def test_doctor_reports_no_problem(platform):
    known, reading, rights = await check_discord(section(platform))
    assert (known.status, known.facts) == ("ok", {"name": "TestBot", "servers": 1})
    assert (reading.status, rights.status) == ("ok", "ok")


async def test_doctor_reports_a_wrong_token(platform):
    [known] = await check_discord(section(platform, "wrong"))
    assert known.status == "fail"
    assert isinstance(known.error, ConfigInvalid)


async def test_doctor_reports_missing_permissions():
    with serving(message_content=False) as platform:
        people = platform.people
        platform.world.roles[people.guild] = dict.fromkeys(platform.world.roles[people.guild], 0)
        known, reading, rights = await check_discord(section(platform))
        unwanted = await check_discord(section(platform, message_content=False))
    assert known.status == "ok"
    assert (reading.status, reading.case) == ("warn", "not_granted")
    assert unwanted[1].case == "unwanted"
    assert (rights.case, rights.facts["server"]) == ("missing", "Hive")
    assert "Send Messages, " in rights.facts["rights"]


async def test_doctor_reports_an_outage_of_discord(platform):
    for path in ("/users/@me$", "/users/@me/guilds"):
        away = platform.front.fault("GET", path, "cut", times=2)  # aiohttp retries once by itself
        [known] = await check_discord(section(platform))
        assert away.met == 2
        assert (known.status, known.case) == ("fail", "unreachable")
