"""What people read, and what is left to do, when Telegram fails: each row of the fault matrix.

After each of them the bot is asked something else, and answers; and its token is nowhere.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.program import quiet
from bot.telegram_adapter.errors import CALL_S
from tests.fakes.core import VIDEOS
from tests.fakes.eventually import eventually
from tests.fakes.forward_loop import forward, forwarding
from tests.fakes.scene import Speaker
from tests.fakes.stage import DONE, FOUND, NOT_SHOWN, QUESTION
from tests.fakes.telegram.server import BOT_NAME, TOKEN, TelegramServer
from tests.fakes.telegram_stage import on_stage

SUMMARY, CHAPTERS, FILE = "\nPoints\n", "0:00 Bees", "Here it is."
ASKS, MORE = " asks: ", "More questions:"
ANSWER, PROGRESS = "an answer", "a bar"
NOT_PARSED = "Bad Request: can't parse entities: Can't find end tag corresponding to start tag b"
VISIT = [DONE, SUMMARY, FILE, ASKS, ANSWER, FOUND]
"""What is read after a `visit`."""
THEIRS = ("aiohttp.access",)
"""The logger of the platform itself."""


@pytest.fixture(scope="module")
def platform():
    with TelegramServer(chat_s=0, group_s=0, overall_s=0, retry_s=0.02, conflict_s=0.1) as platform:
        yield platform
        assert platform.refused == []


@pytest.fixture(autouse=True)
def no_token(platform, caplog, tmp_path):
    """It is in no log, in nothing that was sent, and in no file."""
    caplog.set_level(logging.DEBUG)
    quiet()
    before = len(platform.calls)
    yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call"), *caplog.records]
    logged = [logging.Formatter().format(one) for one in records if one.name not in THEIRS]
    sent = [str((call.given, call.files)) for call in platform.calls[before:]]
    kept = [str(path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()]
    assert sent
    secret = TOKEN.partition(":")[2]
    assert [one for one in (*logged, *sent, *kept) if secret in one] == []


@asynccontextmanager
async def staged(platform, folder, where="group", **world):
    async with on_stage(platform, folder, await a_chat(platform.people, where), **world) as stage:
        yield stage
        await stage.rest()
        await stage.serves_elsewhere()
        await stage.rest()


async def a_chat(people, where: str) -> int:
    if where == "private":
        return await people.open_private(await people.meet("Ada"))
    if where == "group":
        return await people.make_group("Hive")
    forum = await people.make_supergroup("Hive", forum=True)
    await people.promote(forum, people.bot, can_manage_topics=True)
    return forum


@pytest.fixture
async def stage(platform, tmp_path):
    async with staged(platform, tmp_path) as stage:
        yield stage


async def visit(stage) -> None:
    """All that people do: a link, two buttons, a question."""
    await stage.take_in()
    summary = await stage.comes(SUMMARY)
    await press(stage, summary, "Transcript")
    await stage.comes(FILE)
    await press(stage, summary, 0)
    await stage.comes(ASKS)
    await stage.rest()
    at = {"topic": summary.topic} if summary.topic else {"reply_to": summary.id}
    await stage.is_over(await stage.write(QUESTION, **at))


async def press(stage, message, button):
    author = max(message.chat, 0)  # a private chat has its person's number
    return await stage.platform.people.press(message, button, author=author)


async def read(stage, chat: int = 0) -> list[str]:
    """What each message is, for short."""
    return [kind(seen) for seen in await stage.ours(chat)]


def kind(seen) -> str:
    if re.search("(?m)^[▰▱]+", seen.text):
        return PROGRESS
    known = (DONE, NOT_SHOWN, SUMMARY, CHAPTERS, FILE, ASKS, MORE, FOUND)
    return next((words for words in known if words in seen.text), ANSWER if seen.buttons else "?")


async def paused(stage) -> int:
    """A link is pasted, and its video is being downloaded until `fetcher.may`."""
    stage.fetcher.may.clear()
    link = await stage.paste()
    await stage.comes("Downloading")
    return link


# RetryAfter


@pytest.mark.parametrize("wait_s", [3, 300])
@pytest.mark.parametrize(
    ("where", "method"),
    [
        ("group", "sendMessage"),
        ("group", "editMessageText"),
        ("group", "sendDocument"),
        ("forum", "createForumTopic"),
    ],
)
@forwarding
async def test_telegram_is_left_alone_as_long_as_it_asks_and_others_are_served(
    platform, tmp_path, where, method, wait_s
):
    async with staged(platform, tmp_path, where) as stage:
        if method == "sendDocument":
            await stage.take_in()
        met = platform.fault(method, "429", retry_after_s=wait_s, chat=stage.chat)
        if method == "sendDocument":
            await press(stage, await stage.comes(SUMMARY), "Transcript")
        else:
            await stage.paste()
        await eventually(lambda: met.met and stage.telegram.pace.wait_s(stage.chat) > 1)
        refused = next(call for call in stage.calls(method) if call.status == 429)
        forward(wait_s - 1)
        await stage.serves_elsewhere()
        await stage.comes(FILE if method == "sendDocument" else SUMMARY)
        await stage.rest()
        assert await read(stage) == [DONE, SUMMARY, FILE][: 3 if method == "sendDocument" else 2]
        counted = stage.calls("sendMessage", "editMessageText", "sendDocument", "createForumTopic")
        following = counted[counted.index(refused) + 1]
        assert following.at - refused.at >= 1, "it had been left alone for all but a second"
        assert met.met == 1


async def test_who_may_not_listen_for_a_while_hears_it_afterwards(stage):
    met = stage.platform.fault("getUpdates", "429", retry_after_s=3)
    await stage.take_in()
    await stage.take_in(VIDEOS[1])
    assert met.met == 1
    assert await read(stage) == [DONE, SUMMARY] * 2


# 502, and whatever else passes


CALLS = [
    ("group", "sendMessage"),
    ("group", "editMessageText"),
    ("group", "sendDocument"),
    ("group", "answerCallbackQuery"),
    ("group", "getUpdates"),
    ("group", "getChatMember"),
    ("forum", "createForumTopic"),
    ("forum", "editForumTopic"),
    ("private", "sendMessageDraft"),
]


@pytest.mark.parametrize(("where", "method"), CALLS)
async def test_what_fails_for_a_moment_nobody_notices(platform, tmp_path, where, method):
    async with staged(platform, tmp_path, where) as stage:
        met = platform.fault(method, "502")
        await visit(stage)
        assert met.met == 1
        assert await read(stage) == VISIT


async def test_a_file_that_is_not_handed_out_at_once_is_asked_for_again(platform, tmp_path):
    async with staged(platform, tmp_path, "private") as stage:
        met = platform.fault("getFile", "502")
        upload = await platform.people.upload(
            stage.chat, "hive.mp3", b"buzz", "audio", author=stage.chat
        )
        await stage.is_over(upload)
        assert met.met == 1
        assert await read(stage) == [DONE, SUMMARY]


async def test_who_cannot_be_shown_that_we_type_is_answered_all_the_same(platform, tmp_path):
    async with staged(platform, tmp_path, model=Speaker(f"{FOUND} [2].", 0.05)) as stage:
        await stage.take_in()
        met = platform.fault("sendChatAction", "502")
        await stage.is_over(await stage.write(QUESTION))
        assert met.met == 1
        assert await read(stage) == [DONE, SUMMARY, FOUND]


# A time-out after it was done


@pytest.mark.parametrize("fault", ["hang after", "cut after", "502 after"])
@pytest.mark.parametrize("hit", [PROGRESS, SUMMARY, FOUND])
@forwarding
async def test_a_message_whose_receipt_is_lost_stands_there_twice_at_most_and_no_other_does(
    platform, tmp_path, hit, fault
):
    async with staged(platform, tmp_path) as stage:
        if hit == FOUND:
            await stage.take_in()
        if hit == SUMMARY:
            asked = await paused(stage)
        met = platform.fault("sendMessage", fault, chat=stage.chat)
        stage.fetcher.may.set()
        if hit == FOUND:
            asked = await stage.write(QUESTION)
        if hit == PROGRESS:
            asked = await stage.paste()
        await eventually(lambda: met.met)
        if fault == "hang after":
            forward(CALL_S)
        await stage.is_over(asked)
        told = Counter(await read(stage))
        once = Counter([DONE, SUMMARY, FOUND] if hit == FOUND else [DONE, SUMMARY])
        assert once <= told <= once + Counter([hit])


async def test_buttons_of_both_serve_where_a_summary_stands_twice(stage):
    await paused(stage)
    stage.platform.fault("sendMessage", "502 after", chat=stage.chat)
    stage.fetcher.may.set()
    await stage.comes(SUMMARY)
    await stage.rest()
    for summary in [seen for seen in await stage.ours() if kind(seen) == SUMMARY]:
        before = len(await stage.ours())
        await stage.platform.people.answered(await press(stage, summary, 0))
        await stage.rest()
        assert (await read(stage))[before:] == [ASKS, ANSWER]


async def test_a_topic_may_stand_there_twice_but_all_is_said_in_one(platform, tmp_path):
    async with staged(platform, tmp_path, "forum") as stage:
        met = platform.fault("createForumTopic", "cut after")
        await stage.take_in()
        assert met.met == 1
        assert len(await platform.people.topics(stage.chat)) <= 2
        assert await read(stage) == [DONE, SUMMARY]
        assert len({seen.topic for seen in await stage.ours()}) == 1


# Markup


@pytest.mark.parametrize("method", ["sendMessage", "editMessageText", "sendDocument"])
async def test_what_telegram_cannot_read_is_said_in_plain_words(stage, method):
    met = stage.platform.fault(method, NOT_PARSED)
    await visit(stage)
    assert met.met == 1
    assert await read(stage) == VISIT
    assert len([one for one in stage.calls(method) if "parse_mode" not in one.given]) == 1
    assert "<" not in "".join(await stage.says())


async def test_what_telegram_cannot_even_read_as_plain_words_is_said_to_be(stage):
    await paused(stage)
    met = stage.platform.fault("sendMessage", NOT_PARSED, times=2, chat=stage.chat)
    stage.fetcher.may.set()
    await stage.rest()
    assert met.met == 2
    assert await read(stage) == [DONE, NOT_SHOWN]


# Not modified


async def test_an_edit_that_had_been_done_is_not_modified_and_that_is_fine(stage):
    link = await paused(stage)
    met = stage.platform.fault("editMessageText", "502 after", times=3, chat=stage.chat)
    stage.fetcher.may.set()
    await stage.is_over(link)
    assert met.met >= 1
    assert not_modified(stage)
    assert await read(stage) == [DONE, SUMMARY]


def not_modified(stage) -> list:
    edits = stage.calls("editMessageText")
    return [one for one in edits if "is not modified" in one.answer.get("description", "")]


# The message is gone


async def test_a_progress_message_that_somebody_deletes_stays_deleted(stage):
    await paused(stage)
    progress = await stage.comes("Downloading")
    await stage.platform.people.delete(stage.chat, progress.id)
    stage.fetcher.may.set()
    await stage.rest()
    assert await read(stage) == [SUMMARY]


async def test_who_deletes_their_link_may_still_read_what_came_of_it(stage):
    link = await paused(stage)
    await stage.platform.people.delete(stage.chat, link)
    stage.fetcher.may.set()
    await stage.rest()
    assert await read(stage) == [DONE, SUMMARY]
    assert [seen.reply_to for seen in await stage.ours()] == [link, 0]


async def test_where_a_topic_is_deleted_the_work_ends(platform, tmp_path):
    async with staged(platform, tmp_path, "forum") as stage:
        await paused(stage)
        [topic] = await platform.people.topics(stage.chat)
        await platform.people.delete_topic(stage.chat, topic)
        stage.fetcher.may.set()
        await stage.rest()
        assert await read(stage) == []
        assert [one.status for one in stage.calls("sendMessage")] == [200, 400], "the summary, once"
        await stage.take_in(VIDEOS[1])
        assert await read(stage) == [DONE, SUMMARY]


# Nobody wants to hear us


@pytest.mark.parametrize("where", ["private", "group"])
async def test_where_the_bot_is_shut_out_the_work_ends_and_once_it_is_back_it_serves(
    platform, tmp_path, where
):
    people = platform.people
    async with staged(platform, tmp_path, where) as stage:
        await paused(stage)
        await (people.block if where == "private" else people.remove_bot)(stage.chat)
        before = len(stage.calls())
        stage.fetcher.may.set()
        await stage.rest()
        tried = len(stage.calls())
        assert 1 <= tried - before <= 2, "what was being said, and the summary"
        await stage.serves_elsewhere()
        assert len(stage.calls()) == tried
        if where == "private":
            await people.block(stage.chat, blocked=False)
        else:
            await people.add_bot(stage.chat)
        assert await read(stage) == [PROGRESS]
        await stage.take_in()
        await stage.take_in(VIDEOS[1])
        assert await read(stage) == [PROGRESS, SUMMARY, DONE, SUMMARY]


# A group becomes a supergroup


async def test_the_work_goes_on_in_a_group_that_moved_before_anybody_heard_of_it(stage):
    people, group = stage.platform.people, stage.chat
    link = await paused(stage)
    await stage.platform.updates.hold()
    new = await people.migrate(group)
    stage.fetcher.may.set()
    await stage.rest()
    assert await read(stage) == [PROGRESS]
    assert sorted(await read(stage, new)) == sorted([DONE, SUMMARY])
    assert [one.status for one in stage.calls() if one.status != 200] == [400], "it is told once"
    await stage.platform.updates.release()
    summary = await stage.comes(SUMMARY, new)
    await stage.is_over(await stage.write(QUESTION, new, reply_to=summary.id), new)
    assert sorted(await read(stage, new)) == sorted([DONE, SUMMARY, FOUND])
    conversation = f"telegram:{group}:{link}:0"
    assert len(await stage.store.threads.turns(f"telegram:{group}", conversation, 9)) == 1


async def test_what_was_said_before_a_group_moved_still_serves(stage):
    people, group = stage.platform.people, stage.chat
    link = await stage.take_in()
    summary = await stage.comes(SUMMARY)
    new = await people.migrate(group)
    await press(stage, summary, 0)
    await stage.comes(ASKS, new)
    await stage.rest()
    await press(stage, summary, "Transcript")
    await stage.comes(FILE, new)
    answer = next(seen for seen in await stage.ours(new) if kind(seen) == ANSWER)
    await stage.is_over(await stage.write(QUESTION, new, reply_to=answer.id), new)
    assert await read(stage, new) == [ASKS, ANSWER, FILE, FOUND]
    conversation = f"telegram:{group}:{link}:0"
    assert len(await stage.store.threads.turns(f"telegram:{group}", conversation, 9)) == 2


# Two pollers


async def test_beside_another_poller_all_is_heard_once_and_the_log_tells_of_it_once(stage, caplog):
    asking = f"{stage.platform.base_url}{TOKEN}/getUpdates"
    before = len(cut_off(stage))
    async with httpx.AsyncClient() as other:
        for conflicts in (1, 2, 3):
            await stage.platform.updates.polled()
            assert (await other.post(asking)).is_success
            await eventually(lambda enough=before + conflicts: len(cut_off(stage)) >= enough)
        link = await stage.paste()
        await other.post(asking)  # it hears of the link too
    await stage.is_over(link)
    await stage.is_over(await stage.write(QUESTION))
    assert await read(stage) == [DONE, SUMMARY, FOUND]
    assert stage.fetcher.calls.count("look_up") == 1
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        "another program fetches what happens on Telegram with this token: end it"
    ]


def cut_off(stage) -> list:
    return [call for call in stage.platform.called("getUpdates") if call.status == 409]


# A press that nobody waits for any more


@pytest.mark.parametrize(
    ("button", "told"),
    [
        (0, [ASKS, ANSWER]),
        ("Transcript", [FILE]),
        ("Chapters", [CHAPTERS]),
        ("More questions", [MORE]),
    ],
)
async def test_a_press_that_is_heard_too_late_is_answered_in_the_chat(stage, button, told):
    await stage.take_in()
    summary = await stage.comes(SUMMARY)
    pressed = await late(stage, summary, button)
    await eventually(lambda: has_come(stage, 2 + len(told)))
    await stage.rest()
    assert (await read(stage))[2:] == told
    assert not pressed.answered.is_set()


async def test_what_would_have_stood_over_a_button_is_said_below_it(stage):
    await stage.take_in()
    summary = await stage.comes(SUMMARY)
    people = stage.platform.people
    await people.write(stage.chat, f"/settings@{BOT_NAME} who_ask moderators", author=people.olga)
    await stage.comes("Who may ask: moderators")
    await late(stage, summary, 0)
    told = await stage.comes("You may not do that here.")
    assert told.reply_to == summary.id


async def late(stage, message, button):
    """A press that is told of a minute later."""
    await stage.platform.updates.hold()
    pressed = await press(stage, message, button)
    await stage.platform.world.advance(60)
    await stage.platform.updates.release()
    return pressed


async def has_come(stage, messages: int) -> bool:
    return len(await stage.ours()) >= messages
