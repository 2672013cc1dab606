"""What people read when a call to Telegram fails: a rate limit, an outage, a lost response, HTML
that Telegram cannot parse. After each failure the bot serves the next request.
"""

from __future__ import annotations

from collections import Counter

import pytest

from bot.telegram_adapter.errors import CALL_TIMEOUT_S
from tests.harness.eventually import eventually
from tests.harness.fake_core import VIDEOS
from tests.harness.forward_loop import forward, forwarding
from tests.harness.scene import Speaker
from tests.harness.stage import DONE, FOUND, NOT_SHOWN, QUESTION
from tests.harness.telegram_visit import (
    ANSWER,
    ASKS,
    FILE,
    PROGRESS,
    SUMMARY,
    VISIT,
    kind,
    paused,
    press,
    read,
    staged,
    visit,
)

NOT_PARSED = "Bad Request: can't parse entities: Can't find end tag corresponding to start tag b"


# Rate limits


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
async def test_a_rate_limit_is_respected_while_other_chats_are_served(
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
        await eventually(lambda: met.met and stage.telegram.rate_limits.reserve(stage.chat) > 1)
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


async def test_a_rate_limited_chat_gets_its_messages_afterwards(stage):
    met = stage.platform.fault("getUpdates", "429", retry_after_s=3)
    await stage.take_in()
    await stage.take_in(VIDEOS[1])
    assert met.met == 1
    assert await read(stage) == [DONE, SUMMARY] * 2


# Temporary failures


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
async def test_a_temporary_failure_goes_unnoticed(platform, tmp_path, where, method):
    async with staged(platform, tmp_path, where) as stage:
        met = platform.fault(method, "502")
        await visit(stage)
        assert met.met == 1
        assert await read(stage) == VISIT


async def test_a_failed_download_is_retried(platform, tmp_path):
    async with staged(platform, tmp_path, "private") as stage:
        met = platform.fault("getFile", "502")
        upload = await platform.people.upload(
            stage.chat, "hive.mp3", b"buzz", "audio", author=stage.chat
        )
        await stage.is_over(upload)
        assert met.met == 1
        assert await read(stage) == [DONE, SUMMARY]


async def test_a_failed_typing_indicator_does_not_stop_the_answer(platform, tmp_path):
    async with staged(platform, tmp_path, model=Speaker(f"{FOUND} [2].", 0.05)) as stage:
        await stage.take_in()
        met = platform.fault("sendChatAction", "502")
        await stage.is_over(await stage.write(QUESTION))
        assert met.met == 1
        assert await read(stage) == [DONE, SUMMARY, FOUND]


# Lost responses


@pytest.mark.parametrize("fault", ["hang after", "cut after", "502 after"])
@pytest.mark.parametrize("hit", [PROGRESS, SUMMARY, FOUND])
@forwarding
async def test_a_lost_response_duplicates_at_most_its_own_message(platform, tmp_path, hit, fault):
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
            forward(CALL_TIMEOUT_S)
        await stage.is_over(asked)
        told = Counter(await read(stage))
        once = Counter([DONE, SUMMARY, FOUND] if hit == FOUND else [DONE, SUMMARY])
        assert once <= told <= once + Counter([hit])


async def test_the_buttons_of_a_duplicated_summary_both_work(stage):
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


async def test_a_duplicated_topic_stays_empty(platform, tmp_path):
    async with staged(platform, tmp_path, "forum") as stage:
        met = platform.fault("createForumTopic", "cut after")
        await stage.take_in()
        assert met.met == 1
        assert len(await platform.people.topics(stage.chat)) <= 2
        assert await read(stage) == [DONE, SUMMARY]
        assert len({seen.topic for seen in await stage.ours()}) == 1


# Markup


@pytest.mark.parametrize("method", ["sendMessage", "editMessageText", "sendDocument"])
async def test_unparsable_html_is_shown_as_plain_text(stage, method):
    met = stage.platform.fault(method, NOT_PARSED)
    await visit(stage)
    assert met.met == 1
    assert await read(stage) == VISIT
    assert len([one for one in stage.calls(method) if "parse_mode" not in one.given]) == 1
    assert "<" not in "".join(await stage.says())


async def test_a_message_refused_even_as_plain_text_is_reported(stage):
    await paused(stage)
    met = stage.platform.fault("sendMessage", NOT_PARSED, times=2, chat=stage.chat)
    stage.fetcher.may.set()
    await stage.rest()
    assert met.met == 2
    assert await read(stage) == [DONE, NOT_SHOWN]


# Not modified


async def test_an_unmodified_message_is_not_an_error(stage):
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
