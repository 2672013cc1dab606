"""Messages and threads of the adapter as people see them, and Discord's refusals."""

from datetime import UTC, datetime, timedelta

import pytest
from discord.utils import time_snowflake as snowflake

from bot.chat import Busy, Button, Card, Draft, File, MessageGone, PlaceClosed, Refused, TooOld
from bot.discord_adapter.connect import open_discord
from core.errors import ConfigInvalid
from tests.fakes.chat import says
from tests.harness.discord_adapter import KEYS, section

CARD = Card("Bees", "https://youtu.be/dQw4w9WgXcQ", "https://i.ytimg.com/vi/x/hq.jpg")


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


async def test_an_edit_replaces_the_whole_message(platform, discord, place):
    full = Draft(("Old",), (Button("x", "Why?"),), File("a.txt", "Said."), CARD)
    id = await discord.post(place, full, next(KEYS))
    for _ in range(2):
        await discord.edit(place, id, says("New"))
    seen = await platform.people.message(id)
    assert (seen.text, seen.embeds, seen.buttons, seen.files) == ("New", [], {}, {})


async def test_one_key_is_one_message_even_if_the_response_is_lost(platform, discord, place):
    key = next(KEYS)
    platform.front.fault("POST", rf"/channels/{place}/messages", "cut after")
    with pytest.raises(Busy):
        await discord.post(place, says("Once"), key)
    await discord.post(place, says("Once"), key)
    assert [seen.text for seen in await platform.people.messages(place)] == ["Once"]


async def test_opening_a_messages_thread_twice_makes_one_thread(platform, discord, place):
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


async def test_opening_a_standalone_thread_twice_makes_one_thread(platform, discord, place):
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


async def test_a_message_reopens_an_archived_thread(platform, discord, place):
    message = await platform.people.write(place, "a link")
    thread = await discord.open_thread(place, message, "Bees", next(KEYS))
    await platform.people.archive(thread)
    await discord.post(thread, says("Here I am."), next(KEYS))
    [seen] = await platform.people.threads(place)
    assert not seen.archived


# What Discord refuses


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
async def test_a_failed_edit_raises_its_error(platform, discord, place, code, kind):
    id = await discord.post(place, says("Old"), next(KEYS))
    platform.front.fault("PATCH", rf"/messages/{id}", code, times=5)
    with pytest.raises(kind):
        await discord.edit(place, id, says("New"))


async def test_an_edit_limited_for_an_hour_is_too_old(platform, discord, place):
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
async def test_a_failed_thread_raises_its_error(platform, discord, place, code, kind):
    message = await platform.people.write(place, "a link")
    platform.front.fault("POST", r"/threads$", code)
    with pytest.raises(kind):
        await discord.open_thread(place, message, "Bees", next(KEYS))


@pytest.mark.parametrize("fault", ["429 user", "429 global", "429 shared", "500 after"])
async def test_a_temporary_failure_is_retried(platform, discord, place, fault):
    met = platform.front.fault("POST", rf"/channels/{place}/messages", fault)
    await discord.post(place, says("Once"), next(KEYS))
    assert met.met == 1
    assert len(await platform.people.messages(place)) == 1


async def test_a_long_rate_limit_raises_busy(platform, discord, place):
    platform.front.fault("POST", rf"/channels/{place}/", "429 user", retry_after_s=90)
    with pytest.raises(Busy) as busy:
        await discord.post(place, says("Later"), next(KEYS))
    assert busy.value.retry_after_s == 90


async def test_a_rename_under_a_long_rate_limit_is_dropped(platform, discord, place):
    message = await platform.people.write(place, "a link")
    thread = await discord.open_thread(place, message, "Bees", next(KEYS))
    platform.front.fault("PATCH", rf"/channels/{thread}", "429 user", retry_after_s=500)
    await discord.rename_thread(thread, "Wasps")
    [seen] = await platform.people.threads(place)
    assert seen.name == "Bees"


async def test_a_locked_archived_thread_is_a_closed_place(platform, discord, place):
    message = await platform.people.write(place, "a link")
    thread = await discord.open_thread(place, message, "Bees", next(KEYS))
    await platform.people.archive(thread, locked=True)
    with pytest.raises(PlaceClosed):
        await discord.post(thread, says("Hello?"), next(KEYS))


async def test_a_wrong_token_is_invalid_configuration(platform):
    with pytest.raises(ConfigInvalid) as invalid:
        async with open_discord(section(platform, "wrong")):
            pass
    assert invalid.value.key == "discord.token"


async def test_opening_waits_for_an_unreachable_discord(platform, place):
    away = platform.front.fault("GET", "/users/@me$", "cloudflare")
    async with open_discord(section(platform)) as discord:
        await discord.post(place, says("At last."), next(KEYS))
    assert away.met == 1
