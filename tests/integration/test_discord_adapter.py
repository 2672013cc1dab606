"""This file talks to Discord through our adapter: what people see, hear and cannot do."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from discord.utils import time_snowflake as snowflake

from bot.chat import Busy, Button, Card, Draft, File, MessageGone, PlaceClosed, Refused, TooOld
from bot.discord_adapter.checks import check_discord
from bot.discord_adapter.opening import open_discord
from core.errors import ConfigInvalid
from tests.fakes.chat import says
from tests.fakes.discord.people import CannotDo
from tests.fakes.discord.server import serving
from tests.fakes.discord_bot import section, serving_bot
from tests.fakes.eventually import eventually
from tests.fakes.receiver import ScriptedReceiver, soon

KEYS = map(str, count())
"""Discord knows one person's keys, in whatever channel."""

CARD = Card("Bees", "https://youtu.be/dQw4w9WgXcQ", "https://i.ytimg.com/vi/x/hq.jpg")


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
    """Only logged in: enough to send."""
    async with open_discord(section(platform)) as discord:
        yield discord


@pytest.fixture
async def place(platform):
    """A channel of its own."""
    return await platform.people.make_channel("place")


# What people see


async def test_people_see_text_buttons_and_file(platform, discord, place):
    draft = Draft(("First.", "꿀벌."), (Button("x", "Why?"),), File("a.txt", "꿀"))
    id = await discord.post(place, draft, next(KEYS))
    seen = await platform.people.message(id)
    assert (seen.text, seen.buttons) == ("First.\n\n꿀벌.", {"tt:x": "Why?"})
    assert seen.files == {"a.txt": "꿀".encode()}


async def test_a_card_is_seen_with_its_picture(platform, discord, place):
    id = await discord.post(place, Draft(("40 %",), card=CARD), next(KEYS))
    [embed] = (await platform.people.message(id)).embeds
    assert (embed["title"], embed["url"], embed["description"]) == (CARD.title, CARD.url, "40 %")
    assert embed["thumbnail"]["url"] == CARD.thumbnail_url


async def test_an_edit_leaves_nothing_of_what_was_there(platform, discord, place):
    full = Draft(("Old",), (Button("x", "Why?"),), File("a.txt", "Said."), CARD)
    id = await discord.post(place, full, next(KEYS))
    for _ in range(2):
        await discord.edit(place, id, says("New"))
    seen = await platform.people.message(id)
    assert (seen.text, seen.embeds, seen.buttons, seen.files) == ("New", [], {}, {})


async def test_one_key_is_one_message_also_when_the_answer_is_lost(platform, discord, place):
    key = next(KEYS)
    platform.front.fault("POST", rf"/channels/{place}/messages", "cut after")
    with pytest.raises(Busy):
        await discord.post(place, says("Once"), key)
    await discord.post(place, says("Once"), key)
    assert [seen.text for seen in await platform.people.messages(place)] == ["Once"]


async def test_a_thread_on_a_message_is_one_however_often_it_is_opened(platform, discord, place):
    message = await platform.people.write(place, "a link")
    platform.front.fault("POST", r"/threads$", "cut after")
    with pytest.raises(Busy):
        await discord.open_thread(place, message, "Bees", next(KEYS))
    thread = await discord.open_thread(place, message, "Bees " * 50, next(KEYS))
    await discord.rename_thread(thread, "Wasps")
    await discord.show_typing(thread)
    await discord.post(thread, says("Summary"), next(KEYS))
    [seen] = await platform.people.threads(place)
    assert (seen.id, seen.name) == (thread, "Wasps")
    assert (await platform.people.messages(thread))[-1].text == "Summary"


async def test_a_thread_that_stands_alone_is_one_too(platform, discord, place):
    key = next(KEYS)
    threads = {await discord.open_thread(place, "", "*Bees*", key) for _ in range(2)}
    [seen] = await platform.people.threads(place)
    assert threads == {seen.id}
    [own] = await platform.people.messages(place)
    assert own.text == r"\*Bees\*"


async def test_a_forum_gets_a_post(platform, discord):
    forum = await platform.people.make_channel("forum", "forum")
    thread = await discord.open_thread(forum, "", "Bees", next(KEYS))
    [seen] = await platform.people.threads(forum)
    assert (seen.id, seen.name) == (thread, "Bees")


async def test_an_archived_thread_is_opened_by_a_message(platform, discord, place):
    message = await platform.people.write(place, "a link")
    thread = await discord.open_thread(place, message, "Bees", next(KEYS))
    await platform.people.archive(thread)
    await discord.post(thread, says("Here I am."), next(KEYS))
    [seen] = await platform.people.threads(place)
    assert not seen.archived


# What Discord does not do


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (10008, MessageGone),
        (30046, TooOld),
        (50083, TooOld),
        (10003, PlaceClosed),
        (50001, PlaceClosed),
        (50013, PlaceClosed),
        (50035, Refused),
        (200000, Refused),
        ("cloudflare", Busy),
        ("cut", Busy),
    ],
)
async def test_an_edit_that_fails_tells_why(platform, discord, place, code, kind):
    id = await discord.post(place, says("Old"), next(KEYS))
    platform.front.fault("PATCH", rf"/messages/{id}", code, times=5)
    with pytest.raises(kind):
        await discord.edit(place, id, says("New"))


async def test_what_may_be_edited_only_in_an_hour_is_too_old(platform, discord, place):
    old = str(snowflake(datetime.now(UTC) - timedelta(hours=2)))
    platform.front.fault("PATCH", rf"/messages/{old}", "429 user", retry_after_s=3000)
    with pytest.raises(TooOld):
        await discord.edit(place, old, says("New"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (10008, MessageGone),
        (10003, PlaceClosed),
        (50001, PlaceClosed),
        (50013, Refused),
        (160005, Refused),
        (160006, Refused),
    ],
)
async def test_a_thread_that_cannot_be_opened_tells_why(platform, discord, place, code, kind):
    message = await platform.people.write(place, "a link")
    platform.front.fault("POST", r"/threads$", code)
    with pytest.raises(kind):
        await discord.open_thread(place, message, "Bees", next(KEYS))


@pytest.mark.parametrize("fault", ["429 user", "429 global", "429 shared", "500 after"])
async def test_what_passes_is_waited_for(platform, discord, place, fault):
    platform.front.fault("POST", rf"/channels/{place}/messages", fault)
    await discord.post(place, says("Once"), next(KEYS))
    assert len(await platform.people.messages(place)) == 1


async def test_a_long_rate_limit_is_told(platform, discord, place):
    platform.front.fault("POST", rf"/channels/{place}/", "429 user", retry_after_s=90)
    with pytest.raises(Busy) as busy:
        await discord.post(place, says("Later"), next(KEYS))
    assert busy.value.retry_after_s == 90


async def test_a_thread_keeps_its_name_where_a_new_one_would_take_long(platform, discord, place):
    message = await platform.people.write(place, "a link")
    thread = await discord.open_thread(place, message, "Bees", next(KEYS))
    platform.front.fault("PATCH", rf"/channels/{thread}", "429 user", retry_after_s=500)
    await discord.rename_thread(thread, "Wasps")
    [seen] = await platform.people.threads(place)
    assert seen.name == "Bees"


async def test_in_a_locked_and_archived_thread_nothing_can_be_said(platform, discord, place):
    message = await platform.people.write(place, "a link")
    thread = await discord.open_thread(place, message, "Bees", next(KEYS))
    await platform.people.archive(thread, locked=True)
    with pytest.raises(PlaceClosed):
        await discord.post(thread, says("Hello?"), next(KEYS))


async def test_a_wrong_token_is_a_wrong_setting(platform):
    with pytest.raises(ConfigInvalid) as invalid:
        async with open_discord(section(platform, "wrong")):
            pass
    assert invalid.value.key == "discord.token"


async def test_a_discord_that_is_away_at_first_is_waited_for(platform, place):
    away = platform.front.fault("GET", "/users/@me$", "cloudflare")
    async with open_discord(section(platform)) as discord:
        await discord.post(place, says("At last."), next(KEYS))
    assert away.met == 1


# What people do


async def test_a_message_is_heard_with_its_place_and_person(platform, receiver, place):
    async with serving_bot(platform, receiver):
        id = await platform.people.write(place, "https://youtu.be/dQw4w9WgXcQ")
        heard = await soon(receiver.messages)
    assert (heard.id, heard.text) == (id, "https://youtu.be/dQw4w9WgXcQ")
    assert (heard.where.place, heard.where.channel) == (place, f"discord:{place}")
    assert (heard.where.server, heard.where.is_thread) == (platform.people.guild, False)
    assert (heard.author.id, heard.author.name) == (platform.people.mina, "Mina")
    assert not heard.author.is_moderator
    assert not heard.to_us


async def test_a_thread_shares_the_library_of_its_channel(platform, receiver, place):
    people = platform.people
    thread = await people.make_thread(await people.write(place, "a link"), "Bees")
    async with serving_bot(platform, receiver):
        await people.write(thread, "a question", author=people.olga)
        heard = await soon(receiver.messages)
        await people.archive(thread)
        await people.write(thread, "another")
        again = await soon(receiver.messages)
    for message in (heard, again):
        assert (message.where.place, message.where.channel) == (thread, f"discord:{place}")
        assert message.where.is_thread
    assert heard.author.is_moderator, "the owner of a server may do everything"


async def test_a_mention_a_reply_and_a_private_message_are_to_us(platform, receiver, place):
    people = platform.people
    async with serving_bot(platform, receiver) as discord:
        await people.write(place, f"<@{people.bot}> why?")
        mentioned = await soon(receiver.messages)
        ours = await discord.post(place, says("An answer"), next(KEYS))
        await people.write(place, "And who?", reply_to=ours)
        replied = await soon(receiver.messages)
        channel, _ = await people.write_privately("Hello")
        private = await soon(receiver.messages)
    assert (mentioned.text, mentioned.to_us) == ("why?", True)
    assert (replied.to_us, replied.reply_to) == (True, ours)
    assert (private.to_us, private.where.server) == (True, "")
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


async def test_what_a_press_answers_is_seen_by_the_person_alone(platform, receiver, place):
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


async def test_a_button_answers_although_it_was_acknowledged_too_late(platform, receiver, place):
    receiver.answers["q"] = says("Not you.")
    async with serving_bot(platform, receiver) as discord:
        id = await discord.post(place, Draft(("Ask.",), (Button("q", "Why?"),)), next(KEYS))
        for code in (10062, 40060):
            platform.front.fault("POST", "/callback", code)
            of = await platform.people.press(id, "tt:q")
            pressed = await soon(receiver.presses)
            assert (pressed.id, pressed.button_id) == (of.id, "q")


async def test_a_button_of_nobody_known_is_left_alone(platform, receiver, place):
    async with serving_bot(platform, receiver) as discord:
        id = await discord.post(place, Draft(("Ask.",), (Button("a b", "Why?"),)), next(KEYS))
        await platform.people.press(id, "tt:a b")
        await platform.people.write(place, "later")
        await soon(receiver.messages)
    assert receiver.presses.empty()


@pytest.fixture
async def commanded(platform, receiver):
    """Discord knows the commands."""
    async with serving_bot(platform, receiver) as discord:
        await eventually(lambda: are_told(platform))
        yield discord


def are_told(platform) -> bool:
    return bool(platform.world.commands.get(None) or told(platform))


def told(platform):
    """When commands were written."""
    return [r for r in platform.front.requests if r.method == "PUT" and r.status == 200]


async def test_a_forums_post_is_known_by_the_message_that_opens_it(platform, receiver):
    forum = await platform.people.make_channel("posts", "forum")
    async with serving_bot(platform, receiver):
        post = await platform.people.make_post(forum, "Bees", "https://youtu.be/dQw4w9WgXcQ")
        first = await soon(receiver.messages)
        await platform.people.write(post, "And?")
        second = await soon(receiver.messages)
    for message in (first, second):
        assert (message.where.place, message.where.channel) == (post, f"discord:{forum}")
        assert message.where.is_thread
    assert (first.opens, second.opens) == (True, False)


async def test_a_command_is_heard_in_our_words(platform, receiver, commanded, place):
    receiver.answers["ask"] = Draft(("Wait.",), file=File("a.txt", "Said."))
    of = await platform.people.slash(place, "ask", question="Why?", scope="channel")
    heard = await soon(receiver.commands)
    assert (heard.name, heard.id) == ("ask", of.id)
    assert heard.options == {"question": "Why?", "scope": "channel"}
    assert (heard.where.channel, heard.author.language) == (f"discord:{place}", "en")
    await eventually(lambda: of.original_id is not None and not of.thinking)
    answer = await platform.people.message(of.original_id)
    assert (answer.text, answer.ephemeral) == ("Wait.", True)
    assert answer.files == {"a.txt": b"Said."}


async def test_a_command_that_answers_nothing_leaves_nothing(platform, receiver, commanded, place):
    of = await platform.people.slash(place, "videos", page=2)
    assert (await soon(receiver.commands)).options == {"page": "2"}
    await eventually(lambda: not of.thinking)
    assert await platform.people.messages(place) == []


async def test_yes_and_no_are_words_and_a_language_is_a_code(platform, receiver, commanded, place):
    jiho = await platform.people.join("jiho", locale="ko")
    with pytest.raises(CannotDo):
        await platform.people.slash(place, "settings", author=jiho, links=True)
    await platform.people.slash(place, "settings", author=platform.people.olga, links=False)
    heard = await soon(receiver.commands)
    assert heard.options == {"links": "false"}
    assert heard.author.is_moderator
    await platform.people.slash(place, "help", author=jiho)
    assert (await soon(receiver.commands)).author.language == "ko"


async def test_a_message_can_be_summarised_from_its_menu(platform, receiver, commanded, place):
    message = await platform.people.write(place, "https://youtu.be/dQw4w9WgXcQ")
    await platform.people.context_menu(message, "Summarise this video")
    heard = await soon(receiver.commands)
    assert (heard.name, heard.message_id) == ("summarise", message)
    assert heard.text == "https://youtu.be/dQw4w9WgXcQ"


async def test_choices_come_while_somebody_types(platform, receiver, commanded, place):
    receiver.choices["video"] = [("Bees " * 40, "id1"), (" ", "id2"), ("Wasps", "x" * 101)]
    receiver.choices["video"] += [(f"Video {n}", f"v{n}") for n in range(30)]
    choices = await platform.people.autocomplete(place, "summary", "video", "be")
    command, option, typed = receiver.typed[-1]
    assert (command.name, option, typed) == ("summary", "video", "be")
    assert len(choices) == 25
    assert choices[0] == {"name": ("Bees " * 40)[:99] + "…", "value": "id1"}
    assert choices[1]["value"] == "v0"


async def test_commands_are_told_once(platform, receiver, commanded):
    before, asked = len(told(platform)), len(platform.front.requests)
    async with serving_bot(platform, ScriptedReceiver()):

        async def has_looked():
            return any("/commands" in r.path and r.status for r in platform.front.requests[asked:])

        await eventually(has_looked)
    assert len(told(platform)) == before


async def test_a_deleted_thread_and_a_deleted_channel_are_told(platform, receiver, place):
    thread = await platform.people.make_thread(await platform.people.write(place, "link"), "Bees")
    async with serving_bot(platform, receiver):
        await platform.people.delete_channel(thread)
        assert await soon(receiver.gone) == thread
        await platform.people.delete_channel(place)
        assert await soon(receiver.gone) == place


# What breaks


async def test_what_people_wrote_while_the_connection_was_cut_is_heard(platform, receiver, place):
    async with serving_bot(platform, receiver):
        await platform.gateway.drop()
        await platform.people.write(place, "meanwhile")
        assert (await soon(receiver.messages)).text == "meanwhile"


async def test_an_event_that_cannot_be_read_leaves_no_deaf_bot(platform, receiver, place):
    async with serving_bot(platform, receiver):
        await platform.gateway.say("MESSAGE_CREATE", {"id": "broken"})

        async def is_heard():
            await platform.people.write(place, "hello?")
            await asyncio.sleep(0.1)
            return not receiver.messages.empty()

        await eventually(is_heard)
        assert platform.gateway.connected == 1


async def test_a_token_that_is_taken_away_ends_the_serving(platform, receiver):
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


async def test_without_the_right_to_read_messages_the_rest_serves(receiver):
    with serving(message_content=False) as platform:
        people = platform.people
        async with serving_bot(platform, receiver) as discord:
            await eventually(lambda: are_told(platform))
            await people.write(people.channel, f"<@{people.bot}> why?")
            assert (await soon(receiver.messages)).text == "why?"
            await people.write(people.channel, "secret")
            assert (await soon(receiver.messages)).text == ""
            await people.slash(people.channel, "help")
            await soon(receiver.commands)
            await discord.post(people.channel, says("Here."), next(KEYS))


# What doctor says


async def test_doctor_finds_all_well(platform):
    known, reading, rights = await check_discord(section(platform))
    assert (known.status, known.facts) == ("ok", {"name": "TestBot", "servers": 1})
    assert (reading.status, rights.status) == ("ok", "ok")


async def test_doctor_tells_a_wrong_token(platform):
    [known] = await check_discord(section(platform, "wrong"))
    assert known.status == "fail"
    assert isinstance(known.error, ConfigInvalid)


async def test_doctor_tells_what_is_missing():
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


async def test_doctor_tells_that_discord_is_away(platform):
    for path in ("/users/@me$", "/users/@me/guilds"):
        away = platform.front.fault("GET", path, "cut", times=2)  # aiohttp itself tries it twice
        [known] = await check_discord(section(platform))
        assert away.met == 2
        assert (known.status, known.case) == ("fail", "unreachable")
