"""The Discord counterpart behaves like Discord for plain discord.py."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import Iterator

import discord
import pytest
from discord import app_commands

from tests.counterparts.discord.client_actions import CannotDo
from tests.counterparts.discord.plain_bot import INTENTS, PlainBot, running
from tests.counterparts.discord.server import TOKEN, DiscordServer, serving


@pytest.fixture(scope="module")
def platform() -> Iterator[DiscordServer]:
    with serving(window_s=0.3) as platform:
        yield platform


@pytest.fixture(autouse=True)
def no_breach(platform) -> Iterator[None]:
    """Fail on a recorded violation: discord.py's own calls are valid, so it is a false positive."""
    platform.front.refused.clear()
    yield
    assert platform.front.refused == []
    assert platform.front.unguarded == []
    assert platform.gateway.closes == []


@pytest.fixture
async def bot(platform):
    async with running(PlainBot()) as bot:
        yield bot


@pytest.fixture
async def place(platform, bot) -> discord.TextChannel:
    """Create a new channel for each test."""
    made = asyncio.create_task(bot.wait_for("guild_channel_create", timeout=10))
    await asyncio.sleep(0)  # let it start listening
    await platform.people.make_channel("lectures")
    return await made


def buttons(*ids: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for id in ids:
        view.add_item(discord.ui.Button(label=id.upper(), custom_id=id))
    view.stop()  # the bot receives button presses itself
    return view


async def test_a_bot_receives_what_people_write(platform, bot, place):
    people = platform.people
    id = await people.write(str(place.id), "https://youtu.be/dQw4w9WgXcQ")
    heard = await bot.next_heard()
    assert (str(heard.id), heard.content) == (id, "https://youtu.be/dQw4w9WgXcQ")
    assert str(heard.author.id) == people.mina
    assert heard.guild.name == "Hive"


async def test_a_thread_on_a_message_has_the_messages_id(platform, bot, place):
    id = await platform.people.write(str(place.id), "a link")
    thread = await (await bot.next_heard()).create_thread(name="Bees")
    assert str(thread.id) == id
    await thread.send("hello")
    [seen] = await platform.people.threads(str(place.id))
    assert (seen.id, seen.name) == (id, "Bees")
    first, second = await platform.people.messages(id)
    assert first.kind == 21, "the platform's own first message"
    assert second.text == "hello"
    await platform.people.write(id, "a question")
    assert (await bot.next_heard()).channel == thread


async def test_a_bot_that_starts_later_knows_the_open_threads(platform, place):
    id = await platform.people.write(str(place.id), "a link")
    await platform.people.make_thread(id, "Bees")
    async with running(PlainBot()) as later:
        await platform.people.write(id, "a question")
        heard = await later.next_heard()
        assert isinstance(heard.channel, discord.Thread)
        assert heard.channel.parent_id == place.id


async def test_edits_keep_the_earlier_versions(platform, place):
    sent = await place.send("10 %", view=buttons("stop"))
    await sent.edit(content="50 %")
    await sent.edit(content=None, embed=discord.Embed(title="Bees"), view=None)
    seen = await platform.people.message(str(sent.id))
    assert [version.content for version in seen.versions] == ["10 %", "50 %", ""]
    assert (seen.text, seen.buttons) == ("", {})
    assert seen.embeds[0]["title"] == "Bees"
    assert seen.versions[1].components, "what is not named stays"


async def test_a_repeated_nonce_returns_the_first_message(platform, place):
    first = await place.send("once", nonce="job-1-summary")
    again = await place.send("twice", nonce="job-1-summary")
    assert again.id == first.id
    assert [seen.text for seen in await platform.people.messages(str(place.id))] == ["once"]
    await platform.world.advance(600)
    later = await place.send("much later", nonce="job-1-summary")
    assert later.id != first.id


async def test_a_button_is_pressed_and_answered(platform, bot, place):
    sent = await place.send("Ask:", view=buttons("q:1", "q:2"))
    asked = await platform.people.press(str(sent.id), "q:2")
    pressed = await asyncio.wait_for(bot.pressed.get(), 10)
    assert pressed.message == sent
    assert str(pressed.user.id) == platform.people.mina
    assert asked.acked == 6
    with pytest.raises(CannotDo):
        await platform.people.press(str(sent.id), "q:3")


async def test_commands_are_registered_called_and_answered(platform, bot, place):
    @bot.tree.command(name="watch", description="Watch a video")
    async def watch(interaction: discord.Interaction, link: str, language: str = "en") -> None:
        await interaction.response.defer(thinking=True)
        await interaction.followup.send(f"{link} in {language}")

    @watch.autocomplete("language")
    async def languages(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name="Korean", value=f"{typed}o")]

    @bot.tree.context_menu(name="Summarise this video")
    async def summarise(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(message.content[::-1], ephemeral=True)

    await bot.tree.sync()
    assert {one.name for one in await bot.tree.fetch_commands()} == {"watch", summarise.name}
    people, here = platform.people, str(place.id)
    asked = await people.slash(here, "watch", link="abc", language="ko")
    choices = await people.autocomplete(here, "watch", "language", "k")
    assert choices == [{"name": "Korean", "value": "ko"}]
    written = await people.write(here, "dance")
    chosen = await people.answered(await people.context_menu(written, "Summarise this video"))
    seen = await people.messages(here)
    assert [one.text for one in seen] == ["abc in ko", "dance", "ecnad"]
    assert [one.ephemeral for one in seen] == [False, False, True]
    assert (asked.acked, asked.thinking, chosen.acked) == (5, False, 4)
    with pytest.raises(CannotDo):
        await people.slash(here, "watch", language="ko")


async def test_a_file_is_uploaded_and_can_be_downloaded(platform, place):
    text = "안녕, bees".encode()
    sent = await place.send(file=discord.File(io.BytesIO(text), "transcript.txt"))
    assert await sent.attachments[0].read() == text
    assert (await platform.people.message(str(sent.id))).files == {"transcript.txt": text}


async def test_reactions_and_pins_reach_the_bot(platform, bot, place):
    sent = await place.send("hello")
    await sent.add_reaction("👀")
    assert (await asyncio.wait_for(bot.reactions.get(), 10)).emoji.name == "👀"
    await platform.people.grant(platform.people.bot, manage_messages=True)
    await sent.pin()
    assert [one.id async for one in place.pins()] == [sent.id]


async def test_a_private_message_arrives_and_is_answered(platform, bot):
    channel, _ = await platform.people.write_privately("hello")
    heard = await bot.next_heard()
    assert heard.guild is None
    await heard.author.send("hello yourself")
    assert [one.text for one in await platform.people.messages(channel)][-1] == "hello yourself"


async def test_a_forum_accepts_posts_and_nothing_else(platform, bot):
    id = await platform.people.make_channel("videos", "forum")
    forum = await bot.fetch_channel(int(id))
    made = await forum.create_thread(name="Bees", content="A video about bees.")
    assert made.thread.id == made.message.id
    assert [one.name for one in await platform.people.threads(id)] == ["Bees"]
    post = await platform.people.make_post(id, "Ants", "A video about ants.")
    heard = await bot.next_heard()
    assert (str(heard.id), str(heard.channel.id)) == (post, post)
    assert heard.content == "A video about ants."


@pytest.mark.parametrize("end", ["close", "cut", "op 7", "op 9"])
async def test_a_disconnected_bot_resumes_and_receives_what_it_missed(platform, bot, place, end):
    resumes, identifies = platform.gateway.resumes, platform.gateway.identifies
    gateway = platform.gateway
    await {
        "close": lambda: gateway.drop(4000),
        "cut": gateway.drop,
        "op 7": gateway.reconnect,
        "op 9": lambda: gateway.invalidate(resumable=True),
    }[end]()
    await platform.people.write(str(place.id), "while you were away")
    assert (await bot.next_heard()).content == "while you were away"
    assert (gateway.resumes - resumes, gateway.identifies - identifies) == (1, 0)


@pytest.mark.parametrize("by", ["op 9", "refused resume"])
async def test_a_lost_session_starts_again(platform, bot, place, by):
    identifies = platform.gateway.identifies
    again = asyncio.create_task(bot.wait_for("ready", timeout=20))
    await asyncio.sleep(0)  # let it start listening
    if by == "op 9":
        await platform.gateway.invalidate(resumable=False)
    else:
        platform.gateway.refuse_resumes(1)
        await platform.gateway.drop(4000)
    await again
    await platform.people.write(str(place.id), "welcome back")
    assert (await bot.next_heard()).content == "welcome back"
    assert platform.gateway.identifies == identifies + 1


async def test_events_are_duplicated_or_delayed_on_demand(platform, bot, place):
    await platform.people.write(str(place.id), "once")
    once = await bot.next_heard()
    await platform.gateway.repeat(1)
    assert (await bot.next_heard()).id == once.id
    platform.gateway.hold()
    await platform.people.write(str(place.id), "late")
    await place.send("the platform goes on meanwhile")
    assert bot.heard.empty()
    await platform.gateway.release()
    assert (await bot.next_heard()).content == "late"


async def test_an_unparsable_event_ends_discord_pys_connection(platform):
    bot = PlainBot()
    async with bot:
        await bot.login(TOKEN)
        work = asyncio.create_task(bot.connect())
        await bot.wait_until_ready()
        await platform.gateway.say("MESSAGE_REACTION_ADD", {"channel_id": "1"})
        with pytest.raises(KeyError):
            await asyncio.wait_for(work, 10)


async def test_without_the_intent_content_is_empty_unless_the_bot_is_mentioned(platform, place):
    blind = discord.Intents(INTENTS.value)
    blind.message_content = False
    async with running(PlainBot(blind)) as bot:
        await platform.people.write(str(place.id), "hello")
        assert (await bot.next_heard()).content == ""
        await platform.people.write(str(place.id), f"<@{bot.user.id}> hello")
        assert (await bot.next_heard()).content == f"<@{bot.user.id}> hello"


async def test_an_inactive_thread_is_archived_and_reopened_by_a_message(platform, bot, place):
    id = await platform.people.write(str(place.id), "a link")
    thread = await (await bot.next_heard()).create_thread(name="Bees", auto_archive_duration=60)
    await platform.world.advance(2 * 3600)
    assert (await platform.people.threads(str(place.id)))[0].archived
    await thread.send("an answer")
    assert not (await platform.people.threads(str(place.id)))[0].archived
    await platform.people.write(id, "a question")
    assert (await bot.next_heard()).channel == thread


async def test_permissions_reach_the_bot_and_its_presses(platform, bot, place):
    people = platform.people
    olaf = await people.join("olaf", locale="ko")
    await people.allow(str(place.id), olaf, send_messages=False)
    with pytest.raises(CannotDo):
        await people.write(str(place.id), "hello", author=olaf)
    sent = await place.send("Ask:", view=buttons("q"))
    await people.press(str(sent.id), "q", author=olaf)
    pressed = await asyncio.wait_for(bot.pressed.get(), 10)
    assert not pressed.permissions.send_messages
    assert pressed.app_permissions.send_messages
    assert pressed.locale is discord.Locale.korean


async def test_intents_must_have_been_granted(platform):
    platform.world.inner.message_content = False
    bot = PlainBot()
    async with bot:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await asyncio.wait_for(bot.start(TOKEN), 10)
    assert [code for code, _ in platform.gateway.closes] == [4014]
    platform.world.inner.message_content = True
    platform.gateway.closes.clear()


async def test_a_second_server_has_its_own_people_and_commands(platform, bot):
    @bot.tree.command(name="here", description="Only here")
    async def here(interaction: discord.Interaction) -> None:
        await interaction.response.send_message(interaction.guild.name)

    people = platform.people
    guild = await people.make_guild("Anthill")
    channel = await people.make_channel("general", guild=guild)
    ant = await people.join("ant", guild=guild)
    bot.tree.copy_global_to(guild=discord.Object(int(guild)))
    await bot.tree.sync(guild=discord.Object(int(guild)))
    await people.answered(await people.slash(channel, "here", author=ant))
    assert [one.text for one in await people.messages(channel)] == ["Anthill"]
    with pytest.raises(CannotDo):
        await people.slash(people.channel, "here")


def test_a_program_of_its_own_can_be_pointed_at_it(platform):
    asked = "import discord; print(discord.http.Route.BASE)"
    environment = os.environ | platform.environment
    ran = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"{platform.url}/api/v10"
