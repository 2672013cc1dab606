"""The contracts of `Requests`, `PlaceBindings`, `Buttons`, `Settings` and `Usage`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.backends.storage.database import open_database
from core.backends.storage.store import Store, open_store
from core.backends.storage.tables import requests
from core.chat_records import (
    AskRequest,
    ChatSettings,
    OutboxEntry,
    PlaceBinding,
    Quota,
    Request,
    RequestOrigin,
    StoredButton,
    SummaryRequest,
    WatchRequest,
)
from core.model import Video
from tests.fakes.store import MemoryStore

AnyStore = Store | MemoryStore

BEES, WHALES = Video("bees0000000", "Bees"), Video("whales00000", "Whales")
HIVE, SEA = "discord:123456789012345678", "telegram:-100123"
ODD = "꿀벌 \\u0000 %s :name {} ' \" 🐝"

TELEGRAM = RequestOrigin("telegram", "sea", SEA, "", "telegram:p")
ORIGIN = RequestOrigin("discord", "hive", HIVE, "discord:s", "discord:p")
WATCH = WatchRequest("discord:1", ORIGIN, BEES.id)
ASK = AskRequest("discord:2", ORIGIN, "Who dances?", BEES.id, "bees", "m1")
ABOUT_BEES, ABOUT_WHALES = (
    PlaceBinding(HIVE, BEES.id, "bees"),
    PlaceBinding(HIVE, WHALES.id, "whales"),
)
WHO = StoredButton("1", HIVE, BEES.id, "ask", "Who dances?")

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PERSON, SERVER = Quota("discord:p", "ask", 2), Quota("discord:s", "ask", 3)


@pytest.fixture
async def other(store_url: str | None, store: AnyStore) -> AsyncIterator[AnyStore]:
    """The same store, opened as by another process."""
    if store_url is None:
        yield store
        return
    async with open_store(store_url) as opened:
        yield opened


async def test_requests_come_back_in_order_with_every_field(store):
    origin = RequestOrigin("discord", *(ODD + n for n in "abcde"))
    every_ask_field = AskRequest(ODD, origin, *(ODD + n for n in "fghij"))
    every_watch_field = WatchRequest(f"{ODD}w", origin, *(ODD + n for n in "fghijk"))
    summary = SummaryRequest(f"{ODD}s", origin, *(ODD + n for n in "fghij"), 1.5, ODD)
    asked = [replace(WATCH, id="z"), every_ask_field, every_watch_field, summary]
    asked.append(replace(WATCH, id="a"))
    for request in asked:
        assert await store.requests.add(request) is True
    assert await store.requests.open("discord") == asked


async def test_a_request_that_is_known_is_not_new_and_changes_nothing(store):
    await store.requests.add(WATCH)
    assert await store.requests.add(replace(WATCH, video_id="other", origin=TELEGRAM)) is False
    assert await store.requests.open("discord") == [WATCH]
    done = replace(WATCH, done=True)
    await store.requests.save(done)
    assert await store.requests.add(WATCH) is False
    assert await store.requests.open("discord") == []


async def test_a_request_added_many_times_at_once_is_new_once(store, other):
    added = await asyncio.gather(*(side.requests.add(WATCH) for side in (store, other) * 6))
    assert sorted(added) == [False] * 11 + [True]
    assert await store.requests.open("discord") == [WATCH]


async def test_a_saved_request_is_replaced_and_keeps_its_place_in_the_order(store):
    await store.requests.add(WATCH)
    await store.requests.add(ASK)
    thread = replace(WATCH, thread="t", job_id="j", origin=replace(ORIGIN, channel=SEA))
    await store.requests.save(thread)
    assert await store.requests.open("discord") == [thread, ASK]
    await store.requests.save(replace(ASK, done=True))
    assert await store.requests.open("discord") == [thread]


async def test_a_request_that_was_never_added_cannot_be_saved(store):
    await store.requests.save(WATCH)
    assert await store.requests.open("discord") == []
    assert await store.requests.add(WATCH) is True


async def test_platforms_do_not_see_each_others_requests(store):
    there = replace(WATCH, id="telegram:1", origin=TELEGRAM)
    for request in (WATCH, there):
        await store.requests.add(request)
    assert await store.requests.open("discord") == [WATCH]
    assert await store.requests.open("telegram") == [there]
    assert await store.requests.open("console") == []


async def test_requests_done_before_are_forgotten_and_nothing_else(store):
    for request in (WATCH, ASK):
        await store.requests.add(request)
    await store.requests.save(done := replace(WATCH, done=True))
    await store.requests.purge(datetime.now(UTC) - HOUR)
    assert await store.requests.add(done) is False
    await store.requests.purge(datetime.now(UTC) + HOUR)
    assert await store.requests.add(done) is True
    assert await store.requests.open("discord") == [ASK]


async def test_a_request_saved_again_counts_as_new(store):
    await store.requests.add(done := replace(WATCH, done=True))
    between = datetime.now(UTC)
    await store.requests.save(done)
    await store.requests.purge(between)
    assert await store.requests.add(done) is False


async def test_requests_of_earlier_releases_are_read(store_url, store):
    """Earlier releases stored one flat object of 17 fields for both kinds."""
    if store_url is None:
        pytest.skip("memory has no earlier releases")
    origin = {"platform": "discord", "place": "hive", "channel": HIVE, "server": "s", "person": "p"}
    flat = {name: name for name in ("message_id", "video_id", "thread", "asker", "job_id")}
    rest = {"language": "ko", "file_id": "f", "file_name": "f.mp3", "done": False}
    async with open_database(store_url) as database, database.write() as connection:
        for kind in ("watch", "ask"):
            old = {"id": kind, "kind": kind, "text": "Who?"} | origin | flat | rest
            row = {name: old[name] for name in ("id", "platform", "channel", "done")}
            new = requests.insert().values(**row, request=old, saved_at=datetime.now(UTC))
            await connection.execute(new)
    there = RequestOrigin("discord", "hive", HIVE, "s", "p", "ko")
    assert await store.requests.open("discord") == [
        WatchRequest("watch", there, "video_id", "message_id", "thread", "job_id", "f", "f.mp3"),
        AskRequest("ask", there, "Who?", "video_id", "thread", "message_id", "asker"),
    ]


async def test_a_message_has_its_own_binding_or_its_places(store):
    await store.bindings.bind("discord", "hive", "m1", ABOUT_BEES)
    assert await store.bindings.find("discord", "hive") is None
    assert await store.bindings.find("discord", "hive", "m2") is None
    await store.bindings.bind("discord", "hive", "", ABOUT_WHALES)
    await store.bindings.bind("discord", "hive", "m3", odd := PlaceBinding(ODD, ODD, ODD))
    assert await store.bindings.find("discord", "hive", "m1") == ABOUT_BEES
    assert await store.bindings.find("discord", "hive", "m2") == ABOUT_WHALES
    assert await store.bindings.find("discord", "hive", "m3") == odd
    assert await store.bindings.find("discord", "hive") == ABOUT_WHALES


async def test_binding_a_message_again_replaces_its_video(store):
    await store.bindings.bind("discord", "hive", "m", ABOUT_BEES)
    await store.bindings.bind("discord", "hive", "m", there := PlaceBinding(SEA, WHALES.id, "t"))
    assert await store.bindings.find("discord", "hive", "m") == there


async def test_closing_a_place_removes_its_bindings_and_no_others(store):
    others = [("discord", "hive2"), ("telegram", "hive"), ("discord", ODD)]
    for place in [("discord", "hive"), *others]:
        for message_id in ("", "m", ODD):
            await store.bindings.bind(*place, message_id, ABOUT_BEES)
    await store.bindings.close("discord", "hive")
    assert await store.bindings.find("discord", "hive", "m") is None
    for place in others:
        await store.bindings.bind(*place, "", ABOUT_WHALES)
        assert await store.bindings.find(*place, ODD) == ABOUT_BEES


async def test_a_button_added_again_keeps_its_first_meaning(store):
    odd = StoredButton(ODD, ODD, ODD, ODD, ODD)
    await store.buttons.add([WHO, odd, replace(WHO, text="twice in one message")])
    await store.buttons.add([replace(WHO, text="later"), new := replace(WHO, id="2", text="")])
    await store.buttons.add([])
    for button in (WHO, odd, new):
        assert await store.buttons.get(button.id) == button
    assert await store.buttons.get("3") is None


async def test_buttons_added_at_once_in_any_order_are_all_there(store, other):
    for turn in range(10):
        buttons = [replace(WHO, id=f"{turn}-{n:02}") for n in range(20)]
        await asyncio.gather(store.buttons.add(buttons), other.buttons.add(buttons[::-1]))
        assert [await store.buttons.get(button.id) for button in buttons] == buttons


async def test_settings_are_none_until_set_and_each_scope_has_its_own(store):
    assert await store.settings.get(["discord:s"]) == [ChatSettings()]
    settings = ChatSettings(False, True, "ko", "moderators", "everyone", "moderators")
    await store.settings.save("discord:s", settings)
    await store.settings.save(ODD, other := ChatSettings(links=True))
    await store.settings.save("discord:s", changed := replace(settings, language=None, links=None))
    scopes = [ODD, "discord", "discord:s"]
    assert await store.settings.get(scopes) == [other, ChatSettings(), changed]
    assert await store.settings.get(scopes[::-1]) == [changed, ChatSettings(), other]
    assert await store.settings.get([ODD]) == [other]


async def test_a_used_up_quota_is_reported_as_new_once(store):
    for _ in range(2):
        assert await store.usage.take([PERSON], NOON) == (None, False)
    assert await store.usage.take([PERSON], NOON) == (PERSON, True)
    assert await store.usage.take([PERSON], NOON + HOUR) == (PERSON, False)
    assert await store.usage.take([raised := replace(PERSON, most=3)], NOON) == (None, False)
    assert await store.usage.take([raised], NOON) == (raised, False)


async def test_a_quota_of_zero_allows_nothing(store):
    assert await store.usage.take([none := replace(PERSON, most=0)], NOON) == (none, True)
    assert await store.usage.take([none], NOON) == (none, False)
    assert await store.usage.take([], NOON) == (None, False)


async def test_if_one_quota_is_used_up_none_is_counted(store):
    for _ in range(2):
        await store.usage.take([PERSON], NOON)
    for quotas in ([SERVER, PERSON], [PERSON, SERVER]):
        assert (await store.usage.take(quotas, NOON))[0] == PERSON
    neighbour = replace(PERSON, scope=ODD, most=9)
    for _ in range(3):
        assert await store.usage.take([neighbour, SERVER], NOON) == (None, False)
    assert await store.usage.take([neighbour, SERVER], NOON) == (SERVER, True)


async def test_scopes_and_kinds_are_counted_separately(store):
    quotas = [PERSON, replace(PERSON, kind="watch"), replace(PERSON, scope="telegram:p")]
    for quota in quotas:
        for _ in range(2):
            assert await store.usage.take([quota], NOON) == (None, False)
        assert await store.usage.take([quota], NOON) == (quota, True)


async def test_a_day_ends_at_midnight_utc_wherever_the_clock_stands(store):
    seoul = timezone(timedelta(hours=9))
    late = datetime(2026, 11, 26, 8, 59, tzinfo=seoul)
    for now in (NOON, late):
        assert await store.usage.take([PERSON], now) == (None, False)
    assert await store.usage.take([PERSON], late) == (PERSON, True)
    next_day = late + timedelta(minutes=1)
    for _ in range(2):
        assert await store.usage.take([PERSON], next_day) == (None, False)
    assert await store.usage.take([PERSON], next_day) == (PERSON, True)


async def test_days_before_are_forgotten(store):
    none = replace(PERSON, most=0)
    await store.usage.take([PERSON], NOON)
    await store.usage.take([none], NOON)
    await store.usage.take([PERSON], NOON + DAY)
    for _ in range(2):
        assert await store.usage.take([PERSON], NOON) == (None, False)
    assert await store.usage.take([PERSON], NOON) == (PERSON, True)


async def test_two_processes_share_a_quota_and_report_it_once(store, other):
    person, server = replace(PERSON, most=7), replace(SERVER, most=20)
    orders = [[person, server], [server, person]] * 6
    takes = (side.usage.take(quotas, NOON) for quotas in orders for side in (store, other))
    taken = await asyncio.gather(*takes)
    counted, told, refused = (None, False), (person, True), (person, False)
    assert [taken.count(result) for result in (counted, told, refused)] == [7, 1, 16]
    rest = [await other.usage.take([server], NOON) for _ in range(20)]
    assert rest.count(counted) == 20 - 7


async def lived_in(store: AnyStore) -> list[Request]:
    """Give two channels both videos, bindings, buttons, and requests done and open."""
    for video in (BEES, WHALES):
        await store.videos.save(video)
    added: list[Request] = []
    for channel in (HIVE, SEA):
        for video in (BEES, WHALES):
            await store.library.add(channel, video.id)
            name = f"{channel} {video.id}"
            for message_id in ("", "m"):
                room = PlaceBinding(channel, video.id, message_id)
                await store.bindings.bind("discord", name, message_id, room)
            await store.buttons.add([StoredButton(name, channel, video.id, "ask", "Who?")])
        for done in (False, True):
            request = replace(
                ASK, id=f"{channel} {done}", origin=replace(ORIGIN, channel=channel), done=done
            )
            await store.requests.add(request)
            added.append(request)
    return added


async def left(store: AnyStore) -> set[tuple[str, str]]:
    """Return the channels and videos that still have bindings and buttons."""
    found = set()
    for channel in (HIVE, SEA):
        for video_id in (BEES.id, WHALES.id):
            name = f"{channel} {video_id}"
            bindings = [await store.bindings.find("discord", name, m) for m in ("", "m")]
            is_there = {*map(bool, bindings), await store.buttons.get(name) is not None}
            assert len(is_there) == 1
            if is_there == {True}:
                found.add((channel, video_id))
    return found


async def test_forgetting_a_video_removes_its_bindings_and_buttons(store):
    known = await lived_in(store)
    await store.library.forget(HIVE, BEES.id)
    assert await left(store) == {(HIVE, WHALES.id), (SEA, BEES.id), (SEA, WHALES.id)}
    assert [await store.requests.add(request) for request in known] == [False] * 4


async def test_a_channel_that_forgets_everything_resumes_none_of_its_requests(store):
    known = await lived_in(store)
    await store.library.forget(HIVE)
    assert await left(store) == {(SEA, BEES.id), (SEA, WHALES.id)}
    assert await store.requests.open("discord") == [known[2]]
    again = [await store.requests.add(request) for request in known]
    assert again == [False, True, False, False], "an event delivered again is no new request"


async def test_a_forgotten_video_ends_its_requests_and_those_about_all_videos(store):
    about = {name: replace(ASK, id=name) for name in ("video", "all", "other", "elsewhere")}
    about["all"] = replace(about["all"], video_id="")
    about["other"] = replace(about["other"], video_id=WHALES.id)
    about["elsewhere"] = replace(about["elsewhere"], origin=TELEGRAM)
    file = replace(WATCH, id="file", video_id="", file_id="f")
    for request in (*about.values(), file, WATCH):
        await store.requests.add(request)
    await store.library.forget(HIVE, BEES.id)
    assert await store.requests.open("discord") == [about["other"], file]
    assert await store.requests.open("telegram") == [about["elsewhere"]]
    await store.requests.save(replace(WATCH, job_id="j"))
    assert await store.requests.open("discord") == [about["other"], file], "it is not opened again"


async def undelivered(store: AnyStore) -> set[str]:
    return {entry.key for entry in await store.outbox_entries.unfinished("discord")}


async def test_a_forgotten_video_takes_its_undelivered_messages_along(store):
    """By their request, also once that is done; without one, by the place that they go to."""
    await store.requests.add(replace(WATCH, done=True))
    await store.requests.add(replace(WATCH, id="discord:w", video_id=WHALES.id))
    await store.requests.add(replace(ASK, id="discord:all", video_id=""))
    await store.bindings.bind("discord", "bees", "", ABOUT_BEES)
    await store.bindings.bind("discord", "whales", "", ABOUT_WHALES)
    places = {f"{WATCH.id}:summary:0": "x", "discord:w:0": "bees", "e:refused": "bees"}
    places |= {"discord:all:0": "x", "p:more": "whales", "discord:1x:0": "x", "hive": "1234"}
    for key, place in places.items():
        entry = OutboxEntry("discord", key, place, "bees dance", owner="")
        await store.outbox_entries.add(entry)
    owned = OutboxEntry("discord", "odd", "x", "bees", owner=WATCH.id)
    await store.outbox_entries.add(owned)
    await store.library.forget(HIVE, BEES.id)
    assert await undelivered(store) == {"discord:w:0", "p:more", "discord:1x:0", "hive"}
    await store.library.forget(HIVE)
    assert await undelivered(store) == {"discord:1x:0", "hive"}


async def test_a_message_that_a_request_still_writes_only_loses_its_words(store):
    """So that its task, or the next start, can say how the request ended."""
    summary = SummaryRequest("discord:s", ORIGIN, BEES.id, "p", "k", "", "en", 1.0)
    for request in (WATCH, summary):
        await store.requests.add(request)
    entry = OutboxEntry("discord", "a", "x", "bees dance", finished=False, target="m1", revision=3)
    written = replace(entry, owner=WATCH.id)
    others = [
        replace(written, key="thread", kind="thread"),
        replace(written, key="last", finished=True),
        replace(written, key="made", owner=summary.id),
    ]
    for one in (written, *others):
        await store.outbox_entries.add(one)
    await store.library.forget(HIVE, BEES.id)
    [left] = await store.outbox_entries.unfinished("discord")
    assert replace(left, number=0) == replace(written, draft="", shown=3)


async def test_messages_for_the_channel_itself_go_with_it(store):
    place = HIVE.partition(":")[2]
    await store.outbox_entries.add(OutboxEntry("discord", "e:refused", place, "bees dance"))
    await store.outbox_entries.add(OutboxEntry("discord", "f:refused", "elsewhere", "Hi"))
    await store.library.forget(HIVE)
    assert await undelivered(store) == {"f:refused"}


async def test_buttons_about_all_videos_may_name_any_and_go_with_each(store):
    await lived_in(store)
    await store.buttons.add([replace(WHO, id="all", video_id="")])
    await store.buttons.add([replace(WHO, id="there", video_id="", channel=SEA)])
    await store.library.forget(HIVE, BEES.id)
    assert await store.buttons.get("all") is None
    assert await store.buttons.get("there")


async def test_bindings_and_buttons_of_an_unknown_video_are_forgotten_too(store):
    await store.bindings.bind("discord", "hive", "", ABOUT_BEES)
    await store.buttons.add([WHO])
    assert await store.library.forget(HIVE, WHALES.id) == []
    assert await store.bindings.find("discord", "hive") == ABOUT_BEES
    assert await store.library.forget(HIVE, BEES.id) == []
    assert await store.bindings.find("discord", "hive") is None
    assert await store.buttons.get(WHO.id) is None


@pytest.mark.parametrize("code", [0, 0xD83D, 0xDC80], ids=["NUL", "high half", "low half"])
async def test_characters_that_databases_reject_are_replaced(store, code):
    odd = f"a{chr(code)}b"
    request = replace(ASK, id=odd, question=odd)
    assert await store.requests.add(request) is True
    assert await store.requests.add(request) is False
    await store.requests.save(replace(request, thread="t"))
    [found] = await store.requests.open("discord")
    assert (found.question[0], found.question[2:], found.thread) == ("a", "b", "t")
    await store.bindings.bind(odd, odd, odd, ABOUT_BEES)
    assert await store.bindings.find(odd, odd, odd) == ABOUT_BEES
    await store.buttons.add([replace(WHO, id=odd)])
    assert (await store.buttons.get(odd)).text == WHO.text
    await store.settings.save(odd, ChatSettings(language="ko"))
    assert await store.settings.get([odd]) == [ChatSettings(language="ko")]
    one = replace(PERSON, scope=odd, most=1)
    assert await store.usage.take([one], NOON) == (None, False)
    assert await store.usage.take([one], NOON) == (one, True)
