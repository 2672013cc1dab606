"""The whole program on Discord: links, questions, buttons, commands, kills.

Everything is real except Discord, YouTube and Ollama, which are counterparts on loopback.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import pytest
import pytest_asyncio

from tests.counterparts.discord.cards import description, shown
from tests.counterparts.discord.people import Seen
from tests.counterparts.discord.server import serving
from tests.counterparts.ollama.lecture_model import lecture
from tests.counterparts.ollama.server import OllamaServer, running
from tests.counterparts.youtube.recorded_videos import ANSWER, LECTURE, QUESTION, WHALES
from tests.harness.eventually import eventually
from tests.harness.program import Program
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

HANGUL = re.compile("[가-힣]")
BAR = re.compile("^[▰▱]+")


@pytest.fixture(scope="module")
def ollama():
    with running(OllamaServer(lecture)) as ollama:
        yield ollama
    assert ollama.breaches == []


@pytest.fixture(scope="module")
def platform():
    with serving(window_s=1.0) as platform:
        yield platform
        assert platform.front.refused == []
        assert platform.front.unguarded == []
        assert platform.world.pings == []
        assert platform.gateway.closes == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(platform, ollama, tmp_path_factory):
    terminal = Terminal(tmp_path_factory.mktemp("discord"))
    program = Program(terminal, discord=platform, llm={"engine": "ollama", "url": ollama.url})
    await program.start()
    yield program
    assert "Traceback" not in program.stop()
    assert "Traceback" not in (program.data / "tubethread.log").read_text()


@dataclass
class Talk:
    """What followed a pasted link."""

    link: str
    """The message that contains the link; the thread has its id."""
    names: list[str] = field(default_factory=list)
    """The thread's names, in order."""
    progress: Seen | None = None
    summary: Seen | None = None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def glass(platform, program) -> Talk:
    """The lecture about glass, pasted by mina."""
    text = f"Look at that: https://www.youtube.com/watch?v={LECTURE}&t=5"
    return await follow(platform, await platform.people.write(platform.people.channel, text))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whales(platform, program, glass) -> Talk:
    """The lecture about whales; the program is killed in the middle of it."""
    people = platform.people
    link = await people.write(people.channel, f"https://youtu.be/{WHALES}")

    async def is_at_work() -> bool:
        return any("Waiting" not in text for text in await told_so_far(platform, link))

    await eventually(is_at_work)
    program.kill()
    await program.start()
    return await follow(platform, link)


async def follow(platform, link: str) -> Talk:
    """Wait until the summary is there and nothing changes any more."""
    talk = Talk(link)

    async def is_told() -> bool:
        for thread in await platform.people.threads(platform.people.channel):
            if thread.id == link and thread.name not in talk.names:
                talk.names.append(thread.name)
        if not talk.names:
            return False
        seen = await platform.people.messages(link)
        talk.progress = next((one for one in seen if is_progress(one)), None)
        talk.summary = next((one for one in seen if is_summary(one)), None)
        is_over = talk.progress is not None and not BAR.match(shown(talk.progress)[-1])
        return is_over and talk.summary is not None

    await eventually(is_told)
    return talk


async def summed_up(platform, place: str, link: str) -> Seen:
    """Wait for the summary in the thread of a link in `place`."""

    async def find() -> list[Seen]:
        if not await platform.people.threads(place):
            return []
        return [one for one in await platform.people.messages(link) if one.buttons]

    [summary] = await eventually(find)
    return summary


async def told_so_far(platform, link: str) -> list[str]:
    if not any(one.id == link for one in await platform.people.threads(platform.people.channel)):
        return []
    seen = await platform.people.messages(link)
    return [text for one in seen if is_progress(one) for text in shown(one)]


def is_summary(seen: Seen) -> bool:
    return "Transcript" in seen.buttons.values()


def is_progress(seen: Seen) -> bool:
    return any(BAR.match(text) for text in shown(seen))


async def answered(platform, place: str, ask: Callable[[], Awaitable[object]]) -> list[Seen]:
    """Return what everybody sees after `ask`, up to the answer with its buttons."""
    return await new_in(platform, place, ask, lambda one: bool(one.buttons))


async def told(platform, place: str, ask: Callable[[], Awaitable[object]]) -> Seen:
    """Return what only one person sees after `ask`."""
    return (await new_in(platform, place, ask, is_private))[-1]


async def new_in(
    platform,
    place: str,
    cause: Callable[[], Awaitable[object]],
    is_last: Callable[[Seen], bool],
) -> list[Seen]:
    before = {one.id for one in await platform.people.messages(place)}
    await cause()

    async def find() -> list[Seen]:
        seen = [one for one in await platform.people.messages(place) if one.id not in before]
        return seen if any(map(is_last, seen)) else []

    return await eventually(find, 30)


def is_private(seen: Seen) -> bool:
    return seen.ephemeral and bool(seen.text or seen.embeds)


async def command(platform, name: str, author: str = "", place: str = "", **options) -> str:
    """Return the reply to a command, which only its author sees."""
    place = place or platform.people.channel
    give = partial(platform.people.slash, place, name, author=author, **options)
    return (await told(platform, place, give)).text


def button(seen: Seen, label: str) -> str:
    return next(id for id, shown in seen.buttons.items() if shown == label)


# A link


async def test_a_link_becomes_a_thread_named_after_its_video(glass):
    assert glass.names[-1] == "A short lecture"
    assert set(glass.names) <= {"Video", "A short lecture"}


async def test_one_message_shows_how_far_it_is(platform, glass):
    seen = await platform.people.messages(glass.link)
    assert [one.id for one in seen if is_progress(one)] == [glass.progress.id]
    stages = [text for text in shown(glass.progress) if BAR.match(text)]
    assert len(stages) >= 4
    assert all(one != other for one, other in pairwise(stages)), "each edit shows something new"
    assert shown(glass.progress)[-1] == "Done. The summary is below."
    assert glass.progress.embeds[0]["title"] == "A short lecture"
    assert glass.progress.embeds[0]["thumbnail"]["url"].startswith("https://i.ytimg.com/")


async def test_the_summary_tells_all_and_links_it_to_its_second(glass):
    [embed], text = glass.summary.embeds, description(glass.summary)
    assert (embed["title"], embed["url"]) == ("A short lecture", f"https://youtu.be/{LECTURE}")
    seconds = [int(s) for s in re.findall(rf"\(<https://youtu\.be/{LECTURE}\?t=(\d+)>\)", text)]
    assert len(seconds) >= 5
    assert max(seconds) < 120
    for part in ("Topic", "**Points**", "**Chapters**", r"\#bees", "Whisper", "qwen3:8b"):
        assert part in text
    assert re.search(r"Covers \d:\d\d of 2:0\d", text)
    assert "Spoken language" in text
    labels = list(glass.summary.buttons.values())
    assert labels[3:] == ["Transcript", "Chapters", "More questions"]
    assert all(label.endswith("?") for label in labels[:3])


async def test_a_known_video_is_summed_up_at_once(platform, program, glass):
    place = await platform.people.make_channel("elsewhere")
    link = await platform.people.write(place, f"https://youtu.be/{LECTURE}")
    summary = await summed_up(platform, place, link)
    assert description(summary) == description(glass.summary)
    assert set(summary.buttons).isdisjoint(glass.summary.buttons), "a channel's own"
    assert not any(is_progress(one) for one in await platform.people.messages(link))


# Questions


async def test_a_typed_question_is_answered_as_it_is_written(platform, program, ollama, glass):
    write = partial(platform.people.write, glass.link, QUESTION)
    ollama.pause_s = 0.15
    _, answer = await answered(platform, glass.link, write)
    ollama.pause_s = 0.0
    grown = [version.content for version in answer.versions]
    assert len(grown) >= 2, "the sentence is shown before the answer is complete"
    shown_first = grown[0].partition(" \\[")[0]  # a marker becomes a link at the end
    assert grown[1].startswith(shown_first)
    assert ANSWER in shown_first
    assert ANSWER in answer.text
    assert f"(<https://youtu.be/{LECTURE}?t=11>)" in answer.text
    assert len(answer.buttons) == 4
    assert glass.link in {channel for channel, _ in platform.world.typing}


async def test_a_button_is_a_question_of_whoever_presses_it_also_after_a_kill(
    platform, program, glass
):
    id, label = next(iter(glass.summary.buttons.items()))
    olaf = await platform.people.join("olaf")
    press = partial(platform.people.press, glass.summary.id, id, author=olaf)
    for kills in range(2):
        if kills:
            program.kill()
            await program.start()
        asked, answer = await answered(platform, glass.link, press)
        assert asked.text == f"Olaf asked: {label}"
        assert f"https://youtu.be/{LECTURE}?t=" in answer.text
        assert len(answer.buttons) == 4


async def test_a_transcript_is_a_file_for_whoever_wants_it(platform, program, glass):
    press = partial(platform.people.press, glass.summary.id, button(glass.summary, "Transcript"))
    [(name, content)] = (await told(platform, glass.link, press)).files.items()
    assert name.endswith(".txt")
    assert ANSWER in content.decode()


async def test_more_questions_are_for_everybody(platform, program, glass):
    more = button(glass.summary, "More questions")
    press = partial(platform.people.press, glass.summary.id, more)
    [questions] = await answered(platform, glass.link, press)
    assert not questions.ephemeral
    assert set(questions.buttons.values()).isdisjoint(glass.summary.buttons.values())


# Kills


async def test_a_killed_job_goes_on_in_its_message(platform, whales):
    assert whales.names[-1] == "A lecture about whales"
    seen = await platform.people.messages(whales.link)
    assert [one.id for one in seen if is_progress(one)] == [whales.progress.id]
    assert [one.id for one in seen if is_summary(one)] == [whales.summary.id]
    assert shown(whales.progress)[-1] == "Done. The summary is below."


# Commands


async def test_ask_answers_from_all_videos_of_the_channel_and_names_them(platform, whales):
    place, question = platform.people.channel, "Which brown thing is of Fenwick?"
    ask = partial(platform.people.slash, place, "ask", question=question)
    asked, answer = [one for one in await answered(platform, place, ask) if not one.ephemeral]
    assert asked.text == f"Mina asked: {question}"
    for name, video in (("A short lecture", LECTURE), ("A lecture about whales", WHALES)):
        assert name in answer.text
        assert f"https://youtu.be/{video}?t=" in answer.text


async def test_while_one_types_only_the_channels_own_videos_are_offered(platform, program, whales):
    people = platform.people
    place = await people.make_channel("whales-only")
    await people.write(place, f"https://youtu.be/{WHALES}")

    async def offered(channel: str = place) -> set[str]:
        choices = await people.autocomplete(channel, "summary", "video", "lecture")
        return {choice["value"] for choice in choices}

    assert await eventually(offered) == {WHALES}
    assert await offered(people.channel) == {LECTURE, WHALES}


async def test_a_forgotten_video_is_gone_from_its_channel_and_no_other(platform, program, glass):
    people = platform.people
    place = await people.make_channel("forgetful")
    link = await people.write(place, f"https://youtu.be/{LECTURE}")
    summary = await summed_up(platform, place, link)
    assert "permission" in await command(platform, "forget", place=place, video=LECTURE)
    told_to_olga = await command(platform, "forget", people.olga, place, video=LECTURE)
    assert told_to_olga == "Deleted 1 video."
    assert LECTURE not in await command(platform, "videos", place=place)
    refused = await command(platform, "ask", place=place, question=QUESTION)
    assert refused.startswith("This channel has no videos yet.")
    press = partial(people.press, summary.id, next(iter(summary.buttons)))
    assert "no longer works" in (await told(platform, link, press)).text
    assert LECTURE in await command(platform, "videos")


async def test_what_a_korean_alone_sees_is_korean(platform, program, glass):
    minho = await platform.people.join("minho", locale="ko")
    assert HANGUL.search(await command(platform, "help", minho))
    assert not HANGUL.search(await command(platform, "help"))


async def test_commands_have_korean_names(platform, program):
    watch = next(one for one in platform.world.commands[None] if one["name"] == "watch")
    for one in (watch, *watch["options"]):
        assert HANGUL.search(one["name_localizations"]["ko"])
        assert HANGUL.search(one["description_localizations"]["ko"])


async def test_a_video_can_be_wanted_by_a_command_or_from_a_messages_menu(platform, program, glass):
    people = platform.people
    place = await people.make_channel("menus")
    text = f"https://youtu.be/{LECTURE}"
    assert ": no" in await command(platform, "settings", people.olga, place, links=False)
    message = await people.write(place, text)
    await told(platform, place, partial(people.context_menu, message, "Summarise this video"))
    await summed_up(platform, place, message)
    await command(platform, "watch", place=place, link=text)

    async def opened() -> bool:
        return len(await people.threads(place)) == 2

    await eventually(opened)
