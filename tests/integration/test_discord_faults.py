"""What users see, and what work remains, when Discord fails: each row of the fault matrix.

After each fault the bot answers another request.
"""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from tests.counterparts.discord.server import serving
from tests.harness.discord_stage import on_stage, text
from tests.harness.eventually import eventually
from tests.harness.stage import DONE, FOUND, NO_VIDEO, NOT_SHOWN, QUESTION

SUMMARY = "**Points**"
POSTS, EDITS, THREADS = r"/channels/\d+/messages$", r"/channels/\d+/messages/", r"/threads$"


@pytest.fixture(scope="module")
def platform():
    with serving(window_s=0.2) as platform:
        yield platform
        assert platform.front.refused == []
        assert platform.front.unguarded == []
        assert platform.world.pings == []


@pytest.fixture
async def stage(platform, tmp_path):
    async with on_stage(platform, tmp_path) as stage:
        yield stage
        platform.front.faults.clear()
        await serves_the_next_one(stage)


async def serves_the_next_one(stage) -> None:
    people = stage.platform.people
    place = await people.make_channel("next")
    await people.write(place, f"<@{people.bot}> {QUESTION}")
    await stage.comes(NO_VIDEO, place)
    await stage.rest()


def kinds(told: list[str]) -> list[str]:
    """Return the kind of each message."""
    return [SUMMARY if SUMMARY in one else one for one in told]


# Temporary failures


@pytest.mark.parametrize("request_kind", [("POST", POSTS), ("PATCH", EDITS), ("POST", THREADS)])
@pytest.mark.parametrize("fault", ["429 user", "429 global", "429 shared", "cloudflare"])
async def test_a_rate_limit_is_waited_for(stage, fault, request_kind):
    met = stage.platform.front.fault(*request_kind, fault)
    link = await stage.take_in()
    assert met.met == 1
    assert kinds(await stage.says(link)) == [DONE, SUMMARY]


@pytest.mark.parametrize("request_kind", [("POST", POSTS), ("POST", THREADS)])
@pytest.mark.parametrize("fault", ["500 after", "502 after", "cut after"])
async def test_a_call_that_succeeded_despite_its_response_is_not_repeated(
    stage, fault, request_kind
):
    met = stage.platform.front.fault(*request_kind, fault)
    link = await stage.take_in()
    assert met.met == 1
    assert kinds(await stage.says(link)) == [DONE, SUMMARY]
    assert len(await stage.platform.people.threads(stage.place)) == 1


# Permanent failures


@pytest.mark.parametrize("code", [10003, 50001])
async def test_a_closed_place_ends_the_work(stage, code):
    stage.fetcher.may.clear()
    link = await stage.paste()
    await stage.comes("Downloading", link)
    stage.platform.front.fault("*", rf"/channels/{link}", code, times=1000)
    stage.fetcher.may.set()
    await stage.rest()
    assert SUMMARY not in str(await stage.says(link))
    assert await stage.says() == []


@pytest.mark.parametrize("code", [50013, 160006])
async def test_without_threads_the_conversation_stays_in_the_channel(stage, code):
    stage.platform.front.fault("POST", THREADS, code)
    link = await stage.take_in()
    assert kinds(await stage.says()) == [DONE, SUMMARY]
    assert link not in {one.id for one in await stage.platform.people.threads(stage.place)}
    summary = await stage.comes(SUMMARY)
    await stage.platform.people.write(stage.place, QUESTION, reply_to=summary.id)
    await stage.comes(FOUND)


@pytest.mark.parametrize("code", [50035, 200000])
async def test_a_refused_summary_is_reported(stage, code):
    await stage.take_in()
    stage.platform.front.fault("POST", POSTS, code)
    link = await stage.take_in()
    assert len(await stage.says(link)) == 1
    await stage.comes(NOT_SHOWN, link)


@pytest.mark.parametrize("code", [50035, 200000])
async def test_a_refused_answer_is_reported(stage, code):
    link = await stage.take_in()
    before = len(await stage.says(link))
    stage.platform.front.fault("POST", rf"/channels/{link}/messages$", code, times=2)
    await stage.platform.people.write(link, QUESTION)
    await stage.comes(NOT_SHOWN, link)
    assert len(await stage.says(link)) == before + 1


async def test_a_progress_message_that_somebody_deletes_stays_deleted(stage):
    stage.fetcher.may.clear()
    link = await stage.paste()
    progress = await stage.comes("Downloading", link)
    await stage.platform.people.delete_message(progress.id)
    stage.fetcher.may.set()
    await stage.rest()
    assert kinds(await stage.says(link)) == [SUMMARY]


async def test_a_message_too_old_to_edit_is_replaced_by_a_new_one(stage):
    stage.fetcher.may.clear()
    link = await stage.paste()
    progress = await stage.comes("Downloading", link)
    stage.platform.front.fault("PATCH", EDITS, 30046, times=5)  # discord.py tries five times
    stage.fetcher.may.set()
    await stage.rest()
    told = await stage.says(link)
    assert told[0] == text(progress)
    assert sorted(kinds(told[1:])) == [SUMMARY, DONE]


async def test_an_archived_thread_reopens_with_the_next_message(stage):
    stage.fetcher.may.clear()
    link = await stage.paste()
    await stage.comes("Downloading", link)
    await stage.platform.people.archive(link)
    stage.fetcher.may.set()
    await stage.rest()
    told = kinds(await stage.says(link))
    assert SUMMARY in told
    assert DONE in told
    assert [one.archived for one in await stage.platform.people.threads(stage.place)] == [False]


# Buttons and commands


@pytest.mark.parametrize("code", [10062, 40060])
async def test_an_unacknowledged_press_is_still_answered(stage, code):
    link = await stage.take_in()
    summary = await stage.comes(SUMMARY, link)
    met = stage.platform.front.fault("POST", r"/interactions/.*/callback", code)
    await stage.platform.people.press(summary.id, next(iter(summary.buttons)))
    await stage.comes("Mina asked:", link)
    await stage.rest()
    answers = [one for one in await stage.ours(link) if "youtu.be" in one.text and one.buttons]
    assert (len(answers), met.met) == (1, 1)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", r"/interactions/.*/callback", 10062),
        ("POST", r"/interactions/.*/callback", 40060),
        ("PATCH", r"/webhooks/.*/messages/@original", 50027),
    ],
)
async def test_a_command_whose_reply_is_lost_is_still_processed(stage, method, path, code):
    people = stage.platform.people
    met = stage.platform.front.fault(method, path, code)
    await known_commands(stage)
    await people.slash(stage.place, "watch", link="https://youtu.be/aaaaaaaaaaa")

    async def thread() -> str:
        return next((one.id for one in await people.threads(stage.place)), "")

    opened = await eventually(thread)
    await stage.rest()
    assert met.met == 1
    assert kinds(await stage.says(opened)) == [DONE, SUMMARY]


async def known_commands(stage) -> None:
    async def known() -> bool:
        return bool(stage.platform.world.commands.get(None))

    await eventually(known)


# The gateway


@pytest.mark.parametrize("how", ["cut", "closed", "sent away"])
async def test_messages_from_a_disconnection_are_processed_once(stage, how):
    gateway = stage.platform.gateway
    before = gateway.identifies
    await {"cut": gateway.drop, "closed": partial(gateway.drop, 4000)}.get(how, gateway.reconnect)()
    link = await stage.take_in()
    assert kinds(await stage.says(link)) == [DONE, SUMMARY]
    assert gateway.identifies == before, "the session went on"


async def test_an_ended_session_is_replaced_by_a_new_one(stage):
    before = stage.platform.gateway.identifies
    await stage.platform.gateway.invalidate(resumable=False)
    await is_connected(stage)
    link = await stage.take_in()
    assert kinds(await stage.says(link)) == [DONE, SUMMARY]
    assert stage.platform.gateway.identifies == before + 1


async def test_refused_resumes_start_new_sessions(stage):
    gateway = stage.platform.gateway
    before = gateway.identifies
    for _ in range(3):
        gateway.refuse_resumes(1)
        await gateway.drop()
        await is_connected(stage, since=gateway.identifies)
    link = await stage.take_in()
    assert kinds(await stage.says(link)) == [DONE, SUMMARY]
    assert gateway.identifies <= before + 3


async def test_duplicate_events_are_processed_once(stage):
    people, gateway = stage.platform.people, stage.platform.gateway
    link = await stage.paste()
    await gateway.repeat(3)
    await stage.comes(SUMMARY, link)
    await stage.rest()
    await people.write(link, QUESTION)
    await gateway.repeat(3)
    summary = await stage.comes(SUMMARY, link)
    await people.press(summary.id, next(iter(summary.buttons)))
    await gateway.repeat(3)
    await stage.comes("Mina asked:", link)
    await stage.rest()
    done, shown, answer, asked, another = kinds(await stage.says(link))
    assert (done, shown) == (DONE, SUMMARY)
    assert FOUND in answer
    assert asked.startswith("Mina asked:")
    assert "youtu.be" in another
    assert stage.fetcher.calls.count("look_up") == 1
    channel = f"discord:{stage.place}"
    assert len(await stage.store.threads.turns(channel, link, 100)) == 2


async def test_a_late_event_is_processed(stage):
    people, gateway = stage.platform.people, stage.platform.gateway
    link = await stage.take_in()
    summary = await stage.comes(SUMMARY, link)
    gateway.hold()
    await people.press(summary.id, next(iter(summary.buttons)))
    await people.write(link, QUESTION)
    await stage.platform.world.advance(600)
    await gateway.release()
    await stage.comes("Mina asked:", link)
    await stage.comes(FOUND, link)
    await stage.rest()


async def is_connected(stage, since: int = -1) -> None:
    async def found() -> bool:
        gateway = stage.platform.gateway
        return gateway.connected == 1 and gateway.identifies > since

    await asyncio.sleep(0.05)
    await eventually(found, 20)
