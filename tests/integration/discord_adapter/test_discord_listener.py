"""What people do on Discord arrives at the receiver, and its replies arrive at them."""

import pytest

from bot.chat import Button, Draft, File
from bot.discord_adapter.connect import open_discord
from tests.counterparts.discord.people import CannotDo
from tests.fakes.chat import says
from tests.fakes.receiver import ScriptedReceiver, soon
from tests.harness.discord_adapter import KEYS, section, serving_bot
from tests.harness.eventually import eventually


async def test_a_message_arrives_with_its_place_and_author(platform, receiver, place):
    async with serving_bot(platform, receiver):
        id = await platform.people.write(place, "https://youtu.be/dQw4w9WgXcQ")
        received = await soon(receiver.messages)
    assert (received.id, received.text) == (id, "https://youtu.be/dQw4w9WgXcQ")
    assert (received.where.place, received.where.channel) == (place, f"discord:{place}")
    assert (received.where.server, received.where.is_thread) == (platform.people.guild, False)
    assert (received.author.id, received.author.name) == (platform.people.mina, "Mina")
    assert not received.author.is_moderator
    assert not received.is_to_bot


async def test_a_thread_shares_the_library_of_its_channel(platform, receiver, place):
    people = platform.people
    thread = await people.make_thread(await people.write(place, "a link"), "Bees")
    async with serving_bot(platform, receiver):
        await people.write(thread, "a question", author=people.olga)
        received = await soon(receiver.messages)
        await people.archive(thread)
        await people.write(thread, "another")
        again = await soon(receiver.messages)
    for message in (received, again):
        assert (message.where.place, message.where.channel) == (thread, f"discord:{place}")
        assert message.where.is_thread
    assert received.author.is_moderator, "the owner of a server may do everything"


async def test_a_mention_a_reply_and_a_private_message_address_the_bot(platform, receiver, place):
    people = platform.people
    async with serving_bot(platform, receiver) as discord:
        await people.write(place, f"<@{people.bot}> why?")
        mentioned = await soon(receiver.messages)
        ours = await discord.post(place, says("An answer"), next(KEYS))
        await people.write(place, "And who?", reply_to=ours)
        replied = await soon(receiver.messages)
        channel, _ = await people.write_privately("Hello")
        private = await soon(receiver.messages)
    assert (mentioned.text, mentioned.is_to_bot) == ("why?", True)
    assert (replied.is_to_bot, replied.reply_to) == (True, ours)
    assert (private.is_to_bot, private.where.server) == (True, "")
    assert private.author.is_moderator, "of their own private channel"
    assert private.where.channel == f"discord:{channel}"


async def test_a_button_works_after_a_restart(platform, receiver, place):
    link = await platform.people.write(place, "a link")
    async with open_discord(section(platform)) as discord:
        thread = await discord.open_thread(place, link, "Bees", next(KEYS))
        id = await discord.post(thread, Draft(("Ask.",), (Button("q-1", "Why?"),)), next(KEYS))
    async with serving_bot(platform, receiver):
        of = await platform.people.press(id, "tt:q-1")
        pressed = await soon(receiver.presses)
        await platform.people.answered(of)
    assert (pressed.button_id, pressed.message_id, pressed.id) == ("q-1", id, of.id)
    assert (pressed.where.place, pressed.where.channel) == (thread, f"discord:{place}")
    assert (pressed.where.server, pressed.where.is_thread) == (platform.people.guild, True)
    assert pressed.author.id == platform.people.mina
    assert of.acked == 6, "nothing of the message changes"


async def test_the_reply_to_a_press_is_visible_to_the_person_only(platform, receiver, place):
    receiver.answers["q"] = says("Not you.")
    async with serving_bot(platform, receiver) as discord:
        id = await discord.post(place, Draft(("Ask.",), (Button("q", "Why?"),)), next(KEYS))
        await platform.people.press(id, "tt:q")

        async def is_answered():
            return len(await platform.people.messages(place)) == 2

        await eventually(is_answered)
    asked, answer = await platform.people.messages(place)
    assert (answer.text, answer.ephemeral) == ("Not you.", True)
    assert asked.text == "Ask."


async def test_a_press_acknowledged_too_late_is_still_processed(platform, receiver, place):
    receiver.answers["q"] = says("Not you.")
    async with serving_bot(platform, receiver) as discord:
        id = await discord.post(place, Draft(("Ask.",), (Button("q", "Why?"),)), next(KEYS))
        for code in (10062, 40060):
            late = platform.front.fault("POST", "/callback", code)
            of = await platform.people.press(id, "tt:q")
            pressed = await soon(receiver.presses)
            assert (pressed.id, pressed.button_id, late.met) == (of.id, "q", 1)


async def test_an_unknown_button_is_ignored(platform, receiver, place):
    async with serving_bot(platform, receiver) as discord:
        id = await discord.post(place, Draft(("Ask.",), (Button("a b", "Why?"),)), next(KEYS))
        await platform.people.press(id, "tt:a b")
        await platform.people.write(place, "later")
        await soon(receiver.messages)
    assert receiver.presses.empty()


@pytest.fixture
async def registered(platform, receiver):
    """The commands are registered."""
    async with serving_bot(platform, receiver) as discord:
        await eventually(lambda: platform.world.commands.get(None))
        yield discord


def registrations(platform):
    """Return the requests that registered commands."""
    asked = platform.front.requests
    return [r for r in asked if r.method == "PUT" and r.path.endswith("/commands")]


async def test_a_forum_post_opens_its_thread(platform, receiver):
    forum = await platform.people.make_channel("posts", "forum")
    async with serving_bot(platform, receiver):
        post = await platform.people.make_post(forum, "Bees", "https://youtu.be/dQw4w9WgXcQ")
        first = await soon(receiver.messages)
        await platform.people.write(post, "And?")
        second = await soon(receiver.messages)
    for message in (first, second):
        assert (message.where.place, message.where.channel) == (post, f"discord:{forum}")
        assert message.where.is_thread
    assert (first.opens_thread, second.opens_thread) == (True, False)


async def test_a_command_arrives_parsed(platform, receiver, registered, place):
    receiver.answers["ask"] = Draft(("Wait.",), file=File("a.txt", "Said."))
    of = await platform.people.slash(place, "ask", question="Why?", scope="channel")
    received = await soon(receiver.commands)
    assert (received.name, received.id) == ("ask", of.id)
    assert received.options == {"question": "Why?", "scope": "channel"}
    assert (received.where.channel, received.author.language) == (f"discord:{place}", "en")
    await eventually(lambda: of.original_id is not None and not of.thinking)
    answer = await platform.people.message(of.original_id)
    assert (answer.text, answer.ephemeral) == ("Wait.", True)
    assert answer.files == {"a.txt": b"Said."}


async def test_a_command_without_a_reply_leaves_no_message(platform, receiver, registered, place):
    of = await platform.people.slash(place, "videos", page=2)
    assert (await soon(receiver.commands)).options == {"page": "2"}
    await eventually(lambda: not of.thinking)
    assert await platform.people.messages(place) == []


async def test_booleans_are_text_and_languages_are_codes(platform, receiver, registered, place):
    jiho = await platform.people.join("jiho", locale="ko")
    with pytest.raises(CannotDo):
        await platform.people.slash(place, "settings", author=jiho, links=True)
    await platform.people.slash(place, "settings", author=platform.people.olga, links=False)
    received = await soon(receiver.commands)
    assert received.options == {"links": "false"}
    assert received.author.is_moderator
    await platform.people.slash(place, "help", author=jiho)
    assert (await soon(receiver.commands)).author.language == "ko"


async def test_a_message_can_be_summarised_from_its_menu(platform, receiver, registered, place):
    message = await platform.people.write(place, "https://youtu.be/dQw4w9WgXcQ")
    await platform.people.context_menu(message, "Summarise this video")
    received = await soon(receiver.commands)
    assert (received.name, received.message_id) == ("summarise", message)
    assert received.text == "https://youtu.be/dQw4w9WgXcQ"


async def test_options_are_autocompleted(platform, receiver, registered, place):
    receiver.choices["video"] = [("Bees " * 40, "id1"), (" ", "id2"), ("Wasps", "x" * 101)]
    receiver.choices["video"] += [(f"Video {n}", f"v{n}") for n in range(30)]
    choices = await platform.people.autocomplete(place, "summary", "video", "be")
    command, option, typed = receiver.typed[-1]
    assert (command.name, option, typed) == ("summary", "video", "be")
    assert len(choices) == 25
    assert choices[0] == {"name": ("Bees " * 40)[:99] + "…", "value": "id1"}
    assert choices[1]["value"] == "v0"


async def test_commands_are_registered_once(platform, receiver, registered):
    before, asked = len(registrations(platform)), len(platform.front.requests)
    async with serving_bot(platform, ScriptedReceiver()):

        async def has_looked():
            return any("/commands" in r.path and r.status for r in platform.front.requests[asked:])

        await eventually(has_looked)
    assert len(registrations(platform)) == before


async def test_being_removed_and_invited_again_is_reported(platform):
    people, receiver = platform.people, ScriptedReceiver()
    guild = await people.make_guild("Hive")
    channel = await people.make_channel("bees", guild=guild)
    async with serving_bot(platform, receiver):
        assert await soon(receiver.memberships) == ("is in", {people.guild, guild})
        await platform.gateway.say("GUILD_DELETE", {"id": guild, "unavailable": True})  # an outage
        await people.remove_bot(guild)
        assert await soon(receiver.memberships) == ("removed", (guild, [channel]))
        await people.invite_bot(guild)
        assert await soon(receiver.memberships) == ("joined", guild)
    await people.remove_bot(guild)
    async with serving_bot(platform, receiver):
        assert await soon(receiver.memberships) == ("is in", {people.guild})


async def test_deleted_threads_and_channels_are_reported(platform, receiver, place):
    thread = await platform.people.make_thread(await platform.people.write(place, "link"), "Bees")
    async with serving_bot(platform, receiver):
        await platform.people.delete_channel(thread)
        assert await soon(receiver.gone) == thread
        await platform.people.delete_channel(place)
        assert await soon(receiver.gone) == place
