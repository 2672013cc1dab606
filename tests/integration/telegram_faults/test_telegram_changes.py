"""What people read after changes on Telegram: deleted messages and topics, a removed bot, migrated
groups, expired presses, another poller. After each change the bot serves the next request.
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

# Deleted messages


async def test_a_progress_message_that_somebody_deletes_stays_deleted(stage):
    await paused(stage)
    progress = await stage.comes("Downloading")
    await stage.platform.people.delete(stage.chat, progress.id)
    stage.fetcher.may.set()
    await stage.rest()
    assert await read(stage) == [SUMMARY]


async def test_a_deleted_link_still_gets_its_summary(stage):
    link = await paused(stage)
    await stage.platform.people.delete(stage.chat, link)
    stage.fetcher.may.set()
    await stage.rest()
    assert await read(stage) == [DONE, SUMMARY]
    assert [seen.reply_to for seen in await stage.ours()] == [link, 0]


async def test_a_deleted_topic_ends_the_work(platform, tmp_path):
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


# The bot is removed


@pytest.mark.parametrize("where", ["private", "group"])
async def test_removing_the_bot_ends_the_work_and_readding_it_serves_again(
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


# Migrations


async def test_work_continues_in_a_group_whose_migration_is_still_unknown(stage):
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


async def test_messages_from_before_a_migration_still_work(stage):
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


async def test_another_poller_loses_no_update_and_is_logged_once(stage, caplog):
    asking = f"{stage.platform.base_url}{TOKEN}/getUpdates"
    await stage.is_over(await stage.paste())  # so it has polled: otherwise it would leave
    before = len(cut_off(stage))
    async with httpx.AsyncClient() as other:
        for conflicts in (1, 2, 3):
            await stage.platform.updates.polled()
            assert (await other.post(asking)).is_success
            await eventually(lambda enough=before + conflicts: len(cut_off(stage)) >= enough)
        question = await stage.write(QUESTION)
        await other.post(asking)  # it fetches the question as well
    await stage.is_over(question)
    assert await read(stage) == [DONE, SUMMARY, FOUND]
    assert stage.fetcher.calls.count("look_up") == 1
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        "Another program polls Telegram with this token: stop it"
    ]


def cut_off(stage) -> list:
    return [call for call in stage.platform.called("getUpdates") if call.status == 409]


# Expired presses


@pytest.mark.parametrize(
    ("button", "told"),
    [
        (0, [ASKS, ANSWER]),
        ("Transcript", [FILE]),
        ("Chapters", [CHAPTERS]),
        ("More questions", [MORE]),
    ],
)
async def test_an_expired_press_is_answered_in_the_chat(stage, button, told):
    await stage.take_in()
    summary = await stage.comes(SUMMARY)
    pressed = await late(stage, summary, button)
    await eventually(lambda: has_come(stage, 2 + len(told)))
    await stage.rest()
    assert (await read(stage))[2:] == told
    assert not pressed.answered.is_set()


async def test_the_alert_of_an_expired_press_becomes_a_message(stage):
    await stage.take_in()
    summary = await stage.comes(SUMMARY)
    people = stage.platform.people
    await people.write(stage.chat, f"/settings@{BOT_NAME} who_ask moderators", author=people.olga)
    await stage.comes("Who can ask questions: moderators")
    await late(stage, summary, 0)
    told = await stage.comes("You don't have permission to do that here.")
    assert told.reply_to == summary.id


async def late(stage, message, button):
    """Press a button, delivered to the bot a minute later."""
    await stage.platform.updates.hold()
    pressed = await press(stage, message, button)
    await stage.platform.world.advance(60)
    await stage.platform.updates.release()
    return pressed


async def has_come(stage, messages: int) -> bool:
    return len(await stage.ours()) >= messages
