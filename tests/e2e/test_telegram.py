"""The whole program on Telegram: links, questions, buttons, commands, kills.

Everything is real except Telegram, YouTube and Ollama, which are counterparts on loopback;
Telegram's rate limits are the real ones. Every test has a chat of its own, since a group is limited
to twenty messages a minute.
"""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise

import pytest
import pytest_asyncio

from bot.words import Words
from core.model import ELSEWHERE
from tests.counterparts.ollama.lecture_model import lecture
from tests.counterparts.ollama.server import OllamaServer, running
from tests.counterparts.telegram.people import Seen
from tests.counterparts.telegram.server import BOT_NAME, TOKEN, TelegramServer
from tests.counterparts.youtube.recorded_videos import ANSWER, LECTURE, QUESTION, WHALES
from tests.harness.eventually import eventually
from tests.harness.program import Program
from tests.harness.telegram_conversation import DONE, Conversation, is_summary, questions
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

HANGUL = re.compile("[가-힣]")
GLASS_TITLE, WHALES_TITLE = "A short lecture", "A lecture about whales"
LINK, WHALES_LINK = f"https://youtu.be/{LECTURE}", f"https://youtu.be/{WHALES}"
WORDS = Words("en")
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
async def hive(platform, program, ollama) -> Conversation:
    """The group in which mina pasted the lecture about glass, once it is summarised."""
    talk = Conversation(platform, platform.people.group)
    ollama.pause_s = 0.01
    await talk.write(f"{TO_US}look: https://www.youtube.com/watch?v={LECTURE}&t=5")
    await talk.said(DONE)
    ollama.pause_s = 0.0
    return talk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(platform, hive) -> Conversation:
    """Another group that has the same video, for questions about it."""
    talk = Conversation(platform, await platform.people.make_supergroup("Questions"))
    await talk.write(TO_US + LINK)
    await talk.summary()
    return talk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whales(platform, program, hive, asked) -> Conversation:
    """A group with the lecture about whales; the program was killed in the middle of it."""
    talk = Conversation(platform, await platform.people.make_group("Whales"))
    await talk.write(TO_US + WHALES_LINK)

    async def is_at_work() -> bool:
        bars = await talk.bars()
        return bool(bars) and "Waiting" not in bars[0][-1]

    await eventually(is_at_work)
    program.kill()
    await program.start()
    await talk.said(DONE)
    return talk


async def summary_of(talk: Conversation, title: str) -> Seen:
    return await talk.first(lambda one: is_summary(one) and one.text.startswith(title))


async def pressed_by(person: int, name: str, talk: Conversation) -> None:
    """Press the first question below the summary and check that it is answered."""
    people, summary = talk.platform.people, await talk.summary()
    before = (await talk.ours())[-1].id
    pressed = await people.press(summary, 0, author=person)
    question = await talk.said(f"{name} asked: {questions(summary)[0]}", before)
    assert question.reply_to == summary.id
    assert LINK in (await talk.answer(question.id)).links["[1]"]
    assert await people.answered(pressed)


# A link


async def test_one_message_shows_how_far_it_is(hive):
    [bars] = await hive.bars()
    assert len(bars) >= 3
    assert all(one != other for one, other in pairwise(bars)), "each edit shows something new"
    assert bars[-1].endswith(DONE)
    progress = (await hive.ours())[0]
    assert progress.links[GLASS_TITLE] == LINK


async def test_the_summary_tells_all_and_links_it_to_its_second(hive):
    summary = await hive.summary()
    assert summary.preview["url"].startswith("https://i.ytimg.com/")
    assert summary.text.startswith(f"{GLASS_TITLE}\n")
    assert summary.links[GLASS_TITLE] == LINK
    urls = " ".join(summary.links.values())
    seconds = [int(s) for s in re.findall(rf"https://youtu\.be/{LECTURE}\?t=(\d+)", urls)]
    assert len(seconds) >= 5
    assert max(seconds) < 120
    for part in ("Topic", "Points", "Chapters", "#bees", "Transcribed by Whisper", "qwen3:8b"):
        assert part in summary.text
    assert re.search(r"Covers \d:\d\d of 2:0\d", summary.text)
    assert "Spoken language: English" in summary.text
    assert [len(row) for row in summary.buttons] == [1, 1, 1, 3]
    assert summary.buttons[3] == ["Transcript", "Chapters", "More questions"]
    assert all(question.endswith("?") for question in questions(summary))


async def test_a_known_video_is_summed_up_at_once(platform, hive):
    talk = Conversation(platform, await platform.people.make_group("Elsewhere"))
    link = await talk.write(f"Unheard by a bot: {LINK}")
    await talk.write("/watch", author=platform.people.olga, reply_to=link)
    summary = await talk.summary()
    assert summary.reply_to == link
    assert summary.text == (await hive.summary()).text
    assert await talk.bars() == []


# Questions


async def test_a_reply_is_answered_as_it_is_written(ollama, asked):
    ollama.pause_s = 0.3
    question = await asked.write(QUESTION, reply_to=(await asked.summary()).id)
    await asked.said(ANSWER, question)
    ollama.pause_s = 0.0
    answer = await asked.answer(question)
    grown = [version.text for version in answer.versions]
    assert len(grown) >= 2, "the sentence is shown before the answer is complete"
    assert ANSWER in grown[0]
    assert grown[1].startswith(ANSWER)
    assert ANSWER in answer.text
    assert answer.links["[1]"] == f"{LINK}?t=11"
    assert answer.reply_to == question


async def test_a_button_is_a_question_of_whoever_presses_it(platform, asked):
    await pressed_by(await platform.people.join("Olaf", asked.chat), "Olaf", asked)


async def test_in_private_an_answer_is_drafted_and_more_is_to_be_had(platform, ollama, hive):
    people = platform.people
    ada = await people.open_private(await people.meet("Ada"))
    talk = Conversation(platform, ada)
    await talk.write(LINK, author=ada)
    summary = await talk.summary()
    ollama.pause_s = 0.15
    asked = await talk.write(QUESTION, author=ada)

    async def drafted() -> list[str]:
        return [draft.text for draft in await people.drafts(ada) if draft.text]

    drafts = await eventually(drafted)
    ollama.pause_s = 0.0
    answer = await talk.answer(asked)
    assert ANSWER in drafts[0]
    assert all(other.startswith(one.rstrip("…. ")) for one, other in pairwise(drafts))
    assert ANSWER in answer.text
    assert len(answer.versions) == 1
    await people.press(summary, "Transcript", author=ada)
    file = await talk.first(lambda one: bool(one.files), answer.id)
    [(name, content)] = file.files.items()
    assert name == f"{LECTURE}.txt"
    assert ANSWER in content.decode()
    await people.press(summary, "More", author=ada)
    more = await talk.answer(file.id)
    assert set(questions(more)).isdisjoint(questions(summary))


def is_from_elsewhere(answer: Seen) -> bool:
    """Whether the answer says that other videos of the channel give it."""
    assert ANSWER in answer.text
    return answer.text.startswith(WORDS(f"notes.{ELSEWHERE}"))


async def test_a_forum_has_a_topic_for_each_video(platform, hive, whales):
    people = platform.people
    forum = await people.make_supergroup("Lectures", forum=True)
    await people.promote(forum, people.bot, can_manage_topics=True)
    for link in (LINK, WHALES_LINK):
        await Conversation(platform, forum).write(link)

    async def named() -> dict[str, int]:
        topics = {name: id for id, name in (await people.topics(forum)).items()}
        return topics if topics.keys() == {GLASS_TITLE, WHALES_TITLE} else {}

    topics = await eventually(named)
    for title in (GLASS_TITLE, WHALES_TITLE):
        talk = Conversation(platform, forum, topics[title])
        assert (await talk.summary()).text.startswith(title)
        answer = await talk.answer(await talk.write(QUESTION))
        assert is_from_elsewhere(answer) == (title != GLASS_TITLE)


async def test_where_no_topic_may_be_opened_what_replies_is_about_that_video(
    platform, hive, whales
):
    people = platform.people
    talk = Conversation(platform, await people.make_supergroup("No rights", forum=True), topic=0)
    link = await talk.write(f"{TO_US}{LINK} {WHALES_LINK}")
    assert (await summary_of(talk, GLASS_TITLE)).reply_to == link, "the first one's"
    for title in (GLASS_TITLE, WHALES_TITLE):
        summary = await summary_of(talk, title)
        await asyncio.sleep(1)  # nobody replies sooner than what it is about is stored
        asked = await talk.write(QUESTION, reply_to=summary.id)
        answer = await talk.answer(asked)
        assert answer.reply_to == asked
        assert is_from_elsewhere(answer) == (title != GLASS_TITLE)
    assert await people.topics(talk.chat) == {}


# Commands


async def test_ask_answers_from_all_videos_of_the_group_and_names_them(platform, hive, whales):
    talk = Conversation(platform, await platform.people.make_group("Both"))
    await talk.write(f"{TO_US}{LINK} {WHALES_LINK}")
    for title in (GLASS_TITLE, WHALES_TITLE):
        await summary_of(talk, title)
    question = "Which brown thing is of Fenwick?"
    asked = await talk.write(f"/ask {question}")
    answer = await talk.answer(asked)
    await talk.said(f"Mina asked: {question}")
    sources = re.findall(r"(?m)^\[(\d)\] \d+:\d\d “.+” — “(.+)”$", answer.text)
    titles = {GLASS_TITLE: LINK, WHALES_TITLE: WHALES_LINK}
    assert {title for _, title in sources} == set(titles)
    for number, title in sources:
        assert answer.links[f"[{number}]"].startswith(f"{titles[title]}?t=")


async def test_a_forgotten_video_is_gone_from_its_group_and_no_other(platform, hive):
    people = platform.people
    talk = Conversation(platform, await people.make_group("Forgetful"))
    await talk.write(TO_US + LINK)
    summary = await talk.summary()
    await talk.write(f"/forget {LECTURE}")
    refused = await talk.said("permission")
    await talk.write(f"/forget {LECTURE}", author=people.olga)
    await talk.said("Deleted 1 video.", refused.id)
    told = await people.answered(await people.press(summary, 0))
    assert "no longer works" in told["text"]
    asked = await hive.write("/videos")
    await hive.said(GLASS_TITLE, asked)


async def test_a_korean_sees_korean_in_private(platform, program):
    people = platform.people
    minho = await people.open_private(await people.meet("Minho", "ko"))
    talk = Conversation(platform, minho)
    assert HANGUL.search((await talk.first(lambda one: True)).text)
    offered = await people.commands(minho, author=minho)
    assert all(HANGUL.search(description) for description in offered.values())
    assert {"watch", "ask"} <= offered.keys()


# Kills


async def test_a_killed_job_goes_on_in_its_message(whales):
    [bars] = await whales.bars()
    assert bars[-1].endswith(DONE)
    assert [is_summary(one) for one in await whales.ours()] == [False, True]


async def test_a_button_outlives_a_kill(platform, asked, whales):
    await pressed_by(await platform.people.join("Otto", asked.chat), "Otto", asked)


async def test_of_what_is_on_its_way_at_a_kill_one_message_comes_twice_at_most(
    platform, program, hive
):
    people = platform.people
    talks = [Conversation(platform, await people.make_group(name)) for name in ("Twice", "Once")]
    fault = platform.fault("sendMessage", "hang after")
    for talk in talks:
        await talk.write(TO_US + LINK)
    await eventually(lambda: fault.met)
    program.kill()
    platform.release()
    await program.start()
    asked = [await talk.write(TO_US + QUESTION) for talk in talks]
    for talk, question in zip(talks, asked, strict=True):  # earlier messages arrive first
        assert ANSWER in (await talk.answer(question)).text
    summaries = [sum(map(is_summary, await talk.ours())) for talk in talks]
    assert sorted(summaries) in ([1, 1], [1, 2])
