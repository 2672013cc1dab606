"""This file checks the whole program on Telegram: links, questions, buttons, commands, kills.

Everything is real but Telegram, YouTube and Ollama, which are counterparts on loopback; Telegram's
limits are the real ones. Every test has a chat of its own: a group has twenty messages a minute.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import pytest_asyncio

from tests.fakes.eventually import eventually
from tests.fakes.ollama import OllamaServer, running
from tests.fakes.ollama_lecture import lecture
from tests.fakes.program import Program
from tests.fakes.recorded import ANSWER, LECTURE, QUESTION, WHALES
from tests.fakes.telegram.server import BOT_NAME, TOKEN, TelegramServer
from tests.fakes.telegram_talk import DONE, Talk, is_summary, questions
from tests.fakes.terminal import Terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

HANGUL = re.compile("[가-힣]")
LINK = f"https://youtu.be/{LECTURE}"
WHALES_LINK = f"https://youtu.be/{WHALES}"
TO_US = f"@{BOT_NAME} "


@pytest.fixture(scope="module")
def ollama():
    with running(OllamaServer(lecture)) as ollama:
        yield ollama
    assert ollama.breaches == []


@pytest.fixture(scope="module")
def platform():
    with TelegramServer() as platform:
        yield platform
        assert platform.refused == []
        assert platform.limited == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(platform, ollama, tmp_path_factory):
    terminal = Terminal(tmp_path_factory.mktemp("telegram"))
    program = Program(terminal, telegram=platform, llm={"engine": "ollama", "url": ollama.url})
    await program.start()
    yield program
    program.stop()
    secret = TOKEN.partition(":")[2]
    for written in (program.said, (program.data / "tubethread.log").read_text()):
        assert "Traceback" not in written
        assert secret not in written


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hive(platform, program, ollama) -> Talk:
    """The group in which mina asked for the lecture about glass; it has been summed up."""
    talk = Talk(platform, platform.people.group)
    ollama.pause_s = 0.01
    await talk.write(f"{TO_US}look: https://www.youtube.com/watch?v={LECTURE}&t=5")
    await talk.said(DONE)
    ollama.pause_s = 0.0
    return talk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whales(platform, program, hive) -> Talk:
    """A group in which the lecture about whales was asked for; the program was killed in the middle
    of it."""
    talk = Talk(platform, await platform.people.make_group("Whales"))
    await talk.write(TO_US + WHALES_LINK)

    async def is_at_work() -> bool:
        bars = await talk.bars()
        return bool(bars) and "Waiting" not in bars[0][-1]

    await eventually(is_at_work)
    program.kill()
    await program.start()
    await talk.said(DONE)
    return talk


# A link


async def test_one_message_shows_how_far_it_is(hive):
    [bars] = await hive.bars()
    assert len(bars) >= 5
    assert all(one != other for one, other in pairwise(bars)), "each edit shows something new"
    assert bars[-1].endswith(DONE)
    progress = (await hive.ours())[0]
    assert progress.links["A short lecture"] == LINK


async def test_the_summary_tells_all_and_links_it_to_its_second(hive):
    summary = await hive.summary()
    assert summary.preview["url"].startswith("https://i.ytimg.com/")
    assert summary.text.startswith("A short lecture\n")
    assert summary.links["A short lecture"] == LINK
    urls = " ".join(summary.links.values())
    seconds = [int(s) for s in re.findall(rf"https://youtu\.be/{LECTURE}\?t=(\d+)", urls)]
    assert len(seconds) >= 5
    assert max(seconds) < 120
    for part in ("Topic", "Points", "Chapters", "#bees", "heard by Whisper", "qwen3:8b"):
        assert part in summary.text
    assert re.search(r"Minutes covered: \d:\d\d of 2:0\d", summary.text)
    assert "Spoken language: English" in summary.text
    assert [len(row) for row in summary.buttons] == [1, 1, 1, 3]
    assert summary.buttons[3] == ["Transcript", "Chapters", "More questions"]
    assert all(question.endswith("?") for question in questions(summary))


async def test_a_known_video_is_summed_up_at_once(platform, hive):
    talk = Talk(platform, await platform.people.make_group("Elsewhere"))
    link = await talk.write(f"Unheard by a bot: {LINK}")
    await talk.write("/watch", author=platform.people.olga, reply_to=link)
    summary = await talk.summary()
    assert summary.reply_to == link
    assert summary.text == (await hive.summary()).text
    assert await talk.bars() == []


# Questions


async def test_a_reply_is_answered_as_it_is_written_and_buttons_outlive_a_kill(
    platform, program, ollama, hive
):
    people = platform.people
    talk = Talk(platform, await people.make_supergroup("Questions"))
    await talk.write(TO_US + LINK)
    summary = await talk.summary()
    ollama.pause_s = 0.3
    asked = await talk.write(QUESTION, reply_to=summary.id)
    answer = await talk.answer(asked)
    ollama.pause_s = 0.0
    grown = [look.text for look in answer.looks]
    assert len(grown) >= 3, "it streamed"
    assert grown[1].startswith(grown[0].rstrip("…. "))
    assert ANSWER in answer.text
    assert answer.links["[1]"] == f"{LINK}?t=11"
    assert answer.reply_to == asked
    olaf = await people.join("Olaf", talk.chat)
    last = answer.id
    for kills in range(2):
        if kills:
            program.kill()
            await program.start()
        pressed = await people.press(summary, 0, author=olaf)
        question = await talk.said(f"Olaf asks: {questions(summary)[0]}", last)
        assert question.reply_to == summary.id
        answer = await talk.answer(question.id)
        assert LINK in answer.links["[1]"]
        assert await people.answered(pressed)
        last = answer.id


async def test_in_private_an_answer_is_drafted_and_more_is_to_be_had(platform, ollama, hive):
    people = platform.people
    ada = await people.open_private(await people.meet("Ada"))
    talk = Talk(platform, ada)
    await talk.write(LINK, author=ada)
    summary = await talk.summary()
    ollama.pause_s = 0.15
    asked = await talk.write(QUESTION, author=ada)
    answer = await talk.answer(asked)
    ollama.pause_s = 0.0
    drafts = [draft.text for draft in await people.drafts(ada) if draft.text]
    assert len(drafts) >= 3
    assert all(other.startswith(one.rstrip("…. ")) for one, other in pairwise(drafts))
    assert ANSWER in answer.text
    assert len(answer.looks) == 1
    await people.press(summary, "Transcript", author=ada)
    file = await talk.first(lambda one: bool(one.files), answer.id)
    [(name, content)] = file.files.items()
    assert name == f"{LECTURE}.txt"
    assert ANSWER in content.decode()
    await people.press(summary, "More", author=ada)
    more = await talk.answer(file.id)
    assert set(questions(more)).isdisjoint(questions(summary))


async def test_a_forum_has_a_topic_for_each_video(platform, hive, whales):
    people = platform.people
    forum = await people.make_supergroup("Lectures", forum=True)
    await people.promote(forum, people.bot, can_manage_topics=True)
    for link in (LINK, WHALES_LINK):
        await Talk(platform, forum).write(link)

    async def named() -> dict[str, int]:
        topics = {name: id for id, name in (await people.topics(forum)).items()}
        return topics if {"A short lecture", "A lecture about whales"} <= set(topics) else {}

    topics = await eventually(named)
    assert len(topics) == 2
    about_glass = Talk(platform, forum, topics["A short lecture"])
    about_whales = Talk(platform, forum, topics["A lecture about whales"])
    for talk, video in ((about_glass, LECTURE), (about_whales, WHALES)):
        summary = await talk.summary()
        assert summary.links
        asked = await talk.write(QUESTION)
        answer = await talk.answer(asked)
        assert answer.reply_to == asked
        assert (ANSWER in answer.text) == (video == LECTURE)
        assert all(video in link for link in answer.links.values())


async def test_where_no_topic_may_be_opened_replies_hang_together(platform, hive):
    people = platform.people
    talk = Talk(platform, await people.make_supergroup("No rights", forum=True), topic=0)
    link = await talk.write(TO_US + LINK)
    summary = await talk.summary()
    assert summary.reply_to == link
    asked = await talk.write(QUESTION, reply_to=summary.id)
    answer = await talk.answer(asked)
    assert (answer.reply_to, ANSWER in answer.text) == (asked, True)
    assert await people.topics(talk.chat) == {}


# Kills


async def test_a_killed_job_goes_on_in_its_message(whales):
    [bars] = await whales.bars()
    assert bars[-1].endswith(DONE)
    assert [is_summary(one) for one in await whales.ours()] == [False, True]


async def test_of_what_is_on_its_way_at_a_kill_one_message_comes_twice_at_most(
    platform, program, hive
):
    people = platform.people
    talks = [Talk(platform, await people.make_group(name)) for name in ("Twice", "Once")]
    fault = platform.fault("sendMessage", "hang after")
    for talk in talks:
        await talk.write(TO_US + LINK)
    await eventually(lambda: fault.met)
    program.kill()
    platform.release()
    await program.start()
    asked = [await talk.write(TO_US + QUESTION) for talk in talks]
    for talk, question in zip(talks, asked, strict=True):  # what came before is there before it
        assert ANSWER in (await talk.answer(question)).text
    summaries = [sum(map(is_summary, await talk.ours())) for talk in talks]
    assert sorted(summaries) in ([1, 1], [1, 2])


# Commands


async def test_ask_answers_from_all_videos_of_the_group_and_names_them(platform, hive, whales):
    talk = Talk(platform, await platform.people.make_group("Both"))
    await talk.write(f"{TO_US}{LINK} {WHALES_LINK}")
    for title in ("A short lecture", "A lecture about whales"):
        await talk.first(lambda one, title=title: is_summary(one) and title in one.text)
    question = "Which brown thing is of Fenwick?"
    asked = await talk.write(f"/ask {question}")
    answer = await talk.answer(asked)
    await talk.said(f"Mina asks: {question}")
    sources = re.findall(r"(?m)^\[(\d)\] \d+:\d\d “.+” — “(.+)”$", answer.text)
    titles = {"A short lecture": LINK, "A lecture about whales": WHALES_LINK}
    assert {title for _, title in sources} == set(titles)
    for number, title in sources:
        assert answer.links[f"[{number}]"].startswith(f"{titles[title]}?t=")


async def test_a_forgotten_video_is_gone_from_its_group_and_no_other(platform, hive):
    people = platform.people
    talk = Talk(platform, await people.make_group("Forgetful"))
    await talk.write(TO_US + LINK)
    summary = await talk.summary()
    await talk.write(f"/forget {LECTURE}")
    refused = await talk.said("may not")
    await talk.write(f"/forget {LECTURE}", author=people.olga)
    await talk.said("Videos forgotten: 1.", refused.id)
    told = await people.answered(await people.press(summary, 0))
    assert "no longer know" in told["text"]
    asked = await hive.write("/videos")
    await hive.said("A short lecture", asked)


async def test_a_korean_sees_korean_in_private(platform, program):
    people = platform.people
    minho = await people.open_private(await people.meet("Minho", "ko"))
    talk = Talk(platform, minho)
    assert HANGUL.search((await talk.first(lambda one: True)).text)
    offered = await people.commands(minho, author=minho)
    assert all(HANGUL.search(description) for description in offered.values())
    assert {"watch", "ask"} <= offered.keys()
