"""What people read when things on Telegram are not where they were: messages, topics, people,
groups, the presses of buttons, the updates that another program fetches. After each of them the bot
serves whoever comes next.
"""

from __future__ import annotations

import httpx
import pytest

from tests.counterparts.telegram.server import BOT_NAME, TOKEN
from tests.harness.eventually import eventually
from tests.harness.fake_core import VIDEOS
from tests.harness.stage import DONE, FOUND, QUESTION
from tests.harness.telegram_visit import (
    ANSWER,
    ASKS,
    CHAPTERS,
    FILE,
    MORE,
    PROGRESS,
    SUMMARY,
    kind,
    paused,
    press,
    read,
    staged,
)

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
        "Another program polls Telegram with this token: stop it"
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
    await stage.comes("Who can ask questions: moderators")
    await late(stage, summary, 0)
    told = await stage.comes("You don't have permission to do that here.")
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
